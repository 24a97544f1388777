"""A line: the sound of a turn as it goes onto the timeline, with its words, its pauses, and its cut where the other
side barges in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE
from kame_data.speech import sound
from kame_data.speech.sound import SAMPLES_PER_MS, Mono
from kame_data.speech.voices.base import Clip

# What is kept of a clip around its words, for times by an aligner may be that much off.
MARGIN_S = 0.04
# A pause is cut into the quietest place so near to the words' boundary; less than half a frame of Moshi's.
REACH_S = 0.025
# Energy is compared over so much sound: about a period of a deep voice would be 12 ms, a closure is shorter.
WINDOW_S = 0.005
FADE_OUT_S, FADE_IN_S = 0.012, 0.006
# A voice that is cut off ends a little more slowly than one that pauses.
CUT_FADE_S = 0.02


@dataclass(slots=True)
class Line:
    """A turn's sound: float32 (n,) at 24 kHz, and [start, end) of every word in samples from the first word's start.

    `lead`: the samples before the first word, a whole number of milliseconds. `pauses`: the words before which a pause
    was drawn.
    """

    samples: Mono
    words: list[tuple[int, int]]
    lead: int = 0
    pauses: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        """Samples from the first word's start to the last word's end."""
        return self.words[-1][1]

    @property
    def spoken(self) -> Mono:
        """The sound of the words alone, one after the other: a pause is no softness of speech."""
        return np.concatenate([self.samples[self.lead + start : self.lead + end] for start, end in self.words])


def line_of(clip: Clip, said: int, pauses: Mapping[int, float]) -> Line:
    """The clip's first `said` words as a line.

    Where that is not all of them, the sound ends with the last of them, faded out. `pauses` are seconds of silence by
    the word before which they are wanted; where the voice pauses for longer by itself, it stays at that.
    """
    line = _trim(clip, said)
    if said < len(clip.words):
        fade(line.samples[: line.lead + line.length], 0, round(CUT_FADE_S * SAMPLE_RATE))
    return _with_pauses(line, pauses) if pauses else line


def held(line: Line, at: int, seconds: float) -> Line:
    """The line with so much more silence before word `at`, to the millisecond above."""
    gap = max(0, line.words[at][0] - line.words[at - 1][1]) / SAMPLE_RATE
    made = _with_pauses(line, {at: gap + seconds + 0.001})
    made.pauses = tuple(sorted({*line.pauses, at}))
    return made


def _trim(clip: Clip, said: int) -> Line:
    """The clip at 24 kHz, from a little before its first word to a little after its last (to its very end, where words
    follow that are not said)."""
    rate, margin = clip.sample_rate, round(MARGIN_S * clip.sample_rate)
    spans = [(round(start * rate), round(end * rate)) for start, end in clip.words[:said]]
    first = max(0, spans[0][0] - margin)
    last = min(len(clip.samples), spans[-1][1] + (margin if said == len(clip.words) else 0))
    samples = sound.resample(clip.samples[first:last], rate)
    scale = SAMPLE_RATE / rate
    placed = [tuple(min(round((at - first) * scale), len(samples)) for at in span) for span in spans]
    origin = placed[0][0]
    odd = origin % SAMPLES_PER_MS
    words = [(start - origin, end - origin) for start, end in placed]
    if any(start >= end for start, end in words):
        raise Refusal("word_times", f"a word without a sample of its own in {clip.duration:.3f} s of sound")
    line = Line(samples[odd:].copy(), words, origin - odd)
    fade(line.samples, min(line.lead, round(FADE_IN_S * SAMPLE_RATE)), 0)
    fade(line.samples, 0, min(len(line.samples) - line.lead - line.length, round(FADE_IN_S * SAMPLE_RATE)))
    return line


def _with_pauses(line: Line, pauses: Mapping[int, float]) -> Line:
    cuts: dict[int, tuple[int, int]] = {}
    for at in sorted(pauses):
        end, start = line.words[at - 1][1], line.words[at][0]
        wanted, cut = round(pauses[at] * 1000) * SAMPLES_PER_MS, _quietest(line, at)
        silence = wanted - (start - end if end <= cut <= start else 0)
        if silence > 0:
            cuts[at] = (cut, silence)
    words: list[tuple[int, int]] = []
    added = 0
    for at, (start, end) in enumerate(line.words):
        if at in cuts:
            cut, silence = cuts[at]
            if not line.words[at - 1][1] <= cut <= start:
                # Where the sound is cut is where the words meet.
                words[-1] = (words[-1][0], cut + added)
                start = cut
            added += silence
        words.append((start + added, end + added))
    return Line(_spread(line, cuts), words, line.lead, tuple(sorted(pauses)))


def _spread(line: Line, cuts: Mapping[int, tuple[int, int]]) -> Mono:
    """The sound with silence at its cuts, faded on both sides."""
    pieces: list[Mono] = []
    done = 0
    for cut, silence in [*cuts.values(), (len(line.samples) - line.lead, 0)]:
        piece = line.samples[done : line.lead + cut].copy()
        fade(piece, round(FADE_IN_S * SAMPLE_RATE) if done else 0, round(FADE_OUT_S * SAMPLE_RATE) if silence else 0)
        pieces += [piece, np.zeros(silence, np.float32)]
        done = line.lead + cut
    return np.concatenate(pieces)


def _quietest(line: Line, at: int) -> int:
    """The quietest point between word `at` and the one before it, in samples from the first word's start."""
    end, start = line.words[at - 1][1], line.words[at][0]
    reach, window = round(REACH_S * SAMPLE_RATE), round(WINDOW_S * SAMPLE_RATE)
    first, last = end, start
    if start - end < window:
        # At most half of a word, so that none is cut away.
        first = max(end - reach, (line.words[at - 1][0] + end) // 2 + 1)
        last = min(start + reach, (start + line.words[at][1]) // 2)
    low = max(0, line.lead + first - window // 2)
    power = np.concatenate(
        [[0.0], np.cumsum(np.square(line.samples[low : line.lead + last + window].astype(np.float64)))]
    )
    places = np.arange(first, last + 1)
    left = np.clip(places + line.lead - window // 2 - low, 0, len(power) - 1)
    right = np.clip(places + line.lead + window // 2 - low, 0, len(power) - 1)
    energy = (power[right] - power[left]) / np.maximum(right - left, 1)
    quiet = places[energy <= energy.min() * 1.01 + 1e-12]
    return int(quiet[np.argmin(np.abs(quiet - (start + end) // 2))])


def fade(samples: Mono, first: int, last: int) -> None:
    """Fades the first and the last so many samples in and out, in place, along half a cosine."""
    first, last = min(first, len(samples)), min(last, len(samples))
    if first:
        samples[:first] *= _ramp(first)
    if last:
        samples[len(samples) - last :] *= _ramp(last)[::-1]


def _ramp(length: int) -> Mono:
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length), np.float32)
