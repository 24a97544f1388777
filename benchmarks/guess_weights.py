"""How much words of a question speak for a number as its answer: `python benchmarks/guess_weights.py` writes them into
data/guesses.yaml.

A logistic regression with an L1 penalty over beginnings of drawn rows of the shared GSM8K and MMLU-Pro, as the offline
writer asks them; the rows that `benchmarks/guesses.py` draws with seed 31 or 77 are left out, so that it can judge.
"""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from guesses import begins_with_number, questions

from kame_data.errors import Refusal
from kame_data.offline import asking
from kame_data.offline.guesses import traits

ROWS = {"gsm8k": 2500, "mmlu_pro": 4500}
HELD_OUT, SEED = (31, 77), 5
BEGINNINGS, LEAST, SEEN = 4, 2, 80
"""Beginnings of a question, their least words, and how many must have a trait for it to count."""
PENALTY, STEP, ROUNDS = 0.0005, 0.5, 400
DATA = Path(__file__).resolve().parents[1] / "data" / "guesses.yaml"


def asked() -> Iterator[tuple[str, str]]:
    """Words of a question without a lead-in, and its answer in words."""
    for name, rows in ROWS.items():
        held_out = {question.id for seed in HELD_OUT for question in questions(name, 150, seed)}
        for question in questions(name, rows, SEED):
            try:
                said = asking.ask(question, draws := random.Random(question.id))
                if question.id not in held_out:
                    yield asking.without_lead(asking.turn(said, "", draws)), said.answer
            except Refusal:
                continue


def weights(rows: list[tuple[str, str]]) -> tuple[dict[str, float], float]:
    """The weight of each trait that speaks for or against a number, and what speaks for one without any."""
    draws, found, number = random.Random(SEED), list[set[str]](), list[bool]()
    for text, answer in rows:
        words = text.split()
        for _ in range(BEGINNINGS):
            found.append(traits(" ".join(words[: draws.randint(LEAST, max(LEAST, len(words)))])))
            number.append(begins_with_number(answer))
    counts = Counter(trait for some in found for trait in some)
    names = sorted(trait for trait, count in counts.items() if count >= SEEN)
    places = {name: n for n, name in enumerate(names)}
    seen = np.zeros((len(found), len(names)), np.float32)
    for n, some in enumerate(found):
        seen[n, [places[trait] for trait in some if trait in places]] = 1
    wanted, weight, bias = np.array(number, np.float32), np.zeros(len(names), np.float32), 0.0
    ahead, momentum = weight, 1.0
    for _ in range(ROUNDS):
        error = (1 / (1 + np.exp(-(seen @ ahead + bias))) - wanted) / len(wanted)
        bias -= float(error.sum())
        stepped = ahead - STEP * (error @ seen)
        after = np.sign(stepped) * np.maximum(np.abs(stepped) - STEP * PENALTY, 0)
        grown = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = after + (momentum - 1) / grown * (after - weight)
        weight, momentum = after, grown
    return {name: float(weight[n]) for name, n in places.items()}, bias


def main() -> None:
    """Write the weights, in tenths."""
    found, bias = weights(list(asked()))
    by_weight: dict[int, list[str]] = defaultdict(list)
    for trait, weight in found.items():
        by_weight[round(10 * weight)].append(trait)
    lines = [f"bias: {round(10 * bias)}", "number:"]
    for tenths in sorted(by_weight.keys() - {0}, reverse=True):
        lines.append(f"  {tenths}: [{', '.join(map(json.dumps, by_weight[tenths]))}]")
    text = re.sub(r"^bias: .*", "", DATA.read_text("utf-8"), flags=re.M | re.S)
    DATA.write_text(text + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
