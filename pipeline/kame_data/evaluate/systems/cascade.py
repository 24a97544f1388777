"""A cascade on a virtual clock: the recogniser hears a turn to its end, the back end answers it, a voice says that
sentence by sentence. It is what a tandem is measured against: the same parts, without a front end.

With delays that are `drawn`, the back end's first token comes behind the latency's and the rest at the pace of the
settings, and recogniser and voice take no time; with `measured` ones all take the time that they take here.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from kame_data.errors import KameError, Refusal, UsageError
from kame_data.evaluate.records import Asked, Conversation, Item, Part
from kame_data.evaluate.systems.asking import AskingUser
from kame_data.evaluate.systems.base import System, SystemEngine, conversation_of, version_of
from kame_data.llm.accounts import Budget
from kame_data.llm.back_end import conversation
from kame_data.records import SAMPLE_RATE
from kame_data.seeds import rng
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.speech.sound import resample
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.tandem.answers import answers_of
from kame_data.tandem.collected import Came, collected
from kame_data.tandem.frames import FRAME, SAMPLES
from kame_data.tandem.parts import Answers, BackEndRequest
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers import streaming_recogniser
from kame_data.tandem.streaming_recognisers.base import HearingStream, SpeechEvent, StreamingRecogniser

VERSION = 2
"""Rises when the same parts would say something else, or at another time."""
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")
STAND_IN = "cascade's voice: espeak"


@dataclass
class _Reply:
    """An answer that is being said: `sound` from the moment `begins` on; `text` are its words."""

    turn: int
    text: str
    begins: float
    sound: Sound
    parts: tuple[Part, ...]


class _Talk:
    """One conversation of the cascade."""

    def __init__(self, cascade: "_Cascade", item: Item, user: AskingUser, seed: int, budget: Budget) -> None:
        self.cascade, self.item, self.user = cascade, item, user
        self.draws = rng(seed, "first token", "cascade")
        self.budget = budget
        self.said: list[Sound] = []
        self.heard: list[Sound] = []
        self.replies: list[_Reply] = []
        self.words: list[tuple[str, str]] = []
        self.busy_until = 0.0

    async def run(self, hearing: HearingStream) -> None:
        """Hold it to its end."""
        frame = self.user.next(None)
        while frame is not None:
            now = len(self.said) * FRAME
            began = perf_counter()
            events = hearing.push(frame)
            self.busy_until = max(now, self.busy_until) + self._took(began)
            for event in events:
                await self._happened(max(now + FRAME, self.busy_until), event)
            self.said.append(self._frame(now))
            self.heard.append(frame)
            frame = self.user.next(self.said[-1])

    async def _happened(self, now: float, event: SpeechEvent) -> None:
        if event.kind == "start":
            self._stop(now)
        elif event.kind == "end" and event.text.strip():
            await self._answer(now, event.text.strip())

    def _stop(self, now: float) -> None:
        """The user speaks: what is being said ends here, and its words that nobody heard were not said."""
        for reply in self.replies:
            left = max(0, round((now - reply.begins) * SAMPLE_RATE))
            if left < len(reply.sound):
                share = left / len(reply.sound)
                reply.text = " ".join(reply.text.split()[: round(share * len(reply.text.split()))])
                reply.sound = reply.sound[:left]

    async def _answer(self, final: float, transcript: str) -> None:
        context = conversation([*self.words, *(("assistant", r.text) for r in self.replies[-1:] if r.text)])
        if self.replies and self.replies[-1].text:
            self.words.append(("assistant", self.replies[-1].text))
        turn = len(self.user.places) - 1
        request = BackEndRequest(
            len(self.replies), turn, len(transcript.split()), transcript, context, self.item.language
        )
        self.words.append(("user", transcript))
        came = await collected(self.cascade.answers, request, self.budget)
        if came.error is not None:
            raise came.error
        if not came.text.strip():
            return
        first, came = self._timed(came)
        began = perf_counter()
        begins, sound = self._spoken(final + first, came)
        parts = [Part("final", final), Part("first_token", final + first + came.pieces[0][0])]
        parts.append(Part("first_sound", begins))
        self.busy_until = max(self.busy_until, final) + self._took(began)
        rounded = tuple(Part(p.name, round(p.at, 3)) for p in parts)
        self.replies.append(_Reply(turn, " ".join(came.text.split()), begins, sound, rounded))

    def _timed(self, came: Came) -> tuple[float, Came]:
        """The seconds until the answer begins, and its pieces from there on."""
        settings = self.cascade.settings
        if settings.virtual.delays == "measured":
            return 0.0, came
        first = settings.latency.first_token.draw(self.draws)
        return first, came.at_pace(re.findall(r"\S+\s*", came.text), settings.virtual.pace)

    def _spoken(self, asked: float, came: Came) -> tuple[float, Sound]:
        """The moment at which the answer begins to be heard, and its sound from there; a sentence is said when it has
        come whole and the one before is over."""
        begins = 0.0
        sound: Sound = np.zeros(0, np.float32)
        for text, whole in _sentences(came):
            began = perf_counter()
            clip = self.cascade.say(text, self.item.language)
            ready = asked + whole + self._took(began)
            if not len(sound):
                begins = ready
            pause = max(0, round((ready - begins) * SAMPLE_RATE) - len(sound))
            sound = np.concatenate([sound, np.zeros(pause, np.float32), clip])
        return begins, sound

    def _took(self, began: float) -> float:
        return perf_counter() - began if self.cascade.settings.virtual.delays == "measured" else 0.0

    def _frame(self, now: float) -> Sound:
        out = np.zeros(SAMPLES, np.float32)
        for reply in self.replies:
            first = round((now - reply.begins) * SAMPLE_RATE)
            piece = reply.sound[max(0, first) : max(0, first + SAMPLES)]
            out[max(0, -first) :][: len(piece)] += piece
        return np.clip(out, -1.0, 1.0)


def _sentences(came: Came) -> Iterator[tuple[str, float]]:
    """The sentences of an answer, each with the seconds after which it has come whole."""
    ends = np.cumsum([len(text) for _, text in came.pieces])
    at = 0
    for sentence in _SENTENCE.split(came.text):
        at = came.text.index(sentence, at) + len(sentence)
        place = min(int(np.searchsorted(ends, at)), len(came.pieces) - 1)
        if sentence.strip():
            yield sentence.strip(), came.pieces[place][0]


class _Cascade:
    """A cascade that was opened; is a `System`."""

    name = "cascade"

    def __init__(
        self,
        settings: EvaluationSettings,
        answers: Answers,
        recogniser: StreamingRecogniser,
        voice: EspeakSynthesizer,
        runner: asyncio.Runner,
    ) -> None:
        self.settings, self.answers = settings, answers
        self._recogniser, self._voice, self._runner = recogniser, voice, runner
        self.stand_ins = (STAND_IN, *answers.stand_ins)

    def say(self, text: str, language: str) -> Sound:
        """A sentence in the assistant's voice, f32 (n,). Raises KameError where it cannot be said."""
        clip = self._voice.begin(Utterance(text, self._voice.assistant_voice(language), language)).result()
        if isinstance(clip, Refusal):
            raise KameError(f"the cascade's voice cannot say '{text[:60]}' ({clip.detail})")
        return resample(clip.samples, clip.sample_rate)

    def hold(self, item: Item, asked: Asked, repeat: int, seed: int, budget: Budget) -> Conversation:
        """See `System`."""
        user, failure = AskingUser(asked.turns, self.settings.turns), ""
        talk = _Talk(self, item, user, seed, budget)
        try:
            with closing(self._recogniser.open(item.language)) as hearing:
                self._runner.run(talk.run(hearing))
        except KameError as error:
            failure = str(error)
        texts = [" ".join(r.text for r in talk.replies if r.turn == n) for n in range(len(user.places))]
        turns = [
            replace(turn, parts=next((r.parts for r in talk.replies if r.turn == n), ()))
            for n, turn in enumerate(user.answered(texts))
        ]
        sound = _both(talk.said, talk.heard)
        return conversation_of(item, self, repeat, sound, turns, failure=failure, cost=budget.spent)


def _both(system: Sequence[Sound], user: Sequence[Sound]) -> Sound:
    sides = [np.concatenate([*side, np.zeros(0, np.float32)]) for side in (system, user)]
    length = min(map(len, sides))
    return np.stack([side[:length] for side in sides], axis=1)


def _check(rest: str) -> None:
    if rest:
        raise UsageError(f"--systems cascade:{rest}: takes nothing behind its name; --back-end names who answers")


def _recogniser(settings: EvaluationSettings) -> StreamingRecogniser:
    found = streaming_recogniser(settings.recogniser, settings.silence)
    if found is None:
        raise UsageError("--recogniser none: a cascade cannot answer what it does not hear; leave cascade out")
    return found


@contextmanager
def _open(rest: str, settings: EvaluationSettings) -> Iterator[System]:
    answers = answers_of(settings.back_end, settings.answers, settings.prompts)
    recogniser, voice = _recogniser(settings), EspeakSynthesizer(1)
    with asyncio.Runner() as runner:
        try:
            yield _Cascade(settings, answers, recogniser, voice, runner)
        finally:
            voice.close()
            runner.run(answers.close())


_HELD = {"recogniser", "silence", "back_end", "answers", "latency", "virtual", "language", "turns"}


def _version(rest: str, settings: EvaluationSettings) -> str:
    _recogniser(settings)
    return version_of(VERSION, settings, _HELD)


CASCADE = SystemEngine("cascade", "cascade", "cpu", _check, _version, _open)
