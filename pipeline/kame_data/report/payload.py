"""Data for the page's browser of dialogues: rows as small plain values, sound and the outline of its loudness."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.finished.reader import Finished
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.finished.seen import Pieces
from kame_data.finished.sound import samples_of

OUTLINE_RATE = 25
"""Peaks a second in the outline of the loudness: one for each half frame."""

# What could end a script element, begin a comment, or end a line in older scripts, wherever it stands in a string.
_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029", "\x7f": "\\u007f"}
)


def script_json(value: Any) -> str:
    """JSON that may stand in a script element: no `<`, `>` or `&` in it, and the same value when it is read."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def dialogue(row: Row, reckoner: Reckoner, pieces: Pieces | None = None) -> dict[str, Any]:
    """A row for the page: TEXT_COLUMNS, times in seconds; words and oracles as tuples, for there are many.

    words: (turn, word, start, end); oracles: (turn, prefix_words, level, text, heard, time[, pieces]).
    """
    filled = reckoner.timed(row)
    oracles: list[tuple[Any, ...]] = []
    for o in filled.oracles:
        tokens = () if pieces is None or o.time is None else (pieces(o.text),)
        oracles.append((o.turn, o.prefix_words, o.level, o.text, _ms(o.heard), _ms(o.time), *tokens))
    return {
        **{
            n: getattr(row, n)
            for n in ("id", "source", "question_id", "category", "language", "split", "source_split", "form", "answer")
        },
        "choices": row.choices,
        "turns": [
            {"role": t.role, "start": _ms(t.start), "end": _ms(t.end)}
            | ({"cut": _cut(t.text, t.intended_text)} if t.interrupted else {})
            for t in filled.turns
        ],
        "words": [(w.turn, w.word, _ms(w.start), _ms(w.end)) for w in filled.words],
        "oracles": oracles,
        "transcripts": [tuple(t) for t in row.transcripts],
        "situations": [(s.kind, s.turn, _ms(s.start), _ms(s.end)) for s in filled.situations],
        "duration": _ms(filled.duration),
        "spoken": row.spoken,
        "checks": {name: value for name, value in (row.audio_checks or {}).items() if value is not None},
        "provenance": {name: value for name, value in row.provenance.items() if value is not None},
    }


def _cut(said: str, intended: str) -> str:
    """The rest that an interrupted turn would have said."""
    return intended[len(said) :].strip()


def outline(samples: NDArray[np.int16], rate: int) -> list[str]:
    """The peaks of both channels, OUTLINE_RATE a second, a byte each, in base64.

    `samples`: int16, (n, 2), at `rate` Hz. A peak is its share of full scale, to the power of 0.7: soft
    speech shows too.
    """
    step = rate // OUTLINE_RATE
    count = -(-len(samples) // step)
    padded = np.zeros((count * step, 2), np.float32)
    padded[: len(samples)] = np.abs(samples.astype(np.float32)) / 32768
    peaks = padded.reshape(count, step, 2).max(axis=1) ** 0.7
    return [base64.b64encode((peaks[:, c] * 255).astype(np.uint8).tobytes()).decode() for c in (0, 1)]


def sounds(build: Finished, wanted: Sequence[str], most: int) -> Iterator[tuple[str, list[str], str]]:
    """(id, outlines of assistant and user, FLAC in base64) of the ids that are spoken, while they fit in `most`."""
    room = most
    for row in build.rows(("id", "audio"), set(wanted)):
        if row.audio is None:
            continue
        encoded = base64.b64encode(row.audio).decode()
        if len(encoded) > room:
            continue
        room -= len(encoded)
        samples, rate = samples_of(row)
        yield row.id, outline(samples[:, :2] if samples.shape[1] > 1 else samples.repeat(2, axis=1), rate), encoded
