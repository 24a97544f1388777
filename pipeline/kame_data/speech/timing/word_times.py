"""Word times from an engine's word events: one span of samples for every word of the text.

The engine times its own words, which are not always the text's: it merges function words ('of the' has one event),
splits numbers and abbreviations into several, and gives a lone dash none.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import Refusal

# -60 dB of full scale: below it nothing is heard, above it the engine's softest consonants begin.
SILENCE = 32
# The weight of a word without sound of its own (a lone dash) beside a phoneme's 1.
SOUNDLESS = 0.25


def find_words(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """The place of each word in the text: [start, end) in characters.

    Raises ValueError where `words` are not the words of `text`, in order.
    """
    spans = []
    at = 0
    for word in words:
        start = text.index(word.strip(), at)
        at = start + len(word.strip())
        spans.append((start, at))
    return spans


def spread_words(spans: Mapping[int, tuple[float, float]], count: int) -> list[tuple[float, float]]:
    """The spans of `count` words from those that have one; the others share with the word before them, or the first.

    A word without sound of its own (a lone dash) takes little of it.
    """
    first = min(spans)
    groups = [[*range(first + 1)]]
    for word in range(first + 1, count):
        if word in spans:
            groups.append([word])
        else:
            groups[-1].append(word)
    placed: list[tuple[float, float]] = []
    for members in groups:
        start, end = spans[next(word for word in members if word in spans)]
        weights = [1.0 if word in spans else SOUNDLESS for word in members]
        edges = [start]
        for weight in weights:
            edges.append(edges[-1] + (end - start) * weight / sum(weights))
        placed += pairwise([*edges[:-1], end])
    return placed


def place_words(
    spans: Sequence[tuple[int, int]],
    events: Sequence[tuple[int, int]],
    phonemes: Sequence[tuple[int, str]],
    counts: Mapping[int, int],
    samples: NDArray[np.int16],
) -> list[tuple[int, int]]:
    """The span of samples of every word: start < end, in order, without overlap, silence around words left out.

    `spans` are the words' characters (`find_words`), `events` (character, sample) of the engine's words, `phonemes`
    (sample, name), `counts` the number of phonemes of the words that the engine merged, by word. Raises
    Refusal (`speech_failed`) where the sound is too short for its words or has no events.
    """
    anchors = _anchors([start for start, _ in spans], events)
    if not anchors:
        raise Refusal("speech_failed", "the engine timed none of the words")
    placed: list[tuple[int, int]] = []
    for k, (first, start) in enumerate(anchors):
        last, stop = anchors[k + 1] if k + 1 < len(anchors) else (len(spans), len(samples))
        first_sound, stop = _sound(samples, start, stop)
        # A stop begins with its closure, which is silent and a part of the word; not so before the first word.
        start = start if k else first_sound
        weights = [counts.get(i, 0) or SOUNDLESS for i in range(first, last)]
        within = [at for at, name in phonemes if start <= at < stop and not name.startswith("_")]
        placed += _share(start, stop, weights, within)
    if any(start >= end for start, end in placed):
        raise Refusal("speech_failed", f"{len(samples)} samples are too few for {len(spans)} words")
    return placed


def _anchors(starts: Sequence[int], events: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(word, sample) for the words that have an event, both rising; the first word always starts the first group."""
    anchors: list[tuple[int, int]] = []
    for character, sample in events:
        word = max(0, bisect_right(starts, character) - 1)
        if not anchors:
            anchors.append((0, sample))
        elif word > anchors[-1][0] and sample > anchors[-1][1]:
            anchors.append((word, sample))
    return anchors


def _sound(samples: NDArray[np.int16], start: int, stop: int) -> tuple[int, int]:
    """The span without the silence at its ends; the span itself where all of it is silent."""
    loud = np.flatnonzero(np.abs(samples[start:stop].astype(np.int32)) > SILENCE)
    return (start + int(loud[0]), start + int(loud[-1]) + 1) if len(loud) else (start, stop)


def _share(start: int, stop: int, weights: Sequence[float], phonemes: Sequence[int]) -> list[tuple[int, int]]:
    """A span cut into one per weight, at phonemes where there are enough of them, else in proportion."""
    total = sum(weights)
    bounds = [start]
    heard = 0.0
    for i, weight in enumerate(weights[:-1]):
        heard += weight
        index = round(heard / total * len(phonemes))
        remaining = len(weights) - 1 - i
        if 0 < index < len(phonemes) and bounds[-1] < phonemes[index] <= stop - remaining:
            bounds.append(phonemes[index])
        else:
            bounds.append(max(bounds[-1] + 1, start + int((stop - start) * heard / total)))
    bounds.append(stop)
    return list(pairwise(bounds))
