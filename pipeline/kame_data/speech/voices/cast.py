"""The pool of voices: who speaks as a user in which split, with what weight, and who as the assistant.

A voice belongs to a speaker (espeak's `m1` speaks in several accents), and a speaker to one split. Which one follows
from the pool alone, not from how large the build is or in which order it is made.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kame_data.errors import Refusal, UsageError
from kame_data.records import Split
from kame_data.seeds import fraction
from kame_data.settings.speech import SpeechSettings, VoiceSettings
from kame_data.speech.voices.base import Synthesizer
from kame_data.speech.voices.references import Reference, read_reference

SPLITS: tuple[Split, ...] = ("train", "validation")
# The share of the speakers that validation gets; one at least.
VALIDATION_SHARE = 0.15
SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".m4a"})


def split_speakers(speakers: Mapping[str, Split | None]) -> dict[str, Split]:
    """The split of every speaker: as it is given, or by a hash of the name, so that both splits get some.

    Of two speakers or more, one at least is left for each split unless they are given otherwise.
    """
    free = sorted((name for name, split in speakers.items() if split is None), key=lambda n: fraction("speaker", n))
    given = {name: split for name, split in speakers.items() if split is not None}
    wanted = max(1, round(VALIDATION_SHARE * len(speakers))) - sum(s == "validation" for s in given.values())
    spare = len(free) - ("train" not in given.values())
    validation = set(free[: max(0, min(wanted, spare))])
    return {name: given.get(name) or ("validation" if name in validation else "train") for name in speakers}


class VoicePool:
    """The voices of a build. Opening one reads the reference clips; a model is loaded when its voices are asked for.

    Raises UsageError for a reference clip that will not do.
    """

    def __init__(self, synthesizer: Synthesizer, settings: SpeechSettings) -> None:
        self.synthesizer = synthesizer
        self.settings = settings
        named = [*settings.user_voices]
        if settings.assistant_voice is not None:
            named.append(VoiceSettings(voice=settings.assistant_voice))
        self._references = {v.voice: read_reference(Path(v.voice).expanduser()) for v in named if _is_file(v.voice)}
        self._names: dict[str, str] = {}

    def facts(self) -> dict[str, Any]:
        """The facts that the draw of voices depends on: the settings' voices, and the content of recordings."""

        def fact(name: str | None) -> str | None:
            return self._references[name].digest if name in self._references else name

        users = [(fact(v.voice), v.weight, v.split) for v in self.settings.user_voices]
        return {"users": users, "assistant": fact(self.settings.assistant_voice)}

    def assistant_voice(self, language: str = "en") -> str:
        """The assistant's one voice. Raises Refusal (`language`), UsageError for a voice that there is not."""
        own = self.synthesizer.assistant_voice(language)
        return own if self.settings.assistant_voice is None else self._voice(self.settings.assistant_voice)

    def user_voices(self, split: Split, language: str = "en") -> list[tuple[str, float]]:
        """The voices that a user of a split may have, with their weights, in a fixed order; never empty.

        Raises Refusal (`language`), UsageError for a voice that there is not or a split without a voice.
        """
        if self.settings.user_voices:
            found = self._given(split, language)
        else:
            found = [(voice, 1.0) for voice in self.synthesizer.user_voices(split, language)]
            if self.settings.assistant_voice is not None:
                found = [(voice, weight) for voice, weight in found if not self._assistants(voice, language)]
        if not found:
            raise UsageError(self._too_few(split, language))
        return found

    def check(self, languages: Iterable[str], splits: Iterable[Split] = SPLITS) -> None:
        """Raise UsageError where a language or a split is left without a voice, or a voice is named that there is not.

        Loads the model.
        """
        for language in languages:
            try:
                self.assistant_voice(language)
                for split in splits:
                    self.user_voices(split, language)
            except Refusal as refusal:
                raise UsageError(f"--tts {self.synthesizer.name}: {refusal.detail}") from None

    def _assistants(self, voice: str, language: str) -> bool:
        speaker_of = self.synthesizer.speaker_of
        return speaker_of(voice) == speaker_of(self.assistant_voice(language))

    def _given(self, split: Split, language: str) -> list[tuple[str, float]]:
        given = {self._voice(v.voice): v for v in self.settings.user_voices}
        if len(given) < len(self.settings.user_voices):
            raise UsageError("speech.user_voices: a voice is there twice; name each once")
        speakers: dict[str, Split | None] = {}
        for voice, setting in given.items():
            speaker = self.synthesizer.speaker_of(voice)
            before = speakers.get(speaker)
            if before is not None and setting.split not in (None, before):
                raise UsageError(
                    f"speech.user_voices: {voice} is of a speaker of another split; give both the same split"
                )
            if not self._assistants(voice, language):
                speakers[speaker] = setting.split or before
        splits = split_speakers(speakers)
        return [
            (voice, setting.weight)
            for voice, setting in given.items()
            if splits.get(self.synthesizer.speaker_of(voice)) == split and self.synthesizer.speaks(voice, language)
        ]

    def _voice(self, name: str) -> str:
        if name not in self._names:
            reference: Reference | None = self._references.get(name)
            self._names[name] = self.synthesizer.clone(reference) if reference else self.synthesizer.voice(name)
        return self._names[name]

    def _too_few(self, split: Split, language: str) -> str:
        where = "speech.user_voices" if self.settings.user_voices else f"--tts {self.synthesizer.name}"
        return (
            f"{where}: no user's voice is left for {split} in '{language}'; train, validation and the assistant "
            "each want a speaker of their own: name more in speech.user_voices (or give them their split)"
        )


def _is_file(name: str) -> bool:
    path = Path(name)
    return (
        path.suffix.lower() in SUFFIXES or path.is_absolute() or name.startswith(("./", "../", "~")) or path.is_file()
    )
