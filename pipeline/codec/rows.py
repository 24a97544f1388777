"""Rows of a shard to rows of a token shard."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.codec.mimi import Clip, Mimi
from pipeline.codec.schema import SAMPLE_RATE, frame_at, frames_of
from pipeline.codec.text_stream import lay_text, token_frames
from pipeline.codec.tokenizer import Tokenizer
from pipeline.errors import KameError, Refusal
from pipeline.records import Rejected

READ = ("id", "source", "question_id", "category", "language", "split", "turns", "words", "oracles", "audio")
"""The columns that are read; `situations` too, where a shard has it."""


def sound_of(row: dict[str, Any]) -> Clip:
    """The sound of a row, (2, samples): assistant, user. Raises KameError where it is not what a shard holds."""
    try:
        samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise KameError(f"row {row['id']}: its audio cannot be read ({error}); build it again") from None
    if rate != SAMPLE_RATE or samples.shape[1] != 2:
        raise KameError(
            f"row {row['id']}: its audio is {samples.shape[1]} channels at {rate} Hz, not two at {SAMPLE_RATE}; "
            "build it again"
        )
    return np.ascontiguousarray(samples.T)


def token_rows(
    rows: Sequence[dict[str, Any]], sounds: Sequence[Clip], codec: Mimi, tokenizer: Tokenizer
) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """The token rows of shard rows with their sounds, in order, and the rows that were refused."""
    made, rejected, kept = [], [], []
    for row, sound in zip(rows, sounds, strict=True):
        try:
            made.append(_streams(row, frames_of(sound.shape[1]), tokenizer))
            kept.append(sound)
        except Refusal as refusal:
            names = (row["source"], row["question_id"], row["id"])
            rejected.append(Rejected("tokens", *names, refusal.reason, refusal.detail))
    for tokens, codes in zip(made, codec.encode(kept), strict=True):
        tokens["assistant_codes"], tokens["user_codes"] = codes[0].ravel(), codes[1].ravel()
    return made, rejected


def _streams(row: dict[str, Any], frames: int, tokenizer: Tokenizer) -> dict[str, Any]:
    """All of a token row but its codes. Raises Refusal where its words or oracles cannot be told in tokens."""
    text, placed = _text(row, "assistant", frames, tokenizer)
    user_text, _ = _text(row, "user", frames, tokenizer)
    aside = {s["turn"] for s in row.get("situations") or () if s["kind"] == "back_channel"}
    answers = [n for n, turn in enumerate(row["turns"]) if turn["role"] == "assistant" and n not in aside]
    spans = [_span(row["turns"][n], placed[n], frames) for n in answers]
    return {
        **{name: row[name] for name in ("id", "source", "category", "language", "split")},
        "frames": frames,
        "text": text,
        "user_text": user_text,
        "answer_start": [start for start, _ in spans],
        "answer_end": [end for _, end in spans],
        **_oracles(row["oracles"], answers, tokenizer),
    }


def _text(
    row: dict[str, Any], role: str, frames: int, tokenizer: Tokenizer
) -> tuple[NDArray[np.int32], dict[int, NDArray[np.int32]]]:
    """The text stream of a speaker, and the frames of each of his turns' tokens, by turn."""
    turns: dict[int, list[dict[str, Any]]] = {}
    for word in row["words"]:
        if word["role"] == role:
            turns.setdefault(word["turn"], []).append(word)
    order = sorted(turns, key=lambda n: turns[n][0]["start"])
    tokens: list[int] = []
    starts, lengths, sizes = [], [], []
    for n in order:
        found, counts = tokenizer.encode_words([w["word"] for w in turns[n]], row["language"])
        tokens += found
        sizes.append(len(found))
        starts.append(frame_at(np.array([w["start"] for w in turns[n]])))
        lengths.append(counts)
    if not order:
        return lay_text([], np.zeros(0, np.int32), frames), {}
    at = token_frames(np.concatenate(starts), np.concatenate(lengths), frames)
    return lay_text(tokens, at, frames), dict(zip(order, np.split(at, np.cumsum(sizes)[:-1]), strict=True))


def _span(turn: dict[str, Any], at: NDArray[np.int32], frames: int) -> tuple[int, int]:
    """The frames of a turn, its sound and its text tokens."""
    first = int(frame_at(np.array(turn["start"])))
    last = int(frame_at(np.array(turn["end"]))) + 1
    return min([first, *at[:1].tolist()]), min(max([last, *(at[-1:] + 1).tolist()]), frames)


def _oracles(oracles: Iterable[dict[str, Any]], answers: list[int], tokenizer: Tokenizer) -> dict[str, Any]:
    events = list(oracles)
    last = {o["turn"]: o["prefix_words"] for o in events}
    texts = [tokenizer.encode(o["text"]) for o in events]
    came = [o["time"] is not None for o in events]
    frame = frame_at(np.array([o["time"] or 0.0 for o in events]))
    return {
        "oracle_frame": np.where(came, frame, -1),
        "oracle_heard": frame_at(np.array([o["heard"] for o in events])),
        "oracle_level": [o["level"] for o in events],
        "oracle_ratio": [o["ratio"] for o in events],
        "oracle_turn": [next((i for i, n in enumerate(answers) if n > o["turn"]), -1) for o in events],
        "oracle_prefix": [o["prefix_words"] for o in events],
        "oracle_keep": [o["prefix_words"] == last[o["turn"]] for o in events],
        "oracle_tokens": [token for text in texts for token in text],
        "oracle_offsets": np.cumsum([0, *map(len, texts)]),
    }
