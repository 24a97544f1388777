"""The user of an evaluation: when the next question comes, and what a system that will not stop or start does to it."""

import io

import numpy as np
import pytest
import soundfile

from evaluate.voiced_sounds import sentence
from kame_data.errors import KameError
from kame_data.evaluate.records import AskedTurn
from kame_data.evaluate.sound import flac_of, sound_of
from kame_data.evaluate.systems.asking import AskingUser
from kame_data.settings.evaluation import TurnSettings
from kame_data.tandem.frames import FRAME, SAMPLES

QUIET, LOUD = np.zeros(SAMPLES, np.float32), np.full(SAMPLES, 0.1, np.float32) * np.tile([1, -1], SAMPLES // 2)
SETTINGS = TurnSettings(lead=0.4, silence=1.2, patience=4.0, cap=8.0)


def asked(*seconds):
    """Turns whose first word begins 0.1 s into the clip and whose last word ends 0.2 s before its end."""
    clips = (np.full(round(s * 24_000), 0.05, np.float32) for s in seconds)
    return [AskedTurn(flac_of(clip), 0.1, s - 0.2) for clip, s in zip(clips, seconds, strict=True)]


def held(turns, speaks):
    """The frames of a conversation with a system that is loud in the frames for which `speaks(time)` is true."""
    user, frames = AskingUser(turns, SETTINGS), []
    frame = user.next(None)
    while frame is not None:
        assert frame.shape == (SAMPLES,) and frame.dtype == np.float32 and len(frames) < 10_000
        frames.append(frame)
        frame = user.next(LOUD if speaks((len(frames) - 1) * FRAME, user) else QUIET)
    return user, frames


def test_the_next_question_comes_when_the_answer_has_ended():
    first = lambda at, user: 2.5 <= at < 5.0  # noqa: E731
    user, frames = held(asked(1.6, 2.0), first)
    one, two = user.answered(["yes"])
    assert one.start == pytest.approx(0.5) and one.end == pytest.approx(0.4 + 1.4)
    # Its sound ends at 5.0; the pause is 1.2 s of silence, told at the latest when the activity is sure of it.
    assert 5.0 + 1.2 <= two.start - 0.1 <= 5.0 + 1.2 + 0.7 and one.ended and two.ended
    assert (one.text, two.text) == ("yes", "")
    # The second is answered by nothing: it is waited for.
    assert len(frames) * FRAME == pytest.approx(two.end + 0.2 + 4.0, abs=0.2)


def test_one_that_never_stops_is_asked_at_the_cap_and_says_so():
    user, frames = held(asked(1.6, 1.6), lambda at, user: at > 2.2)
    one, two = user.answered([])
    assert not one.ended and not two.ended
    assert two.start - one.end == pytest.approx(0.2 + 8.0 + 0.1, abs=0.2)
    assert len(frames) * FRAME == pytest.approx(two.end + 0.2 + 8.0, abs=0.2)


def test_an_answer_that_is_over_before_the_question_is_counts():
    user, _ = held(asked(4.0, 1.0), lambda at, user: 1.0 <= at < 2.5)
    one, two = user.answered([])
    assert 1.2 <= two.start - 0.1 - (one.end + 0.2) <= 1.4


def test_a_silent_one_is_asked_every_question():
    user, _ = held(asked(1.0, 1.0, 1.0), lambda at, user: False)
    assert len(user.answered([])) == 3


def test_sound_comes_back_as_it_was_and_damage_is_told():
    sound = np.stack([sentence("Hello there."), np.zeros_like(sentence("Hello there."))], axis=1)
    back = sound_of(flac_of(sound))
    assert back.shape == sound.shape and np.abs(back - sound).max() < 1e-4
    with pytest.raises(KameError, match="cannot be read"):
        sound_of(b"no sound")
    many = io.BytesIO()
    soundfile.write(many, np.zeros((100, 8), np.float32), 24_000, format="FLAC")
    with pytest.raises(KameError, match="8 channels at 24000 Hz; give mono or stereo"):
        sound_of(many.getvalue())
