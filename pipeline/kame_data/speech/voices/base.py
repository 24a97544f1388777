"""The one protocol of every voice: utterances go in, clips with the times of their words come out, in order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.records import Split
from kame_data.speech.voices.references import Reference

Span = tuple[float, float]


AlignerName = Literal["auto", "pocketsphinx", "mms"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """The text that one voice is to say at once: a turn.

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

    There is a span for every word of the text as `kame_data.text.words.split_words` gives them, each longer than
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
        """The length in seconds."""
        return len(self.samples) / self.sample_rate


class Synthesizer(Protocol):
    """Turns utterances into clips.

    `name` is the spec that opens it (`espeak`). A clip says itself how its words were timed; one without words comes
    from a voice that does not know, and is aligned afterwards (`kame_data.speech.clips`).
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
        """The speaker of a voice; the voices of one speaker are all in one split."""
        ...

    def speaks(self, voice: str, language: str) -> bool:
        """True where a voice speaks the language."""
        ...

    def voice(self, name: str) -> str:
        """The voice that a setting names. Raises UsageError that says which there are."""
        ...

    def clone(self, reference: Reference) -> str:
        """A voice that sounds like the reference. Raises UsageError where the synthesizer clones none."""
        ...

    def terms(self) -> list[str]:
        """The limits that the licences of its voices set, one line for each."""
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


class Aligner(Protocol):
    """Finds the words of an utterance in a clip whose synthesizer does not know their times."""

    def name(self, language: str) -> str:
        """The method, as rows name it (`pocketsphinx`); `version` tells apart what gives other times.

        Raises Refusal (`language`) where it aligns none of it.
        """
        ...

    def version(self, language: str) -> str:
        """Names what the times depend on."""
        ...

    def align(self, clip: Clip, utterance: Utterance) -> list[Span]:
        """A span for every word, in seconds. Raises Refusal (`alignment`) where the words are not in the sound."""
        ...


@dataclass(frozen=True, slots=True)
class VoiceEngine:
    """A voice engine, as `--tts` names it.

    `form`: the whole spec, for a person (`coqui:MODEL`). `open(rest, workers, batch)` gives a synthesizer, not yet
    started, for what stands behind the colon, and raises UsageError for what names none. `examine()` never raises: true
    where the engine works on this machine, and what was found; `cure` is the command that installs it. `is_model`: the
    voice is a model, which one process holds for all parts, on a GPU where there is one. `stand_in`: it only stands in
    for a better voice. `terms`: a sentence on the terms of its sound, where its voices state none.
    `aligner(synthesizer, choice)` times the words of voices that do not, as `speech.aligner` chooses; or None.
    """

    name: str
    form: str
    open: Callable[[str, int, int], Synthesizer]
    examine: Callable[[], tuple[bool, str]]
    cure: str
    is_model: bool = False
    stand_in: bool = False
    terms: str = ""
    aligner: "Callable[[Synthesizer, AlignerName], Aligner] | None" = None
