"""The back end's own answer to each whole turn, as text: what the front end could have said at best."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np

from kame_data.errors import KameError, UsageError
from kame_data.evaluate.records import Answered, Asked, AskedTurn, Conversation, Item
from kame_data.evaluate.sound import sound_of
from kame_data.evaluate.systems.base import System, SystemEngine, conversation_of, version_of
from kame_data.llm.accounts import Budget
from kame_data.llm.back_end import conversation
from kame_data.records import SAMPLE_RATE
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.tandem.answers import answers_of
from kame_data.tandem.collected import collected
from kame_data.tandem.parts import Answers, BackEndRequest
from kame_data.tandem.sounds import Sound
from kame_data.tandem.streaming_recognisers import streaming_recogniser
from kame_data.tandem.streaming_recognisers.base import StreamingRecogniser

VERSION = 2
"""Rises when the same parts would say something else."""
PUSHED, SILENCE_S = SAMPLE_RATE // 10, 1.0
"""Samples that the recogniser gets at once, and the silence behind a turn that ends it."""


class _LastOracle:
    """A back end that was opened; is a `System`."""

    name = "last-oracle"

    def __init__(
        self,
        answers: Answers,
        recogniser: StreamingRecogniser | None,
        runner: asyncio.Runner,
    ) -> None:
        self._answers, self._recogniser, self._runner = answers, recogniser, runner
        self.stand_ins = answers.stand_ins

    def hold(self, item: Item, asked: Asked, repeat: int, seed: int, budget: Budget) -> Conversation:
        """See `System`. The turns stand one behind the other, each as long as it is spoken."""
        said: list[tuple[str, str]] = []
        turns: list[Answered] = []
        begins, failure = 0.0, ""
        try:
            for number, (turn, clip) in enumerate(zip(item.turns, asked.turns, strict=True)):
                heard = self._heard(clip, item.language) or turn.text
                context = conversation(said)
                request = BackEndRequest(number, number, len(heard.split()), heard, context, item.language)
                came = self._runner.run(collected(self._answers, request, budget))
                if came.error is not None:
                    raise came.error
                answer = " ".join(came.text.split())
                said += [("user", heard), ("assistant", answer)]
                turns.append(Answered(round(begins + clip.first, 3), round(begins + clip.last, 3), answer))
                begins += clip.last
        except KameError as error:
            failure = str(error)
        nothing: Sound = np.zeros((0, 2), np.float32)
        return conversation_of(item, self, repeat, nothing, turns, failure=failure, cost=budget.spent)

    def _heard(self, turn: AskedTurn, language: str) -> str:
        """The transcript that a tandem's recogniser has of the whole turn; "" where there is none."""
        if self._recogniser is None:
            return ""
        sound = np.concatenate([sound_of(turn.flac)[:, 0], np.zeros(round(SILENCE_S * SAMPLE_RATE), np.float32)])
        done: list[str] = []
        now = ""
        with closing(self._recogniser.open(language)) as hearing:
            pieces = [sound[at : at + PUSHED] for at in range(0, len(sound), PUSHED)]
            for events in (*map(hearing.push, pieces), hearing.close()):
                for event in events:
                    if event.kind == "end":
                        done.append(event.text)
                        now = ""
                    elif event.kind != "start":
                        now = event.text
        return " ".join(" ".join([*done, now]).split())


def _check(rest: str) -> None:
    if rest:
        raise UsageError(f"--systems last-oracle:{rest}: takes nothing behind its name; --back-end names who answers")


@contextmanager
def _open(rest: str, settings: EvaluationSettings) -> Iterator[System]:
    answers = answers_of(settings.back_end, settings.answers, settings.prompts)
    recogniser = streaming_recogniser(settings.recogniser, settings.silence)
    with asyncio.Runner() as runner:
        try:
            yield _LastOracle(answers, recogniser, runner)
        finally:
            runner.run(answers.close())


_HELD = {"recogniser", "silence", "back_end", "answers", "language"}


def _version(rest: str, settings: EvaluationSettings) -> str:
    return version_of(VERSION, settings, _HELD)


LAST_ORACLE = SystemEngine("last-oracle", "last-oracle", "cpu", _check, _version, _open)
