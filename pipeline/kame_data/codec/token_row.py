"""Rows of a shard to rows of a token shard."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.mimi import Clip, Mimi
from kame_data.codec.text_stream import lay_text, token_frames
from kame_data.codec.token_schema import frame_at, frames_of
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import KameError, Refusal
from kame_data.finished.row import Row, RowTurn
from kame_data.finished.sound import samples_of
from kame_data.records import SAMPLE_RATE, Rejected, Role

READ = (
    "id", "source", "question_id", "category", "language", "split", "turns", "words", "oracles", "situations", "starts",
    "audio", "duration",
)  # fmt: skip
"""The columns that are read."""


def sound_of(row: Row) -> Clip:
    """The sound of a row, (2, samples): assistant, user. Raises KameError where it is not what a shard holds."""
    samples, rate = samples_of(row)
    if rate != SAMPLE_RATE or samples.shape[1] != 2:
        raise KameError(
            f"row {row.id}: its audio is {samples.shape[1]} channels at {rate} Hz, not two at {SAMPLE_RATE}; "
            "build it again"
        )
    return np.ascontiguousarray(samples.T.astype(np.float32) / 32768)


def token_rows(
    rows: Sequence[Row], sounds: Sequence[Clip], codec: Mimi, tokenizer: Tokenizer
) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """The token rows of shard rows with their sounds, in order, and the rows that were refused."""
    made, rejected, kept = [], [], []
    for row, sound in zip(rows, sounds, strict=True):
        try:
            made.append(_streams(row, frames_of(sound.shape[1]), tokenizer))
            kept.append(sound)
        except Refusal as refusal:
            names = (row.source, row.question_id, row.id)
            rejected.append(Rejected("tokens", *names, refusal.reason, refusal.detail))
    for tokens, codes in zip(made, codec.encode(kept), strict=True):
        tokens["assistant_codes"], tokens["user_codes"] = codes[0].ravel(), codes[1].ravel()
    return made, rejected


def _streams(row: Row, frames: int, tokenizer: Tokenizer) -> dict[str, Any]:
    """All of a token row but its codes. Raises Refusal where its words or oracles cannot be told in tokens."""
    text, placed = _text(row, "assistant", frames, tokenizer)
    user_text, _ = _text(row, "user", frames, tokenizer)
    answers = row.answers
    spans = [_span(row.turns[n], placed[n], frames) for n in answers]
    return {
        **{name: getattr(row, name) for name in ("id", "source", "category", "language", "split")},
        "frames": frames,
        "text": text,
        "user_text": user_text,
        "answer_start": [start for start, _ in spans],
        "answer_end": [end for _, end in spans],
        **_oracles(row, tokenizer),
    }


def _text(
    row: Row, role: Role, frames: int, tokenizer: Tokenizer
) -> tuple[NDArray[np.int32], dict[int, NDArray[np.int32]]]:
    """The text stream of a speaker, and the frames of each of his turns' tokens, by turn."""
    turns = row.words_of(role)
    tokens: list[int] = []
    starts, lengths, sizes = [], [], []
    for words in turns.values():
        found, counts = tokenizer.encode_words([w.word for w in words], row.language)
        tokens += found
        sizes.append(len(found))
        starts.append(frame_at(np.array([w.start for w in words])))
        lengths.append(counts)
    if not turns:
        return lay_text([], np.zeros(0, np.int32), frames), {}
    at = token_frames(np.concatenate(starts), np.concatenate(lengths), frames)
    return lay_text(tokens, at, frames), dict(zip(turns, np.split(at, np.cumsum(sizes)[:-1]), strict=True))


def _span(turn: RowTurn, at: NDArray[np.int32], frames: int) -> tuple[int, int]:
    """The frames of a turn, its sound and its text tokens."""
    first = int(frame_at(np.array(turn.start)))
    last = int(frame_at(np.array(turn.end))) + 1
    return min([first, *at[:1].tolist()]), min(max([last, *(at[-1:] + 1).tolist()]), frames)


def _oracles(row: Row, tokenizer: Tokenizer) -> dict[str, Any]:
    events = row.oracles
    last = {o.turn: o.prefix_words for o in events}
    number = {answer: n for n, answer in enumerate(row.answers)}
    foretold = {turn: number[answer] for turn, answer in row.answered_by.items()}
    # An early start says its oracle's words, which must not be dropped from under it.
    kept = {(s.asked, s.prefix_words) for s in row.starts} | set(last.items())
    texts = [tokenizer.encode(o.text) for o in events]
    came = [o.time is not None for o in events]
    frame = frame_at(np.array([o.time or 0.0 for o in events]))
    return {
        "oracle_frame": np.where(came, frame, -1),
        "oracle_heard": frame_at(np.array([o.heard for o in events])),
        "oracle_level": [o.level for o in events],
        "oracle_ratio": [o.ratio for o in events],
        "oracle_answer": [foretold.get(o.turn, -1) for o in events],
        "oracle_prefix": [o.prefix_words for o in events],
        "oracle_keep": [(o.turn, o.prefix_words) in kept for o in events],
        "oracle_tokens": [token for text in texts for token in text],
        "oracle_offsets": np.cumsum([0, *map(len, texts)]),
    }
