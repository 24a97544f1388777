"""Prompts: text files with named slots, one for each task; those of `--prompts DIR` replace the bundled ones.

A file begins with a header between two lines of three dashes, which says what it is for, followed by the sections
`== system ==` and `== user ==`. Slots are Jinja's, in its sandbox. A prompt's digest is part of the version of whatever
asks with it, so that a changed prompt makes its rows again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kame_data.errors import UsageError
from kame_data.llm.request import Message, PicturePart
from kame_data.resources import bundled
from kame_data.seeds import digest

WRITER, BACK_END, ORACLE, JUDGE = "writer", "back_end", "oracle", "judge"
SYSTEM, USER = "== system ==", "== user =="
_ASKED = frozenset({"question", "answer", "manner", "lengths"})
# Slots by task: those that a prompt must use, and those that it may use. The back end has none that could show the
# answer.
SLOTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    WRITER: (
        _ASKED,
        _ASKED
        | {
            "wanted",
            "follow_ups",
            "choices",
            "working",
            "category",
            "language",
            "picture",
            "name_choices",
            "statements",
            "refused",
        },
    ),
    BACK_END: (frozenset({"heard"}), frozenset({"heard", "context", "language", "refused"})),
    ORACLE: (
        frozenset({"level", "pieces", "hint"}),
        frozenset({"level", "pieces", "hint", "result", "context", "language", "count", "least", "most", "refused"}),
    ),
    # The mark keeps apart what a judge is told and what it judges.
    JUDGE: (
        frozenset({"question", "answer", "before", "mark"}),
        frozenset({"question", "answer", "mark", "before", "reference", "heard", "language", "refused"}),
    ),
}
TASKS = tuple(SLOTS)

_JINJA = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Prompt:
    """One prompt: its task, where it was read, and the text of both messages before the slots are filled."""

    task: str
    path: Path
    system: str
    user: str

    @cached_property
    def digest(self) -> str:
        """The digest of all that can change what is asked; the header is for people and left out."""
        return digest(self.task, self.system, self.user)[:16]

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        # Compiled once: a build fills a prompt a million times.
        return _JINJA.from_string(self.system), _JINJA.from_string(self.user)

    @cached_property
    def own_words(self) -> str:
        """The text of both messages without what fills their slots."""
        parsed = _JINJA.parse(f"{self.system}\n{self.user}")
        return " ".join(data.data for data in parsed.find_all(nodes.TemplateData))

    def messages(self, attached: PicturePart | None = None, **slots: Any) -> tuple[Message, ...]:
        """The messages with their slots filled, `attached` behind the user's text. Raises UsageError."""
        allowed = SLOTS[self.task][1]
        if set(slots) - allowed:
            raise ValueError(f"{self.task}: no slots {sorted(set(slots) - allowed)}")
        try:
            system, user = (template.render(slots).strip() for template in self._templates)
        except TemplateError as error:
            raise UsageError(f"prompt {self.path}: {error}; mend it, or take it away for the bundled one") from None
        asked = Message("user", (user, attached) if attached else user)
        return (Message("system", system), asked) if system else (asked,)


class Prompts:
    """All prompts of a build. Raises UsageError for a folder or a file that will not do."""

    def __init__(self, folder: Path | None = None) -> None:
        own = _own(folder) if folder is not None else {}
        self._prompts = {task: _read(task, own.get(task) or bundled("prompts") / f"{task}.txt") for task in TASKS}

    def __getitem__(self, task: str) -> Prompt:
        return self._prompts[task]


def _own(folder: Path) -> dict[str, Path]:
    """The prompts in a user's folder by task."""
    if not folder.is_dir():
        raise UsageError(f"--prompts {folder}: no such folder; copy the bundled prompts there and edit them")
    found = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    if unknown := sorted(set(found) - set(TASKS)):
        raise UsageError(f"--prompts {folder}: {unknown[0]}.txt is no prompt's name; use {', '.join(TASKS)} (.txt)")
    if not found:
        raise UsageError(f"--prompts {folder}: holds no prompt; put {', '.join(TASKS)} (.txt) there, or some of them")
    return found


def _read(task: str, path: Path) -> Prompt:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"prompt {path}: can't be read ({error}); write it as UTF-8 text") from None
    if text.startswith("---\n"):
        text = text.removeprefix("---\n").partition("\n---\n")[2]
    before, has_user, user = text.partition(USER)
    head, has_system, system = before.partition(SYSTEM)
    if not has_user or head.strip() or not user.strip():
        raise UsageError(f"prompt {path}: write '{SYSTEM}' and '{USER}' on lines of their own, each with text below")
    prompt = Prompt(task, path, system.strip() if has_system else "", user.strip())
    _check_slots(prompt)
    return prompt


def _check_slots(prompt: Prompt) -> None:
    must, may = SLOTS[prompt.task]
    try:
        used = meta.find_undeclared_variables(_JINJA.parse(f"{prompt.system}\n{prompt.user}"))
    except TemplateError as error:
        raise UsageError(f"prompt {prompt.path}: {error}; mend it, or take it away for the bundled one") from None
    if unknown := sorted(used - may):
        why = "; a back end must not see the answer" if prompt.task == BACK_END else ""
        raise UsageError(f"prompt {prompt.path}: unknown slot '{unknown[0]}'{why}; use {', '.join(sorted(may))}")
    if missing := sorted(must - used):
        raise UsageError(f"prompt {prompt.path}: slot '{missing[0]}' is missing; write {{{{ {missing[0]} }}}} into it")


@cache
def prompts_of(folder: Path | None) -> Prompts:
    """The prompts of `--prompts FOLDER` before the bundled ones, read once."""
    return Prompts(folder)
