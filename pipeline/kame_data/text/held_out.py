"""Questions that are kept for an evaluation: what repeats them must not be trained on.

`data/held_out/` has a file for each evaluation: hashes of the runs of words of its turns. By them a turn is known
again, and none can be read. A turn is known again where its words are met in their order, and, in English, where only
its small words, endings and spelling are others ("near"). A short turn is known again where it is all that is said. A
turn in other words is not known again.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import ceil
from typing import Self

from kame_data.errors import Refusal
from kame_data.resources import bundled
from kame_data.seeds import digest
from kame_data.text.answers import said_or_raw
from kame_data.text.function_words import function_words
from kame_data.text.words import bare_words

RUN = 8
"""Words of a run; a shorter turn is one run."""
LEAST = 5
"""Words of a turn that is known again within a longer one, at the least."""
SHORTEST = 3
"""Words of a turn that is known again at all: 'And why?' is everybody's."""
SHARE, MOST = 0.25, 5
"""The share of a turn's runs that must be met again, and so many runs at the most."""
NEAR_RUN, NEAR_LEAST, NEAR_SHARE, NEAR_MOST = 4, 6, 0.4, 8
"""The same for runs of content words, of a turn that has NEAR_LEAST of them."""
WHOLE, NEAR = "=", "~"
"""What stands in a line for the length of its runs: the turn as a whole, or runs of content words."""
# Endings that come and go while the question stays the same, and American for British spelling.
_ENDINGS = re.compile(r"(?<=\w{3})(?:ings?|ed|es|s|e)$")
_SPELLINGS = ((re.compile(r"(?<=\w{2})our(?=s?$|ed$|ing$|ful$|ite)"), "or"), (re.compile(r"is(?=e|ing|ation)"), "iz"))
_APOSTROPHE = re.compile(r"['’]s$|['’]")


def runs(words: list[str], length: int) -> list[str]:
    """Hashes of all runs of `length` words."""
    return [digest(*words[n : n + length])[:12] for n in range(len(words) - length + 1)]


def _near_words(words: list[str], language: str) -> list[str]:
    """The words that carry content, without endings, in one spelling; none outside English."""
    if language.split("-")[0] != "en":
        return []
    small = function_words(language)
    return [_stem(word) for word in words if word not in small]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    bare = _APOSTROPHE.sub("", word)
    for british, american in _SPELLINGS:
        bare = british.sub(american, bare)
    return _ENDINGS.sub("", bare)


def _kinds(words: list[str], language: str) -> Iterator[tuple[str, list[str]]]:
    """The kinds of runs by which a turn of these words is known again, each with its hashes."""
    if len(words) >= LEAST:
        length = min(RUN, len(words))
        yield str(length), runs(words, length)
    elif len(words) >= SHORTEST:
        yield WHOLE, [digest(*words)[:12]]
    content = _near_words(words, language)
    if len(content) >= NEAR_LEAST:
        yield NEAR, runs(content, NEAR_RUN)


def lines_of(name: str, turns: Iterable[str], language: str = "en") -> Iterator[str]:
    """The lines of a file for a question's turns: name, kind of its runs, their hashes. The shortest have none."""
    for number, text in enumerate(turns, 1):
        words = bare_words(said_or_raw(text, language), language)
        for kind, hashes in _kinds(words, language):
            yield f"{name}.{number} {kind} {' '.join(dict.fromkeys(hashes))}"


@dataclass(slots=True)
class Known:
    """Turns that are known again. `wanted`: by (kind, turn) the runs that must be met; `having`: by kind and run the
    turns that have it. The work for a text is linear in its words."""

    wanted: dict[tuple[str, str], int] = field(default_factory=dict)
    having: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str], before: str = "") -> Self:
        """The turns of the lines that `lines_of` makes, each named `before` its name."""
        known = cls()
        for line in lines:
            name, kind, *hashes = line.split()
            share, most = (NEAR_SHARE, NEAR_MOST) if kind == NEAR else (SHARE, MOST)
            known.wanted[kind, before + name] = min(most, ceil(len(hashes) * share))
            for run in hashes:
                known.having.setdefault(kind, {}).setdefault(run, []).append(before + name)
        return known

    def add(self, other: "Known") -> None:
        """Take in the turns of another one."""
        self.wanted |= other.wanted
        for kind, turns in other.having.items():
            own = self.having.setdefault(kind, {})
            for run, names in turns.items():
                own.setdefault(run, []).extend(names)

    def all_in(self, text: str, language: str = "en") -> dict[str, None]:
        """The turns that a text in spoken words repeats, in the order in which they are found."""
        words = bare_words(text, language)
        content = _near_words(words, language)
        found: dict[str, None] = {}
        for kind, turns in self.having.items():
            met: dict[str, int] = defaultdict(int)
            for run in set(_met(kind, words, content)):
                for turn in turns.get(run, ()):
                    met[turn] += 1
                    if met[turn] >= self.wanted[kind, turn]:
                        found[turn] = None
        return found


def _met(kind: str, words: list[str], content: list[str]) -> list[str]:
    """The hashes of a text's runs of a kind."""
    if kind == WHOLE:
        return [digest(*words)[:12]]
    return runs(content, NEAR_RUN) if kind == NEAR else runs(words, int(kind))


@cache
def _known() -> Known:
    """All turns that are kept."""
    known = Known()
    for path in sorted(bundled("data/held_out").glob("*.txt")):
        lines = (line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        known.add(Known.of(lines, f"{path.stem} "))
    return known


@lru_cache(maxsize=4096)
def held_out(text: str, language: str = "en") -> str | None:
    """The turn of an evaluation that a text in spoken words repeats, as in 'mt_bench 111.1'; None for none."""
    return next(iter(_known().all_in(text, language)), None)


def check_held_out(text: str, language: str = "en") -> None:
    """Pass a text in spoken words that repeats no question kept for an evaluation. Raises Refusal `held_out`."""
    if turn := held_out(text, language):
        raise Refusal("held_out", f"'{text[:80]}' repeats {turn}, which is kept for the evaluation")
