"""Writes `data/held_out/mt_bench.txt`: `python benchmarks/held_out.py question.jsonl`, with FastChat's file; its turns
as they are written, and as they are spoken where that is something else."""

import json
import sys
from pathlib import Path

from kame_data.evaluate.benches.mt_bench import spoken_forms
from kame_data.resources import bundled
from kame_data.text.answers import said_or_raw
from kame_data.text.held_out import lines_of

HEAD = "# MT-Bench (FastChat, Apache-2.0): hashes of the runs of words of its turns; benchmarks/held_out.py makes it."


def main(path: str) -> None:
    """Write the file anew."""
    questions = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    lines = [line for q in questions for line in lines_of(str(q["question_id"]), q["turns"])]
    for q in questions:
        for number, written in enumerate(q["turns"], 1):
            form = spoken_forms().get((q["question_id"], number))
            if form is not None and form.spoken != said_or_raw(written, "en"):
                lines += lines_of(f"{q['question_id']}.{number}.spoken", [form.spoken])
    (bundled("data/held_out") / "mt_bench.txt").write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    print(f"{len(questions)} questions, {len(lines)} lines for {sum(len(q['turns']) for q in questions)} turns")


if __name__ == "__main__":
    main(sys.argv[1])
