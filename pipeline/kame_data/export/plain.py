"""Layouts that hold a build's rows as they are: tar shards for the `webdataset` package, and JSON lines; and
moshi-finetune's, which holds their sound and the assistant's words."""

import io
import json
import tarfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from kame_data.export.exported_rows import (
    Oracles,
    Tally,
    file_name,
    plain_rows_by_split,
    rows_by_split,
    wav_of,
    write_new,
)  # fmt: skip
from kame_data.export.kame_finetune import spoken_words
from kame_data.export.layout import Layout
from kame_data.finished.reader import Finished

ROWS_A_TAR = 1000
MAIN_SPEAKER = "SPEAKER_MAIN"


def write_moshi(build: Finished, folder: Path, oracles: Oracles, tally: Tally) -> None:
    """kyutai-labs/moshi-finetune: `<split>/<split>.jsonl` with path and duration of each wav, and beside each wav the
    assistant's words with their times. A split is a folder of its own, for a folder is read with all that is in it."""
    for split, rows in rows_by_split(build):
        room = folder / split / "audio"
        room.mkdir(parents=True)
        with (folder / split / f"{split}.jsonl").open("xb") as lines:
            for row in rows:
                name = file_name(row.id)
                alignments = [
                    [w["word"], [w["start"], w["end"]], MAIN_SPEAKER] for w in spoken_words(row) if w["speaker"] == "A"
                ]
                write_new(room / f"{name}.wav", wav_of(row))
                write_new(room / f"{name}.json", _line({"alignments": alignments}))
                lines.write(_line({"path": f"audio/{name}.wav", "duration": row.duration}))
                _count(tally, split)


def write_webdataset(build: Finished, folder: Path, oracles: Oracles, tally: Tally) -> None:
    """`<split>-000000.tar` and so on: `<id>.flac` and `<id>.json` of each row, one behind the other."""
    for split, rows in plain_rows_by_split(build):
        for number, first in enumerate(rows):  # each is the first of its file
            group = chain([first], islice(rows, ROWS_A_TAR - 1))
            _write_tar(folder / f"{split}-{number:06d}.tar", group, split, tally)


def _write_tar(path: Path, rows: Iterator[dict[str, Any]], split: str, tally: Tally) -> None:
    with path.open("xb") as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for row in rows:
            name = file_name(row["id"], dots=False)
            for suffix, data in (("flac", row["audio"]["bytes"]), ("json", _line(plain(row)))):
                entry = tarfile.TarInfo(f"{name}.{suffix}")
                entry.size, entry.mode = len(data), 0o644
                tar.addfile(entry, io.BytesIO(data))
            _count(tally, split)


def write_jsonl(build: Finished, folder: Path, oracles: Oracles, tally: Tally) -> None:
    """`<split>.jsonl`, a row a line, and its sound as `audio/<split>/<id>.flac`, which `audio` names; null without."""
    for split, rows in plain_rows_by_split(build):
        with (folder / f"{split}.jsonl").open("xb") as lines:
            for row in rows:
                sound = None
                if row["audio"] is not None:
                    sound = f"audio/{split}/{file_name(row['id'])}.flac"
                    (folder / sound).parent.mkdir(parents=True, exist_ok=True)
                    write_new(folder / sound, row["audio"]["bytes"])
                lines.write(_line(plain(row) | {"audio": sound}))
                _count(tally, split)


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its sound."""
    return {name: value for name, value in row.items() if name != "audio"}


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _count(tally: Tally, split: str) -> None:
    tally.dialogues[split] = tally.dialogues.get(split, 0) + 1


MOSHI_FINETUNE = Layout("moshi-finetune", write_moshi, sound=True)
WEBDATASET = Layout("webdataset", write_webdataset, sound=True)
JSON_LINES = Layout("jsonl", write_jsonl)
