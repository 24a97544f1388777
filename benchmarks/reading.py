"""The reading of real rows into words: how many are kept, why the others go, and what has changed since a former run.

    python benchmarks/reading.py OUT.jsonl [--against BEFORE.jsonl] [--source NAME=FILE]... [--show 50]

OUT.jsonl gets a line for every row: its id, and the spoken stem, answer and choices, or why it is refused. With
`--against` the table also says how many rows are said otherwise; `--show N` prints N rows drawn from those that changed
and N from those that did not, so that somebody can read them.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from rich.console import Console
from rich.table import Table

from kame_data.engine.sources import SOURCES
from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.sources import reading
from kame_data.text.askable import check_question
from kame_data.text.spoken import say

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
REAL = {"gsm8k": "gsm8k/train.parquet", "mmlu_pro": "mmlu_pro/test.parquet"}


def said_or_reason(text: str, language: str) -> str:
    """The text in words, or the reason why it has none in brackets."""
    try:
        return say(text, language)
    except Refusal as refusal:
        return f"[{refusal.reason}]"


def read(question: Question) -> dict[str, Any]:
    """What becomes of one question."""
    try:
        check_question(question, sees_pictures=False)
    except Refusal as refusal:
        return {"refused": refusal.reason, "detail": refusal.detail}
    language = question.language
    return {
        "stem": say(question.stem, language),
        "answer": say(question.answer, language),
        "choices": [said_or_reason(choice, language) for choice in question.choices],
    }


def rows(name: str, location: str) -> Iterator[dict[str, Any]]:
    """One line for every row of a source."""
    source = SOURCES[name]
    for row in reading.rows(source, location):
        try:
            question = source.question(row.values, row.split)
        except Refusal as refusal:
            yield {"source": name, "id": row.where, "refused": refusal.reason, "detail": refusal.detail}
            continue
        raw = {"raw": question.stem, "raw_answer": question.answer, "raw_choices": list(question.choices)}
        yield {"source": name, "id": question.id, **read(question), **raw}


def outcome(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a row is compared by."""
    return row.get("refused"), row.get("stem"), row.get("answer"), tuple(row.get("choices", ()))


def print_table(now: list[dict[str, Any]], before: dict[str, dict[str, Any]], seconds: float) -> None:
    """Rows, kept, refused by reason, and changes since before, for every source."""
    table = Table(title=f"reading, {len(now) / seconds:.0f} rows a second", box=None)
    for column in ("source", "rows", "kept", "refused", "said otherwise", "newly refused", "newly kept"):
        table.add_column(column, justify="left" if column in ("source", "refused") else "right")
    for source in dict.fromkeys(row["source"] for row in now):
        own = [row for row in now if row["source"] == source]
        kept = [row for row in own if not row.get("refused")]
        reasons = Counter(row["refused"] for row in own if row.get("refused"))
        pairs = [(before[row["id"]], row) for row in own if row["id"] in before]
        otherwise = sum(not a.get("refused") and not b.get("refused") and outcome(a) != outcome(b) for a, b in pairs)
        lost = Counter(b["refused"] for a, b in pairs if b.get("refused") and not a.get("refused"))
        won = sum(bool(a.get("refused")) and not b.get("refused") for a, b in pairs)
        table.add_row(
            source, f"{len(own):,}", f"{100 * len(kept) / len(own):.1f} %",
            ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()),
            str(otherwise), f"{sum(lost.values())} ({', '.join(f'{r} {c}' for r, c in lost.most_common())})", str(won),
        )  # fmt: skip
    Console(width=180).print(table)


def show(now: list[dict[str, Any]], before: dict[str, dict[str, Any]], count: int) -> None:
    """Print `count` rows that changed and as many that did not."""
    draw = random.Random(0)
    known = [row for row in now if row["id"] in before]
    for title, changed in (("changed", True), ("unchanged", False)):
        found = [r for r in known if (outcome(r) != outcome(before[r["id"]])) is changed and not r.get("refused")]
        print(f"\n== {title}: {len(found)}")
        for row in draw.sample(found, min(count, len(found))):
            print(f"\n-- {row['id']}\nraw:    {' '.join(row['raw'].split())}\nsaid:   {row['stem']}")
            print(f"answer: {row['raw_answer']} -> {row['answer']}")
            pairs = zip(
                row["raw_choices"], row["choices"], before[row["id"]].get("choices") or row["choices"], strict=True
            )
            for raw, said, earlier in pairs:
                if said != earlier:
                    print(f"choice: {raw} -> {said}   (was {earlier})")
            if changed:
                print(f"was:    {before[row['id']].get('stem') or before[row['id']].get('refused')}")


def main() -> None:
    """Read all rows, write what they became, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--source", action="append", help="NAME=FILE; the shared rows by default")
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    now = []
    for source in options.source or [f"{name}={SHARED / file}" for name, file in REAL.items()]:
        name, _, location = source.partition("=")
        now += rows(name, location)
    seconds = time.perf_counter() - start
    options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in now), encoding="utf-8")
    former = options.against.read_text(encoding="utf-8").split("\n") if options.against else []
    before = {row["id"]: row for row in map(json.loads, filter(None, former))}
    print_table(now, before, seconds)
    if options.show:
        show(now, before, options.show)


if __name__ == "__main__":
    main()
