"""What a scheduled run is told, as forms: Prefect shows them to whoever starts one by hand, and checks what comes in.

That of the build is made of the flags of the command line, so there is one list of names, types and explanations.
"""

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel, ConfigDict, Field, create_model

from pipeline.config import Settings
from pipeline.flags import BRANCHES, flag_parameters

NOT_ASKED = {"out", "workers", "debug"}
_KNOWN = {name: f"{branch}.{leaf}" for branch, leaf, name in BRANCHES}


class Form(BaseModel):
    """A part of what a run is told; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """What was filled in."""
        return self.model_dump(mode="json", exclude_none=True)


class PublishForm(Form):
    """How the build is published."""

    private: Annotated[bool, Field(title="Private", description="Create the repository as a private one.")] = False
    audio: Annotated[
        bool, Field(title="Audio", description="With the sound and the tokens made of it, or text alone.")
    ] = True
    allow_stand_ins: Annotated[
        bool, Field(title="Allow stand-ins", description="Publish what stand-ins made, labelled as such.")
    ] = False
    dry_run: Annotated[
        str | None, Field(title="Dry run", description="Write it all to this folder instead of the Hub.")
    ] = None


class TokensForm(Form):
    """The token shards that are made of each night's build; none without a codec."""

    codec: Annotated[
        str | None,
        Field(title="Codec", description="mimi (from the Hub), a file of its weights, or untrained, untrained-small."),
    ] = None
    tokenizer: Annotated[
        str, Field(title="Tokenizer", description="kyutai (from the Hub), sample, or a SentencePiece model file.")
    ] = "kyutai"
    device: Annotated[str, Field(title="Device", description="Where the codec runs: auto, cpu, cuda or cuda:N.")] = (
        "auto"
    )


def _leaf(place: str) -> tuple[Any, Any]:
    """The type of a setting and its default, by its place in the tree."""
    tree: type[BaseModel] = Settings
    *rooms, name = place.split(".")
    for room in rooms:
        tree = tree.model_fields[room].annotation  # type: ignore[assignment]
    field = tree.model_fields[name]
    kind: Any = field.annotation
    for limit in field.metadata:
        kind = Annotated[kind, limit]
    return kind, field.get_default(call_default_factory=True)


def _plain(kind: Any) -> bool:
    """Whether a form can ask for this type of setting as it is: a choice, a number, yes or no."""
    if get_origin(kind) in (Annotated, Union, UnionType):
        return all(_plain(inner) for inner in get_args(kind)[: 1 if get_origin(kind) is Annotated else None])
    return kind in (int, float, bool, type(None)) or get_origin(kind) is Literal


def _build_form() -> type[Form]:
    fields: dict[str, Any] = {}
    for flag in flag_parameters():
        if flag.name in NOT_ASKED:
            continue
        kind, option = get_args(flag.annotation)[:2]
        assert isinstance(option, type(typer.Option()))
        said, place = option.help or "", _KNOWN.get(flag.name, flag.name)
        if flag.name in ("config", "llm"):
            kind = str | None
        else:
            setting, default = _leaf(place)
            kind = setting | None if _plain(setting) else list[str] | None if "list" in str(kind) else str | None
            if isinstance(default, str | int | float):
                said += f" Unless given, what the recipe says, else {default}."
        title = flag.name.replace("_", " ").capitalize()
        fields[flag.name] = (kind, Field(default=None, title=title, description=said))
    return create_model(
        "BuildForm", __base__=Form, __doc__="The settings of the build, as flags of `kame-data build`.", **fields
    )


if TYPE_CHECKING:
    BuildForm = Form
else:
    BuildForm = _build_form()
