"""What the model sees of an oracle at a moment, and times for dialogues that were never spoken.

At the frame in which an oracle arrives the model sees the start token, then one token a frame, until they end or the
next oracle overwrites them (KAME, arXiv 2510.02327). Without a tokenizer, words stand for tokens at a usual rate.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pipeline.quality import WORD_SECONDS
from pipeline.storage.files import checksum, local_copy
from pipeline.storage.paths import AnyPath
from pipeline.text.words import join_words, split_words

if TYPE_CHECKING:
    from pipeline.codec.tokenizer import Tokenizer

SPACE = "\u2581"
"""How SentencePiece writes a space."""
FRAME = 0.08
"""Seconds a frame of Moshi's codec takes, and so a token of the oracle stream."""
TOKENS_PER_WORD = 1.3
"""What an English word takes in a vocabulary of 32,000 pieces, roughly; the same figure as in `pipeline.quality`."""


def open_tokenizer(spec: str | None, out: AnyPath) -> "Tokenizer | None":
    """The tokenizer of `--tokenizer`; without, that of OUT/tokens, where there is one and sentencepiece is at hand."""
    from pipeline.codec.tokenizer import Tokenizer

    if spec is not None:
        return Tokenizer.of(spec)
    own = out / "tokens" / "tokenizer.model"
    return Tokenizer.of(str(local_copy(own, checksum(own)))) if own.is_file() and find_spec("sentencepiece") else None


def pieces(text: str, tokenizer: "Tokenizer") -> list[str]:
    """What each token of an oracle stands for in its text; joined, they are the text as the tokenizer has it.

    Of a character that is told in bytes, the last byte's token stands for it.
    """
    found, pending = [], b""
    for piece in tokenizer.model.encode(text.strip(), out_type=str):
        if byte := re.fullmatch(r"<0x([0-9A-F]{2})>", piece):
            pending += bytes.fromhex(byte[1])
            character = pending.decode("utf-8", "ignore")
            pending = b"" if character else pending
            found.append(character)
        else:
            found.append(piece.replace(SPACE, " "))
    return [found[0].removeprefix(" "), *found[1:]] if found else []


@dataclass(frozen=True, slots=True)
class Seen:
    """Of an oracle: the part that was seen by a moment, and the rest."""

    text: str
    rest: str


def seen(text: str, seconds: float, language: str, tokenizer: "Tokenizer | None" = None) -> Seen:
    """What of `text` the model has seen `seconds` after it arrived; without a tokenizer reckoned by words."""
    tokens = max(0, int(seconds / FRAME + 1e-6))
    if tokenizer is not None:
        found = pieces(text, tokenizer)
        return Seen("".join(found[:tokens]), "".join(found[tokens:]))
    words = split_words(text, language)
    count = int(tokens / TOKENS_PER_WORD + 1e-6)
    return Seen(join_words(words[:count], language), join_words(words[count:], language))


def timed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with times everywhere: its own, or, where it was never spoken, reckoned ones.

    Reckoned: words at 170 a minute one after the other, each oracle there when its prefix's last word ends.
    """
    if row["duration"] is not None:
        return dict(row)
    words = [w | {"start": n * WORD_SECONDS, "end": (n + 1) * WORD_SECONDS} for n, w in enumerate(row["words"])]
    by_turn: dict[int, list[dict[str, Any]]] = {}
    for word in words:
        by_turn.setdefault(word["turn"], []).append(word)
    spans = {turn: {"start": said[0]["start"], "end": said[-1]["end"]} for turn, said in by_turn.items()}
    none = {"start": None, "end": None}
    oracles = []
    for oracle in row["oracles"]:
        said = by_turn.get(oracle["turn"], [])
        at = said[min(oracle["prefix_words"], len(said)) - 1]["end"] if said else None
        oracles.append(oracle | {"heard": at, "time": at})
    return {
        **row,
        "words": words,
        "turns": [turn | spans.get(n, none) for n, turn in enumerate(row["turns"])],
        "oracles": oracles,
        "situations": [s | spans.get(s["turn"], none) for s in row["situations"]],
        "duration": len(words) * WORD_SECONDS,
    }


def back_channels(row: Mapping[str, Any]) -> set[int]:
    """The turns that take no floor."""
    return {s["turn"] for s in row["situations"] if s["kind"] == "back_channel"}


def true_answers(row: Mapping[str, Any]) -> dict[int, str]:
    """By user turn: what the assistant would say next if nobody interrupted; no entry where it says nothing more."""
    aside, found, after = back_channels(row), {}, None
    for number in reversed(range(len(row["turns"]))):
        turn = row["turns"][number]
        if number in aside:
            continue
        if turn["role"] == "assistant":
            after = turn["intended_text"]
        elif after is not None:
            found[number] = after
    return found


def events(oracles: Sequence[Mapping[str, Any]]) -> list[tuple[float, list[int]]]:
    """What arrived, in order of time: the moment, and the indices of the oracles (several where levels are a grid)."""
    at: dict[float, list[int]] = {}
    for number, oracle in enumerate(oracles):
        if oracle["time"] is not None:
            at.setdefault(oracle["time"], []).append(number)
    return sorted(at.items())
