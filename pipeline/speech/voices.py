"""The one protocol of every voice: utterances go in, clips with the times of their words come out, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal, UsageError
from pipeline.records import Split

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
    nothing, in order, without overlap, within the samples. `word_times` is the method that timed them
    (`espeak-events`, `vits-durations`, `pocketsphinx`, ...). `alignment` is how well the words are in the sound (None
    where no aligner speaks the language), `wer` a recogniser's word error rate (None where none was asked).
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

    `name` is the spec that opens it (`espeak`), `word_times` the method that timed the words.
    """

    name: str
    word_times: str

    @property
    def version(self) -> str:
        """Names the engine and our code; it is part of a part's fingerprint, so other sound has another version."""
        ...

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        """The voices a user may have; none is in both splits. Raises Refusal (`language`) for one it does not speak."""
        ...

    def assistant_voice(self, language: str = "en") -> str:
        """The assistant's one voice, which no user has. Raises Refusal (`language`)."""
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


def open_synthesizer(spec: str, workers: int = 1) -> Synthesizer:
    """The synthesizer that `--tts SPEC` names, speaking in `workers` processes at a time.

    Raises UsageError for a spec that names none.
    """
    name, _, rest = spec.partition(":")
    if name == "espeak" and not rest:
        from pipeline.speech.espeak import EspeakSynthesizer

        return EspeakSynthesizer(workers)
    if name == "espeak":
        raise UsageError(f"--tts {spec}: espeak takes no argument, its voices are drawn per dialogue; use --tts espeak")
    if name == "coqui":
        raise UsageError(f"--tts {spec}: Coqui voices are not built yet; use --tts espeak")
    raise UsageError(f"--tts {spec}: no such voice; use espeak")
