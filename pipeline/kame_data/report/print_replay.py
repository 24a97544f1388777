"""One dialogue in the terminal, second by second: what was said, which oracle was read how far, what was answered."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kame_data.finished.reckoned import WORDS_A_MINUTE, Reckoner
from kame_data.finished.row import Row
from kame_data.finished.seen import TOKENS_PER_WORD, Pieces, Seen, seen
from kame_data.text.words import join_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Dark and light terminals both show these; the level's number stands beside its colour.
LEVEL_STYLES = ("magenta", "blue", "cyan", "green", "bright_green", "yellow")


@dataclass(frozen=True, slots=True)
class Reading:
    """An oracle read in a second: its level, when it arrived and whether in this second, what of it was seen by
    the second's end or until the next one replaced it, and what the recogniser had made of its prefix ("" where that is
    what was said)."""

    level: int
    time: float
    arrived: bool
    seen: Seen
    heard: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One second, from `start` (s): words that begin in it, what was read in it, the situations that touch it."""

    start: int
    user: str
    assistant: str
    readings: tuple[Reading, ...]
    situations: tuple[str, ...]


def moments(row: Row, reckoner: Reckoner, pieces: Pieces | None = None) -> list[Moment]:
    """The seconds of a row (TEXT_COLUMNS); for one that was never spoken its times are reckoned."""
    filled = reckoner.timed(row)
    oracles, duration, heard_as = filled.oracles, filled.duration or 0.0, row.heard_as
    arrivals = filled.arrivals
    found = []
    for second in range(max(1, math.ceil(duration - 1e-9))):
        now = min(second + 1.0, max(duration, second))
        readings = [
            Reading(
                oracles[n].level, time, time >= second,
                seen(oracles[n].text, time, min(now, until), row.language, pieces),
                heard_as.get((oracles[n].turn, oracles[n].prefix_words), ""),
            )
            for time, until, numbers in arrivals
            if time < second + 1 and (until > second or until >= duration)
            for n in numbers
        ]  # fmt: skip
        began = sorted((w for w in filled.words if second <= w.start < second + 1), key=lambda w: w.start)
        user, assistant = (
            join_words([w.word for w in began if w.role == role], row.language) for role in ("user", "assistant")
        )
        found.append(Moment(second, user, assistant, tuple(readings), _touching(filled, second)))
    return found


def _touching(row: Row, second: int) -> tuple[str, ...]:
    spans = [(s.kind, s.start, s.end) for s in row.situations if s.start is not None and s.end is not None]
    kinds = [kind.replace("_", "-") for kind, start, end in spans if start < second + 1 and end > second]
    return tuple(dict.fromkeys(kinds))


def print_replay(to: "Console", row: Row, reckoner: Reckoner, pieces: Pieces | None = None) -> None:
    """Print the row: its head, a line a second, and what the columns mean."""
    from rich.table import Table
    from rich.text import Text

    form = "" if row.form == "closed" else f"{row.form.replace('_', ' ')}, "
    to.print(Text(f"{row.id}  {row.source}, {row.category or 'no category'}, {form}{row.split}", "bold"))
    if row.answer:
        to.print(Text(f"true answer: {row.answer}"))
    if not row.spoken:
        note = f"never spoken: times are reckoned, words at {WORDS_A_MINUTE} a minute and the back end's loop on them"
        to.print(Text(note, "dim"))
    table = Table(expand=True, box=None, padding=(0, 1), pad_edge=False)
    table.add_column("s", justify="right", no_wrap=True)
    for head, ratio in (("user says", 4), ("oracle: seen, then not yet", 6), ("assistant says", 4)):
        table.add_column(head, ratio=ratio, overflow="fold")
    before: tuple[Reading, ...] = ()
    for moment in moments(row, reckoner, pieces):
        new = [r for r in moment.readings if r.arrived or r.seen not in {b.seen for b in before}]
        before = moment.readings
        user = Text(moment.user)
        if moment.situations:
            user.append(f"{' ' if moment.user else ''}({', '.join(moment.situations)})", "italic dim")
        table.add_row(str(moment.start), user, Text("\n").join(map(_shown, new)), Text(moment.assistant))
    to.print(table)
    to.print(Text("> an oracle arrives, at that time; before the | is what the model has seen of it by then", "dim"))
    if pieces is None:
        note = f"how far is reckoned: a token each 80 ms, {TOKENS_PER_WORD} tokens a word; --tokenizer counts them"
        to.print(Text(note, "dim"))


def _shown(reading: Reading) -> "Text":
    from rich.text import Text

    style = LEVEL_STYLES[min(max(reading.level, 0), 5)]
    text = Text(f"> {reading.time:.2f} " if reading.arrived else "", style)
    text.append(f"level {reading.level}: ", f"bold {style}")
    text.append(reading.seen.text, "bold")
    if reading.seen.rest:
        text.append(f"{' ' if reading.seen.text else ''}| {reading.seen.rest.strip()}", "dim")
    if reading.heard and reading.arrived:
        text.append(f' (heard as "{reading.heard}")', "italic")
    return text
