"""Prompts: text files with named slots, one a task and level; those of `--prompts DIR` go before the bundled ones.

A file begins with a header between two lines of three dashes, which says what it is for, followed by the sections
`== system ==` and `== user ==`. Slots are Jinja's, in its sandbox. A prompt's digest is part of the version of whatever
asks with it, so that a changed prompt makes its rows anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.errors import UsageError
from pipeline.levels import GUESS, TRUTH
from pipeline.llm.request import Message, PicturePart
from pipeline.resources import bundled
from pipeline.seeds import digest

WRITER = "writer"
SYSTEM, USER = "== system ==", "== user =="
_HEARD = frozenset({"heard", "context", "language"})


def oracle_task(level: int) -> str:
    """The name of the prompt for oracles of a level, 0 to 4."""
    return f"oracle_level_{level}"


# Slots by task: those that a prompt must use, and those that it may use. Level 0 has none that could show the answer.
SLOTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    WRITER: (
        frozenset({"question", "answer", "manner"}),
        frozenset({"question", "answer", "manner", "choices", "working", "category", "language", "picture"}),
    ),
    oracle_task(GUESS): (frozenset({"heard"}), _HEARD),
    **{oracle_task(level): (frozenset({"heard", "hint"}), _HEARD | {"hint"}) for level in range(GUESS + 1, TRUTH)},
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
        """Of all that can change what is asked; the header is for people and left out."""
        return digest(self.task, self.system, self.user)[:16]

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        # Compiled once: a build fills a prompt a million times.
        return _JINJA.from_string(self.system), _JINJA.from_string(self.user)

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

    def oracle(self, level: int) -> Prompt:
        """The prompt for oracles of a level."""
        return self._prompts[oracle_task(level)]


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
        why = "; level 0 must not see the answer" if prompt.task == oracle_task(GUESS) else ""
        raise UsageError(f"prompt {prompt.path}: unknown slot '{unknown[0]}'{why}; use {', '.join(sorted(may))}")
    if missing := sorted(must - used):
        raise UsageError(f"prompt {prompt.path}: slot '{missing[0]}' is missing; write {{{{ {missing[0]} }}}} into it")
