"""What every example's sound must pass before it becomes a row; what does not is refused with its reason."""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal
from pipeline.records import Word
from pipeline.speech.sound import ASSISTANT, FULL_SCALE, SAMPLE_RATE, USER, amplitude

# A turn quieter than this is not speech; what leaks into the other channel must stay below LEAK.
SPEECH_DBFS, LEAK_DBFS, WORD_DBFS = -40.0, -60.0, -60.0
# So many samples at full scale are clipping rather than one loud moment.
CLIPPED_SAMPLES = 8
# Letters (ideographs for Chinese) a second of a turn.
RATES: dict[str, tuple[float, float]] = {"zh": (1.5, 9.0)}
OTHER_RATE = (5.0, 24.0)
# A turn of a few letters says too little about its rate.
RATE_LETTERS = 12


def check_speech(samples: NDArray[np.int16], words: Sequence[Word], language: str, user_alone: bool = True) -> None:
    """Checks int16 (n, 2) at 24 kHz against its words; without `user_alone` the user's channel holds other sound too.

    Raises Refusal (`word_times`, `clipping`, `silent_channel`, `channel_swap`, `silent_word`, `rate`).
    """
    _check_words(words, len(samples) / SAMPLE_RATE)
    clipped = int(np.count_nonzero((samples == 32767) | (samples == -32768)))
    if clipped >= CLIPPED_SAMPLES:
        raise Refusal("clipping", f"{clipped} samples at full scale")
    energy = np.concatenate([np.zeros((1, 2)), np.cumsum(np.square(samples / FULL_SCALE), axis=0)])
    turns = [list(group) for _, group in groupby(words, key=lambda word: word.turn)]
    for turn in turns:
        _check_channels(energy, turn, words, user_alone)
        _check_rate(turn, language)
    for word in words:
        heard = _rms(energy, word.start, word.end, _channel(word))
        if heard < amplitude(WORD_DBFS) and any(character.isalnum() for character in word.word):
            raise Refusal("silent_word", f"no sound for '{word.word}' at {word.start:.2f} s")


def _check_words(words: Sequence[Word], duration: float) -> None:
    if not words:
        raise Refusal("word_times", "no words")
    for word in words:
        if not 0.0 <= word.start < word.end <= duration:
            raise Refusal(
                "word_times", f"'{word.word}' at {word.start:.3f} to {word.end:.3f} s in {duration:.3f} s of sound"
            )
    for before, after in pairwise(words):
        if before.turn > after.turn or (before.turn == after.turn and before.end > after.start):
            raise Refusal("word_times", f"'{after.word}' at {after.start:.3f} s starts within '{before.word}'")


def _check_channels(energy: NDArray[np.float64], turn: Sequence[Word], words: Sequence[Word], user_alone: bool) -> None:
    """The speaker's channel has speech; the other one has none, unless its side speaks at the same time."""
    start, end = turn[0].start, turn[-1].end
    own, other = _channel(turn[0]), 1 - _channel(turn[0])
    heard, leaked = _rms(energy, start, end, own), _rms(energy, start, end, other)
    alone = not any(w.role != turn[0].role and w.start < end and w.end > start for w in words)
    if alone and leaked >= amplitude(SPEECH_DBFS) > heard:
        raise Refusal("channel_swap", f"turn {turn[0].turn} of the {turn[0].role} is in the other channel")
    if heard < amplitude(SPEECH_DBFS):
        raise Refusal("silent_channel", f"turn {turn[0].turn} of the {turn[0].role} is silent")
    if alone and leaked > amplitude(LEAK_DBFS) and (user_alone or other == ASSISTANT):
        raise Refusal("channel_leak", f"turn {turn[0].turn} of the {turn[0].role} is in both channels")


def _check_rate(turn: Sequence[Word], language: str) -> None:
    letters = sum(character.isalnum() for word in turn for character in word.word)
    # Pauses between words are no slowness of speech.
    seconds = sum(word.end - word.start for word in turn)
    slowest, fastest = RATES.get(language.split("-")[0], OTHER_RATE)
    rate = letters / seconds
    if letters >= RATE_LETTERS and not slowest <= rate <= fastest:
        raise Refusal("rate", f"turn {turn[0].turn}: {rate:.1f} letters a second, not {slowest} to {fastest}")


def _channel(word: Word) -> int:
    return USER if word.role == "user" else ASSISTANT


def _rms(energy: NDArray[np.float64], start: float, end: float, channel: int) -> float:
    first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
    total = float(energy[last, channel] - energy[first, channel])
    return math.sqrt(max(0.0, total) / max(1, last - first))
