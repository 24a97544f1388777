"""The text of a model's reply without what models put around it: thoughts, prose, code fences."""

import json
import re
from typing import Any

MOST_CHARACTERS = 200_000
"""The longest reply in which a JSON value is looked for."""
MOST_STARTS = 64
"""Places at which such a value is looked for, so that a reply of brackets takes no time."""
_NAMES = "(?:think|thinking|thought|reasoning)"
_TAG_RE = re.compile(f"<(/?){_NAMES}>", re.IGNORECASE)
_BEGUN_TAG_RE = re.compile(r"<[/a-z]{0,10}$", re.IGNORECASE)
_THOUGHT_RE = re.compile(f"</{_NAMES}>", re.IGNORECASE)
_BRACKET_RE = re.compile(r"[{\[]")
_THINKS_RE = re.compile(rf"\s*<{_NAMES}>", re.IGNORECASE)


def without_thoughts(text: str) -> str:
    """The text behind a model's thoughts; "" where it has not come to the end of them."""
    *_, said = _THOUGHT_RE.split(text)
    return "" if _THINKS_RE.match(said) else said.strip()


def json_in(text: str) -> Any:
    """The JSON value that a reply is, else the longest object or list in it. Raises ValueError where there is none."""
    said = without_thoughts(text)
    if len(said) > MOST_CHARACTERS:
        raise ValueError(f"{len(said)} characters; at most {MOST_CHARACTERS} are read")
    try:
        return _decoded(said)
    except ValueError as error:
        found = _values(said)
        if not found:
            raise error from None
        return max(found, key=lambda one: one[0])[1]


def _values(text: str) -> list[tuple[int, Any]]:
    """The objects and lists in a text that stand in no other one, each with its length."""
    found: list[tuple[int, Any]] = []
    decoder = json.JSONDecoder()
    start = _BRACKET_RE.search(text)
    for _ in range(MOST_STARTS):
        if start is None:
            break
        try:
            value, end = decoder.raw_decode(text, start.start())
            found.append((end - start.start(), value))
        except (ValueError, RecursionError):
            end = start.end()
        start = _BRACKET_RE.search(text, end)
    return found


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


class StreamedReply:
    """The text of a reply that comes in pieces, without the thoughts in it; `without_thoughts` for a stream.

    What may be the beginning of a tag is held back until it is none. Thoughts that begin without a tag, as some
    templates of prompts have it, are told from text too late: what came of them was text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinks = False

    def add(self, piece: str) -> str:
        """The text that is certain now."""
        self._held += piece
        said = ""
        while True:
            tag = _TAG_RE.search(self._held)
            before = self._held[: tag.start()] if tag else self._held
            if tag is None and (begun := _BEGUN_TAG_RE.search(self._held)):
                before = self._held[: begun.start()]
            if not self._thinks:
                said += before
            self._held = self._held[len(before) :]
            if tag is None:
                return said
            self._thinks = not tag[1]
            self._held = self._held[len(tag[0]) :]

    def end(self) -> str:
        """The rest: what looked like the beginning of a tag and was none."""
        held, self._held = self._held, ""
        return "" if self._thinks else held
