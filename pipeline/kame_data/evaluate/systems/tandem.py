"""Our own tandem on a virtual clock; and its front end alone, which no back end helps: the baseline."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np

from kame_data.errors import KameError, UsageError
from kame_data.evaluate.records import Asked, Conversation, Item
from kame_data.evaluate.systems.asking import AskingUser
from kame_data.evaluate.systems.base import System, SystemEngine, conversation_of, version_of
from kame_data.llm.accounts import Budget
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.settings.tandem import ConversationSettings
from kame_data.tandem.checkpoints import Checkpoint
from kame_data.tandem.events import AnyEvent, EventLog, WordDropped, WordSaid
from kame_data.tandem.history import Said, whole_words
from kame_data.tandem.opening import VirtualTandem, open_parts
from kame_data.tandem.sounds import Sound
from kame_data.text.words import join_words

VERSION = 2
"""Rises when the same parts would say something else."""


class _Tandem:
    """A tandem that was opened; is a `System`."""

    def __init__(self, name: str, tandem: VirtualTandem, settings: EvaluationSettings, runner: asyncio.Runner) -> None:
        self.name, self.stand_ins = name, tandem.parts.setup.stand_ins
        self._tandem, self._settings, self._runner = tandem, settings, runner

    def hold(self, item: Item, asked: Asked, repeat: int, seed: int, budget: Budget) -> Conversation:
        """See `System`."""
        user, events, failure = AskingUser(asked.turns, self._settings.turns), list[AnyEvent](), ""
        log = EventLog(listeners=[events.append])
        sound: Sound = np.zeros((0, 2), np.float32)
        try:
            sound = self._runner.run(self._tandem.talk(user, log, seed, f"{item.id}-{repeat}", budget))
        except KameError as error:
            failure = str(error)
        lines = "".join(event.model_dump_json(exclude_none=True) + "\n" for event in events)
        turns = user.answered(texts_of(events, [place.start for place in user.places], item.language))
        return conversation_of(item, self, repeat, sound, turns, log=lines, failure=failure, cost=budget.spent)


def texts_of(events: Sequence[AnyEvent], starts: Sequence[float], language: str) -> list[str]:
    """The words of the model between the `starts` of the user's turns, as text; without those nobody heard."""
    said: list[WordSaid] = []
    for event in events:
        if isinstance(event, WordSaid):
            said.append(event)
        elif isinstance(event, WordDropped):
            del said[-event.count :]
    words = whole_words((Said(word.text, word.at, word.glued) for word in said), language)
    ends = [*starts[1:], float("inf")]
    return [
        join_words([w.text for w in words if start <= w.start < end], language)
        for start, end in zip(starts, ends, strict=True)
    ]


def _settings(settings: EvaluationSettings, policy: Literal["none"] | None) -> EvaluationSettings:
    """The settings of the conversations; `policy` in place of their own."""
    if policy is None:
        return settings
    return settings.model_copy(update={"latency": settings.latency.model_copy(update={"policy": policy})})


def _check(rest: str) -> None:
    if rest:
        raise UsageError(f"--systems tandem:{rest}: takes nothing behind its name; MODEL names the front end")


def _engine(name: str, policy: Literal["none"] | None) -> SystemEngine:
    @contextmanager
    def opened(rest: str, settings: EvaluationSettings) -> Iterator[System]:
        own = _settings(settings, policy)
        with open_parts(own, virtual=True) as parts, asyncio.Runner() as runner:
            tandem = VirtualTandem(parts, own)
            try:
                yield _Tandem(name, tandem, settings, runner)
            finally:
                runner.run(tandem.close())

    def version(rest: str, settings: EvaluationSettings) -> str:
        own = _settings(settings, policy)
        checkpoint = Checkpoint.find(own.model, own.tokenizer, own.codec)
        return version_of((VERSION, checkpoint.digest()), own, _HELD)

    return SystemEngine(name, name, "cpu", _check, version, opened)


_HELD = {*ConversationSettings.model_fields, "turns"} - {"model", "device", "seed", "prompts"}
"""The settings that a conversation hangs on, beside the model, the back end's prompt and its own seed."""
TANDEM = _engine("tandem", None)
FRONT_END = _engine("front-end", "none")
