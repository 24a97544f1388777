"""Markdown around text that nobody vouches for: a template shows whatever it is given as code, save what is ours.

Questions, answers, names of voices and models come from data sets and models. As code they are shown letter by letter:
no link, no HTML, no table ends in them.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kame_data.resources import bundled

LONGEST = 600
"""Letters of a strange text that a card shows; what is longer is cut."""


class Markdown(str):
    """Text of our own, which is Markdown as it stands."""

    __slots__ = ()


def one_line(text: object) -> str:
    """A text on one line, without characters that steer a terminal or turn the direction of writing; cut to LONGEST."""
    line = " ".join(str(text).encode("utf-8", "replace").decode().split())
    kept = "".join(c for c in line if c == " " or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
    return kept if len(kept) <= LONGEST else kept[:LONGEST].rstrip() + "..."


def code(text: object) -> Markdown:
    """A text as a code span; a dash where there is none."""
    line = one_line(text).strip()
    if not line:
        return Markdown("-")
    ticks = _more_than("`", line, 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return Markdown(f"{ticks}{pad}{line}{pad}{ticks}")


def fence(lines: Iterable[object], kind: str = "text") -> Markdown:
    """Lines as a block of code, each on one line, with the spaces that it begins with."""
    quoted = [" " * (len(line) - len(line.lstrip(" "))) + one_line(line) for line in map(str, lines)]
    ticks = _more_than("`", "\n".join(quoted), 3)
    return Markdown("\n".join([f"{ticks}{kind}", *quoted, ticks]))


def _more_than(mark: str, text: str, least: int) -> str:
    runs = [len(run) for run in re.findall(f"{mark}+", text)]
    return mark * max(least, max(runs, default=0) + 1)


def shown(value: Any) -> str:
    """The form in which a template shows a value: numbers and our own text as they are, anything else as code."""
    if isinstance(value, Markdown):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return code(value)


def listed(values: Iterable[object]) -> Markdown:
    """Values with commas between them; a dash where there are none."""
    return Markdown(", ".join(shown(value) for value in values) or "-")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table; `head` is ours."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    # In a table a bar ends a cell, even within code, unless it is escaped.
    lines += ["| " + " | ".join(shown(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return Markdown("\n".join(lines))


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=shown, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )


def render(name: str, **values: Any) -> str:
    """The card of the template `data/cards/NAME.md`, no empty line twice in a row."""
    template = bundled(f"data/cards/{name}.md").read_text("utf-8")
    return re.sub(r"\n{3,}", "\n\n", _environment().from_string(template).render(values)).strip() + "\n"
