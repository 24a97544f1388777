"""Forced alignment of English by pocketsphinx: the time of each word, to 10 ms."""

import threading
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.speech.timing.pronunciation import Phones, Pronouncer, speller
from kame_data.speech.timing.word_times import spread_words

# Rises when the same sound and words would be given other times.
VERSION = 1
SAMPLE_RATE = 16_000
FRAME_S = 0.01
# The acoustic model was trained on recordings: in digital silence it often finds no path at all.
# So speech of a fixed level is laid on a little noise, with some before and after it.
LEVEL, NOISE, MARGIN_S = 3000.0, 60.0, 0.2
NOISE_SEED = 1
# The weight of the grammar against the sound; lower than the default finds pauses better (benchmarks/alignment.py).
GRAMMAR_WEIGHT = 1.0
# Wide beams for sound in which the words are hard to find.
WIDE = {"beam": 1e-120, "wbeam": 1e-100, "pbeam": 1e-120}


class SphinxAligner:
    """Finds English words in sound. Any thread may use one; each thread has a decoder of its own."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()

    @staticmethod
    def version() -> str:
        """The version of all that the times depend on."""
        return f"pocketsphinx {version_of('pocketsphinx')}, times {VERSION}"

    def align(self, words: Sequence[str], samples: NDArray[np.int16], rate: int) -> list[tuple[float, float]]:
        """A (start, end) in seconds for every word. Raises Refusal (`alignment`) where they are not in the sound."""
        ways = self._ways(words)
        spoken = [place for place, way in enumerate(ways) if way]
        if not spoken:
            raise Refusal("alignment", "none of the words is said")
        raw = _heard(samples, rate)
        duration = len(samples) / rate
        for beams in ({}, WIDE):
            found = self._decode(raw, [ways[place] for place in spoken], beams)
            if len(found) == len(spoken):
                ends = [min(end, duration) for _, end in found]
                spans = {place: (start, end) for place, (start, _), end in zip(spoken, found, ends, strict=True)}
                if all(start < end for start, end in spans.values()):
                    return spread_words(spans, len(words))
        raise Refusal("alignment", f"the words are not in the sound: '{' '.join(words)[:80]}'")

    def _ways(self, words: Sequence[str]) -> list[tuple[Phones, ...]]:
        decoder = self._decoder({})
        with self._lock:
            return _pronouncer(decoder).pronounce(words)

    def _decoder(self, beams: dict[str, float]) -> Any:
        """This thread's decoder; loading one takes a third of a second."""
        import pocketsphinx

        name = "wide" if beams else "plain"
        decoder = getattr(self._local, name, None)
        if decoder is None:
            # Batch normalisation: what was heard before must not change what is heard now.
            decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL", cmn="batch", lw=GRAMMAR_WEIGHT, **beams)
            setattr(self._local, name, decoder)
            setattr(self._local, f"{name}_words", {})
        return decoder

    def _decode(
        self, raw: bytes, ways: Sequence[tuple[Phones, ...]], beams: dict[str, float]
    ) -> list[tuple[float, float]]:
        """The spans of the words in order; fewer than there are words where they were not found."""
        decoder = self._decoder(beams)
        known: dict[tuple[Phones, ...], str] = getattr(self._local, "wide_words" if beams else "plain_words")
        for way in dict.fromkeys(ways):
            if way not in known:
                known[way] = name = f"w{len(known)}"
                for number, phones in enumerate(way):
                    word = name if not number else f"{name}({number + 1})"
                    decoder.add_word(word, " ".join(phones), False)
        decoder.set_align_text(" ".join(known[way] for way in ways))
        decoder.start_utt()
        decoder.process_raw(raw, full_utt=True)
        decoder.end_utt()
        return [
            (max(0.0, part.start_frame * FRAME_S - MARGIN_S), (part.end_frame + 1) * FRAME_S - MARGIN_S)
            for part in decoder.seg() or ()
            if part.word.startswith("w")
        ]


def _heard(samples: NDArray[np.int16], rate: int) -> bytes:
    """The sound as the decoder is given it: 16 kHz, int16, always with the same noise."""
    sound = soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE)
    level = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    margin = round(MARGIN_S * SAMPLE_RATE)
    padded = np.pad(sound * (LEVEL / max(level, 1.0)), (margin, margin))
    padded += np.random.default_rng(NOISE_SEED).standard_normal(len(padded), np.float32) * NOISE
    return np.clip(np.round(padded), -32768, 32767).astype("<i2").tobytes()


_PRONOUNCERS: list[Pronouncer] = []


def _pronouncer(decoder: Any) -> Pronouncer:
    """One for all: its dictionary is the decoder's own."""
    if not _PRONOUNCERS:

        def look_up(word: str) -> list[Phones]:
            found = [decoder.lookup_word(word), *(decoder.lookup_word(f"{word}({n})") for n in (2, 3))]
            return [tuple(phones.split()) for phones in found if phones]

        _PRONOUNCERS.append(Pronouncer(look_up, lambda words: speller().phonemes(words)))
    return _PRONOUNCERS[0]
