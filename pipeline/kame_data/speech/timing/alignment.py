"""A score of whether the words are in the sound: the evidence for each word, weighed against other readings.

The words as they should be are weighed against the same words with one fault: a word that is not there, another sound
in its place, more sound between words, two words the other way round, all of it something else. Each alternative is
scored with the same likelihoods (`timing.trellis`), so an odd voice, noise or a telephone costs all of them
alike, and a word that is not there, or is somewhere else, is told from one that is badly said.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from kame_data.speech.timing import acoustic
from kame_data.speech.timing.acoustic import FRAME_S, Floats
from kame_data.speech.timing.pronunciation import APOSTROPHES, Phones, Pronouncer, cmu_phones, speller
from kame_data.speech.timing.trellis import NEVER, Trellis
from kame_data.text.words import split_words

if TYPE_CHECKING:
    from kame_data.speech.voices.base import Clip, Utterance

# Rises when the same sound and words would be given another score.
VERSION = 2
# The score below which a clip is refused, in nats: the words must be likelier than each of the alternatives below.
LIMIT = 0.0
# How much likelier than the words, in nats, an alternative is in right sound now and then: a word left out, one with
# its neighbour before it (each for words of more than `FEW` phones, and where there is a shorter one), other phones in
# its place, more phones beside the words; and how much likelier than other phones the words are in the mean, at the
# least (a word counts for `MOST` at most). From benchmarks/speech_checks.py --calibration (see docs/SPEECH.md).
FEW, MISSING, SWAPPED = 2.0, (10.0, 26.0), (12.0, 22.0)
OTHER, ADDED, UNLIKE, MOST, MOST_UNLIKE = 66.0, 62.0, 2.0, 20.0, 60.0
# A word that is not there is squeezed in between its neighbours. A word that takes less than this share of the clip's
# usual time for its phones loses so many nats for a whole share, times the root of its phones.
SHORT, SQUEEZED = 0.6, 30.0
# Two words are tried the other way round where one of them is less likely than this; at the most so many pairs.
DOUBTFUL_MISSING, DOUBTFUL_OTHER, MOST_PAIRS = 25.0, -10.0, 20
# The score of sound that is too short for its words.
IMPOSSIBLE = -1000.0
# Ways in which these are said within speech, besides the dictionary's, and what hesitation sounds like.
WEAK: dict[str, tuple[str, ...]] = {
    "of": ("AH", "AA V", "AH V"), "and": ("AH N", "AH N D"), "is": ("Z", "IH Z"), "a": ("AH",), "the": ("DH AH", "AH"),
    "to": ("T AH", "T"), "an": ("AH N",), "at": ("AH T",), "for": ("F ER", "F AH"), "as": ("AH Z",), "in": ("AH N",),
    "than": ("DH AH N",), "that": ("DH AH T",), "was": ("W AH Z",), "were": ("W AH",), "are": ("AH",), "or": ("AH",),
    "can": ("K AH N",), "have": ("AH V",), "has": ("AH Z",), "had": ("AH D",), "from": ("F R AH M",),
    "her": ("ER", "HH AH", "AH"),
    "um": ("AH M", "M", "ER M", "AA M"), "uh": ("AH", "ER", "AA", "UH", "AO"), "er": ("ER", "AH", "AA", "UH", "AO"),
    "hmm": ("M", "HH M", "AH M"), "mm": ("M",), "mm-hm": ("M HH M", "AH M HH M"),
}  # fmt: skip
# Whose readings are listened for besides the dictionary's.
ACCENTS = ("en-gb-x-rp", "en-us")
MOST_WAYS = 6


@dataclass(frozen=True, slots=True)
class Alignment:
    """A measure of how well words are in a clip, in nats (natural log-likelihood ratios).

    `score` is that of the words against the likeliest alternative, each with what it may be ahead (`MISSING` to
    `UNLIKE`): above 0 for good speech, below `LIMIT` where words are missing, swapped or others. `words` has the nats
    for each word against the text without it and `spans` its (start, end) in seconds, to 20 ms; both None for a word
    that is not said (a lone dash).
    """

    score: float
    words: tuple[float | None, ...]
    spans: tuple[tuple[float, float] | None, ...]


def version(language: str) -> str | None:
    """The version of all that a score depends on; None for a language without an acoustic model (all but English)."""
    return f"pocketsphinx {version_of('pocketsphinx')}, scores {VERSION}" if _spoken(language) else None


def score(samples: NDArray[np.int16], sample_rate: int, words: Sequence[str], language: str) -> Alignment | None:
    """Measure how well `words` (as `split_words` gives them) are in a clip of int16 (n,); None where that is not known.

    That is so for every language but English, and for a text of which nothing is said. Any thread may call it; most
    of its work leaves other threads alone. Raises KameError where pocketsphinx is missing.
    """
    if not _spoken(language):
        return None
    ways = _readings(words)
    said = [place for place, found in enumerate(ways) if found]
    if not said or not len(samples):
        return None
    trellis = _trellis(samples, sample_rate, [ways[place] for place in said])
    if trellis.total < NEVER / 2:
        return Alignment(IMPOSSIBLE, (None,) * len(words), (None,) * len(words))
    missing, spans = trellis.missing(), trellis.spans()
    duration = len(samples) / sample_rate
    scores: list[float | None] = [None] * len(words)
    times: list[tuple[float, float] | None] = [None] * len(words)
    for place, value, (start, end) in zip(said, missing, spans, strict=True):
        scores[place] = float(value)
        times[place] = (min(start * FRAME_S, duration), min(end * FRAME_S, duration))
    phones = np.array([np.mean([len(way) for way in ways[place]]) for place in said])
    other = trellis.other()
    worst = _worst(trellis, missing - _squeezed(phones, spans), other, phones <= FEW, spans)
    return Alignment(worst, tuple(scores), tuple(times))


def likeness(samples: NDArray[np.int16], sample_rate: int, words: Sequence[str], language: str) -> float | None:
    """The mean number of nats by which words are likelier than other phones in their places; -`MOST_UNLIKE` to `MOST`.

    It tells other words altogether at a fraction of the cost of `score`; None where that gives None.
    """
    if not _spoken(language) or not len(samples):
        return None
    ways = [found for found in _readings(words) if found]
    if not ways:
        return None
    trellis = _trellis(samples, sample_rate, ways)
    if trellis.total < NEVER / 2:
        return -MOST_UNLIKE
    return float(np.clip(trellis.other(), -MOST_UNLIKE, MOST).mean())


def _trellis(samples: NDArray[np.int16], sample_rate: int, ways: Sequence[Sequence[Phones]]) -> Trellis:
    model = acoustic.english()
    likelihoods = model.log_likelihoods(samples, sample_rate)
    likelihoods -= likelihoods.max(axis=1, keepdims=True)
    return Trellis(likelihoods, ways, model)


def _squeezed(phones: NDArray[np.float64], spans: Sequence[tuple[int, int]]) -> Floats:
    """The penalty of each word for taking less time than its phones take in this clip."""
    frames = np.array([end - start for start, end in spans]) / phones
    shares = frames / np.median(frames)
    return np.asarray(SQUEEZED * np.maximum(0.0, SHORT - shares) * np.sqrt(phones), np.float32)


def _worst(
    trellis: Trellis, missing: Floats, other: Floats, short: NDArray[np.bool_], spans: Sequence[tuple[int, int]]
) -> float:
    """The least of what the words are ahead of the alternatives."""
    doubt = np.minimum(missing - DOUBTFUL_MISSING, other - DOUBTFUL_OTHER)
    pairs = np.minimum(doubt[:-1], doubt[1:])
    doubtful = [int(pair) for pair in np.argsort(pairs, kind="stable")[:MOST_PAIRS] if pairs[pair] < 0.0]
    ahead = [
        float((missing + np.where(short, MISSING[1], MISSING[0])).min()),
        float(other.min()) + OTHER,
        float(trellis.added().min()) + ADDED,
        float(np.minimum(other, MOST).mean()) + UNLIKE,
        *(trellis.swapped(pair, spans) + SWAPPED[bool(short[pair] or short[pair + 1])] for pair in doubtful),
    ]
    return max(IMPOSSIBLE, min(ahead))


class AlignmentMeasure:
    """The score as a measure of clips, worked out once for each."""

    field: Literal["alignment", "wer"] = "alignment"

    def version(self, language: str) -> str | None:
        """The version of all that the score depends on."""
        return version(language)

    def measure(self, clip: "Clip", utterance: "Utterance") -> float | None:
        """The score of a clip with its text."""
        words = split_words(utterance.text, utterance.language)
        found = score(clip.samples, clip.sample_rate, words, utterance.language)
        return None if found is None else round(found.score, 3)


_CAPITALS = re.compile("[A-Z]{2,}")
_ACCENTED: dict[str, list[Phones]] = {}
_LOCK = threading.Lock()


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

    return Pronouncer(look_up, lambda words: speller().phonemes(words))


def _readings(words: Sequence[str]) -> list[list[Phones]]:
    """The ways to say each word: the dictionary's, espeak-ng's in each accent, and those of running speech."""
    bare = [word.translate(APOSTROPHES).strip(".,;:!?\"' ") for word in words]
    with _LOCK:
        known = _pronouncer().pronounce(words)
        missing = sorted({word for word, ways in zip(bare, known, strict=True) if ways} - _ACCENTED.keys())
        if missing:
            # An abbreviation alone is read as a word, within a text by its letters.
            letters = {word: _CAPITALS.sub(lambda found: " ".join(found[0]), word) for word in missing}
            asked = [(word, text) for word in missing for text in dict.fromkeys((word, letters[word]))]
            for accent in ACCENTS:
                spelled = speller().phonemes([text for _, text in asked], accent)
                for (word, _), names in zip(asked, spelled, strict=True):
                    _ACCENTED.setdefault(word, []).append(cmu_phones(names, british=accent != "en-us"))
    found = []
    for word, ways in zip(bare, known, strict=True):
        weak = [tuple(way.split()) for way in WEAK.get(word.lower(), ())] if ways else []
        more = [way for way in _ACCENTED.get(word, ()) if way] if ways else []
        found.append(list(dict.fromkeys([*ways[:2], *weak, *more, *ways[2:]]))[:MOST_WAYS])
    return found
