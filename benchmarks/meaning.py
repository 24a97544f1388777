"""What real rows lose when they are read out, and which faults are found: `python benchmarks/meaning.py [--every 10]`.

Each question and choice of the shared GSM8K and MMLU-Pro rows is said, and compared with its source as a writer's words
are. Then faults are put into the spoken questions, one at a time, and those that are found are counted.
"""

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

import pyarrow.parquet as pq
from build import SHARED

from kame_data.errors import Refusal
from kame_data.text.numerals import TENS, UNITS
from kame_data.text.rewording import added, missing
from kame_data.text.spoken import say

FILES = {"GSM8K": ("gsm8k/train.parquet", ""), "MMLU-Pro": ("mmlu_pro/test.parquet", "options")}
NUMBERS = sorted({*UNITS, *TENS} - {"zero", "one", "oh"})
POINTING = {"the", "these", "those", "all", "both"}


def faults(said: str, draws: random.Random) -> Iterator[tuple[str, str]]:
    """Spoken texts with one fault each, and the kind of it."""
    words = said.split()
    bare = [re.sub(r"\W", "", word).casefold() for word in words]
    places = [n for n, word in enumerate(bare) if word in NUMBERS and n and bare[n - 1] not in POINTING]
    if places:
        at = draws.choice(places)
        yield "a number dropped", " ".join(words[:at] + words[at + 1 :])
        other = draws.choice([word for word in NUMBERS if word != bare[at]])
        yield "a number changed", " ".join([*words[:at], other, *words[at + 1 :]])
    for sign in ("minus", "percent", "squared"):
        if places := [n for n, word in enumerate(bare) if word == sign]:
            gone = [draws.choice(places)] if sign == "minus" else places
            yield f"{sign} dropped", " ".join(word for n, word in enumerate(words) if n not in gone)
    if (found := re.search(r"\b([a-z-]+) minus ([a-z-]+)\b", said)) and found[1] in NUMBERS and found[2] in NUMBERS:
        yield "a minus turned round", f"{said[: found.start()]}{found[2]} minus {found[1]}{said[found.end() :]}"


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=10, help="one row of so many is read")
    options = parser.parse_args()
    draws, found, made = random.Random(0), Counter[str](), Counter[str]()
    for name, (file, choices) in FILES.items():
        counts = Counter[str]()
        for row in pq.read_table(SHARED / file).to_pylist()[:: options.every]:
            question = row["question"]
            for text in (question, *(row[choices] if choices else ())):
                kind = "question" if text is question else "choice"
                try:
                    said = say(text, about=question)
                except Refusal as refusal:
                    counts[f"{kind}s refused, {refusal.reason}"] += 1
                    continue
                counts[f"{kind}s said"] += 1
                counts[f"{kind}s said and called missing"] += bool(missing(text, said, "en"))
                for fault, changed in faults(said, draws) if kind == "question" else ():
                    made[fault] += 1
                    found[fault] += bool(missing(text, changed, "en") or added(changed, (said,)))
        print(f"{name}: {', '.join(f'{kind} {count}' for kind, count in sorted(counts.items()))}")
    for fault, count in made.items():
        print(f"{fault}: {found[fault]} of {count} found")


if __name__ == "__main__":
    main()
