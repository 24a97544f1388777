"""The best ways of words through frames of sound, and of what else might be there.

All alternatives are weighed with the same likelihoods, so that an odd voice, noise or a telephone costs each alike.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kame_data.speech.timing.acoustic import STATES, AcousticModel, Floats
from kame_data.speech.timing.pronunciation import Phones

NEVER = np.float32(-1e30)
SILENCE, NOISES = "SIL", ("+NSN+", "+SPN+")
# What a phone costs, in nats, that stands for no word: free phones always fit better than those of the words.
PHONE_COST = 16.0
# Frames around two words, within which they are tried the other way round, and the most that are looked at.
REACH, MOST_FRAMES = 12, 150


class Trellis:
    """All ways through the frames: words in order, each in one of its ways, silence between them where there is some.

    `before[t, k]` is the best log-likelihood of the first t frames with just the first k words in them, `after[t, k]`
    of the rest with the rest; `done` and `due` likewise where word k - 1 ends, or word k starts, exactly there; and
    `free[t]` is that of the first t frames with any phones at all, `PHONE_COST` each.
    """

    def __init__(self, likelihoods: Floats, ways: Sequence[Sequence[Phones]], model: AcousticModel) -> None:
        self._columns = [[_columns(model, way) for way in word] for word in ways]
        self._likelihoods = likelihoods
        self._silence = np.ascontiguousarray(likelihoods[:, model.column(SILENCE, 1)])
        phones = [_columns(model, (phone,)) for phone in model.phones if phone not in (SILENCE, *NOISES)]
        self.before, self.done, self.free = _sweep(likelihoods, self._silence, self._columns, phones)
        turned = [[way[::-1] for way in word] for word in self._columns[::-1]]
        after, due, _ = _sweep(likelihoods[::-1], self._silence[::-1], turned, [], backwards=True)
        self.after, self.due = after[::-1, ::-1], due[::-1, ::-1]
        self.total = float(self.before[-1, -1])
        # The best beginning that free phones may follow, whenever they start.
        self._left = np.maximum.accumulate(self.before - self.free[:, None], axis=0) + self.free[:, None]

    def missing(self) -> Floats:
        """For each word, the best log-likelihood with it less the best without it."""
        return np.asarray(self.total - (self.before[:, :-1] + self.after[:, 1:]).max(axis=0), np.float32)

    def other(self) -> Floats:
        """For each word, the best log-likelihood with it less the best with free phones in its place."""
        return np.asarray(self.total - (self._left[:, :-1] + self.after[:, 1:]).max(axis=0), np.float32)

    def added(self) -> Floats:
        """For each place between words, and at both ends, the same with free phones besides the words."""
        return np.asarray(self.total - (self._left + self.after).max(axis=0), np.float32)

    def swapped(self, word: int, spans: Sequence[tuple[int, int]]) -> float:
        """The best log-likelihood less the best with a word and the one behind it the other way round."""
        first = max(0, spans[word][0] - REACH)
        last = min(len(self._likelihoods), spans[word + 1][1] + REACH, first + MOST_FRAMES)
        frames = slice(first, last)
        pair = [self._columns[word + 1], self._columns[word]]
        found, _, _ = _sweep(
            self._likelihoods[frames], self._silence[frames], pair, [], entry=self.before[first : last + 1, word]
        )
        return self.total - float((found[:, -1] + self.after[first : last + 1, word + 2]).max())

    def spans(self) -> list[tuple[int, int]]:
        """The frames [start, end) of each word on the best path; a word too short to be seen has one of its own."""
        starts = (self.before + self.due)[:, :-1].argmax(axis=0)
        ends = (self.done + self.after)[:, 1:].argmax(axis=0)
        return [(int(start), max(int(end), int(start) + 1)) for start, end in zip(starts, ends, strict=True)]


def _columns(model: AcousticModel, phones: Phones) -> list[int]:
    return [model.column(phone, n) for phone in phones for n in range(STATES)]


def _sweep(
    likelihoods: Floats,
    silence: Floats,
    words: Sequence[Sequence[Sequence[int]]],
    phones: Sequence[Sequence[int]],
    *,
    backwards: bool = False,
    entry: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Best log-likelihoods by frames done and words done, each (frames + 1, words + 1), those that end in a word, and
    those of `phones` in any order, (frames + 1,).

    A state may be skipped, for frames are 20 ms. Backwards, frames and words are given and come out in reverse. The
    first word is entered with `entry` (frames + 1,), else at the start.
    """
    states, first, second, entries, entered, exits = _states(words, phones, backwards)
    count, loose = len(words), STATES * len(phones)
    before = np.full((len(likelihoods) + 1, count + 1), NEVER, np.float32)
    ends = before.copy()
    free = np.zeros(len(likelihoods) + 1, np.float32)
    before[0, 0] = ends[0, 0] = 0.0
    if entry is not None:
        before[:, 0] = entry
    # The first two places are never reached; they stand for states that are not there. All else is worked out in place.
    reached = np.full(len(states) + 2, NEVER, np.float32)
    here, one_before, two_before = reached[2:], reached[1:-1], reached[:-2]
    new, step = np.empty(len(states), np.float32), np.empty(len(states), np.float32)
    for t, frame in enumerate(likelihoods):
        place = before[t]
        np.maximum(here, np.add(one_before, first, out=new), out=new)
        np.maximum(new, np.add(two_before, second, out=step), out=new)
        new[entries] = np.maximum(new[entries], place[entered])
        if loose:
            new[:loose:STATES] = np.maximum(new[:loose:STATES], free[t] - PHONE_COST)
        np.add(new, frame[states], out=here)
        ends[t + 1, 1:] = reached[exits].max(axis=0)
        if loose:
            free[t + 1] = max(free[t] + silence[t], float(here[:loose].max()))
        if entry is None:
            np.maximum(ends[t + 1], place + silence[t], out=before[t + 1])
        else:
            np.maximum(ends[t + 1, 1:], place[1:] + silence[t], out=before[t + 1, 1:])
    return before, ends, free


def _states(
    words: Sequence[Sequence[Sequence[int]]], phones: Sequence[Sequence[int]], backwards: bool
) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The states of the free phones and then of all ways of all words in a row.

    Their columns; what it costs to come from the state before and from the one before that (0 or `NEVER`); the states
    in which words are entered, with their words; and the states that leave each word, (most ways, words).
    """
    states = [column for phone in phones for column in phone]
    first = [n >= 1 for phone in phones for n in range(len(phone))]
    second = [n >= 2 for phone in phones for n in range(len(phone))]
    entries: list[tuple[int, int]] = []
    exits: list[list[int]] = []
    for number, ways in enumerate(words):
        leaving = []
        for way in ways:
            at, last = len(states), len(states) + len(way) - 1
            states += way
            first += [n >= 1 for n in range(len(way))]
            second += [n >= 2 for n in range(len(way))]
            # A word's last state may be skipped, too: that is its first one backwards.
            entries += [(at, number), (at + 1, number)] if backwards else [(at, number)]
            leaving += [last] if backwards else [last, last - 1]
        exits.append(leaving)
    width = max(map(len, exits))
    padded = [[at + 2 for at in leaving] + [0] * (width - len(leaving)) for leaving in exits]
    places, entered = zip(*entries, strict=True)
    costs = [np.where(allowed, np.float32(0.0), NEVER) for allowed in (first, second)]
    return np.array(states), costs[0], costs[1], np.array(places), np.array(entered), np.array(padded).T.copy()
