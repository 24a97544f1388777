"""Questions that are kept for an evaluation: what repeats them word for word must not be trained on.

`data/held_out/` has a file for each evaluation: hashes of the runs of words of its turns. By them a turn is known
again, and none can be read. A turn in other words is not known again, nor is one of fewer than LEAST words.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from math import ceil

from kame_data.errors import Refusal
from kame_data.resources import bundled
from kame_data.seeds import digest
from kame_data.text.answers import said_or_raw
from kame_data.text.words import bare_words

RUN = 8
"""Words of a run; a shorter turn is one run."""
LEAST = 5
"""Words of a turn that is known again, at the least."""
SHARE, MOST = 0.25, 5
"""The share of a turn's runs that must be met again, and so many runs at the most."""


def runs(words: list[str], length: int) -> list[str]:
    """Hashes of all runs of `length` words."""
    return [digest(*words[n : n + length])[:12] for n in range(len(words) - length + 1)]


def lines_of(name: str, turns: Iterable[str]) -> Iterator[str]:
    """The lines of a file for a question's turns: name, length of its runs, their hashes. Short turns have none."""
    for number, text in enumerate(turns, 1):
        words = bare_words(said_or_raw(text, "en"))
        if len(words) >= LEAST:
            length = min(RUN, len(words))
            yield f"{name}.{number} {length} {' '.join(dict.fromkeys(runs(words, length)))}"


@cache
def _known() -> tuple[dict[str, int], dict[int, dict[str, list[str]]]]:
    """By turn the runs that must be met again, and by length of a run the turns that have it."""
    wanted: dict[str, int] = {}
    having: dict[int, dict[str, list[str]]] = {}
    for path in sorted(bundled("data/held_out").glob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("#"):
                continue
            name, length, *hashes = line.split()
            turn = f"{path.stem} {name}"
            wanted[turn] = min(MOST, ceil(len(hashes) * SHARE))
            for run in hashes:
                having.setdefault(int(length), defaultdict(list))[run].append(turn)
    return wanted, having


@lru_cache(maxsize=4096)
def held_out(text: str, language: str = "en") -> str | None:
    """The turn of an evaluation that a text in spoken words repeats, as in 'mt_bench 111.1'; None for none."""
    wanted, having = _known()
    words = bare_words(text, language)
    for length, turns in having.items():
        met: dict[str, int] = defaultdict(int)
        for run in set(runs(words, length)):
            for turn in turns.get(run, ()):
                met[turn] += 1
                if met[turn] >= wanted[turn]:
                    return turn
    return None


def check_held_out(text: str, language: str = "en") -> None:
    """Pass a text in spoken words that repeats no question kept for an evaluation. Raises Refusal `held_out`."""
    if turn := held_out(text, language):
        raise Refusal("held_out", f"'{text[:80]}' repeats {turn}, which is kept for the evaluation")
