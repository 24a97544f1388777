"""Whether the words are in the sound: what the sound says for each word, and against what it holds besides.

Every word is weighed by itself: how much likelier is the sound with the word than with the same text without it (the
best path through all other words, which may stretch to take its place)? That compares a voice with itself, so an odd
voice, noise or a telephone costs all alternatives the same, and a word that is not there, or is somewhere else, is
told from one that is badly said. Sound that no word explains is weighed likewise, against free phones in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as version_of
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.speech import acoustic
from pipeline.speech.acoustic import FRAME_S, STATES, Floats
from pipeline.speech.espeak import EspeakSynthesizer
from pipeline.speech.pronunciation import Phones, Pronouncer
from pipeline.speech.voices import Clip, Utterance
from pipeline.text.words import split_words

# Rises when the same sound and words would be given another score.
VERSION = 1
# The score below which a clip is refused, in nats; from benchmarks/speech_checks.py (see docs/SPEECH.md).
LIMIT = -15.0
# A stray phone costs so many nats a frame more than the best one that the frame may hold; and so much of it (a breath,
# a click, an odd vowel) is nothing to speak of.
FREE_COST, ALLOWED = 6.0, 45.0
NEVER = np.float32(-1e30)
# The score of sound that is too short for its words.
IMPOSSIBLE = -1000.0
SILENCE = "SIL"
# Ways in which these are said within speech, besides the dictionary's.
WEAK: dict[str, tuple[str, ...]] = {
    "of": ("AH", "AA V", "AH V"), "and": ("AH N", "AH N D"), "is": ("Z", "IH Z"), "a": ("AH",), "the": ("DH AH", "AH"),
    "to": ("T AH", "T"), "an": ("AH N",), "at": ("AH T",), "for": ("F ER", "F AH"), "as": ("AH Z",),
}  # fmt: skip
VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
BRITISH = {"AE": ("AA",), "OW": ("AH", "UW")}
MOST_WAYS = 6


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well words are in a clip, in nats (natural log-likelihood ratios).

    `score` is that of the worst place: of the word that the sound says least for, or, if that is less, of the sound
    that no word explains (`ALLOWED` less `stray`). It is some tens for good speech, and below `LIMIT` where words are
    missing, swapped or others. `words` has the nats for each word and `spans` its (start, end) in seconds, to 20 ms;
    both None for a word that is not said (a lone dash).
    """

    score: float
    words: tuple[float | None, ...]
    spans: tuple[tuple[float, float] | None, ...]
    stray: float


def version(language: str) -> str | None:
    """What a score depends on; None for a language that there is no acoustic model for (all but English)."""
    return f"pocketsphinx {version_of('pocketsphinx')}, scores {VERSION}" if _spoken(language) else None


def score(samples: NDArray[np.int16], sample_rate: int, words: Sequence[str], language: str) -> Alignment | None:
    """How well `words` (as `split_words` gives them) are in a clip of int16 (n,); None where that cannot be said.

    That is so for every language but English, and for a text of which nothing is said. Any thread may call it; most
    of its work leaves other threads alone. Raises KameError where pocketsphinx is missing.
    """
    if not _spoken(language):
        return None
    ways = [_ways(word, found) for word, found in zip(words, _pronouncer().pronounce(words), strict=True)]
    said = [place for place, found in enumerate(ways) if found]
    if not said or not len(samples):
        return None
    likelihoods = acoustic.english().log_likelihoods(samples, sample_rate)
    likelihoods -= likelihoods.max(axis=1, keepdims=True)
    trellis = _Trellis(likelihoods, [ways[place] for place in said])
    if trellis.total < NEVER / 2:
        return Alignment(IMPOSSIBLE, (None,) * len(words), (None,) * len(words), 0.0)
    nats, spans = trellis.words(), trellis.spans()
    duration = len(samples) / sample_rate
    scores: list[float | None] = [None] * len(words)
    times: list[tuple[float, float] | None] = [None] * len(words)
    for place, value, (start, end) in zip(said, nats, spans, strict=True):
        scores[place] = value
        times[place] = (min(start * FRAME_S, duration), min(end * FRAME_S, duration))
    stray = trellis.stray()
    return Alignment(min(min(nats), ALLOWED - stray), tuple(scores), tuple(times), stray)


class AlignmentMeasure:
    """The score as a measure of clips, worked out once for each."""

    field: Literal["alignment", "wer"] = "alignment"

    def version(self, language: str) -> str | None:
        """What the score depends on."""
        return version(language)

    def measure(self, clip: Clip, utterance: Utterance) -> float | None:
        """The score of a clip with its text."""
        words = split_words(utterance.text, utterance.language)
        found = score(clip.samples, clip.sample_rate, words, utterance.language)
        return None if found is None else round(found.score, 3)


def _spoken(language: str) -> bool:
    return language.split("-")[0] == "en"


@cache
def _pronouncer() -> Pronouncer:
    text = "\n" + (acoustic.model_folder() / "cmudict-en-us.dict").read_text()

    def look_up(word: str) -> list[Phones]:
        found = []
        for entry in (word, f"{word}(2)", f"{word}(3)"):
            if (at := text.find(f"\n{entry} ")) >= 0:
                start = at + len(entry) + 2
                found.append(tuple(text[start : text.index("\n", start)].split()))
        return found

    return Pronouncer(look_up, lambda words: _speller().phonemes(words))


@cache
def _speller() -> EspeakSynthesizer:
    return EspeakSynthesizer(1)


def _ways(word: str, ways: Sequence[Phones]) -> list[Phones]:
    """The ways to say a word, with those of running speech and of British accents."""
    found = [*ways, *(tuple(way.split()) for way in WEAK.get(word.lower().strip(".,;:!?\"'"), ()))]
    found += [_british(way) for way in ways]
    return list(dict.fromkeys(way for way in found if way))[:MOST_WAYS]


def _british(way: Phones) -> Phones:
    """Without an r that no vowel follows, and with the vowels of 'glass' and 'know' as they are heard there."""
    found: list[str] = []
    for at, phone in enumerate(way):
        before, after = way[at - 1] if at else "", way[at + 1] if at + 1 < len(way) else ""
        if not (phone == "R" and before in VOWELS and after not in VOWELS):
            found += BRITISH.get(phone, (phone,))
    return tuple(found)


class _Trellis:
    """All ways through the frames: words in order, each in one of its ways, silence between them where there is some.

    `before[t, k]` is the best log-likelihood of the first t frames with just the first k words in them, `after[t, k]`
    of the rest with the rest; `done` and `due` likewise where word k - 1 ends, or word k starts, exactly there.
    """

    def __init__(self, likelihoods: Floats, ways: Sequence[Sequence[Phones]]) -> None:
        model = acoustic.english()
        columns = [[[model.column(phone, n) for phone in way for n in range(STATES)] for way in word] for word in ways]
        silence = np.ascontiguousarray(likelihoods[:, model.column(SILENCE, 1)])
        self.before, self.done = _sweep(likelihoods, silence, columns, backwards=False)
        after, due = _sweep(likelihoods[::-1], silence[::-1], columns, backwards=True)
        self.after, self.due = after[::-1, ::-1], due[::-1, ::-1]
        self.total = float(self.before[-1, -1])

    def words(self) -> list[float]:
        """For each word, the best log-likelihood with it less the best without it."""
        without = (self.before[:, :-1] + self.after[:, 1:]).max(axis=0)
        return [self.total - float(value) for value in without]

    def stray(self) -> float:
        """How much likelier the sound is with free phones at one place between words, or instead of silence there."""
        cost = (FREE_COST * np.arange(len(self.before), dtype=np.float32))[:, None]
        first = np.maximum.accumulate(self.before + cost, axis=0)
        return max(0.0, float((first + self.after - cost).max()) - self.total)

    def spans(self) -> list[tuple[int, int]]:
        """The frames [start, end) of each word on the best path; a word too short to be seen has one of its own."""
        starts = (self.before + self.due)[:, :-1].argmax(axis=0)
        ends = (self.done + self.after)[:, 1:].argmax(axis=0)
        return [(int(start), max(int(end), int(start) + 1)) for start, end in zip(starts, ends, strict=True)]


def _sweep(
    likelihoods: Floats, silence: Floats, columns: Sequence[Sequence[Sequence[int]]], *, backwards: bool
) -> tuple[Floats, Floats]:
    """Best log-likelihoods by frames done and words done, each (frames + 1, words + 1), and those that end in a word.

    A state may be skipped, for frames are 20 ms. Backwards, frames and words are given and come out in reverse.
    """
    words = [[way[::-1] for way in word] for word in columns[::-1]] if backwards else columns
    states, first, second, entries, entered, exits = _states(words, backwards)
    count = len(words)
    before = np.full((len(likelihoods) + 1, count + 1), NEVER, np.float32)
    ends = before.copy()
    before[0, 0] = ends[0, 0] = 0.0
    # The last place is never reached; it stands for states that are not there.
    reached = np.full(len(states) + 1, NEVER, np.float32)
    for t, frame in enumerate(likelihoods):
        place = before[t]
        new = np.maximum(reached[:-1], np.maximum(_shifted(reached, 1) + first, _shifted(reached, 2) + second))
        new[entries] = np.maximum(new[entries], place[entered])
        reached[:-1] = new + frame[states]
        ends[t + 1, 1:] = reached[exits].max(axis=0)
        np.maximum(ends[t + 1], place + silence[t], out=before[t + 1])
    return before, ends


def _shifted(values: Floats, by: int) -> Floats:
    """What the state `by` places before each state has."""
    return np.concatenate([values[-1:].repeat(by), values[: -1 - by]])


def _states(
    words: Sequence[Sequence[Sequence[int]]], backwards: bool
) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The states of all ways of all words in a row.

    Their columns; what it costs to come from the state before and from the one before that (0 or `NEVER`); the states
    in which words are entered, with their words; and the states that leave each word, (most ways, words).
    """
    states: list[int] = []
    first: list[bool] = []
    second: list[bool] = []
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
    padded = [leaving + [len(states)] * (width - len(leaving)) for leaving in exits]
    places, entered = zip(*entries, strict=True)
    costs = [np.where(allowed, np.float32(0.0), NEVER) for allowed in (first, second)]
    return np.array(states), costs[0], costs[1], np.array(places), np.array(entered), np.array(padded).T.copy()
