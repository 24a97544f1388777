"""The studio, in which clips are finished: each is spoken once, its words are timed (by an aligner where the voice does
not time them), and it is measured and kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal, Protocol, Self

from kame_data.errors import Refusal
from kame_data.records import Split
from kame_data.settings.speech import SpeechSettings
from kame_data.speech.clips import ClipCache, Kept, clip_key
from kame_data.speech.hearing import WerMeasure
from kame_data.speech.timing.alignment import AlignmentMeasure
from kame_data.speech.voices.base import Aligner, Clip, Span, Synthesizer, Utterance
from kame_data.speech.voices.engines import engine_of, open_synthesizer
from kame_data.speech.voices.references import Reference
from kame_data.storage.paths import AnyPath
from kame_data.text.words import split_words

WINDOW = 32


class Measure(Protocol):
    """A number that is worked out from a clip with its words, once: its field in `Clip`, and how it comes about."""

    field: Literal["alignment", "wer"]

    def version(self, language: str) -> str | None:
        """Names what the number depends on; None where it does not know the language."""
        ...

    def measure(self, clip: Clip, utterance: Utterance) -> float | None:
        """The number."""
        ...


class Studio:
    """A `Synthesizer` whose clips are finished: each has its word times and measures, and is made only once.

    `cache` None keeps nothing.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        cache: ClipCache | None = None,
        aligner: Aligner | None = None,
        measures: Sequence[Measure] = (),
    ) -> None:
        self.synthesizer, self.cache, self.aligner, self.measures = synthesizer, cache, aligner, measures
        self.name = synthesizer.name

    @property
    def version(self) -> str:
        """The synthesizer's."""
        return self.synthesizer.version

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        """Finished clips, or refusals, in the order of `jobs`, of which at most `WINDOW` are under way."""
        remaining = iter(jobs)
        while window := list(islice(remaining, WINDOW)):
            keys = [clip_key(self.version, job) for job in window]
            found = self.cache.get_many(keys) if self.cache else [None] * len(keys)
            made = self.synthesizer.synthesize(job for job, kept in zip(window, found, strict=True) if kept is None)
            for job, key, kept in zip(window, keys, found, strict=True):
                raw = Kept(clip) if kept is None and isinstance(clip := next(made), Clip) else kept
                if raw is None:
                    assert isinstance(clip, Refusal)
                    yield clip
                    continue
                finished, outcome = self._finish(raw, job)
                if self.cache and finished != kept:
                    self.cache.put(key, finished)
                yield outcome
            if self.cache:
                self.cache.flush()

    def _finish(self, kept: Kept, job: Utterance) -> tuple[Kept, Clip | Refusal]:
        """The clip with all that is still missing worked out."""
        clip, aligned, measured = kept.clip, dict(kept.aligned), dict(kept.measured)
        try:
            if not clip.words:
                clip = self._align(clip, job, aligned)
            for measure in self.measures:
                version = measure.version(job.language)
                if version is None:
                    continue
                if version not in measured:
                    measured[version] = measure.measure(clip, job)
                value = measured[version]
                clip = replace(clip, alignment=value) if measure.field == "alignment" else replace(clip, wer=value)
        except Refusal as refusal:
            return Kept(kept.clip, aligned, measured), refusal
        return Kept(kept.clip, aligned, measured), clip

    def _align(self, clip: Clip, job: Utterance, aligned: dict[str, list[Span]]) -> Clip:
        if self.aligner is None:
            raise Refusal("word_times", f"the voice {job.voice} does not time its words, and there is no aligner")
        version = self.aligner.version(job.language)
        if version not in aligned:
            spans = self.aligner.align(clip, job)
            if len(spans) != len(split_words(job.text, job.language)):
                raise Refusal("alignment", f"times for {len(spans)} words of '{job.text[:80]}'")
            aligned[version] = spans
        return replace(clip, words=tuple(aligned[version]), word_times=self.aligner.name(job.language))

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        """The synthesizer's."""
        return self.synthesizer.user_voices(split, language)

    def assistant_voice(self, language: str = "en") -> str:
        """The synthesizer's."""
        return self.synthesizer.assistant_voice(language)

    def speaker_of(self, voice: str) -> str:
        """The synthesizer's."""
        return self.synthesizer.speaker_of(voice)

    def speaks(self, voice: str, language: str) -> bool:
        """The synthesizer's."""
        return self.synthesizer.speaks(voice, language)

    def voice(self, name: str) -> str:
        """The synthesizer's."""
        return self.synthesizer.voice(name)

    def clone(self, reference: Reference) -> str:
        """The synthesizer's."""
        return self.synthesizer.clone(reference)

    def terms(self) -> list[str]:
        """The synthesizer's."""
        return self.synthesizer.terms()

    def close(self) -> None:
        """Closes the synthesizer."""
        self.synthesizer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_studio(settings: SpeechSettings, clips: AnyPath | None) -> Studio:
    """The studio that the settings call for, its clips in a folder (None keeps none).

    Raises UsageError for a voice that there is not.
    """
    synthesizer = open_synthesizer(settings.tts, batch=settings.batch)
    aligner_of = engine_of(settings.tts).aligner
    aligner = None if aligner_of is None else aligner_of(synthesizer, settings.aligner)
    return Studio(synthesizer, ClipCache(clips) if clips else None, aligner, measures_of(settings))


def measures_of(settings: SpeechSettings) -> list[Measure]:
    """The measures of every clip: whether its words are in it, and, where a recogniser is named, what that hears."""
    measures: list[Measure] = [AlignmentMeasure()]
    if settings.checks.asr is not None:
        measures.append(WerMeasure(settings.checks.asr))
    return measures
