"""Coqui's voices: any model of its list, or a local one, spoken through its own API in processes of their own.

A model that says how long its symbols last times its own words; the clips of any other come without word times, to be
aligned (`kame_data.speech.clips`).
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Self

import numpy as np

from kame_data.errors import Refusal, UsageError
from kame_data.records import Split
from kame_data.seeds import digest
from kame_data.speech.timing.sphinx import SphinxAligner
from kame_data.speech.voices.aligned import SettingsAligner
from kame_data.speech.voices.base import AlignerName, Clip, Synthesizer, Utterance, VoiceEngine
from kame_data.speech.voices.cast import split_speakers
from kame_data.speech.voices.coqui_models import engine_version, find_model
from kame_data.speech.voices.coqui_worker import Load, Workers, shared_workers
from kame_data.speech.voices.references import Reference
from kame_data.speech.voices.speakable import check_speakable
from kame_data.text.words import join_words, split_words

# Rises when the same model would give other sound or other times.
VERSION = 1
WINDOW = 32
SILENT_RMS = 30.0
# The pace that a model is taken to speak at by itself, in words a minute; most are trained on people reading aloud.
OWN_PACE = 170.0
# XTTS cuts what is longer off (it warns from 250 characters on), and others grow hasty.
SENTENCE_CHARACTERS = 200
ENDS = ".?!…。？！"
PAUSES = ",;:，；：、"
CLOSERS = "\"'”’)»」』"


class CoquiSynthesizer:
    """A `Synthesizer` of one Coqui model; opening it loads nothing, and many may share a model's processes.

    Voices are called `coqui:MODEL/SPEAKER`, a cloned one `coqui:MODEL/FILE~DIGEST`. `batch` is the most sentences that
    are said at once (0: one on a processor, 16 on a GPU). Raises UsageError where there is no such model.
    """

    def __init__(self, spec: str, batch: int = 0, **limits: Any) -> None:
        self.name = f"coqui:{spec}"
        self.model = find_model(spec)
        path, config = self.model.path, self.model.config
        self._load = Load(model=self.model.name, path=str(path or ""), config=str(config or ""), batch=batch, **limits)
        self._references: dict[str, Reference] = {}

    @cached_property
    def version(self) -> str:
        """The model, the versions that its sound depends on, and ours."""
        times = f"times {VERSION}, {SphinxAligner.version()}"
        return f"coqui {self.model.identity()}, {engine_version()}, batch {self._load.batch}, {times}"

    def terms(self) -> list[str]:
        """The limits that the model's licence sets, in lines."""
        return [line for line in [self.model.terms()] if line]

    @property
    def workers(self) -> Workers:
        """The processes that the model lives in. Raises UsageError where its terms are not agreed to."""
        self.model.check_agreed()
        return shared_workers(self._load)

    def speakers(self) -> list[str]:
        """All voices of the model itself, by name; loads it."""
        prefix = f"coqui:{self.model.name}"
        return [f"{prefix}/{speaker}" for speaker in self.workers.facts()["speakers"]] or [prefix]

    def user_voices(self, split: Split, language: str = "en") -> list[str]:
        """The model's voices of a split, all but the assistant's. Raises Refusal (`language`)."""
        others = [voice for voice in self.speakers() if voice != self.assistant_voice(language)]
        splits = split_speakers(dict.fromkeys(others))
        return [voice for voice in others if splits[voice] == split]

    def assistant_voice(self, language: str = "en") -> str:
        """The first of the model's voices by name. Raises Refusal (`language`)."""
        self._language(language)
        return self.speakers()[0]

    def speaker_of(self, voice: str) -> str:
        """The speaker of a voice: each voice of Coqui has a speaker of its own."""
        return voice

    def speaks(self, voice: str, language: str) -> bool:
        """Every voice of a model speaks all of the model's languages."""
        return True

    def voice(self, name: str) -> str:
        """The voice that a setting names: a speaker of the model, by itself or in full. Raises UsageError."""
        known = self.speakers()
        for voice in (name, f"coqui:{self.model.name}/{name}"):
            if voice in known or voice in self._references:
                return voice
        shown = ", ".join(v.rpartition("/")[2] for v in known[:12]) + (", ..." if len(known) > 12 else "")
        raise UsageError(
            f"speech voice {name}: {self.name} has no such voice, and there is no such file; it has {shown}"
        )

    def clone(self, reference: Reference) -> str:
        """A voice that sounds like the reference. Raises UsageError where the model clones none."""
        if not self.workers.facts()["cloning"]:
            raise UsageError(
                f"speech voice {reference.path}: {self.name} clones no voices; name one of its own, or take a model "
                "that does (xtts_v2, your_tts)"
            )
        voice = f"coqui:{self.model.name}/{reference.label}"
        self._references[voice] = reference
        return voice

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        """Clips in the order of `jobs`, of which at most `WINDOW` are under way."""
        remaining = iter(jobs)
        while window := list(islice(remaining, WINDOW)):
            yield from self._say(window)

    def close(self) -> None:
        """Do nothing: the model stays loaded for the next caller, until the build ends (`close_workers`)."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _say(self, window: Sequence[Utterance]) -> list[Clip | Refusal]:
        said: dict[int, Clip | Refusal] = {}
        items = []
        for number, job in enumerate(window):
            try:
                items.append({"id": number, **self._item(job)})
            except Refusal as refusal:
                said[number] = refusal
        if items:
            for number, reply, sound in self.workers.speak(items):
                said[number] = _clip(window[number], reply, sound)
        return [said[number] for number in range(len(window))]

    def _item(self, job: Utterance) -> dict[str, Any]:
        words = split_words(job.text, job.language)
        check_speakable(job.text, words, job.language)
        reference = self._references.get(job.voice)
        if reference is None and job.voice not in self.speakers():
            raise Refusal("voice", f"{self.name} has no voice '{job.voice}'")
        speaker = job.voice.removeprefix(f"coqui:{self.model.name}").removeprefix("/")
        return {
            "sentences": sentences(words, job.language),
            "joiner": join_words(["a", "b"], job.language)[1:-1],
            "language": self._language(job.language),
            "speaker": reference.label if reference else speaker,
            "reference": str(reference.path) if reference else "",
            "pace": job.words_per_minute / OWN_PACE,
            "seed": int(digest("clip", job.text, job.voice, job.language, job.words_per_minute)[:12], 16),
        }

    def _language(self, tag: str) -> str:
        """The model's own name of a language. Raises Refusal (`language`)."""
        languages = self.workers.facts()["languages"]
        for name in (tag, tag.split("-")[0]):
            for known in languages:
                if known.lower() == name.lower() or known.lower().startswith(f"{name.lower()}-"):
                    return str(known)
        raise Refusal("language", f"{self.name} speaks {', '.join(languages)}, not '{tag}'")


def sentences(words: Sequence[str], language: str) -> list[list[str]]:
    """The words in the pieces that a model is given: sentences, long ones cut at a comma where they have one."""
    pieces: list[list[str]] = [[]]
    for place, word in enumerate(words):
        pieces[-1].append(word)
        end = word.strip().rstrip(CLOSERS)[-1:]
        following = words[place + 1] if place + 1 < len(words) else ""
        title = end == "." and word[:1].isupper() and len(word) <= 5  # Dr., Mrs., initials
        if end and end in ENDS and not title and not following[:1].islower():
            pieces.append([])
    cut = [part for piece in pieces if piece for part in _short(piece, language)]
    # A mark alone is nothing to say; it goes with what is before it.
    whole: list[list[str]] = []
    for piece in cut:
        if whole and not any(c.isalnum() for word in piece for c in word):
            whole[-1] += piece
        else:
            whole.append(piece)
    return whole


def _short(words: list[str], language: str) -> Iterator[list[str]]:
    while len(join_words(words, language)) > SENTENCE_CHARACTERS and len(words) > 1:
        fits = next(
            n for n in range(len(words), 0, -1) if n == 1 or len(join_words(words[:n], language)) <= SENTENCE_CHARACTERS
        )
        at_comma = [n for n in range(fits, fits // 2, -1) if words[n - 1].strip()[-1:] in PAUSES]
        at = (at_comma or [fits])[0]
        yield words[:at]
        words = words[at:]
    yield words


def _clip(job: Utterance, reply: dict[str, Any], sound: bytes) -> Clip | Refusal:
    if "refused" in reply:
        return Refusal(reply["refused"], reply["detail"])
    if "error" in reply:
        return Refusal("speech_failed", f"{reply['error']}, twice, at '{job.text[:80]}'")
    samples = np.frombuffer(sound, "<i2").astype(np.int16)
    if not len(samples) or float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) < SILENT_RMS:
        return Refusal("silence", f"the voice {job.voice} says nothing for '{job.text[:80]}'")
    rate = reply["sample_rate"]
    words = tuple((start / rate, end / rate) for start, end in reply["words"] or ())
    return Clip(samples, rate, words, reply["by"] or "")


def _open(rest: str, workers: int, batch: int) -> CoquiSynthesizer:
    if not rest:
        raise UsageError("--tts coqui: name a model too, coqui:MODEL (tts_models/en/vctk/vits, or a model's folder)")
    return CoquiSynthesizer(rest, batch)


def _examine() -> tuple[bool, str]:
    missing = [m for m in ("TTS", "torch", "torchaudio", "torchcodec", "six") if importlib.util.find_spec(m) is None]
    if missing:
        return False, f"missing: {', '.join(missing)}"
    return True, ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("coqui-tts", "torch"))


def _aligner(synthesizer: Synthesizer, choice: AlignerName) -> SettingsAligner:
    assert isinstance(synthesizer, CoquiSynthesizer)
    return SettingsAligner(choice, lambda: synthesizer.workers)


COQUI = VoiceEngine(
    "coqui", "coqui:MODEL", _open, _examine, "pip install 'kame-data[coqui]'", is_model=True, aligner=_aligner
)
