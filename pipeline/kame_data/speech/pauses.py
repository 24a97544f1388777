"""Pauses within a turn, and their lengths: drawn from the words alone, and from the choices that they name."""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

from kame_data.records import Dialogue
from kame_data.seeds import rng
from kame_data.settings.speech import PauseSettings
from kame_data.text.hesitations import bare, clause_end, is_hesitation, within_unit
from kame_data.text.words import is_unspaced, split_words

# Between two choices of one list there are so many words at the most: "or", "or maybe", "or is it".
JOINING_WORDS = 3


def draw_pauses(
    words: list[str], language: str, settings: PauseSettings, seed: int, dialogue_id: str, turn: int
) -> dict[int, float]:
    """Seconds of silence by the word before which they are wanted, in order of words.

    Every boundary has draws of its own, whether it gets a pause or not, so that a higher rate adds pauses and moves
    none. Nobody pauses within a number or a name; in a language written without spaces, where a word of ours is an
    ideograph, people pause at punctuation alone.
    """
    unspaced = is_unspaced(language)
    draws = rng(seed, "pauses", dialogue_id, turn)
    pauses: dict[int, float] = {}
    clause_ends, boundaries = [], []
    for at in range(1, len(words)):
        chance, length, hesitant = draws.random(), settings.length.draw(draws), settings.hesitation.draw(draws)
        ends = clause_end(words[at - 1])
        if not ends and (unspaced or within_unit(words, at, language)):
            continue
        boundaries.append(at)
        if ends:
            clause_ends.append(at)
        if is_hesitation(words[at - 1], language):
            pauses[at] = hesitant
        elif chance < (settings.rate if ends else settings.within):
            pauses[at] = length
    long = _draw_long(clause_ends or boundaries, settings, rng(seed, "long pause", dialogue_id, turn))
    return dict(sorted((pauses | long).items()))


def _draw_long(places: list[int], settings: PauseSettings, draws: random.Random) -> dict[int, float]:
    """The turn's long pause, where it has one: at the end of a clause if there is any."""
    chance, length = draws.random(), settings.long_length.draw(draws)
    return {draws.choice(places): length} if places and chance < settings.long_rate else {}


def choice_pauses(
    words: Sequence[str], dialogue: Dialogue, settings: PauseSettings, seed: int, turn: int
) -> dict[int, float]:
    """Seconds of silence between the choices that a turn names one after the other, by the word before which they are
    wanted: so that one hears where a choice ends."""
    draws = rng(seed, "choice pauses", dialogue.id, turn)
    return {at: settings.choice.draw(draws) for at in _choice_breaks(words, dialogue.choices, dialogue.language)}


def _choice_breaks(words: Sequence[str], choices: Sequence[str], language: str) -> Iterator[int]:
    """Positions behind each choice of a list but the last, and before the first where a clause ends there."""
    named = _named(words, choices, language)
    joined = [after[0] - before[1] <= JOINING_WORDS for before, after in pairwise(named)]
    for place, (start, end) in enumerate(named[:-1]):
        if not joined[place]:
            continue
        if start and clause_end(words[start - 1]) and not (place and joined[place - 1]):
            yield start
        if not is_unspaced(language) or clause_end(words[end - 1]):
            yield end


def _named(words: Sequence[str], choices: Sequence[str], language: str) -> list[tuple[int, int]]:
    """[start, end) of each choice in the words, in order; the last place of each, the longest choice first."""
    heard = [(place, bare(word)) for place, word in enumerate(words) if not is_hesitation(word, language)]
    found: list[tuple[int, int]] = []
    for choice in sorted(choices, key=len, reverse=True):
        wanted = [bare(word) for word in split_words(choice, language)]
        for first in reversed(range(len(heard) - len(wanted) + 1) if wanted else ()):
            start, end = heard[first][0], heard[first + len(wanted) - 1][0] + 1
            same = [word for _, word in heard[first : first + len(wanted)]] == wanted
            if same and all(end <= other[0] or start >= other[1] for other in found):
                found.append((start, end))
                break
    return sorted(found)
