"""The voice of the assistant: the model's own sound (`--voice model`), or its words, spoken (`--voice tts`).

The speaking voice is espeak's, a stand-in. Each word is spoken as soon as it is whole, one frame later: it is made
together with the words before it, so that it sounds as in a sentence, and cut out. Between words there is silence; the
sound goes on without a gap or a jump.

The voice keeps up with the text. The more sound waits, the faster the next word is spoken, up to `FASTEST` words a
minute; text that is faster still waits, up to `LONGEST` seconds of sound, and what comes then is dropped. Where the
model falls silent in the middle of a sentence, as when the user interrupts it, of the words that wait only one is still
said, and the others are dropped. A sentence that has ended is said to its end. The conversation is told of words that
were dropped.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from kame_data.codec.token_schema import TEXT_PADDING
from kame_data.errors import KameError, Refusal, UsageError
from kame_data.speech.sound import resample
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.tandem.frames import RATE, SAMPLES, FrameOut
from kame_data.tandem.parts import Spoken, Voice
from kame_data.tandem.sounds import Sound
from kame_data.text.words import join_words, split_words

VoiceName = Literal["tts", "model"]

PACE, FASTEST = 185, 420
"""Words a minute, with no sound waiting and at most."""
AHEAD, HURRY = 0.1, 4.0
"""Of the sound that waits, beyond `AHEAD` seconds each second makes the pace faster by `HURRY` times."""
LONGEST = 3.0
"""Seconds of sound that may wait."""
CONTEXT = 3
"""Words before a word with which it is made. With these a recogniser hears as many words of the voice wrongly as of
whole sentences; alone, half as many again."""
RELEASE = 0.02
"""Seconds behind a word's end that belong to its last sound."""
FADE = 64
"""Samples over which a word begins and ends."""
GUESS = 0.35
"""Seconds that a word is taken to last while it is being made."""
SILENT = 6
"""Frames without text after which the model has fallen silent."""
TIME_LIMIT = 3.0
"""Seconds after which the engine gives a word up."""
ENDS = tuple(".?!…。？！؟")


class ModelVoice:
    """The model's own voice. Is a `Voice` and, as it keeps nothing, its only stream."""

    name = "model"
    stand_ins: tuple[str, ...] = ()

    def open(self, language: str) -> "ModelVoice":
        """The model speaks whatever it speaks."""
        return self

    def next(self, out: FrameOut, words: Sequence[str]) -> Spoken:
        """The model's sound. Raises KameError where its codec cannot speak."""
        if out.sound is None:
            raise KameError("--voice model: the model's codec cannot speak; use --voice tts")
        return Spoken(out.sound)

    def close(self) -> None:
        """Nothing is held."""


class SpeakingVoice:
    """espeak, which speaks the words of any number of conversations, in `workers` processes.

    `patient`: a frame waits for the sound of the words before it, so that on a virtual clock the same words have the
    same sound; in real time a late one is said when it is there. Raises KameError where the engine does not start.
    """

    name = "tts espeak"
    stand_ins: tuple[str, ...] = ("voice: espeak",)

    def __init__(self, workers: int = 2, patient: bool = False) -> None:
        self.patient = patient
        self.synthesizer = EspeakSynthesizer(workers, TIME_LIMIT)
        # The processes start now, and not at somebody's first word; an engine that is missing is told now, too.
        first = Utterance("One.", self.synthesizer.assistant_voice())
        for begun in [self.synthesizer.begin(first) for _ in range(workers)]:
            begun.result()

    def open(self, language: str) -> "SpokenWords":
        """A stream of its own. Raises KameError for a language that the engine does not speak."""
        try:
            return SpokenWords(self, self.synthesizer.assistant_voice(language), language)
        except Refusal as refusal:
            raise KameError(f"--voice tts: {refusal.detail}") from None

    def close(self) -> None:
        """End the processes; streams that are open are silent from then on."""
        self.synthesizer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that is being made: its clip, in which it stands behind `before` other words."""

    clip: "Future[Clip | Refusal]"
    before: int


class SpokenWords:
    """The words of one conversation as sound."""

    def __init__(self, voice: SpeakingVoice, name: str, language: str) -> None:
        self._voice, self._name, self._language = voice, name, language
        self._said: deque[str] = deque(maxlen=CONTEXT)
        self._made: deque[_Word] = deque()  # words that are being made
        self._waiting: deque[Sound] = deque()  # made, and not begun
        self._sounding: Sound = np.zeros(0, np.float32)
        self._silence = 0

    def next(self, out: FrameOut, words: Sequence[str]) -> Spoken:
        """The next frame of sound; see the module for `dropped`. Raises KameError where the engine is gone."""
        self._take()
        dropped = 0
        for word in words:
            if self.behind > LONGEST:
                dropped += 1
            else:
                self._make(word)
        dropped += self._listen(out, bool(words))
        return Spoken(self._frame(), dropped)

    def close(self) -> None:
        """Give up what is being made."""
        for word in self._made:
            word.clip.cancel()
        self._made.clear()
        self._waiting.clear()

    @property
    def behind(self) -> float:
        """Seconds of sound that wait."""
        samples = len(self._sounding) + sum(map(len, self._waiting))
        return samples / RATE + GUESS * len(self._made)

    def _make(self, word: str) -> None:
        """Begin to make a word, with those before it in the same breath."""
        before = list(self._said)
        text = join_words([*before, word], self._language)
        known = len(split_words(join_words(before, self._language), self._language))
        pace = min(FASTEST, round(PACE * (1 + HURRY * max(0.0, self.behind - AHEAD))))
        clip = self._voice.synthesizer.begin(Utterance(text, self._name, self._language, pace))
        self._made.append(_Word(clip, known))
        if word.endswith(ENDS):
            self._said.clear()
        else:
            self._said.append(word)

    def _take(self) -> None:
        """Take the words of earlier frames whose sound is there, in order."""
        while self._made and (self._voice.patient or self._made[0].clip.done()):
            word = self._made.popleft()
            try:
                clip = word.clip.result()
            except CancelledError:
                raise KameError("--voice tts: the voice is closed") from None
            if (
                isinstance(clip, Clip) and len(clip.words) > word.before
            ):  # else there is nothing to be heard, as of a dash
                self._waiting.append(_cut(clip, word.before))

    def _listen(self, out: FrameOut, spoke: bool) -> int:
        """Drop what waits where the model has just fallen silent within a sentence; gives the number of words."""
        self._silence = 0 if spoke or out.text != TEXT_PADDING else self._silence + 1
        if self._silence != SILENT or not self._said:  # nothing is left of a sentence that has ended
            return 0
        words = len(self._waiting) + len(self._made)
        while len(self._waiting) + len(self._made) > 1:
            if self._made:
                self._made.pop().clip.cancel()
            else:
                self._waiting.pop()
        self._said.clear()
        return max(0, words - 1)

    def _frame(self) -> Sound:
        while len(self._sounding) < SAMPLES and self._waiting:
            self._sounding = np.concatenate([self._sounding, self._waiting.popleft()])
        frame, self._sounding = self._sounding[:SAMPLES], self._sounding[SAMPLES:]
        return np.pad(frame, (0, SAMPLES - len(frame)))


def _cut(clip: Clip, before: int) -> Sound:
    """The sound of the words of a clip behind the first `before`, f32 (n,) at 24 kHz."""
    start, end = clip.words[before][0], clip.words[-1][1] + RELEASE
    sound = resample(clip.samples[round(start * clip.sample_rate) : round(end * clip.sample_rate)], clip.sample_rate)
    length = min(FADE, len(sound) // 2)
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    sound[:length] *= ramp
    sound[len(sound) - length :] *= ramp[::-1]
    return sound


def open_voice(name: VoiceName, speaks: bool, patient: bool = False) -> Voice:
    """The voice by its name, for a model whose codec `speaks` or does not.

    Raises UsageError for the own voice of a model that has none.
    """
    if name == "tts":
        return SpeakingVoice(patient=patient)
    if not speaks:
        raise UsageError("--voice model: the model's codec cannot speak; use --voice tts")
    return ModelVoice()
