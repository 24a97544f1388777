"""The one protocol of every voice: utterances go in, clips with the times of their words come out, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal, UsageError
from pipeline.records import Split
from pipeline.speech.references import Reference

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one voice is to say in one breath: the text of a turn.

    `voice` is a name that the synthesizer gave out, `language` a tag such as `en`, `words_per_minute` the pace,
    `pitch` a shift of the voice's own pitch in [-1, 1] (a synthesizer that cannot shift it ignores it).
    """

    text: str
    voice: str
    language: str = "en"
    words_per_minute: int = 170
    pitch: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """An utterance's sound: `samples` is int16 mono of shape (n,), `words` are (start, end) in seconds.

    There is a span for every word of the text as `pipeline.text.words.split_words` gives them, each longer than
    nothing, in order, without overlap, within the samples; none at all where the synthesizer does not know.
    `word_times` is the method that timed them (`espeak-events`, `vits-durations`, `pocketsphinx`, ...). `alignment` is
    how well the words are in the sound (None where no aligner speaks the language), `wer` a recogniser's word error
    rate (None where none was asked).
    """

    samples: NDArray[np.int16]
    sample_rate: int
    words: tuple[Span, ...]
    word_times: str = ""
    alignment: float | None = None
    wer: float | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.sample_rate


class Synthesizer(Protocol):
    """Turns utterances into clips.

    `name` is the spec that opens it (`espeak`). A clip says itself how its words were timed; one without words comes
    from a voice that does not know, and is aligned afterwards (`pipeline.speech.clips`).
    """

    name: str

    @property
    def version(self) -> str:
        """Names the engine and our code; it is part of a part's fingerprint, so other sound has another version."""
        ...

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        """The voices a user may have where none are named; none is in both splits. Raises Refusal (`language`)."""
        ...

    def assistant_voice(self, language: str = "en") -> str:
        """The assistant's one voice, which no user has. Raises Refusal (`language`)."""
        ...

    def speaker_of(self, voice: str) -> str:
        """Who speaks with a voice; two voices of one speaker are never in two splits."""
        ...

    def speaks(self, voice: str, language: str) -> bool:
        """Whether a voice is one for the language."""
        ...

    def voice(self, name: str) -> str:
        """The voice that a setting names. Raises UsageError that says which there are."""
        ...

    def clone(self, reference: Reference) -> str:
        """A voice that sounds like the reference. Raises UsageError where the synthesizer clones none."""
        ...

    def terms(self) -> list[str]:
        """What the licences of its voices forbid, a line each."""
        ...

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        """A clip for every utterance, or why there is none, in the order of `jobs`.

        Reads only a little ahead in `jobs`, so memory stays flat over any number of them.
        """
        ...

    def close(self) -> None:
        """Ends what the synthesizer started; afterwards it speaks no more."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_synthesizer(spec: str, workers: int = 1, batch: int = 0) -> Synthesizer:
    """The synthesizer that `--tts SPEC` names: espeak in `workers` processes, Coqui `batch` sentences at a time.

    Raises UsageError for a spec that names none.
    """
    name, _, rest = spec.partition(":")
    if name == "espeak" and not rest:
        from pipeline.speech.espeak import EspeakSynthesizer

        return EspeakSynthesizer(workers)
    if name == "espeak":
        raise UsageError(f"--tts {spec}: espeak takes no argument, its voices are drawn per dialogue; use --tts espeak")
    if name == "coqui" and rest:
        from pipeline.speech.coqui import CoquiSynthesizer

        return CoquiSynthesizer(rest, batch)
    if name == "coqui":
        raise UsageError(f"--tts {spec}: name a model too, coqui:MODEL (tts_models/en/vctk/vits, or a model's folder)")
    raise UsageError(f"--tts {spec}: no such voice; use espeak or coqui:MODEL")
