"""One dialogue in the terminal, second by second: what was said, which oracle was read how far, what was answered."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.report.seen import Seen, events, seen, timed
from pipeline.text.words import join_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pipeline.codec.tokenizer import Tokenizer

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


def moments(row: Mapping[str, Any], tokenizer: "Tokenizer | None" = None) -> list[Moment]:
    """The seconds of a row (TEXT_COLUMNS); for one that was never spoken its times are reckoned."""
    filled = timed(row)
    language, oracles, duration = row["language"], filled["oracles"], filled["duration"]
    heard = {(t["turn"], t["prefix_words"]): t["text"] for t in row["transcripts"]}
    arrivals = events(oracles)
    replaced = [*(time for time, _ in arrivals[1:]), math.inf]
    found = []
    for second in range(max(1, math.ceil(duration - 1e-9))):
        until = min(second + 1.0, max(duration, second))
        readings = [
            Reading(
                oracles[n]["level"], time, time >= second,
                seen(oracles[n]["text"], min(until, end) - time, language, tokenizer),
                heard.get((oracles[n]["turn"], oracles[n]["prefix_words"]), ""),
            )
            for (time, numbers), end in zip(arrivals, replaced, strict=False)
            if time < second + 1 and end > second
            for n in numbers
        ]  # fmt: skip
        began = sorted(
            (w for w in filled["words"] if second <= w["start"] < second + 1), key=lambda w: float(w["start"])
        )
        user, assistant = (
            join_words([w["word"] for w in began if w["role"] == role], language) for role in ("user", "assistant")
        )
        found.append(Moment(second, user, assistant, tuple(readings), _touching(filled, second)))
    return found


def _touching(row: Mapping[str, Any], second: int) -> tuple[str, ...]:
    spans = [s for s in row["situations"] if s["start"] is not None and s["end"] is not None]
    kinds = [s["kind"].replace("_", "-") for s in spans if s["start"] < second + 1 and s["end"] > second]
    return tuple(dict.fromkeys(kinds))


def print_replay(to: "Console", row: Mapping[str, Any], tokenizer: "Tokenizer | None" = None) -> None:
    """Print the row: its head, a line a second, and what the columns mean."""
    from rich.table import Table
    from rich.text import Text

    to.print(Text(f"{row['id']}  {row['source']}, {row['category'] or 'no category'}, {row['split']}", "bold"))
    if row["answer"]:
        to.print(Text(f"true answer: {row['answer']}"))
    if row["duration"] is None:
        to.print(Text("never spoken: words at 170 a minute, each oracle at the end of its prefix", "dim"))
    table = Table(expand=True, box=None, padding=(0, 1), pad_edge=False)
    table.add_column("s", justify="right", no_wrap=True)
    for head, ratio in (("user says", 4), ("oracle: seen, then not yet", 6), ("assistant says", 4)):
        table.add_column(head, ratio=ratio, overflow="fold")
    before: tuple[Reading, ...] = ()
    for moment in moments(row, tokenizer):
        new = [r for r in moment.readings if r.arrived or r.seen not in {b.seen for b in before}]
        before = moment.readings
        user = Text(moment.user)
        if moment.situations:
            user.append(f"{' ' if moment.user else ''}({', '.join(moment.situations)})", "italic dim")
        table.add_row(str(moment.start), user, Text("\n").join(map(_told, new)), Text(moment.assistant))
    to.print(table)
    to.print(Text("> an oracle arrives, at that time; before the | is what the model has seen of it by then", "dim"))
    if tokenizer is None:
        to.print(Text("how far is reckoned: a token each 80 ms, 1.3 tokens a word; --tokenizer counts them", "dim"))


def _told(reading: Reading) -> "Text":
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
