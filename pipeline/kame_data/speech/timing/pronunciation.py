"""Pronunciations of English words in the phones of the CMU dictionary, which an aligner listens for.

Words of the dictionary are pronounced as it says. The rest (numbers, abbreviations, names, foreign words) are given the
phonemes that espeak-ng reads them with, and numbers also what `kame_data.text` says for them.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

from kame_data.errors import Refusal
from kame_data.speech.espeak_engine import EspeakEngine
from kame_data.text.spoken import say

Phones = tuple[str, ...]
# How a word may be said in more than one way; more are of no use to an aligner, and cost time.
MOST = 4
# espeak-ng's names (en-us) without their marks of stress, and the CMU phones nearest to them.
PHONES: dict[str, str] = {
    "n": "N", "s": "S", "l": "L", "k": "K", "t": "T", "t2": "T", "t#": "T", "d": "D", "m": "M", "z": "Z", "b": "B",
    "p": "P", "f": "F", "g": "G", "N": "NG", "v": "V", "h": "HH", "w": "W", "S": "SH", "Z": "ZH", "T": "TH", "D": "DH",
    "r": "R", "r-": "R", "j": "Y", ";": "Y", "tS": "CH", "dZ": "JH", "?": "T", "x": "K", "C": "HH", "n-": "AH N",
    "@L": "AH L", "l^": "L", "n^": "N Y", "ts": "T S", "Q": "G", "H": "HH",
    "@": "AH", "@2": "AH", "@-": "AH", "a#": "AH", "V": "AH", "3": "ER", "3:": "ER", "I": "IH", "I2": "IH", "I#": "IH",
    "i": "IY", "i:": "IY", "E": "EH", "e": "EH", "a": "AE", "aa": "AE", "0": "AA", "A:": "AA", "A": "AA", "A~": "AA N",
    "O:": "AO", "O": "AO", "O2": "AO", "O~": "AO N", "U": "UH", "u": "UW", "u:": "UW", "y": "UW", "Y": "ER", "W": "ER",
    "o": "OW", "o:": "OW", "oU": "OW", "eI": "EY", "e:": "EY", "aI": "AY", "aU": "AW", "OI": "OY", "A@": "AA R",
    "o@": "AO R", "O@": "AO R", "e@": "EH R", "i@": "IH AH", "i@3": "IH R", "U@": "UH R", "aI3": "AY ER",
    "aI@": "AY AH",
}  # fmt: skip
# The same as a British voice says them: no r but before a vowel, and the vowels of 'bath', 'hot' and 'know'.
BRITISH: dict[str, str] = {
    "aa": "AA", "0": "AO", "3": "AH", "3:": "ER", "oU": "AH UW", "A@": "AA", "o@": "AO", "O@": "AO", "e@": "EH",
    "i@": "IH AH", "i@3": "IH AH", "U@": "UH AH", "aI3": "AY AH", "aI@": "AY AH",
}  # fmt: skip
STRESS = "',%=|_:~"
APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "‘": "'"})
_PARTS = re.compile(r"[a-z]+(?:'[a-z]+)*")
VOICELESS, SIBILANT = {"P", "T", "K", "F", "TH"}, {"S", "Z", "SH", "ZH", "CH", "JH"}


@cache
def speller() -> EspeakEngine:
    """The engine that spells words for all aligners of this process, with one helper."""
    return EspeakEngine(1)


def cmu_phones(names: Sequence[str], *, british: bool = False) -> Phones:
    """espeak-ng's phonemes as CMU phones; what has no like is left out."""
    known = {**PHONES, **BRITISH} if british else PHONES
    found: list[str] = []
    for name in names:
        bare = name.lstrip("',%=")
        phones = known.get(bare) or known.get(bare.rstrip(STRESS)) or known.get(bare[:1])
        found += phones.split() if phones else []
    return tuple(found)


class Pronouncer:
    """Pronunciations of the words of a turn. `look_up` gives a dictionary's, `spell` espeak-ng's phonemes of words."""

    def __init__(
        self,
        look_up: Callable[[str], Sequence[Phones]],
        spell: Callable[[Sequence[str]], list[list[str]]],
    ) -> None:
        self.look_up, self.spell = look_up, spell
        self._known: dict[str, tuple[Phones, ...]] = {}

    def pronounce(self, words: Sequence[str]) -> list[tuple[Phones, ...]]:
        """The ways to say each word, likeliest first; none for a word that is not said (a lone dash)."""
        plain = [word.translate(APOSTROPHES).strip() for word in words]
        unknown = []
        for word in dict.fromkeys(plain):
            if word not in self._known:
                ways = self._from_dictionary(word)
                if ways or not any(c.isalnum() for c in word):
                    self._known[word] = ways
                else:
                    unknown.append(word)
        if unknown:
            for word, names in zip(unknown, self.spell(unknown), strict=True):
                said = [cmu_phones(names), *self._as_number(word)]
                self._known[word] = tuple(dict.fromkeys(way for way in said if way))[:MOST]
        return [self._known[word] for word in plain]

    def _from_dictionary(self, word: str) -> tuple[Phones, ...]:
        """The pronunciations of a word whose every part is in the dictionary; hyphens join parts."""
        core = word.lower().strip(".,;:!?\"'()[]…—–-“”")
        if not core or any(c.isdigit() for c in core) or (word.strip(".,;:!?").isupper() and len(core) > 1):
            return ()
        parts = core.replace("/", "-").split("-")
        ways = [self._part(part) for part in parts if part]
        if not ways or not all(ways):
            return ()
        joined = (tuple(phone for way in ways_ for phone in way) for ways_ in product(*(w[:2] for w in ways)))
        return tuple(dict.fromkeys(joined))[:MOST]

    def _part(self, part: str) -> Sequence[Phones]:
        if not _PARTS.fullmatch(part):
            return ()
        ways = self.look_up(part)
        if not ways and part.endswith("'s"):
            ways = [(*way, *_possessive(way)) for way in self.look_up(part[:-2])]
        return ways

    def _as_number(self, word: str) -> list[Phones]:
        if not any(c.isdigit() for c in word):
            return []
        try:
            said = say(word.strip(".,;:!?"))
        except (Refusal, ValueError):
            return []
        found = [self._from_dictionary(part) for part in said.split()]
        return [tuple(phone for ways in found for phone in ways[0])] if found and all(found) else []


def _possessive(way: Phones) -> Phones:
    if way[-1] in SIBILANT:
        return ("IH", "Z")
    return ("S",) if way[-1] in VOICELESS else ("Z",)
