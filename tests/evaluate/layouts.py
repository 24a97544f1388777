"""Benches in their own layouts, made small: MT-Bench's rows, VoiceBench's Parquet, Full-Duplex-Bench's folders."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from building import SHARED

MT_BENCH = SHARED / "mt_bench" / "question.jsonl"
WORDS = [{"text": "So", "timestamp": [0.1, 0.3]}, {"text": "what", "timestamp": [0.4, 0.7]}]


def mt_rows(ids):
    """Rows as FastChat has them; the texts are ours."""
    return [
        {"question_id": n, "category": "reasoning", "turns": [f"What is {n} plus 1?", f"And {n} plus 2?"]}
        | ({"reference": [str(n + 1), ""]} if n % 2 else {})
        for n in ids
    ]


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def sound(seconds=1.0, rate=16_000, channels=1, kind="WAV"):
    """A hum, as the bytes of a file."""
    t = np.arange(round(seconds * rate)) / rate
    file = io.BytesIO()
    soundfile.write(file, np.repeat(0.2 * np.sin(2 * np.pi * 200 * t)[:, None], channels, 1), rate, format=kind)
    return file.getvalue()


def audio(seconds=1.0, **more):
    """A cell of a column of sound, as `datasets` writes it."""
    return {"bytes": sound(seconds, **more), "path": "a.wav"}


def parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def sample(folder, annotations, *, clean=False, seconds=2.0):
    """A sample of Full-Duplex-Bench: `annotations` by file name."""
    folder.mkdir(parents=True)
    (folder / "input.wav").write_bytes(sound(seconds))
    if clean:
        (folder / "clean_input.wav").write_bytes(sound(seconds))
    for name, held in annotations.items():
        (folder / name).write_text(held if isinstance(held, str) else json.dumps(held))
    return folder


def full_duplex(root):
    """All sets of v1 and v1.5 with one sample or two each."""
    pause = [{"text": "[PAUSE]", "timestamp": [0.8, 1.2]}]
    sample(root / "candor_pause_handling" / "1", {"pause.json": pause, "transcription.json": WORDS})
    sample(root / "synthetic_pause_handling" / "10", {"pause.json": pause})
    sample(root / "synthetic_pause_handling" / "9", {"pause.json": pause})
    ends = [{"text": "[TURN-TAKING]", "timestamp": [1.5, 1.8]}]
    sample(root / "candor_turn_taking" / "1", {"turn_taking.json": ends, "transcription.json": {"chunks": WORDS}})
    sample(root / "icc_backchannel" / "a", {"transcription.json": WORDS})
    interrupt = [{"context": "Tell me of bees.", "interrupt": "No, wasps.", "timestamp": [1.0, 1.6]}]
    sample(root / "synthetic_user_interruption" / "1", {"interrupt.json": interrupt})
    overlap = {"context_text": "Tell me of bees.", "current_turn_text": "Mm-hm.", "timestamps": [1.1, 1.4]}
    sample(root / "user_backchannel" / "1", {"metadata.json": overlap}, clean=True)
    return root
