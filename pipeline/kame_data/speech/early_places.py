"""Places of the answers that begin before the true answer is known: no word of theirs comes before its oracle has.

An early start follows the arrival of its oracle at once, before a newer one comes; what mends it waits for the first
oracle that holds the truth. One that was right begins so late that it can go on in one breath. A filler begins as any
answer does, and what follows it waits likewise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kame_data.errors import Refusal
from kame_data.levels import LevelSchedule
from kame_data.oracles.early_arrivals import early_arrivals, planned_prefixes
from kame_data.oracles.replay import Arrival
from kame_data.records import FRAME, Dialogue, Start
from kame_data.seeds import rng
from kame_data.settings.branch import uniform
from kame_data.settings.latency import LatencySettings
from kame_data.speech.lines import Line, held
from kame_data.speech.sound import SAMPLES_PER_MS
from kame_data.speech.timeline import Place, words_of

READING = uniform(0.4, 0.7)
"""Seconds from an oracle's first token to the first word that is said of it: two frames read the first token, and
training lets an oracle come some frames later (`augmentation.jitter`)."""
READ_MS = math.ceil(4 * FRAME * 1000)
FRAME_MS = math.ceil(FRAME * 1000)
LONGEST_HOLD_MS = 900
"""An early start that would wait longer for its truth begins later, where its oracle is still the newest one then."""


@dataclass(frozen=True, slots=True)
class BackEndPlan:
    """The back end that is replayed, as it is known before any oracle is: prefixes, loop and delays."""

    schedule: LevelSchedule
    latency: LatencySettings


class EarlyPlaces:
    """The places of a dialogue's early starts and fillers. A line in `lines` that has to wait is put in anew, with its
    silence."""

    def __init__(self, dialogue: Dialogue, lines: list[Line], back_end: BackEndPlan, seed: int) -> None:
        self.dialogue, self.lines, self.back_end, self.seed = dialogue, lines, back_end, seed
        self.turns = {start.turn: start for start in dialogue.starts}
        self._planned = planned_prefixes(dialogue, back_end.schedule)

    def place(self, index: int, starts: Sequence[int], least: int, usual: int) -> Place:
        """The place of turn `index`, which may not begin before `least` (ms), and would at `usual` if it were an answer
        like others; `starts` (ms) are those of all turns, of which the ones before it are known. Raises
        Refusal(`early_oracle`) where an oracle never comes."""
        begun = self.turns[index]
        found = self._arrivals(begun.asked, starts)
        came = [_ms(at.time) for n in begun.waits_for if (at := found[begun.asked, n]).time is not None]
        if not came:
            raise Refusal("early_oracle", f"no oracle that holds the answer of turn {index} comes")
        truth = min(came) + READ_MS
        words = self.lines[index].words
        waits = words[begun.words][0] // SAMPLES_PER_MS if begun.words < len(words) else None
        start = usual if begun.kind == "filler" else self._early(begun, found, least, truth, waits)
        if waits is not None and (hold := truth - start - waits) > 0:
            self.lines[index] = held(self.lines[index], begun.words, hold / 1000)
        return Place(start, self.lines[index].words, truth)

    def _early(
        self, begun: Start, found: dict[tuple[int, int], Arrival], least: int, truth: int, waits: int | None
    ) -> int:
        """The start of an early answer, whose words that wait for the truth come `waits` ms behind it."""
        came = _ms(found[begun.asked, begun.prefix_words].time)
        later = [at.time for (turn, n), at in found.items() if turn == begun.asked and n > begun.prefix_words]
        newer = min((_ms(time) for time in later if time is not None), default=truth)
        reading = round(READING.draw(rng(self.seed, "reading", begun.turn, self.dialogue.id)) * 1000)
        latest = max(came + 2 * FRAME_MS, newer - FRAME_MS)
        start = min(came + reading, latest)
        hold = 0 if waits is None else truth - start - waits
        if not begun.mend:
            start += max(0, hold)
        elif hold > LONGEST_HOLD_MS:
            start = min(start + hold - LONGEST_HOLD_MS, latest)
        return max(least, start)

    def _arrivals(self, asked: int, starts: Sequence[int]) -> dict[tuple[int, int], Arrival]:
        planned = {turn: counts for turn, counts in self._planned.items() if turn <= asked}
        words = (word for turn in planned for word in words_of(self.dialogue, turn, self.lines[turn], starts[turn]))
        return early_arrivals(self.dialogue, planned, words, self.back_end.latency, self.seed)


def _ms(seconds: float | None) -> int:
    """Whole milliseconds, none before the moment (which is one to the millisecond already)."""
    return math.ceil(round((seconds or 0.0) * 1000, 6))
