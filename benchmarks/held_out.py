"""Writes `data/held_out/mt_bench.txt`: `python benchmarks/held_out.py question.jsonl`, with FastChat's file."""

import json
import sys
from pathlib import Path

from kame_data.resources import bundled
from kame_data.text.held_out import lines_of

HEAD = "# MT-Bench (FastChat, Apache-2.0): hashes of the runs of words of its turns; benchmarks/held_out.py makes it."


def main(path: str) -> None:
    """Write the file anew."""
    questions = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    lines = [line for q in questions for line in lines_of(str(q["question_id"]), q["turns"])]
    (bundled("data/held_out") / "mt_bench.txt").write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    print(f"{len(questions)} questions, {len(lines)} turns of {sum(len(q['turns']) for q in questions)}")


if __name__ == "__main__":
    main(sys.argv[1])
