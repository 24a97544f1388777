"""The forms that Prefect shows to whoever starts a run by hand, and by which it checks what comes in.

They are made of the settings that have a flag, so there is one list of names, types and explanations.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from kame_data.settings.branch import Branch, Tree
from kame_data.settings.declared import Setting, flagged, plain
from kame_data.settings.nights import NightTokens
from kame_data.settings.publication import PublishSettings
from kame_data.settings.tree import LLM_HELP, Settings


class Form(BaseModel):
    """A part of the parameters of a run; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """The fields that were filled in."""
        return self.model_dump(mode="json", exclude_none=True)


def _form(name: str, doc: str, tree: type[Branch], skip: Collection[str] = (), **more: Any) -> Any:
    """A form of all settings of a tree that have a flag, but those that are skipped; each may be left out."""
    else_ = "what the settings file says, else " if issubclass(tree, Tree) else ""
    fields: dict[str, Any] = {s.name: _field(s, else_) for s in flagged(tree) if s.name not in skip}
    return create_model(name, __base__=Form, __doc__=doc, **(fields | more))


def _field(setting: Setting, else_: str) -> tuple[Any, Any]:
    kind: Any = str | None
    if setting.flag is not None and setting.flag.many:
        kind = list[str] | None
    elif plain(setting.field.annotation):
        kind = setting.field.annotation
        for bound in setting.field.metadata:
            kind = Annotated[kind, bound]
        kind = kind | None
    said, default = setting.help, setting.default
    if isinstance(default, str | int | float):
        said += f" Unless given, {else_}{default}."
    return kind, _asked(setting.name, said)


def _asked(name: str, said: str) -> Any:
    return Field(default=None, title=name.replace("_", " ").capitalize(), description=said)


if TYPE_CHECKING:

    class BuildForm(Form):  # noqa: D101
        ...

    class PublishForm(Form):  # noqa: D101
        ...

    class TokensForm(Form):  # noqa: D101
        ...

else:
    BuildForm = _form(
        "BuildForm",
        "The settings of the build, as flags of `kame-data build`.",
        Settings,
        skip=("out",),
        config=(str | None, _asked("config", "YAML file of settings, or the name of a shipped recipe.")),
        llm=(str | None, _asked("llm", LLM_HELP)),
        set=(list[str] | None, _asked("set", "Any other setting, as in speech.tts=espeak.")),
    )
    PublishForm = _form("PublishForm", "How the build is published.", PublishSettings)
    TokensForm = _form(
        "TokensForm", "The token shards that are made of each night's build; none without a codec.", NightTokens
    )
