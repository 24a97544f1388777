"""The check that speech keeps what its source means: what is spoken is read back, and compared with the source.

A source (as it is written, with figures and signs) becomes a row of `elements`, speech becomes edges from word to word
(`atoms`). `lost` is for text read out as it stands: every element is heard, in order, and nothing firm is heard beside.
What other words keep of a text is in `rewording`.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from kame_data.text.atoms import Label, edges, words_of
from kame_data.text.elements import elements

# Places at which a reading may stand; more only come of text that is the same again and again.
_MOST_PLACES = 48
_NEXT = 6
_PLAIN_RE = re.compile(r"[A-Za-z ,.;:?!'\"-]*")


def lost(written: str, said: str) -> str:
    """Name what of a written text is not heard when it is read out as `said`, or heard without being there; "" where
    nothing is.

    `written` is text of plain notation (`latex.plain`); text whose words are those that are said has lost nothing.
    """
    words = words_of(said)
    if written.replace(",", "").isascii() and _PLAIN_RE.fullmatch(written) and words_of(written) == words:
        return ""
    heard = _Heard(words)
    places = {0}
    for element in elements(written):
        reached: set[int] = set()
        for way in element.ways:
            ends = places
            for label in way:
                ends = heard.after(ends, label)
            reached |= ends
        if not reached:
            near = " ".join(words[min(places) : min(places) + 6])
            return f"'{element.text}' is not heard in '{near}'"
        places = set(sorted(reached)[-_MOST_PLACES:])
    if all(heard.walls[place] < len(words) for place in places):
        place = heard.walls[max(places)]
        return f"nothing stands for '{' '.join(words[place : place + 4])}'"
    return ""


class _Heard:
    """The edges of spoken words by their labels; and from each place, how far words go that need not mean anything."""

    def __init__(self, words: Sequence[str]) -> None:
        self._by_label: dict[Label, list[tuple[int, int]]] = defaultdict(list)
        self.walls = [len(words)] * (len(words) + 1)
        paths = edges(words)
        for place, starting in enumerate(paths):
            for edge in starting:
                self._by_label[edge.label].append((place, edge.end))
        for place in range(len(words) - 1, -1, -1):
            self.walls[place] = place if any(edge.firm for edge in paths[place]) else self.walls[place + 1]

    def after(self, places: Iterable[int], label: Label) -> set[int]:
        """The places behind a label that is heard next from some place on."""
        known = self._by_label.get(label, [])
        found = set()
        for place in places:
            first = bisect_left(known, (place, 0))
            found |= {end for start, end in known[first : first + _NEXT] if start <= self.walls[place]}
        return found
