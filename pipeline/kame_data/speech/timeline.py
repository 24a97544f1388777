"""The start of each turn on the timeline, and the duplex situations that follow from it.

Starts and gaps are whole milliseconds (24 samples), so that a word's time is the exact position of its first sample.
Every draw has a stream of its own: a change of one turn or setting moves no other draw.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE, Dialogue, Role, Situation, SituationKind, Turn, Word
from kame_data.seeds import rng
from kame_data.settings.branch import Distribution
from kame_data.settings.speech import SpeechSettings
from kame_data.speech.lines import Line
from kame_data.speech.sound import SAMPLES_PER_MS
from kame_data.text.hesitations import is_hesitation
from kame_data.text.words import split_words

# Between two things that one side says there is at least a breath.
BREATH_MS = 100
# A silence within a turn that is shorter is no pause (Campione and Veronis 2002 call it brief).
PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Timeline:
    """The start of each turn's first word, and the length of the whole dialogue, in milliseconds."""

    starts: tuple[int, ...]
    duration: int


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a turn that begins before the true answer is known: its start (ms), [start, end) of its words in
    samples, and the moment (ms) that no later turn may begin before."""

    start: int
    words: Sequence[tuple[int, int]]
    ready: int


class Places(Protocol):
    """It places the turns that begin so (`kame_data.speech.early_places`)."""

    @property
    def turns(self) -> Collection[int]:
        """The turns that it places."""
        ...

    def place(self, index: int, starts: Sequence[int], least: int, usual: int) -> Place:
        """The place of turn `index`, not before `least` (ms); `usual` is where any other answer would begin."""
        ...


class _Draws:
    """The numbers of one dialogue, in milliseconds, each from its own stream."""

    def __init__(self, seed: int, dialogue_id: str) -> None:
        self.seed, self.dialogue_id = seed, dialogue_id

    def __call__(self, how: Distribution, *purpose: object) -> int:
        return round(how.draw(rng(self.seed, *purpose, self.dialogue_id)) * 1000)


def lay_out(
    turns: Sequence[Turn],
    words: Sequence[Sequence[tuple[int, int]]],
    settings: SpeechSettings,
    seed: int,
    name: str,
    places: Places | None = None,
) -> Timeline:
    """The timeline of a dialogue called `name`, from the [start, end) of each turn's words in samples.

    A turn starts a drawn gap after the end of the one before; the gap is negative where they overlap. Nobody speaks
    over themselves, and turns start in their order. Where a turn is interrupted, the next one starts `reaction` before
    its end. A back-channel waits for the word that it answers, and the next turn of its side waits for it.
    `places` places the turns that begin before the true answer is known.
    Raises Refusal (`timeline`) where a back-channel or an interruption has no place.
    """
    return _Layout(turns, words, settings, _Draws(seed, name), places).run()


class _Layout:
    """Turns that have their place, and from when each side may speak again."""

    def __init__(
        self,
        turns: Sequence[Turn],
        words: Sequence[Sequence[tuple[int, int]]],
        settings: SpeechSettings,
        draw: _Draws,
        places: Places | None,
    ) -> None:
        self.turns, self.words, self.settings, self.draw = turns, list(words), settings, draw
        self.places, self.ready = places, 0
        self.lengths = [math.ceil(spans[-1][1] / SAMPLES_PER_MS) for spans in words]
        self.starts = [0] * len(turns)
        self.free: dict[Role, int] = {"user": 0, "assistant": 0}

    def run(self) -> Timeline:
        hosts = _hosts(self.turns)
        floor = [index for index, turn in enumerate(self.turns) if turn.kind == "speech"]
        before: int | None = None
        for index in floor:
            onset = self._onset(index, before)
            if self.places is not None and index in self.places.turns:
                onset = self._begun(self.places, index, onset)
            self._place(index, onset)
            self._back_channels(index, [number for number, host in hosts.items() if host == index])
            before = index
        ends = (start + length for start, length in zip(self.starts, self.lengths, strict=True))
        return Timeline(tuple(self.starts), max(ends) + self.draw(self.settings.tail, "tail"))

    def _place(self, index: int, start: int) -> None:
        self.starts[index] = start
        role = self.turns[index].role
        self.free[role] = max(self.free[role], start + self.lengths[index] + BREATH_MS)

    def _begun(self, places: Places, index: int, usual: int) -> int:
        """The start of a turn that begins before the true answer is known."""
        place = places.place(index, self.starts, max([*self.starts[:index], self.free[self.turns[index].role]]), usual)
        self.words[index], self.ready = place.words, max(self.ready, place.ready)
        self.lengths[index] = math.ceil(place.words[-1][1] / SAMPLES_PER_MS)
        return place.start

    def _onset(self, index: int, before: int | None) -> int:
        turn = self.turns[index]
        if before is None:
            return self.draw(self.settings.lead_in, "lead-in")
        end = self.starts[before] + self.lengths[before]
        least = max([*self.starts[:index], self.free[turn.role], self.ready])
        if turn.interrupted:
            # There must be something left to interrupt once the other side may speak again.
            least = max(least, self.free[_other(turn.role)] - max(0, self.lengths[index] - self._reaction(index)))
        if self.turns[before].interrupted:
            start = max(least, end - self._reaction(before))
            if start >= end:
                raise Refusal("timeline", f"turn {index} comes too late to interrupt turn {before}")
            return start
        gap = self.settings.answer_gap if turn.role == "assistant" else self.settings.user_gap
        return max(least, end + self.draw(gap, "gap", index))

    def _reaction(self, index: int) -> int:
        """The time before the end of an interrupted turn at which the other side begins; less where the turn is
        shorter."""
        return max(1, min(self.draw(self.settings.reaction, "reaction", index), self.lengths[index]))

    def _back_channels(self, host: int, numbers: Sequence[int]) -> None:
        latest = self._latest(host, numbers)
        for number in numbers:
            turn, spans = self.turns[number], self.words[host]
            if turn.role == self.turns[host].role or turn.after is None or not 0 < turn.after <= len(spans):
                raise Refusal("timeline", f"back-channel {number} answers no word of turn {host}")
            heard = self.starts[host] + math.ceil(spans[turn.after - 1][1] / SAMPLES_PER_MS)
            wanted = heard + self.draw(self.settings.back_channel_delay, "back-channel", number)
            start = max(min(wanted, latest.get(number, wanted)), self.starts[host], self.free[turn.role])
            if start > latest.get(number, start):
                raise Refusal("timeline", f"back-channel {number} has no room before turn {host} is interrupted")
            self._place(number, start)

    def _latest(self, host: int, numbers: Sequence[int]) -> dict[int, int]:
        """The latest start of each back-channel that still lets its side interrupt the host in time."""
        latest: dict[int, int] = {}
        if self.turns[host].interrupted:
            onset = self.starts[host] + self.lengths[host] - self._reaction(host)
            for number in reversed(numbers):
                onset = latest[number] = onset - BREATH_MS - self.lengths[number]
        return latest


def _hosts(turns: Sequence[Turn]) -> dict[int, int]:
    """The turn during which each back-channel is said. Raises Refusal (`timeline`)."""
    hosts: dict[int, int] = {}
    host: int | None = None
    for index, turn in enumerate(turns):
        if turn.kind == "speech":
            if host is not None and turns[host].interrupted and turns[host].role == turn.role:
                raise Refusal("timeline", f"turn {host} is interrupted by its own side")
            host = index
        elif host is None:
            raise Refusal("timeline", f"back-channel {index} answers nothing")
        else:
            hosts[index] = host
    if host is not None and turns[host].interrupted:
        raise Refusal("timeline", f"turn {host} is interrupted by nobody")
    return hosts


def _other(role: Role) -> Role:
    return "assistant" if role == "user" else "user"


def place_words(dialogue: Dialogue, lines: Sequence[Line], starts: Sequence[int]) -> Iterator[Word]:
    """The words of all turns in order, in seconds."""
    for number, (line, start) in enumerate(zip(lines, starts, strict=True)):
        yield from words_of(dialogue, number, line, start)


def words_of(dialogue: Dialogue, number: int, line: Line, start_ms: int) -> Iterator[Word]:
    """The words of a turn that starts at `start_ms`, in seconds."""
    turn, origin = dialogue.turns[number], start_ms * SAMPLES_PER_MS
    for text, (start, end) in zip(split_words(turn.text, dialogue.language), line.words, strict=True):
        yield Word(number, turn.role, text, (origin + start) / SAMPLE_RATE, (origin + end) / SAMPLE_RATE)


def situations_of(dialogue: Dialogue, pauses: Sequence[Sequence[int]], words: Sequence[Word]) -> list[Situation]:
    """The duplex situations in the turns, in order of start; `pauses` are, by turn, the words before which there
    is one."""
    by_turn: list[list[Word]] = [[] for _ in dialogue.turns]
    for word in words:
        by_turn[word.turn].append(word)
    found: list[Situation] = []
    for number, (turn, breaks, spoken) in enumerate(zip(dialogue.turns, pauses, by_turn, strict=True)):
        if turn.kind == "back_channel":
            found.append(Situation("back_channel", number, spoken[0].start, spoken[-1].end))
        silences = ((spoken[at - 1].end, spoken[at].start) for at in breaks)
        # A silence of just that length may come out a hair shorter in binary.
        found += (Situation("pause", number, *at) for at in silences if at[1] - at[0] > PAUSE_S - 1e-6)
        if turn.role == "user" and turn.kind == "speech":
            hesitant = (word for word in spoken if is_hesitation(word.word, dialogue.language))
            found += (Situation("hesitation", number, word.start, word.end) for word in hesitant)
    for begun in dialogue.starts:
        said = by_turn[begun.turn][: begun.words]
        kind: SituationKind = "filler" if begun.kind == "filler" else "early_start"
        found.append(Situation(kind, begun.turn, said[0].start, said[-1].end))
    found += _at_once(dialogue.turns, by_turn)
    return sorted(found, key=lambda s: (s.start, s.end, s.kind, s.turn))


def _at_once(turns: Sequence[Turn], by_turn: Sequence[Sequence[Word]]) -> Iterator[Situation]:
    """Barge-ins, and all other places where both sides speak at once: the later turn's overlap."""
    floor = [number for number, turn in enumerate(turns) if turn.kind == "speech"]
    for place, number in enumerate(floor):
        barged = place and turns[floor[place - 1]].interrupted
        if barged:
            yield Situation("barge_in", floor[place - 1], by_turn[number][0].start, by_turn[floor[place - 1]][-1].end)
        for earlier in reversed(floor[: place - 1 if barged else place]):
            if turns[earlier].role != turns[number].role and (span := _shared(by_turn[earlier], by_turn[number])):
                yield Situation("overlap", number, *span)


def _shared(one: Sequence[Word], other: Sequence[Word]) -> tuple[float, float] | None:
    """The span from the first to the last moment at which both speak a word."""
    if one[-1].end <= other[0].start or other[-1].end <= one[0].start:
        return None
    pieces = [(max(a.start, b.start), min(a.end, b.end)) for a in one for b in other]
    both = [(start, end) for start, end in pieces if start < end]
    return (min(start for start, _ in both), max(end for _, end in both)) if both else None
