"""Where a user pauses within a turn, and for how long: drawn from the words alone."""

import random

from pipeline.seeds import rng
from pipeline.speech.settings import PauseSettings
from pipeline.text.hesitations import clause_end, is_hesitation, within_unit
from pipeline.text.words import is_unspaced


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
