"""Draws conversations as the small model hears them: a user who is loud or silent, and oracles that come as they come.

Half of the texts are the turns and oracles of a build, half are drawn: words of a dictionary, pieces of the tokenizer
in any order, digits, few words said again and again. Whoever learns to say all of them has learnt to read.
"""

import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import wordninja
from numpy.typing import NDArray
from reader_rule import Kinds, Reader

from kame_data.codec.tokenizer import SPACE, Tokenizer
from kame_data.model.oracle_queue import OracleQueue
from kame_data.model.streams import Batch

LEVELS = 3
"""Classes of loudness beside silence."""
Ids = list[int]


@cache
def dictionary() -> list[str]:
    """English words, the most frequent first."""
    path = Path(wordninja.__file__).parent / "wordninja" / "wordninja_words.txt.gz"
    return gzip.decompress(path.read_bytes()).decode().split()


class Texts:
    """Texts as tokens; `known` are those of a build."""

    def __init__(self, tokenizer: Tokenizer, known: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        self.known = [tokenizer.encode(text) for text in known]
        model = tokenizer.model
        said = [n for n in range(4, tokenizer.text_card) if not model.is_control(n) and not model.is_unknown(n)]
        self.within = [n for n in said if not model.id_to_piece(n).startswith(SPACE)]
        self.beginning = [n for n in said if model.id_to_piece(n).startswith(SPACE)]

    def draw(self, rng: random.Random) -> Ids:
        """One text of 1 to 110 tokens."""
        kind = rng.random()
        if kind < 0.5 and self.known:
            return list(rng.choice(self.known))[:110]
        length = rng.choice((3, 6, 12, 20, 35, 60))
        if kind < 0.65:
            return self._pieces(rng, length)
        words = [self._word(rng) for _ in range(length)]
        if kind < 0.75:
            few = words[: rng.randint(1, 4)]
            words = [rng.choice(few) for _ in words]
        return self.tokenizer.encode(" ".join(words))[:110]

    def _pieces(self, rng: random.Random, length: int) -> Ids:
        found: Ids = []
        while len(found) < length:
            found += [rng.choice(self.beginning), *rng.choices(self.within, k=rng.choice((0, 0, 1, 1, 2, 4)))]
        return found

    @staticmethod
    def _word(rng: random.Random) -> str:
        kind, words = rng.random(), dictionary()
        if kind < 0.15:
            word = str(rng.randrange(10 ** rng.randint(1, 6)))
        else:
            word = words[int(len(words) ** rng.random()) - 1]
            word = word.capitalize() if kind > 0.8 else word
        return word + rng.choice(("", "", "", "", "", ",", ".", "?", ";", "'s", "-" + rng.choice(words[:500])))


@dataclass
class Heard:
    """The oracle stream and the user's loudness, one of each a frame."""

    oracle: Ids
    user: Ids


def arrivals(rng: random.Random, tokens: Ids, begins: Sequence[bool]) -> list[tuple[int, Ids]]:
    """Frames since the first, each with the tokens that come then."""
    way = rng.random()
    if way < 0.3:
        return [(0, tokens)]
    chunks: list[Ids] = []
    for token in tokens:
        if way < 0.65 and chunks and not begins[token]:
            chunks[-1].append(token)  # a whole word, as `StreamedText` gives it
        else:
            chunks.append([token])
    pause = rng.choice((1, 1, 2, 3, 5))
    found, at = [], 0.0
    for chunk in chunks:
        found.append((int(at), chunk))
        at += rng.expovariate(1 / pause) if way > 0.5 else pause
        if way > 0.9 and rng.random() < 0.15:
            at += rng.randint(5, 40)
    return found


class Conversations:
    """Draws what the model hears."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.kinds = Kinds.of([texts.tokenizer.model.id_to_piece(n) for n in range(texts.tokenizer.text_card)])

    def heard(self, rng: random.Random, frames: int) -> Heard:
        """What comes in `frames` frames."""
        user = np.zeros(frames + 400, np.int64)
        asked: list[tuple[int, Ids]] = []
        at = rng.choice((0, rng.randint(0, 30)))
        while at < frames:
            end = at + rng.randint(4, 60)
            user[at:end] = self._voice(rng, end - at)
            guesses = rng.choice((0, 0, 1, 2, 4))
            asked += [(rng.randint(at, end), self.texts.draw(rng)) for _ in range(guesses)]
            text = self.texts.draw(rng)
            asked.append((max(0, end + rng.randint(-10, 25)), text))
            spoken = 4 * len(text)
            for _ in range(rng.choice((0, 0, 1, 2))):
                other = self._variant(rng, text) if rng.random() < 0.5 else self.texts.draw(rng)
                asked.append((end + rng.randint(5, 5 + spoken), other))
            for _ in range(rng.choice((0, 0, 1))):
                mhm = end + rng.randint(0, spoken)
                user[mhm : mhm + rng.randint(1, 5)] = rng.randint(1, LEVELS)
            at = end + (rng.randint(5, spoken + 5) if rng.random() < 0.3 else spoken + rng.randint(0, 60))
        return Heard(self._oracle(rng, sorted(asked), frames), user[:frames].tolist())

    def _oracle(self, rng: random.Random, asked: list[tuple[int, Ids]], frames: int) -> Ids:
        queue = OracleQueue(self.texts.tokenizer.text_card)
        due: dict[int, list[tuple[int, Ids]]] = {}
        for number, (start, tokens) in enumerate(asked):
            for at, some in arrivals(rng, tokens, self.kinds.begins):
                due.setdefault(start + at, []).append((number, some))
        begun, found = -1, []
        for frame in range(frames):
            for number, some in due.get(frame, ()):
                if number > begun:
                    begun = number
                    queue.begin(number, some)
                else:
                    queue.extend(number, some)
            found.append(queue.next())
        return found

    @staticmethod
    def _voice(rng: random.Random, length: int) -> Ids:
        found = [rng.randint(1, LEVELS) for _ in range(length)]
        for _ in range(length // 8):
            place = rng.randrange(length)
            for index in range(place, min(length, place + rng.randint(1, 3))):
                found[index] = 0
        return found

    def _variant(self, rng: random.Random, text: Ids) -> Ids:
        """A text that lacks some words of another's beginning, middle or end."""
        words = [place for place, token in enumerate(text) if self.kinds.begins[token]]
        a, b = sorted(rng.choice([*words, len(text)]) for _ in range(2))
        return text[:a] + text[b:] or list(text)

    def told(self, heard: Heard) -> NDArray[np.int32]:
        """What the rule says to that: text, the two notes and the user's loudness, int32 (4, frames)."""
        reader = Reader(self.kinds, self.texts.tokenizer.text_card)
        frames = len(heard.oracle)
        codes = np.empty((4, frames), np.int32)
        codes[3] = heard.user
        # What the rule gives after it was told of a frame is said in the next one.
        codes[:3, 0] = 3, reader.said, reader.heard
        for frame in range(frames - 1):
            codes[0, frame + 1] = reader.next(heard.oracle[frame], heard.user[frame])
            codes[1:3, frame + 1] = reader.said, reader.heard
        return codes

    def batch(self, rng: random.Random, rows: int, frames: int) -> Batch:
        """Conversations side by side, as the training forward takes them."""
        heard = [self.heard(rng, frames) for _ in range(rows)]
        return Batch(
            codes=np.stack([self.told(row) for row in heard]),
            oracle=np.array([row.oracle for row in heard], np.int32),
            answer=np.zeros((rows, frames), bool),
            level=np.full((rows, frames), -1, np.int8),
            ids=tuple(map(str, range(rows))),
            frames=np.full(rows, frames, np.int64),
        )
