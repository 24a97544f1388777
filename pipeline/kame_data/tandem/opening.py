"""The tandem from its settings: what is missing or wrong is said before a conversation begins."""

import platform
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from kame_data import __version__
from kame_data.llm.accounts import Budget
from kame_data.seeds import digest
from kame_data.settings.latency import LoopSettings
from kame_data.settings.tandem import ConversationSettings
from kame_data.tandem.answers import answers_of
from kame_data.tandem.checkpoints import Checkpoint
from kame_data.tandem.events import EventLog
from kame_data.tandem.front_end import Sampling
from kame_data.tandem.live import Tandem
from kame_data.tandem.parts import Answers, Voice
from kame_data.tandem.session import Session, Setup
from kame_data.tandem.streaming_recognisers import streaming_recogniser
from kame_data.tandem.streaming_recognisers.base import StreamingRecogniser
from kame_data.tandem.virtual import User, VirtualConversation
from kame_data.tandem.voices import open_voice

PACKAGES = ("moshi", "torch", "sentencepiece", "moonshine-voice", "openai", "anthropic")
"""Packages whose versions the log names."""
NO_RECOGNISER = "none"


@dataclass(frozen=True)
class Parts:
    """All that conversations share but the model's rows. `recogniser` None: nobody hears words."""

    checkpoint: Checkpoint
    setup: Setup
    recogniser: StreamingRecogniser | None
    answers: Answers
    voice: Voice


@contextmanager
def open_parts(settings: ConversationSettings, virtual: bool = False) -> Iterator[Parts]:
    """The parts, for a virtual clock or for real time; the voice's processes end behind them.

    Raises UsageError or KameError, in one line, for what is missing, unknown or does not fit.
    """
    answers = answers_of(settings.back_end, settings.answers, settings.prompts)
    recogniser = streaming_recogniser(settings.recogniser, settings.silence)
    checkpoint = Checkpoint.find(settings.model, settings.tokenizer, settings.codec)
    name = settings.voice if settings.voice != "auto" else "model" if checkpoint.speaks else "tts"
    voice = open_voice(name, checkpoint.speaks, patient=virtual)
    setup = Setup(
        name="",
        tokenizer=checkpoint.tokenizer,
        loop=settings.latency,
        language=settings.language,
        by_position=settings.oracle_mode == "by-position",
        history=settings.answers.history,
        hears=recogniser is not None,
        clock="virtual" if virtual else "wall",
        model=checkpoint.name,
        recogniser=recogniser.name if recogniser is not None else NO_RECOGNISER,
        back_end=answers.name,
        voice=voice.name,
        policy=str(settings.latency) if virtual else _loop(settings.latency),
        stand_ins=(*checkpoint.stand_ins, *voice.stand_ins, *answers.stand_ins),
        versions=_versions(),
    )
    try:
        yield Parts(checkpoint, setup, recogniser, answers, voice)
    finally:
        voice.close()


@asynccontextmanager
async def open_tandem(settings: ConversationSettings, slots: int) -> AsyncIterator[Tandem]:
    """A tandem for `slots` conversations at once, in real time; all of it is closed behind. Raises as `open_parts`."""
    with open_parts(settings) as parts:
        stepper = parts.checkpoint.stepper(slots, settings.device)
        tandem = Tandem(
            parts.setup, stepper, parts.answers, parts.voice, parts.recogniser, settings.answers.session_budget
        )
        try:
            yield tandem
        finally:
            await tandem.close()
            stepper.close()


class VirtualTandem:
    """Conversations on a virtual clock, one after the other, with a model that is loaded once."""

    def __init__(self, parts: Parts, settings: ConversationSettings) -> None:
        self.parts, self.settings = parts, settings
        self._rows = parts.checkpoint.front_end(1, settings.device, Sampling(seed=0))

    async def talk(
        self, user: NDArray[np.float32] | User, log: EventLog, seed: int, name: str, budget: Budget
    ) -> NDArray[np.float32]:
        """A conversation with a recording, f32 (n,) at 24 kHz, or with a user who hears the assistant; gives both
        sides, f32 (n, 2), the assistant left. Every draw hangs on `seed`; `name` is the log's; `budget` is its own.

        Raises KameError where model or recogniser fail.
        """
        parts, settings = self.parts, self.settings
        self._rows.reseed(seed % 2**32)
        voice = parts.voice.open(settings.language)
        with ExitStack() as held:
            held.callback(voice.close)
            hearing = parts.recogniser.open(settings.language) if parts.recogniser is not None else None
            session = Session(replace(parts.setup, name=name), log, 0.0)
            own = hearing, parts.answers, voice, settings.virtual, settings.latency, seed
            conversation = VirtualConversation(session, self._rows, *own, budget)
            return await (conversation.run(user) if isinstance(user, np.ndarray) else conversation.talk(user))

    async def close(self) -> None:
        """Free the model and close the back end's connections."""
        self._rows.shut_down()
        await self.parts.answers.close()


async def talk_virtually(
    settings: ConversationSettings, sound: NDArray[np.float32], log: EventLog
) -> NDArray[np.float32]:
    """The conversation about the user's `sound`, f32 (n,) at 24 kHz, on a virtual clock; gives both sides, f32 (n, 2).

    Raises as `open_parts`, and KameError where model or recogniser fail.
    """
    with open_parts(settings, virtual=True) as parts:
        tandem = VirtualTandem(parts, settings)
        try:
            name = f"virtual-{digest(settings.seed, digest(sound.tobytes()))[:12]}"
            return await tandem.talk(sound, log, settings.seed, name, Budget(settings.answers.session_budget))
        finally:
            await tandem.close()


def _loop(settings: LoopSettings) -> str:
    """The policy, and each number of the loop that is not the usual one."""
    usual = LoopSettings(policy=settings.policy)
    changed = [name for name in LoopSettings.model_fields if getattr(settings, name) != getattr(usual, name)]
    return " ".join([settings.policy, *(f"{name}={getattr(settings, name)}" for name in changed)])


def _versions() -> dict[str, str]:
    found = {"kame-data": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
