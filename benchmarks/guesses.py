"""Kinds of guesses of offline dialogues, and who holds the answer: `python benchmarks/guesses.py [--rows 150]`.

Drawn rows of the shared GSM8K and MMLU-Pro become dialogues with their oracles. Of level 0 it counts guesses of the
right kind: a number where the answer begins with one and words where not (of prefixes with four words of the question
or more), a choice where one was heard, yes or no where a further question asks for it. Of every level it counts the
oracles that hold their turn's answer.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

import pyarrow.parquet as pq
from build import SHARED

from kame_data.dialogues.write import write_dialogues
from kame_data.engine.sources import get_source
from kame_data.errors import Refusal
from kame_data.levels import LevelSchedule
from kame_data.offline.asking import without_lead
from kame_data.offline.guesses import heard_choices
from kame_data.offline.simulator import OfflineSimulator
from kame_data.offline.wording import quantities
from kame_data.offline.writer import OfflineWriter
from kame_data.oracles.simulate import DialogueOracles, answered_turns, simulate_oracles
from kame_data.records import Dialogue, Question, Rejected
from kame_data.text.answers import asserts, number_values, tells
from kame_data.text.askable import check_question

FILES = {"gsm8k": "gsm8k/train.parquet", "mmlu_pro": "mmlu_pro/test.parquet"}
LEAST, SHORT = 4, 12


def questions(name: str, rows: int, seed: int) -> Iterator[Question]:
    """So many drawn questions that can be asked aloud."""
    drawn = pq.read_table(SHARED / FILES[name]).to_pylist()
    random.Random(seed).shuffle(drawn)
    for row in drawn:
        try:
            question = get_source(name).question(row, "test")
            check_question(question, sees_pictures=False)
        except Refusal:
            continue
        yield question
        rows -= 1
        if not rows:
            return


def begins_with_number(answer: str) -> bool:
    """True for an answer that is a number, with its unit and little more."""
    return any(not at for at, _, _ in quantities(answer)) and len(answer.split()) < SHORT


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--seed", type=int, default=31)
    options = parser.parse_args()
    for name in FILES:
        written = list(write_dialogues(questions(name, options.rows, options.seed), 0, OfflineWriter(options.seed)))
        dialogues = {item.id: item for item in written if isinstance(item, Dialogue)}
        refused = Counter(item.reason for item in written if isinstance(item, Rejected))
        of, right = Counter[str](), Counter[str]()

        def count(kind: str, true: bool, of: Counter[str] = of, right: Counter[str] = right) -> None:
            of[kind] += 1
            right[kind] += true

        for item in simulate_oracles(list(dialogues.values()), LevelSchedule(), OfflineSimulator(options.seed)):
            if not isinstance(item, DialogueOracles):
                refused[f"oracle {item.reason}"] += 1
                continue
            dialogue = dialogues[item.dialogue_id]
            claims = {turn: answer.claim or dialogue.answer for turn, answer in answered_turns(dialogue)}
            for oracle in item.oracles:
                claim = claims.get(oracle.turn, dialogue.answer)
                count(f"level {oracle.level} holds the answer", asserts(oracle.text, claim))
                if oracle.level == 0 and oracle.turn and dialogue.turns[oracle.turn + 1].text.startswith(("Yes", "No")):
                    count("yes or no where it is asked for", oracle.text.startswith(("Yes", "No")))
                heard = without_lead(" ".join(dialogue.turns[oracle.turn].text.split()[: oracle.prefix_words]))
                if oracle.level == 0 and not oracle.turn and len(heard.split()) >= LEAST:
                    if choices := heard_choices(heard):
                        count("a choice where choices were heard", any(tells(oracle.text, c) for c in choices))
                        continue
                    number = begins_with_number(claim)
                    kind = "a number where one is wanted" if number else "words where words are wanted"
                    count(kind, bool(number_values(oracle.text)) == number)
        further = sum(len(dialogue.turns) > 2 for dialogue in dialogues.values())
        print(f"{name}: {len(dialogues)} dialogues, {further} of them asked on; refused {dict(refused) or 'none'}")
        for kind in sorted(of):
            print(f"  {kind}: {right[kind]} of {of[kind]} ({right[kind] / of[kind]:.0%})")


if __name__ == "__main__":
    main()
