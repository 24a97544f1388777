"""The tokens that a conversation loses when each is read at its place or never, as KAME's own server reads them.

    python benchmarks/by_position.py OUT [--pace 5 10 20 50] [--policy poll overlap] [--tokenizer sample]

OUT is a finished, spoken build (`kame-data build --config demo --out OUT`). Its dialogues are held again: each word of
the user comes to the transcript behind a drawn lag, the loop asks, an answer is the build's oracle for the longest
prefix that is in the transcript, comes behind a drawn delay and then at `--pace` of the model's tokens a second. No
model runs. Of the tokens that came before the next oracle did, the table says how many the model was given, by contract
(each one once, as soon as it is there) and by position (each in its frame or never, every piece tokenized by itself).
What is not given by contract was replaced before its turn came.
"""

import argparse
import asyncio
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from kame_data.codec.tokenizer import Tokenizer
from kame_data.finished.reader import Finished
from kame_data.finished.row import Row
from kame_data.oracles.replay import arrivals
from kame_data.seeds import rng
from kame_data.settings.tandem import TandemLatency, VirtualSettings
from kame_data.tandem.events import EventLog, OracleDelta, OracleRead
from kame_data.tandem.frames import RATE, SAMPLES, FrameOut
from kame_data.tandem.parts import Spoken
from kame_data.tandem.session import Session, Setup
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.virtual import VirtualConversation

SILENCE = np.zeros(SAMPLES, np.float32)


class Silent:
    """Rows of a model that says nothing."""

    count = 1

    def open(self):
        return 0

    def close(self, row):
        pass

    def step(self, frames):
        return {row: FrameOut(3, None) for row in frames}


class NoVoice:
    def next(self, out, words):
        return Spoken(SILENCE)

    def close(self):
        pass


@dataclass
class Oracles:
    """The build's own oracles as a back end: for each turn of the user the prefixes and their texts."""

    turns: list[tuple[list[int], list[str]]]
    name, stand_ins = "oracles of the build", ()

    @classmethod
    def of(cls, row: Row):
        turns = []
        for _, group in groupby(row.oracles, key=lambda oracle: oracle.turn):
            of_turn = {oracle.prefix_words: oracle.text for oracle in group}
            turns.append((list(of_turn), list(of_turn.values())))
        return cls(turns)

    async def answer(self, question, budget):
        prefixes, texts = self.turns[question.turn]
        place = bisect_right(prefixes, question.prefix_words)
        if place:
            yield texts[place - 1]

    async def close(self):
        pass


class Heard:
    """The words of the user's turns that have oracles, each behind its lag."""

    def __init__(self, row: Row, latency: TandemLatency, seed: int) -> None:
        self.left = sorted(self._events(row, latency, rng(seed, "stt lag", row.id)), key=lambda event: event.time)
        self.samples = 0

    @staticmethod
    def _events(row: Row, latency: TandemLatency, draws) -> Iterator[SpeechEvent]:
        asked = {oracle.turn for oracle in row.oracles}
        for turn, words in groupby(row.words, key=lambda word: word.turn):
            said = list(words)
            if turn not in asked:
                continue
            at = list(arrivals((word.end for word in said), latency.stt_lag, draws))
            for count, moment in enumerate(at, 1):
                yield SpeechEvent("interim", moment, " ".join(word.word for word in said[:count]))
            yield SpeechEvent("end", at[-1] + latency.stt_final, " ".join(word.word for word in said))

    def push(self, sound):
        self.samples += len(sound)
        found = [event for event in self.left if event.time <= self.samples / RATE]
        del self.left[: len(found)]
        return found

    def close(self):
        return []


def read(row: Row, tokenizer: Tokenizer, policy: str, pace: float, by_position: bool) -> dict[int, tuple[int, int]]:
    """For each oracle that began to come: the tokens that came, and those that the model read."""
    events = []
    latency = TandemLatency(policy=policy)
    session = Session(
        Setup(row.id, tokenizer, latency, by_position=by_position, clock="virtual"),
        EventLog(None, [events.append]),
        0.0,
    )
    settings = VirtualSettings(pace=pace, tail=30.0, quiet=0.5)
    parts = Heard(row, latency, 0), Oracles.of(row), NoVoice(), settings, latency, 0
    talk = VirtualConversation(session, Silent(), *parts)
    asyncio.run(talk.run(np.zeros(round(row.duration * RATE), np.float32)))
    came, seen = {}, {}
    for event in events:
        if isinstance(event, OracleDelta):
            came[event.id] = came.get(event.id, 0) + len(event.tokens)
        elif isinstance(event, OracleRead):
            seen[event.id] = event.read
    return {number: (count, seen.get(number, 0)) for number, count in came.items()}


def main() -> None:
    """Prints a row of the table for each pace and policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--pace", type=float, nargs="+", default=[5.0, 10.0, 20.0, 50.0])
    parser.add_argument("--policy", nargs="+", default=["poll", "overlap"])
    parser.add_argument("--tokenizer", default="sample")
    args = parser.parse_args()
    tokenizer = Tokenizer.of(args.tokenizer)
    rows = list(Finished.open(args.out).rows())
    print(f"{len(rows)} dialogues, tokenizer {tokenizer.name}")
    print("| policy | tokens a second | oracles | given by contract | given by position | nothing of it by position |")
    print("| --- | --- | --- | --- | --- | --- |")
    for policy in args.policy:
        for pace in args.pace:
            ours, theirs = [], []
            for row in rows:
                ours += read(row, tokenizer, policy, pace, by_position=False).values()
                theirs += read(row, tokenizer, policy, pace, by_position=True).values()
            shares = [sum(seen for _, seen in mode) / sum(came for came, _ in mode) for mode in (ours, theirs)]
            # Of the oracles of which the model reads something by contract.
            read_ours = [number for number, (_, seen) in enumerate(ours) if seen]
            none = sum(not theirs[number][1] for number in read_ours) / len(read_ours)
            given = " | ".join(f"{share:.0%}" for share in shares)
            print(f"| {policy} | {pace:g} | {len(ours)} | {given} | {none:.0%} |")


if __name__ == "__main__":
    main()
