"""The user of an evaluation: says the turns of an item one after the other, each when the answer before it has ended.

The user has no clock: the frames of the system's sound are the time. Nothing is repaired: a system that talks into a
question is heard with it, one that never stops is asked the next question at the cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kame_data.evaluate.records import Answered, AskedTurn
from kame_data.evaluate.sound import sound_of
from kame_data.settings.evaluation import TurnSettings
from kame_data.tandem.activity import Activity
from kame_data.tandem.frames import FRAME, SAMPLES
from kame_data.tandem.sounds import Sound


@dataclass
class _Place:
    """A turn that was begun: the user's first word begins at `start`, the last one ends at `end`."""

    start: float
    end: float
    ended: bool = True


class AskingUser:
    """The user's side of one conversation about sounds of turns; `places` are the turns that were begun."""

    def __init__(self, turns: Sequence[AskedTurn], settings: TurnSettings) -> None:
        self.settings = settings
        self.places: list[_Place] = []
        self._clips = [(sound_of(turn.flac)[:, 0], turn.first, turn.last) for turn in turns]
        self._hears = Activity()
        self._frame = 0
        self._next = round(settings.lead / FRAME)  # the frame in which the next turn begins
        self._sound: Sound = np.zeros(0, np.float32)
        self._spoke = False
        self._quiet = self._waited = self._over = 0

    def next(self, system: Sound | None) -> Sound | None:
        """The user's next frame, f32 (SAMPLES,), after the system's `system` (None before the first); None once the
        last answer has ended."""
        if system is not None:
            self._hear(system)
        if not len(self._sound) and self._frame >= self._next and not self._begin():
            return None
        frame, self._sound = self._sound[:SAMPLES], self._sound[SAMPLES:]
        self._frame += 1
        return np.pad(frame, (0, SAMPLES - len(frame)))

    def answered(self, texts: Sequence[str]) -> tuple[Answered, ...]:
        """The turns as a conversation keeps them, with the system's own text of each answer ("" where it has none)."""
        texts = [*texts, *[""] * (len(self.places) - len(texts))]
        return tuple(
            Answered(round(p.start, 3), round(p.end, 3), text, ended=p.ended)
            for p, text in zip(self.places, texts, strict=False)
        )

    def _begin(self) -> bool:
        """Begin the next turn; False where there is none."""
        if len(self.places) == len(self._clips):
            return False
        sound, first, last = self._clips[len(self.places)]
        now = self._frame * FRAME
        self.places.append(_Place(now + first, now + last))
        self._sound, self._spoke, self._quiet, self._waited = sound, False, 0, 0
        self._over = self._frame - (-len(sound) // SAMPLES)
        self._next = 2**62  # an answer is awaited first
        return True

    def _hear(self, system: Sound) -> None:
        """Take the system's frame, which is over; decide whether its answer has ended."""
        self._hears.next(system, self._frame - 1)
        if not self.places or self._next <= self._frame:
            return
        self._spoke |= self._hears.active
        if self._frame <= self._over:  # the question was still being asked
            return
        settings, place = self.settings, self.places[-1]
        self._waited += 1
        self._quiet = 0 if self._hears.active else self._quiet + 1
        wait = settings.silence if self._spoke else settings.patience
        if self._waited * FRAME >= settings.cap:
            place.ended = not self._hears.active
        elif self._quiet * FRAME < wait:
            return
        self._next = self._frame
