"""One conversation without a server: the user is a recording, or a text that is spoken; on a virtual clock or in real
time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError, Refusal, UsageError
from kame_data.seeds import rng
from kame_data.settings.tandem import TandemSettings, VirtualSettings
from kame_data.speech.sound import resample
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.storage.files import write_whole
from kame_data.tandem.events import AnyEvent, EventLog, Logged, SessionBegins
from kame_data.tandem.frames import FRAME, RATE, SAMPLES, frames_of
from kame_data.tandem.live import LiveSession
from kame_data.tandem.opening import open_tandem, talk_virtually
from kame_data.tandem.page import session_page
from kame_data.tandem.sounds import Sound, read_sound, stereo

LEAD_IN = 0.5
"""Seconds of silence before a text that is spoken."""


def user_sound(settings: TandemSettings) -> Sound:
    """The user's sound of `--in` or `--say`, f32 (n,) at 24 kHz. Raises UsageError where there is none."""
    if settings.sound_in is not None:
        if settings.say is not None:
            raise UsageError(f"--say '{settings.say[:60]}': goes without --in; give one of the two")
        return read_sound(settings.sound_in)
    if settings.say is None:
        raise UsageError("--in: is missing; name a recording of a user, or give --say a text")
    return _spoken(settings.say, settings.language, settings.seed)


def _spoken(text: str, language: str, seed: int) -> Sound:
    """The text in a voice of espeak's that speaks in validation splits alone, so that no training has heard it."""
    voice = EspeakSynthesizer(1)
    try:
        names = voice.user_voices("validation", language)
        clip = voice.begin(Utterance(text, rng(seed, "voice", "talk").choice(names), language)).result()
    except Refusal as refusal:
        raise UsageError(f"--language {language}: {refusal.detail}") from None
    finally:
        voice.close()
    if isinstance(clip, Refusal):
        raise UsageError(f"--say '{text[:60]}': cannot be spoken ({clip.detail})")
    return np.concatenate([np.zeros(int(LEAD_IN * RATE), np.float32), resample(clip.samples, clip.sample_rate)])


async def hold(settings: TandemSettings, sound: Sound, log: EventLog) -> NDArray[np.float32]:
    """The conversation about the user's sound; gives both sides, f32 (n, 2), the assistant left.

    Raises as `opening.open_parts`, and KameError where a part fails.
    """
    if settings.clock == "virtual":
        return await talk_virtually(settings, sound, log)
    both: list[NDArray[np.float32]] = []
    async with open_tandem(settings, 1) as tandem:
        session = await tandem.open(
            listeners=[log.add], tap=lambda user, assistant: both.append(np.stack([assistant, user], axis=1))
        )
        draining = asyncio.create_task(_drain(session))
        try:
            await _speak(session, sound, settings.virtual)
        except KameError:
            pass  # it ended by itself, and says why
        finally:
            await session.close("the sound is over")
            await draining
        if session.reason != "the sound is over":
            raise KameError(f"the conversation ended: {session.reason}")
    return np.concatenate(both) if both else np.zeros((0, 2), np.float32)


async def _speak(session: LiveSession, sound: Sound, settings: VirtualSettings) -> None:
    """The user's sound frame by frame as it would be spoken, and silence until nothing is left to be said."""
    loop = asyncio.get_running_loop()
    begun, frames, quiet = loop.time(), frames_of(sound), 0
    silence = np.zeros(SAMPLES, np.float32)
    for frame in range(len(frames) + round(settings.tail / FRAME)):
        await asyncio.sleep(max(0.0, begun + (frame + 1) * FRAME - loop.time()))
        spoken = frame < len(frames)
        await session.push(frames[frame] if spoken else silence)
        quiet = 0 if spoken or session.session.busy else quiet + 1
        if quiet >= settings.quiet / FRAME:
            return


async def _drain(session: LiveSession) -> None:
    async for _ in session.outputs():
        pass


def write_page(path: Path, events: Sequence[AnyEvent], sound: NDArray[np.float32]) -> None:
    """Write the page of a conversation that is over, with its sound, f32 (n, 2)."""
    assert isinstance(events[0], SessionBegins)
    page = session_page(Logged(events[0], tuple(events[1:])), stereo(sound, "FLAC") if len(sound) else None)
    write_whole(path, page.encode("utf-8", "replace"))
