"""Turns from two speakers' timed words: who has the floor, what is a back-channel, and the text of each turn.

Recordings come without turns, so these are rules, made for words whose times are right:

1. A speaker's words belong to one turn until, in a silence of theirs of half a second or more, the other side says
   something: the middle of a word of the other side lies in that silence.
2. Up to three words that mean only "I am listening" (`text/interruptions.py`), and that lie within the other side's
   talk, are a back-channel: the other side spoke within the second before and goes on within a second, and had not
   just asked a question.
3. What one side says twice in a row, because the other spoke throughout, is one turn.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kame_data.records import Role, Turn
from kame_data.text.interruptions import listens
from kame_data.text.words import is_unspaced, join_words, split_words

# A change of floor takes longer than the breaks within a phrase: our choice.
SILENCE_S = 0.5
# Who is silent for longer than this before another's 'yes', or from its start on, had given up the floor: our choice.
GOES_ON_S = 1.0
LISTENING_WORDS = 3
QUESTIONS = ("?", "？", "؟")


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as it stands in a turn's text, with its start and end in seconds."""

    word: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn and its words; `words` are `split_words` of its text."""

    turn: Turn
    words: tuple[TimedWord, ...]


@dataclass(slots=True)
class _Stretch:
    """Consecutive words of one side."""

    role: Role
    words: list[TimedWord]

    @property
    def start(self) -> float:
        return self.words[0].start

    @property
    def end(self) -> float:
        return self.words[-1].end


def turns_of(words: dict[Role, list[TimedWord]], language: str) -> list[SpokenTurn]:
    """The turns of a dialogue, from each side's words in order of time, a side's own words free of overlaps.

    In order of start; a back-channel stands behind the turn during which it is said.
    """
    aside = _back_channels(words, language)
    while True:
        floor, listening = _floor(words, aside), _runs(words, aside)
        hosts = [bisect_left(floor, stretch.start, key=lambda turn: turn.start) - 1 for stretch in listening]
        # Who has taken the floor meanwhile goes on with a turn of their own.
        going_on = [s for s, host in zip(listening, hosts, strict=True) if host < 0 or floor[host].role == s.role]
        if not going_on:
            break
        aside -= {(stretch.role, word.start) for stretch in going_on for word in stretch.words}
    guests: list[list[_Stretch]] = [[] for _ in floor]
    for stretch, host in zip(listening, hosts, strict=True):
        guests[host].append(stretch)
    return [turn for host, own in zip(floor, guests, strict=True) for turn in _spoken(host, own, language)]


def _floor(words: dict[Role, list[TimedWord]], aside: set[tuple[Role, float]]) -> list[_Stretch]:
    """The turns that have the floor, the sides by turns, in order of start."""
    kept = {role: [word for word in own if (role, word.start) not in aside] for role, own in words.items()}
    floor: list[_Stretch] = []
    for stretch in _stretches(kept):
        if floor and floor[-1].role == stretch.role:
            floor[-1].words += stretch.words
        else:
            floor.append(stretch)
    return floor


def _stretches(words: dict[Role, list[TimedWord]]) -> list[_Stretch]:
    """Each side's words, cut where the other side speaks in a silence; in order of start."""
    found: list[_Stretch] = []
    for role, own in words.items():
        others = [(w.start + w.end) / 2 for other, them in words.items() if other != role for w in them]
        at = 0
        for number, word in enumerate(own):
            before = own[number - 1].end if number else 0.0
            while at < len(others) and others[at] <= before:
                at += 1
            spoken = at < len(others) and others[at] < word.start
            if number and not (spoken and word.start - before >= SILENCE_S):
                found[-1].words.append(word)
            else:
                found.append(_Stretch(role, [word]))
    return sorted(found, key=lambda stretch: (stretch.start, stretch.end))


def _back_channels(words: dict[Role, list[TimedWord]], language: str) -> set[tuple[Role, float]]:
    """The words that are back-channels, by side and start. What may be one itself is no talk for another."""
    short = [s for s in _short(words) if listens([word.word for word in s.words], language)]
    maybe = {(stretch.role, word.start) for stretch in short for word in stretch.words}
    talk = {role: [word for word in own if (role, word.start) not in maybe] for role, own in words.items()}
    found: set[tuple[Role, float]] = set()
    for stretch in short:
        others = talk["user" if stretch.role == "assistant" else "assistant"]
        at = bisect_left(others, stretch.start, key=lambda word: word.start)
        before, after = others[:at], others[at:]
        if not before or not after or before[-1].word.rstrip().endswith(QUESTIONS):
            continue
        if stretch.start - before[-1].end < GOES_ON_S and after[0].start - stretch.start < GOES_ON_S:
            found.update((stretch.role, word.start) for word in stretch.words)
    return found


def _short(words: dict[Role, list[TimedWord]]) -> Iterator[_Stretch]:
    """Groups of a few words of one side, with half a second of its own silence around them."""
    for role, own in words.items():
        starts = [0, *(n for n, (a, b) in enumerate(pairwise(own), 1) if b.start - a.end >= SILENCE_S), len(own)]
        for first, last in pairwise(starts):
            if 0 < last - first <= LISTENING_WORDS:
                yield _Stretch(role, own[first:last])


def _runs(words: dict[Role, list[TimedWord]], aside: set[tuple[Role, float]]) -> list[_Stretch]:
    """The back-channels, in order of start."""
    chosen = {role: [w for w in own if (role, w.start) in aside] for role, own in words.items()}
    return sorted(_short(chosen), key=lambda stretch: stretch.start)


def _spoken(host: _Stretch, guests: Sequence[_Stretch], language: str) -> Iterator[SpokenTurn]:
    words = fit_words(host.words, language)
    text = join_words([word.word for word in words], language)
    yield SpokenTurn(Turn(host.role, text, text), tuple(words))
    for guest in guests:
        own = fit_words(guest.words, language)
        said = join_words([word.word for word in own], language)
        after = sum(word.end <= guest.start for word in words) or 1
        yield SpokenTurn(Turn(guest.role, said, said, "back_channel", after), tuple(own))


def fit_words(words: Sequence[TimedWord], language: str) -> list[TimedWord]:
    """The words as `split_words` has them, of their joined text.

    Where a given word is several (a space in it, several ideographs), or several are one, times are shared out evenly
    over its characters.
    """
    spoken = [word.word if is_unspaced(language) else word.word.strip() for word in words]
    text = join_words(spoken, language)
    wanted = split_words(text, language)
    if wanted == spoken:
        return [TimedWord(name, word.start, word.end) for name, word in zip(spoken, words, strict=True)]
    times: list[tuple[float, float]] = []
    for word in words:
        count = len("".join(word.word.split()))
        step = (word.end - word.start) / count
        times += [(word.start + k * step, word.start + (k + 1) * step) for k in range(count)]
    found, at = [], 0
    for name in wanted:
        length = len("".join(name.split()))
        found.append(TimedWord(name, times[at][0], times[at + length - 1][1]))
        at += length
    return found
