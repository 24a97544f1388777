"""What the offline writer and simulator make of real rows: `python benchmarks/offline.py [--rows 400] [NAME=FILE]...`.

By default it reads the shared rows. Of each source it writes the first variant of so many questions that can be asked
aloud, gives each its oracles, and prints what is in them; `docs/FIGURES.md` has the tables.
"""

import argparse
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from build import SHARED
from rich.console import Console
from rich.table import Table

from kame_data.dialogues.write import write_dialogues
from kame_data.engine.sources import get_source
from kame_data.levels import LevelSchedule
from kame_data.offline.guesses import heard_choices
from kame_data.offline.simulator import OfflineSimulator
from kame_data.offline.wording import sentences
from kame_data.offline.writer import OfflineWriter
from kame_data.oracles.simulate import DialogueOracles, answered_turns, simulate_oracles
from kame_data.records import Dialogue, Rejected
from kame_data.seeds import fraction
from kame_data.sources.pull import pull
from kame_data.text.answers import asserts, number_values, tells
from kame_data.text.chrf import chrf

REAL = {"gsm8k": "gsm8k/train.parquet", "mmlu_pro": "mmlu_pro/test.parquet", "hssbench": "hssbench/data-open.jsonl"}
BEFORE_THE_NEXT = 6
"""Words that the model reads of an oracle before the next one comes, at two words of the user's a step."""


def share(found: list[bool]) -> str:
    """The share of what is true, in percent."""
    return f"{mean(found):.0%}" if found else "-"


def dialogues_of(name: str, path: str, rows: int, seed: int) -> tuple[list[Dialogue], Counter[str]]:
    """The dialogues of so many questions of a source, and why there are none of others."""
    with pull(get_source(name), path) as found:
        asked = sorted(found.accepted, key=lambda q: fraction(seed, q.id))
        written = list(write_dialogues(islice(asked, rows), 0, OfflineWriter(seed)))
    refused = Counter(item.reason for item in written if isinstance(item, Rejected))
    return [item for item in written if isinstance(item, Dialogue)], refused


def dialogue_row(name: str, dialogues: list[Dialogue], refused: Counter[str]) -> tuple[str, ...]:
    """The figures of the writer."""
    answers = [d.turns[1].text for d in dialogues]
    lengths = sorted(len(text.split()) for text in answers)
    openings = {" ".join(d.turns[0].text.split()[:4]) for d in dialogues}
    return (
        name,
        str(len(dialogues)),
        ", ".join(f"{reason} {count}" for reason, count in refused.most_common()) or "-",
        share([len(sentences(text)) > 1 or ", since " in text for text in answers]),
        f"{lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}",
        f"{len(openings) / len(dialogues):.0%}",
        share([bool(d.choices) for d in dialogues]),
        share([len(d.turns) > 2 for d in dialogues]),
    )


def level_rows(dialogues: list[Dialogue], seed: int) -> list[tuple[str, ...]]:
    """The figures of the simulator, level by level."""
    turns = {(d.id, n): (d, n, answer) for d in dialogues for n, answer in answered_turns(d)}
    levels: dict[int, list[tuple[bool, bool, bool, bool, float]]] = {level: [] for level in range(6)}
    refused: Counter[str] = Counter()
    for item in simulate_oracles(dialogues, LevelSchedule(), OfflineSimulator(seed)):
        if isinstance(item, Rejected):
            refused[item.reason] += 1
            continue
        for oracle in item.oracles if isinstance(item, DialogueOracles) else ():
            dialogue, n, answer = turns[item.dialogue_id, oracle.turn]
            before = " ".join(t.text for t in dialogue.turns[:n])
            heard = " ".join(dialogue.turns[n].text.split()[: oracle.prefix_words])
            known = number_values(f"{before} {heard}. {answer.text}")
            numbers = number_values(oracle.text) - known - {1}
            named = bool(number_values(oracle.text)) or any(tells(oracle.text, c) for c in heard_choices(heard))
            early = " ".join(oracle.text.split()[:BEFORE_THE_NEXT])
            levels[oracle.level].append(
                (
                    named,
                    asserts(oracle.text, answer.claim),
                    asserts(early, answer.claim),
                    bool(numbers),
                    chrf(oracle.text, answer.text),
                )
            )
    rows = []
    for level, found in levels.items():
        named, holds, early, numbers, likeness = zip(*found, strict=True)
        figures = (share(list(named)), share(list(holds)), share(list(early)), share(list(numbers)))
        rows.append((str(level), str(len(found)), *figures, f"{mean(likeness):.0f}"))
    print(f"oracles refused: {dict(refused) or 'none'}")
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", help="NAME=FILE")
    parser.add_argument("--rows", type=int, default=400, help="questions of each source")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console, written = Console(width=160), Table(title="dialogues", box=None)
    for column in ("source", "dialogues", "refused", "reason", "words", "openings", "choices", "asked on"):
        written.add_column(column)
    for source in options.sources or [f"{name}={SHARED / file}" for name, file in REAL.items()]:
        name, _, path = source.partition("=")
        dialogues, refused = dialogues_of(name, path, options.rows, options.seed)
        written.add_row(*dialogue_row(name, dialogues, refused))
        levels = Table(title=f"oracles of {name}", box=None)
        for column in ("level", "oracles", "names one", "holds", "holds early", "other number", "chrF"):
            levels.add_column(column, justify="right")
        for row in level_rows(dialogues, options.seed):
            levels.add_row(*row)
        console.print(levels)
    console.print(written)


if __name__ == "__main__":
    main()
