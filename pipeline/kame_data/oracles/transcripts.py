"""Transcripts of a user's turn by a streaming recogniser: some words are misheard, and some of them corrected later.

Errors are drawn by rule. In English most are words that sound alike (CMU pronouncing dictionary, in pocketsphinx's
wheel), the frequent ones first, as recognisers prefer them; the rest are lost words, and words run together or cut in
two. In other languages, whose sounds no dictionary here holds, words are lost, as hesitation words are everywhere.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kame_data.seeds import rng
from kame_data.settings.tree import SttSettings
from kame_data.text import sounds
from kame_data.text.hesitations import is_hesitation
from kame_data.text.words import join_words

VERSION = 1
LOST, JOINED = 0.15, 0.1
"""Shares of the errors: a word is lost; it is cut in two, or joined to the one before, where such words are. The rest
are other words."""
REVISED_AFTER = (1, 4)
"""Words heard between an error and its revision."""
_PARTS = re.compile(r"(.*?)(\W*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Error:
    """Word `word` is written as `written`, which also swallows the `back` words before it; from prefix `right` on it is
    put right (None: it stays)."""

    word: int
    written: str
    back: int
    right: int | None


@dataclass(frozen=True, slots=True)
class History:
    """The transcripts that the recogniser shows while a turn grows."""

    words: tuple[str, ...]
    language: str
    errors: tuple[_Error, ...]

    def at(self, count: int) -> str:
        """The transcript once the first `count` words were heard."""
        shown = list(self.words[:count])
        for error in self.errors:
            if error.word < count and (error.right is None or count < error.right):
                shown[error.word - error.back : error.word] = [""] * error.back
                shown[error.word] = error.written
        return join_words([word for word in shown if word], self.language)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Hears the users of a build. The history of a turn depends on (seed, dialogue, turn, words, settings) alone."""

    settings: SttSettings
    seed: int

    def hear(self, words: Sequence[str], language: str, dialogue_id: str, turn: int) -> History:
        """The history of a turn's transcript. `noise` is the chance of each word to be heard wrong at first; `revised`
        that of an error to be put right while the turn goes on, which the last word's cannot."""
        draws = rng(self.seed, "transcript", dialogue_id, turn)
        errors: list[_Error] = []
        for position in range(len(words)):
            wrong, late = draws.random() < self.settings.noise, draws.random() < self.settings.revised
            after, choice = draws.randint(*REVISED_AFTER), draws.getrandbits(64)
            if not wrong:
                continue
            free = bool(position) and not (errors and errors[-1].word == position - 1)
            written, back = _misheard(words, position, free, language, random.Random(choice))
            if written == words[position]:
                continue
            to_come = len(words) - position - 1
            right = position + 1 + min(after, to_come) if late and to_come else None
            errors.append(_Error(position, written, back, right))
        return History(tuple(words), language, tuple(errors))


def _misheard(words: Sequence[str], position: int, free: bool, language: str, draws: random.Random) -> tuple[str, int]:
    """Return what is written in place of a word, "" where it is lost, and how many words before it that swallows.

    `free` says that there is a word before it that was heard right. The first word of a turn is never lost, so that
    there is always something to show.
    """
    kind, word = draws.random(), words[position]
    english = language.split("-")[0] == "en"
    if english and not (kind < LOST and position) and not is_hesitation(word):
        stem, end = _parted(word)
        if LOST <= kind < LOST + JOINED:
            before, mark = _parted(words[position - 1]) if free else ("", "")
            if before and not mark and (joined := sounds.joined(before, stem)):
                return _like(before, draws.choice(joined)) + end, 1
            if pairs := sounds.cut_in_two(stem):
                return _like(stem, draws.choice(pairs)) + end, 0
        if others := sounds.alike(stem):
            names, weights = zip(*others, strict=True)
            return _like(stem, draws.choices(names, weights)[0]) + end, 0
    if position:
        return "", 0
    return word, 0


def _parted(word: str) -> tuple[str, str]:
    """The word, and the marks behind it."""
    found = _PARTS.fullmatch(word)
    return (found[1], found[2]) if found else (word, "")


def _like(word: str, other: str) -> str:
    """`other` with the capital of the word in whose place it is."""
    other = re.sub(r"\bi\b", "I", other)
    return other[:1].upper() + other[1:] if word[:1].isupper() and word.split("'")[0] != "I" else other


def recogniser_of(settings: SttSettings, seed: int) -> Recogniser | None:
    """The recogniser that hears the user with the noise that the settings ask for; None where all is heard as it is
    said."""
    return Recogniser(settings, seed) if settings.noise else None
