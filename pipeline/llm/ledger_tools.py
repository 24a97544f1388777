"""What `kame-data ledger` does: figures, checks, export and import."""

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from pipeline.errors import KameError, UsageError
from pipeline.llm.ledger import Ledger
from pipeline.llm.segments import ANSWER, KINDS, SESSION, SUFFIX, WASTE, Scan, decode, encode, segments
from pipeline.storage.files import writing
from pipeline.storage.paths import path_of, redacted, said


@dataclass
class Spend:
    """Calls that were paid for, tokens and dollars; `unpriced` calls had no known price."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, about: dict[str, Any]) -> None:
        """Counts one record of the ledger."""
        self.calls += 1
        self.input += about.get("input") or 0
        self.output += about.get("output") or 0
        self.cached += about.get("cached") or 0
        self.cost += about.get("cost") or 0.0
        self.unpriced += about.get("cost") is None


@dataclass
class Stats:
    """Figures of a ledger: answers (by key), bytes, segments, spend by (provider:model, stage, level), hits."""

    folder: Path
    segments: int = 0
    bytes: int = 0
    answers: int = 0
    repeated: int = 0
    wasted: int = 0
    asked: int = 0
    hits: int = 0
    total: Spend = field(default_factory=Spend)
    spend: dict[tuple[str, str, int | None], Spend] = field(default_factory=dict)

    @property
    def hit_rate(self) -> float | None:
        """Share of the requests of all sessions that the ledger answered; None before the first."""
        return self.hits / self.asked if self.asked else None


def stats(folder: Path) -> Stats:
    """Reads the whole ledger once (about 100,000 answers a second)."""
    found, keys, sessions = Stats(folder), set(), {}
    for path in segments(folder):
        found.segments += 1
        found.bytes += path.stat().st_size
        for kind, key, _, _, text in Scan(path):
            if kind not in (ANSWER, WASTE, SESSION):
                continue
            about = json.loads(text)
            if kind == SESSION:
                # A session notes its counts again and again; the last note holds them all.
                sessions[about["session"]] = about
                continue
            found.wasted += kind == WASTE
            found.repeated += kind == ANSWER and key in keys
            if kind == ANSWER:
                keys.add(key)
            account = (f"{about.get('provider')}:{about.get('model')}", about.get("stage") or "", about.get("level"))
            found.spend.setdefault(account, Spend()).add(about)
            found.total.add(about)
    found.answers = len(keys)
    found.asked = sum(s.get("asked", 0) for s in sessions.values())
    found.hits = sum(s.get("hits", 0) for s in sessions.values())
    return found


@dataclass
class Check:
    """What a check found: `damaged` lines as (segment, byte offset), `torn` tails as (segment, bytes)."""

    lines: int = 0
    answers: int = 0
    damaged: list[tuple[Path, int]] = field(default_factory=list)
    torn: list[tuple[Path, int]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """True where no line is damaged (a torn tail is what a killed process leaves, and holds nothing)."""
        return not self.damaged


def check(folder: Path) -> Check:
    """Compares every line with its checksum."""
    found, keys = Check(), set()
    for path in segments(folder):
        scan = Scan(path)
        for kind, key, offset, _, text in scan:
            found.lines += 1
            if kind == ANSWER:
                keys.add(key)
            if kind not in KINDS or not _parses(text):
                found.damaged.append((path, offset))
        found.damaged += [(path, offset) for offset in scan.damaged]
        if scan.torn:
            found.torn.append((path, scan.torn))
    found.answers = len(keys)
    return found


def export(folder: Path, target: str) -> int:
    """Writes all whole lines to one file (`.jsonl`, or `.jsonl.gz`; a path or an fsspec URL); returns how many.

    Answers come once each, in order of key, so that the same answers give the same bytes; then the rest.
    """
    answers: dict[str, tuple[Path, int, int]] = {}
    rest: dict[bytes, None] = {}
    for path in segments(folder):
        for kind, key, offset, length, text in Scan(path):
            if kind == ANSWER:
                answers.setdefault(key, (path, offset, length))
            else:
                rest.setdefault(encode(kind, key, text.decode("utf-8", "surrogatepass")))
    with _to_write(target) as out:
        for key in sorted(answers):
            path, offset, length = answers[key]
            with path.open("rb") as file:
                file.seek(offset)
                out.write(file.read(length) + b"\n")
        for line in rest:
            out.write(line)
    return len(answers) + len(rest)


@dataclass
class Imported:
    """How an import went: lines `added`, already `known`, and `damaged` (left out)."""

    added: int = 0
    known: int = 0
    damaged: int = 0


def import_(folder: Path, source: str) -> Imported:
    """Takes in an exported file, or another ledger's folder; what is known already is left out.

    Raises UsageError where there is nothing of a ledger at `source`, KameError where the disk refuses.
    """
    done = Imported()
    own = Path(source)
    files = [str(path) for path in segments(own)] if own.is_dir() else [source]
    if not files:
        raise UsageError(f"import {source}: no segments (*{SUFFIX}) in this folder; name a ledger or an exported file")
    with Ledger(folder) as ledger:
        known = {encode(k, key, t.decode("utf-8", "surrogatepass")) for k, key, t in _others(segments(folder))}
        added: set[str] = set()
        for name in files:
            for line in _lines(name):
                found = decode(line)
                if found is None or found[0] not in KINDS:
                    done.damaged += 1
                    continue
                kind, key, _ = found
                if (key in added or key in ledger) if kind == ANSWER else line + b"\n" in known:
                    done.known += 1
                    continue
                added.add(key)
                known.add(line + b"\n") if kind != ANSWER else None
                ledger.append_line(kind, key, line + b"\n")
                done.added += 1
        ledger.flush()
    if done.damaged and not done.added + done.known:
        raise UsageError(f"import {source}: not a ledger's file; export one with: kame-data ledger export FILE")
    return done


def _others(paths: Iterable[Path]) -> Iterator[tuple[str, str, bytes]]:
    for path in paths:
        for kind, key, _, _, text in Scan(path):
            if kind != ANSWER:
                yield kind, key, text


def _lines(name: str) -> Iterator[bytes]:
    with _to_read(name) as file:
        for line in file:
            # A last line without its end is torn, and its checksum says so.
            yield line[:-1] if line.endswith(b"\n") else line


@contextmanager
def _to_write(name: str) -> Iterator[IO[bytes]]:
    """A file that is there, whole, when all of it is written."""
    try:
        with writing(path_of(name)) as file:
            if name.endswith(".gz"):
                with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
                    yield cast(IO[bytes], packed)
            else:
                yield file
    except OSError as error:
        raise KameError(f"{name}: {error.strerror or error}") from None


@contextmanager
def _to_read(name: str) -> Iterator[IO[bytes]]:
    """A file by its path, or by any URL that fsspec reads, one with a query, too."""
    import fsspec

    shown = redacted(name)
    try:
        with said(shown) if "://" in name else nullcontext(), fsspec.open(name, "rb") as file:
            if name.endswith(".gz"):
                with gzip.GzipFile(fileobj=file) as packed:
                    yield cast(IO[bytes], packed)
            else:
                yield file
    except FileNotFoundError:
        raise UsageError(f"{shown}: no such file or folder") from None
    except (OSError, EOFError) as error:
        raise KameError(f"{shown}: {getattr(error, 'strerror', None) or error}") from None
    except (ImportError, ValueError) as error:
        raise UsageError(f"import {shown}: {redacted(str(error))}") from None


def _parses(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
