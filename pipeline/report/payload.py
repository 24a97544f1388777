"""What the page's browser of dialogues is given: rows as small plain values, sound and the outline of its loudness."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import KameError
from pipeline.report.read import Finished
from pipeline.report.seen import pieces, timed

if TYPE_CHECKING:
    from pipeline.codec.tokenizer import Tokenizer

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


def dialogue(row: Mapping[str, Any], tokenizer: "Tokenizer | None" = None) -> dict[str, Any]:
    """A row for the page: TEXT_COLUMNS, times in seconds; words and oracles as tuples, for there are many.

    words: (turn, word, start, end); oracles: (turn, prefix_words, level, text, heard, time[, pieces]).
    """
    filled = timed(row)
    oracles: list[tuple[Any, ...]] = []
    for o in filled["oracles"]:
        tokens = () if tokenizer is None or o["time"] is None else (pieces(o["text"], tokenizer),)
        oracles.append((o["turn"], o["prefix_words"], o["level"], o["text"], _ms(o["heard"]), _ms(o["time"]), *tokens))
    return {
        **{
            n: row[n]
            for n in ("id", "source", "question_id", "category", "language", "split", "source_split", "answer")
        },
        "choices": row["choices"],
        "turns": [
            {"role": t["role"], "start": _ms(t["start"]), "end": _ms(t["end"])}
            | ({"cut": _cut(t["text"], t["intended_text"])} if t["text"] != t["intended_text"] else {})
            for t in filled["turns"]
        ],
        "words": [(w["turn"], w["word"], _ms(w["start"]), _ms(w["end"])) for w in filled["words"]],
        "oracles": oracles,
        "transcripts": [(t["turn"], t["prefix_words"], t["text"]) for t in row["transcripts"]],
        "situations": [(s["kind"], s["turn"], _ms(s["start"]), _ms(s["end"])) for s in filled["situations"]],
        "duration": _ms(filled["duration"]),
        "spoken": row["duration"] is not None,
        "checks": {name: value for name, value in (row["audio_checks"] or {}).items() if value is not None},
        "provenance": {name: value for name, value in row["provenance"].items() if value is not None},
    }


def _cut(said: str, intended: str) -> str:
    """What an interrupted turn would have said further; all of it where it began otherwise."""
    return intended[len(said) :].strip() if intended.startswith(said) else intended


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


def samples_of(row: Mapping[str, Any]) -> tuple[NDArray[np.int16], int]:
    """A row's sound, int16 (n, channels), and its rate in Hz. Raises KameError where it cannot be read."""
    import soundfile

    if not row["audio"]["bytes"]:
        raise KameError(f"row {row['id']}: its audio is empty; build it again")
    try:
        samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise KameError(f"row {row['id']}: its audio cannot be read ({error.error_string}); build it again") from None
    return samples, rate


def sounds(build: Finished, wanted: Sequence[str], most: int) -> Iterator[tuple[str, list[str], str]]:
    """(id, outlines of assistant and user, FLAC in base64) of the ids that are spoken, while they fit in `most`."""
    room = most
    for row in build.rows(("id", "audio"), set(wanted)):
        if row["audio"] is None:
            continue
        encoded = base64.b64encode(row["audio"]["bytes"] or b"").decode()
        if len(encoded) > room:
            continue
        room -= len(encoded)
        samples, rate = samples_of(row)
        yield row["id"], outline(samples[:, :2] if samples.shape[1] > 1 else samples.repeat(2, axis=1), rate), encoded
