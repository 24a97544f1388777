"""Ledgers for tests, as this version and as earlier versions kept them."""

import json
import zlib
from pathlib import Path

from kame_data.llm.ledger import Ledger
from kame_data.seeds import digest


def key(n: object) -> str:
    return digest("test", n)


def fill(folder: Path, numbers: range, raw: str = "raw") -> None:
    with Ledger(folder) as ledger:
        ledger.put_many([(key(n), f"{raw} {n} é\n", {"stage": "oracles", "cost": 0.25}) for n in numbers])


def old_line(n: object, raw: str, kind: str = "A") -> bytes:
    """A line of a segment, made here by hand: CRC-32, kind, key, JSON."""
    note = {"job": raw, "seq": 0} if kind == "B" else {}
    text = json.dumps({"at": "2026-01-01T00:00:00Z", "cost": 0.25, "raw": raw, **note}, ensure_ascii=False)
    return line_of(n, text.encode(), kind)


def line_of(n: object, data: bytes, kind: str = "A") -> bytes:
    """A line whose checksum is right, whatever it holds."""
    body = f"{kind} {key(n)} ".encode() + data
    return b"%08x " % zlib.crc32(body) + body + b"\n"


def old_segment(folder: Path, second: int, data: bytes) -> Path:
    """A segment with the name that a writer of an earlier version gave it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"20260101T0000{second:02}.000000-host-{second}-00ab12cd.jsonl"
    path.write_bytes(data)
    return path
