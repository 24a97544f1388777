"""English words that sound alike, by the CMU pronouncing dictionary (in pocketsphinx's wheel); the frequent ones first.

What is likelier to be heard in a word's place: the same sounds (feet, feat), then one sound that is near another
(bat, bad) or a weak one more or less (fifteen, fifty); among those, the more frequent word.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from kame_data.errors import UsageError
from kame_data.text import lexicon

FREQUENT, PIECES = 20_000, 4_000
"""Ranks by frequency up to which words may be heard: a single word, and the pieces where two words are heard as one
or one as two."""
MOST = 8
"""Words that may be heard in a word's place, at most."""

Sounds = tuple[str, ...]
_NEAR = (
    "P B", "T D", "K G", "F V", "S Z", "TH DH", "SH ZH", "CH JH", "M N", "N NG", "TH F", "DH D", "DH V", "S TH",
    "SH CH", "W V", "L R", "IH IY", "IH EH", "EH AE", "AE AH", "AH AA", "AA AO", "UH UW", "AH IH", "AH UH", "AO OW",
    "ER AH", "EH EY", "AW AA", "AH EH",
)  # fmt: skip
_PAIRS = frozenset(pair for text in _NEAR for a, b in [text.split()] for pair in ((a, b), (b, a)))
_WEAK = frozenset({"T", "D", "S", "Z", "N", "HH", "AH", "L"})
_VOWELS = frozenset({"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"})
_NEAR_COST, _WEAK_COST, _VOWEL_COST, _FAR_COST = 0.5, 0.5, 0.8, 1.0
_MOST_COST, _LAST_COST = 1.0, 1.6
# Short words in the list of frequent ones are mostly abbreviations, and names of letters.
_TWO_LETTER_TEXT = "am an as at be by do go he hi if in is it me my no of oh on or so to up us we"
_TWO_LETTERS = frozenset(_TWO_LETTER_TEXT.split())
_SHORT_RANK = 8_000
_NO_WORD_TEXT = """
iii vii viii mrs inc etc ave vol usa les des ltd est eds eur ing ann sur von der van san los las que con rev gen sen rep
gov ent pre pro non sub def fig ref cos cal
"""
_NO_WORDS = frozenset(_NO_WORD_TEXT.split())
_OFFENDS = re.compile(
    r"^(?:ass|arse|cum|fag|tit|tits|coon|dyke|spic|chink|gook|hoe|ho|anal|anus|cock|cocks|dick|dicks|homo|rape[sd]?"
    r"|nude|nudes|naked|suck[s]?|balls|bra|horny|erotic|butt|pee|poo|crap|damn|hell)$"
    r"|fuck|shit|cunt|bitch|slut|whore|porn|sex|nigg|fagg|penis|vagin|dildo|jizz|milf|boob|piss|puss|orgas|nazi|retard"
)
_CONTRACTIONS = ("it's", "there's", "they're", "you're", "we're", "who's", "what's", "that's", "let's", "i'll", "he'll")


@cache
def _dictionary() -> dict[str, tuple[Sounds, ...]]:
    """Every word's pronunciations, stress left out."""
    try:
        from pocketsphinx import get_model_path
    except ImportError:
        raise UsageError(
            "stt.noise: English words that sound alike come from the dictionary in pocketsphinx, which is not "
            "installed; pip install pocketsphinx, or set --stt-noise 0"
        ) from None
    found: dict[str, list[Sounds]] = defaultdict(list)
    with Path(get_model_path("en-us/cmudict-en-us.dict")).open(encoding="utf-8") as lines:
        for line in lines:
            word, *sounds = line.split()
            found[word.partition("(")[0]].append(tuple(sounds))
    return {word: tuple(dict.fromkeys(ways)) for word, ways in found.items()}


@cache
def _hearable() -> dict[str, int]:
    """The words that may be heard by mistake, with their ranks by frequency."""
    known = _dictionary()
    ranked = ((word, lexicon.rank(word)) for word in known)
    words = {w: rank for w, rank in ranked if rank < FREQUENT and _is_word(w)}
    return words | {word: 200 for word in _CONTRACTIONS if word in known}


def _is_word(word: str) -> bool:
    if word in ("a", "i"):
        return True
    if len(word) < 3:
        return word in _TWO_LETTERS
    plain = word.isascii() and word.isalpha() and re.search("[aeiouy]", word)
    usual = len(word) > 3 or lexicon.rank(word) < _SHORT_RANK
    return bool(plain) and usual and word not in _NO_WORDS and not _OFFENDS.search(word)


@cache
def _by_sounds() -> dict[Sounds, tuple[str, ...]]:
    found: dict[Sounds, list[str]] = defaultdict(list)
    for word in _hearable():
        for sounds in _dictionary()[word]:
            found[sounds].append(word)
    return {sounds: tuple(words) for sounds, words in found.items()}


@cache
def _by_rest() -> dict[Sounds, tuple[Sounds, ...]]:
    """The pronunciations that are left with these sounds when one is taken away (or none)."""
    found: dict[Sounds, list[Sounds]] = defaultdict(list)
    for sounds in _by_sounds():
        for rest in _rests(sounds):
            found[rest].append(sounds)
    return {rest: tuple(whole) for rest, whole in found.items()}


def _rests(sounds: Sounds) -> Iterator[Sounds]:
    yield sounds
    yield from (sounds[:i] + sounds[i + 1 :] for i in range(len(sounds)))


@lru_cache(maxsize=65_536)
def alike(word: str) -> tuple[tuple[str, float], ...]:
    """Words that may be heard in place of `word` (any case), likeliest first, with weights; empty where none is known.

    Of a hyphenated word one part is heard otherwise.
    """
    word = word.casefold()
    if "-" in word:
        parts = word.split("-")
        others = [
            ("-".join((*parts[:i], other, *parts[i + 1 :])), weight)
            for i, part in enumerate(parts)
            for other, weight in alike(part)
        ]
        return tuple(sorted(others, key=lambda pair: (-pair[1], pair[0]))[:MOST])
    weights = _near(word, _MOST_COST, twice=False) or _near(word, _LAST_COST, twice=True)
    return tuple(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST])


def _near(word: str, most: float, *, twice: bool) -> dict[str, float]:
    """The words within a cost of `word`, and their weights; `twice`: one more sound may be missing."""
    weights: dict[str, float] = {}
    for sounds in _dictionary().get(word, ()):
        rests = set(_rests(sounds))
        if twice:
            rests = {rest for one in rests for rest in _rests(one)}
        for near in {whole for rest in rests for whole in _by_rest().get(rest, ())}:
            cost = _distance(sounds, near)
            if cost > (most if len(sounds) > 2 else _NEAR_COST):
                continue
            for other in _by_sounds()[near]:
                if _spelling(other) != _spelling(word):
                    weight = math.exp(-3 * cost) / math.sqrt(_hearable()[other] + 100)
                    weights[other] = max(weight, weights.get(other, 0.0))
    return weights


def _spelling(word: str) -> str:
    """The American spelling of what is one word here and there."""
    return word.replace("our", "or").replace("tre", "ter") if len(word) > 4 else word


@lru_cache(maxsize=65_536)
def joined(first: str, second: str) -> tuple[str, ...]:
    """Words that two words run together sound like, the most frequent first."""
    wholes = {a + b for a in _ways(first) for b in _ways(second) if len(a + b) > 3}
    near = {
        sounds
        for whole in wholes
        for rest in _rests(whole)
        for sounds in _by_rest().get(rest, ())
        if _distance(whole, sounds) <= _NEAR_COST
    }
    return tuple(word for word in _named(near) if word not in (first.casefold(), second.casefold()))


@lru_cache(maxsize=65_536)
def cut_in_two(word: str) -> tuple[str, ...]:
    """Pairs of frequent words that a word sounds like when it is cut in two."""
    pairs = []
    for sounds in _ways(word):
        for cut in range(1, len(sounds)):
            first, second = (_named([part], PIECES) for part in (sounds[:cut], sounds[cut:]))
            if first and second and len(sounds) > 3 and set(sounds[:cut]) & _VOWELS and set(sounds[cut:]) & _VOWELS:
                pairs.append(f"{first[0]} {second[0]}")
    return tuple(dict.fromkeys(pairs))


def _ways(word: str) -> tuple[Sounds, ...]:
    return _dictionary().get(word.casefold(), ())


def _named(wholes: Iterable[Sounds], most: int = FREQUENT) -> tuple[str, ...]:
    """The words of these sounds, the most frequent first."""
    words = {word for whole in wholes for word in _by_sounds().get(whole, ()) if _hearable()[word] < most}
    return tuple(sorted(words, key=lambda word: (_hearable()[word], word)))


def _distance(one: Sounds, other: Sounds) -> float:
    """The least cost of the changes that make one pronunciation the other."""
    row = [0.0]
    for sound in other:
        row.append(row[-1] + _gap(sound))
    for sound in one:
        above, row = row, [row[0] + _gap(sound)]
        for place, against in enumerate(other):
            changed = above[place] + _change(sound, against)
            row.append(min(changed, above[place + 1] + _gap(sound), row[place] + _gap(against)))
    return row[-1]


def _gap(sound: str) -> float:
    return _WEAK_COST if sound in _WEAK else _FAR_COST


def _change(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if (one, other) in _PAIRS:
        return _NEAR_COST
    return _VOWEL_COST if {one, other} <= _VOWELS else _FAR_COST
