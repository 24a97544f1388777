"""Measures whether the small model says what it is given: word error rates, by the front end's own steps, greedy."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np

from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.model.oracle_queue import OracleQueue
from kame_data.tandem.checkpoints import Checkpoint
from kame_data.tandem.frames import SAMPLES, FrameIn
from kame_data.tandem.front_end import GREEDY

ROWS = 16
PATIENCE = 40
"""Frames of silence of all rows behind which nothing more is awaited."""
SILENT = (TEXT_PADDING, END_OF_PADDING)
USER, LATER = 25, 5
"""Frames for which the user speaks, and after which the answer's first token comes."""


@dataclass
class Case:
    """What comes in which frame: the user's voice, and tokens of oracles by their number; and what should be said."""

    expected: str
    voice: list[tuple[int, int]] = field(default_factory=lambda: [(0, USER)])
    tokens: list[tuple[int, int, list[int]]] = field(default_factory=list)
    before: str = ""
    """An older oracle, some first words of which may be said before what is expected."""
    said: list[int] = field(default_factory=list)

    def give(self, number: int, start: int, tokens: Sequence[int], way: str, rng: random.Random) -> int:
        """Let the tokens of an oracle come in one of the ways, from the frame `start`; gives the last one's frame."""
        at = float(start)
        for index, token in enumerate(tokens):
            self.tokens.append((int(at), number, [token]))
            if way == "12.5 a second":
                at += 1
            elif way == "5 a second":
                at += 2.5
            elif way == "bursts" and index % 6 == 5:
                at += rng.randint(1, 25)
        return int(at)


def run(checkpoint: Checkpoint, cases: list[Case]) -> None:
    """Run the cases as rows of one batch after another; fills in what was said."""
    rng = np.random.default_rng(0)
    with checkpoint.front_end(min(ROWS, len(cases)), "cpu", GREEDY) as rows:
        for begin in range(0, len(cases), ROWS):
            some = {rows.open(): case for case in cases[begin : begin + ROWS]}
            queues = {row: OracleQueue(rows.text_card) for row in some}
            begun = dict.fromkeys(some, -1)
            over = max(map(last_arrival, some.values())) + PATIENCE
            for frame in count():
                if frame > over:
                    break
                given = {}
                for row, case in some.items():
                    for _, number, tokens in (come for come in case.tokens if come[0] == frame):
                        queue = queues[row]
                        (queue.begin if number > begun[row] else queue.extend)(number, tokens)
                        begun[row] = max(number, begun[row])
                    loud = any(start <= frame < end for start, end in case.voice)
                    sound = rng.normal(0, 0.1 if loud else 0.0001, SAMPLES).astype(np.float32)
                    given[row] = FrameIn(sound, queues[row].next())
                for row, out in rows.step(given).items():
                    some[row].said.append(out.text)
                    if out.text not in SILENT:
                        over = max(over, frame + PATIENCE)
            for row in some:
                rows.close(row)


def last_arrival(case: Case) -> int:
    """The frame behind which nothing comes any more."""
    return max([at for at, _, _ in case.tokens] + [end for _, end in case.voice])


def errors(said: str, expected: str) -> int:
    """Words that were added, left out or changed, at the least."""
    a, b = said.split(), expected.split()
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def rate(checkpoint: Checkpoint, cases: list[Case]) -> tuple[float, list[tuple[str, str]]]:
    """The word error rate of the cases, and what was said and expected where they differ."""
    run(checkpoint, cases)
    wrong, words, found = 0, 0, []
    for case in cases:
        said = checkpoint.tokenizer.decode([token for token in case.said if token not in SILENT])
        older = case.before.split()
        off = min(errors(said, " ".join([*older[:number], case.expected])) for number in range(len(older) + 1))
        wrong, words = wrong + off, words + len(case.expected.split())
        if off:
            found.append((said, case.expected))
    return wrong / max(words, 1), found


def one_oracle(checkpoint: Checkpoint, texts: Sequence[str], way: str, seed: int = 0) -> list[Case]:
    """The user speaks, and behind that the oracle comes in one of the ways."""
    rng, cases = random.Random(seed), []
    for text in texts:
        case = Case(text)
        case.give(0, USER + LATER, checkpoint.tokenizer.encode(text), way, rng)
        cases.append(case)
    return cases


def switches(checkpoint: Checkpoint, texts: Sequence[str], seed: int = 0) -> list[Case]:
    """While an oracle is being said a newer one comes, which is said from its beginning."""
    rng, cases = random.Random(seed), []
    for text in texts:
        case = Case(text, before=rng.choice(texts))
        case.give(0, USER + LATER, checkpoint.tokenizer.encode(case.before), "12.5 a second", rng)
        newer = USER + LATER + rng.randint(4, 60)
        case.give(1, newer, checkpoint.tokenizer.encode(text), "12.5 a second", rng)
        cases.append(case)
    return cases


def check(folder: Path, held_out: Sequence[str]) -> None:
    """Print word error rates by kind."""
    checkpoint = Checkpoint.find(str(folder))
    others = (Path(__file__).with_name("other_texts.txt")).read_text(encoding="utf-8").splitlines()
    answers = sorted(text for text in held_out if 5 <= len(text.split()) <= 60)
    answers = random.Random(0).sample(answers, min(100, len(answers)))
    long = [" ".join(random.Random(n).sample(answers, 4)) for n in range(10)]
    kinds: dict[str, list[Case]] = {}
    for way in ("12.5 a second", "5 a second", "bursts"):
        kinds[f"held-out answers, {way}"] = one_oracle(checkpoint, answers, way)
        kinds[f"other texts, {way}"] = one_oracle(checkpoint, others, way)
    kinds["four answers in one, 12.5 a second"] = one_oracle(checkpoint, long, "12.5 a second")
    kinds["a newer oracle in mid-answer"] = switches(checkpoint, [*answers[:50], *others])
    print(f"{'':36} texts  words  word error rate")
    for kind, cases in kinds.items():
        share, wrong = rate(checkpoint, cases)
        words = sum(len(case.expected.split()) for case in cases)
        print(f"{kind:36} {len(cases):5}  {words:5}  {share:6.2%}", flush=True)
        for said, expected in wrong[:3]:
            print(f"    said     {said}\n    expected {expected}")
