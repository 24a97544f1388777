"""Word times of a model that says how long each of its input symbols lasts.

The model reads symbols (characters or phonemes, with blanks between them and marks around them); which word each comes
from is found here, then the words' spans follow from the symbols' durations.
"""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kame_data.speech.timing.word_times import spread_words

# Below this share of the clip's loudest 10 ms, what lies around a word is a pause.
QUIET = 0.02
STEP_S = 0.01
NOBODY = -1


def owners(symbols: Sequence[int], words: Sequence[Sequence[int]], separator: Sequence[int]) -> list[int]:
    """The word that each symbol comes from, or NOBODY for what stands between words.

    `symbols` are those of the whole text, `words` those of each word said alone, `separator` those of a space. A
    tokenizer may write a word otherwise in its sentence (phonemes do), so the two are matched, not counted.
    """
    expected: list[int] = []
    owner: list[int] = []
    for number, word in enumerate(words):
        if number:
            expected += separator
            owner += [NOBODY] * len(separator)
        expected += word
        owner += [number] * len(word)
    if list(symbols) == expected:
        return owner
    found: list[int] = []
    for tag, i, j, k, m in SequenceMatcher(None, symbols, expected, autojunk=False).get_opcodes():
        if tag == "delete":
            found += [found[-1] if found else 0] * (j - i)
        elif tag != "insert":
            found += [owner[k + (n * (m - k)) // (j - i)] for n in range(j - i)]
    return found


def word_spans(
    durations: NDArray[np.float64],
    owner: Sequence[int],
    count: int,
    samples: NDArray[np.float32],
    sample_rate: int,
) -> list[tuple[int, int]] | None:
    """[start, end) in samples for each of `count` words; None where no word has a symbol.

    `durations` are samples a symbol, `owner` the word of each symbol. What lies between two words belongs half to each,
    without the silence in it.
    """
    ends = np.cumsum(durations)
    cores: dict[int, tuple[int, int]] = {}
    for symbol, word in enumerate(owner):
        if word != NOBODY:
            start = cores.get(word, (int(ends[symbol] - durations[symbol]), 0))[0]
            cores[word] = (start, int(ends[symbol]))
    if not cores:
        return None
    heard = sorted(cores)
    loud = _loud(samples, sample_rate)
    middles = [(cores[a][1] + cores[b][0]) // 2 for a, b in pairwise(heard)]
    bounds = [0, *middles, len(samples)]
    spans: dict[int, tuple[int, int]] = {}
    for number, word in enumerate(heard):
        core_start, core_end = cores[word]
        start = _back(loud, core_start, bounds[number])
        end = _forth(loud, core_end, bounds[number + 1])
        spans[word] = (start, max(end, start + 1))
    return [(round(start), round(end)) for start, end in spread_words(spans, count)]


def letters_of(symbols: Sequence[int], owner: Sequence[int], text_of: Callable[[int], str]) -> list[int]:
    """`owner` with what is no letter (punctuation, spaces, blanks) given to nobody."""
    return [
        word if any(c.isalnum() for c in text_of(symbol)) else NOBODY
        for symbol, word in zip(symbols, owner, strict=True)
    ]


def _loud(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.bool_]:
    """For every sample, whether its 10 ms are louder than silence."""
    step = max(1, round(STEP_S * sample_rate))
    padded = np.pad(np.asarray(samples, np.float64), (0, -len(samples) % step)).reshape(-1, step)
    level = np.sqrt(np.mean(np.square(padded), axis=1))
    return np.repeat(level > QUIET * max(float(level.max(initial=0.0)), 1e-9), step)[: len(samples)]


def _back(loud: NDArray[np.bool_], start: int, limit: int) -> int:
    """Go back from `start` to `limit`, as far as the sound has no pause."""
    quiet = np.flatnonzero(~loud[limit:start])
    return limit + int(quiet[-1]) + 1 if len(quiet) else min(start, limit)


def _forth(loud: NDArray[np.bool_], end: int, limit: int) -> int:
    quiet = np.flatnonzero(~loud[end:limit])
    return end + int(quiet[0]) if len(quiet) else max(end, limit)
