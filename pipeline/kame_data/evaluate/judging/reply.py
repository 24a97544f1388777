"""The rating in a judge's reply, read strictly.

A reply holds its rating in one of two forms: the JSON object that was asked for, or, as judges without schemas write
it, a last line of a number in double brackets ("Rating: [[7]]"). It ends the reply, and the reply holds no other. A
judge may quote the answer, and an answer may try to look like a rating; so a number within a sentence is none, and
neither is one that stands in the answer just so.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kame_data.errors import Refusal
from kame_data.evaluate.judging.judge import HIGHEST, LOWEST
from kame_data.llm.reply_text import without_thoughts
from kame_data.llm.request import Answer

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        # No provider takes less than this of JSON schemas, and llama.cpp makes a grammar of it.
        "rating": {"type": "integer", "enum": list(range(LOWEST, HIGHEST + 1))},
    },
    "required": ["reason", "rating"],
    "additionalProperties": False,
}
"""The reason comes first, so that a model has thought before it writes the number."""
MOST_REPLY = 40_000
"""Characters of a reply that are read, at the most."""
MOST_REASON = 2_000
WHY: Mapping[str, str] = {
    "no_rating": "the reply did not end with the JSON object that is wanted",
    "two_ratings": "the reply held more than one rating",
    "out_of_scale": f"the rating was no number from {LOWEST} to {HIGHEST}",
    "quoted_rating": "the rating stood in the answer, word for word",
    "llm_refusal": "nothing was rated",
}
"""What a judge is told of the reply before; nothing of that reply, or of the answer, is in it."""
_MOST_OBJECTS = 64
_OBJECT_RE = re.compile(r"^[ \t`]*\{", re.MULTILINE)
_NUMBER = r"[-+]?\d{1,9}(?:\.\d{1,9})?"
_LINE_RE = re.compile(
    rf"^[ \t*_#>]*(?:(?:my|the|final|overall)[ \t]+){{0,2}}(?:(?:rating|score)[ \t*_]*[:=]?)?[ \t*_]*"
    rf"\[\[[ \t]*(?P<rating>{_NUMBER})[ \t]*\]\](?P<more>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETS_RE = re.compile(rf"\[\[[ \t]*({_NUMBER})[ \t]*\]\]")
_END_RE = re.compile(r"[\s`*_.]*\Z")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A place of a reply that gives a rating: text[start:end]."""

    start: int
    end: int
    rating: Any
    reason: str


def rating_of(reply: Answer, judged: str = "") -> tuple[float, str]:
    """The rating of a judge's reply, and its reason ("" without one). `judged` is the answer that is rated.

    Raises Refusal: `no_rating`, `two_ratings`, `out_of_scale`, `quoted_rating`.
    """
    text = without_thoughts(reply.text)
    if len(text) > MOST_REPLY:
        raise Refusal("no_rating", f"a reply of {len(text)} characters; at most {MOST_REPLY} are read")
    claims = _claims(text)
    if len({repr(_number(claim.rating)) for claim in claims}) > 1:
        raise Refusal("two_ratings", ", ".join(str(claim.rating)[:20] for claim in claims[:5]))
    if not claims or not _END_RE.match(text, claims[-1].end):
        why = "cut off at max_tokens" if reply.finish == "length" else "the reply ends without a rating"
        raise Refusal("no_rating", f"{why}: {text[-80:]!r}")
    last = claims[-1]
    rating = _number(last.rating)
    if rating is None or not LOWEST <= rating <= HIGHEST:
        raise Refusal("out_of_scale", str(last.rating)[:40])
    if text[last.start : last.end].strip() in judged:
        raise Refusal("quoted_rating", text[last.start : last.end][:80])
    return rating, last.reason[:MOST_REASON]


def _claims(text: str) -> list[_Claim]:
    """All that gives a rating, in the reply's order."""
    found = _objects(text)
    for line in _LINE_RE.finditer(text):
        if any(one.start <= line.start() < one.end for one in found):
            continue  # within the words of an object
        others = _BRACKETS_RE.findall(line["more"])
        end = line.end() if others else line.start("more")
        reason = " ".join(text[: line.start()].split())
        found += [_Claim(line.start(), end, rating, reason) for rating in (line["rating"], *others)]
    return sorted(found, key=lambda claim: (claim.start, claim.end))


def _objects(text: str) -> list[_Claim]:
    """The JSON objects with a rating that begin a line and stand in no other one."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=_object)
    found: list[_Claim] = []
    at = 0
    for _ in range(_MOST_OBJECTS):
        start = _OBJECT_RE.search(text, at)
        if start is None:
            break
        try:
            value, at = decoder.raw_decode(text, start.end() - 1)
        except (ValueError, RecursionError):
            at = start.end()
            continue
        for rating in value.get("rating", ()):
            reason = next(iter(value.get("reason", ())), "")
            said = " ".join(reason.split()) if isinstance(reason, str) else ""
            found.append(_Claim(start.end() - 1, at, rating, said))
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    """All values of each name: a name that is there twice may hold two ratings."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _number(value: Any) -> float | None:
    """The number that a value is or writes; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return float(value) if abs(value) < 10**9 else None
    if isinstance(value, float):
        return value if abs(value) < 10**9 else None
    return float(value) if isinstance(value, str) and re.fullmatch(_NUMBER, value.strip()) else None
