"""One dialogue in the terminal, second by second: what was said, which oracle was read how far, what was answered."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.report.seen import Seen, Tokenizer, current, events, seen, timed
from pipeline.text.words import join_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Dark and light terminals both show these; the level's number stands beside its colour.
LEVEL_STYLES = ("magenta", "blue", "cyan", "green", "bright_green", "yellow")


@dataclass(frozen=True, slots=True)
class Reading:
    """An oracle that is being read at a moment: its level, when it arrived, and what of it is seen."""

    level: int
    time: float
    seen: Seen


@dataclass(frozen=True, slots=True)
class Moment:
    """One second, from `start` (s): words that begin in it by side, what arrived in it as (time, level, text, heard),
    what is read at its end, and the situations that touch it."""

    start: int
    user: str
    assistant: str
    arrived: tuple[tuple[float, int, str, str], ...]
    readings: tuple[Reading, ...]
    situations: tuple[str, ...]


def moments(row: Mapping[str, Any], tokenizer: Tokenizer | None = None) -> list[Moment]:
    """The seconds of a row (TEXT_COLUMNS); for one that was never spoken its times are reckoned.

    `heard` of an arrival is what the recogniser had made of the prefix, "" where that is what was said.
    """
    filled = timed(row)
    language, oracles = row["language"], filled["oracles"]
    arrivals = events(oracles)
    heard = {(t["turn"], t["prefix_words"]): t["text"] for t in row["transcripts"]}
    found = []
    for second in range(max(1, math.ceil(filled["duration"] - 1e-9))):
        until = min(second + 1.0, filled["duration"])
        came = [
            (time, o["level"], o["text"], heard.get((o["turn"], o["prefix_words"]), ""))
            for time, numbers in arrivals
            if second <= time < second + 1
            for o in (oracles[n] for n in numbers)
        ]
        since, numbers = current(arrivals, until) or (until, [])
        readings = [
            Reading(oracles[n]["level"], since, seen(oracles[n]["text"], until - since, language, tokenizer))
            for n in numbers
        ]
        began = [w for w in filled["words"] if second <= w["start"] < second + 1]
        user, assistant = (
            join_words([w["word"] for w in began if w["role"] == role], language) for role in ("user", "assistant")
        )
        found.append(Moment(second, user, assistant, tuple(came), tuple(readings), _touching(filled, second)))
    return found


def _touching(row: Mapping[str, Any], second: int) -> tuple[str, ...]:
    spans = [s for s in row["situations"] if s["start"] is not None and s["end"] is not None]
    kinds = [s["kind"].replace("_", "-") for s in spans if s["start"] < second + 1 and s["end"] > second]
    return tuple(dict.fromkeys(kinds))


def print_replay(to: "Console", row: Mapping[str, Any], tokenizer: Tokenizer | None = None) -> None:
    """Print the row: its head, a line a second, and what the columns mean."""
    from rich.table import Table
    from rich.text import Text

    to.print(Text(f"{row['id']}  {row['source']}, {row['category'] or 'no category'}, {row['split']}", "bold"))
    to.print(Text(f"true answer: {row['answer']}"))
    if row["duration"] is None:
        to.print(Text("never spoken: words at 170 a minute, each oracle at the end of its prefix", "dim"))
    table = Table(expand=True, box=None, padding=(0, 1), pad_edge=False)
    table.add_column("s", justify="right", no_wrap=True)
    for head, ratio in (("user says", 4), ("oracle: seen, then not yet", 6), ("assistant says", 4)):
        table.add_column(head, ratio=ratio, overflow="fold")
    before: list[str] = []
    for moment in moments(row, tokenizer):
        told = [_told(moment, r) for r in moment.readings]
        plain = [t.plain for t in told]
        middle = Text("\n").join([*(_arrival(a) for a in moment.arrived), *(told if plain != before else [])])
        before = plain
        user = Text(moment.user)
        if moment.situations:
            user.append(f"{' ' if moment.user else ''}({', '.join(moment.situations)})", "italic dim")
        table.add_row(str(moment.start), user, middle, Text(moment.assistant))
    to.print(table)
    unit = "tokens, one each 80 ms" if tokenizer else "words, reckoned at 1.3 tokens a word and one token each 80 ms"
    to.print(
        Text(f"> an oracle arrives; bold is what the model has seen of it by the end of the second ({unit})", "dim")
    )


def _style(level: int) -> str:
    return LEVEL_STYLES[min(max(level, 0), 5)]


def _arrival(arrival: Sequence[Any]) -> "Text":
    from rich.text import Text

    time, level, _, heard = arrival
    return Text(f"> {time:.2f} level {level}" + (f', heard as "{heard}"' if heard else ""), _style(level))


def _told(moment: Moment, reading: Reading) -> "Text":
    from rich.text import Text

    text = Text.assemble((f"{reading.level} ", f"bold {_style(reading.level)}"), (reading.seen.text, "bold"))
    gap = "" if not reading.seen.text or reading.seen.rest.startswith(" ") else " "
    if reading.seen.rest:
        text.append(
            f"{gap}| {reading.seen.rest.strip()}" if reading.seen.text else f"| {reading.seen.rest.strip()}", "dim"
        )
    return text
