"""The commands of `kame-data ledger`: figures, checks, export and import."""

import gzip
import logging
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast
from zipfile import BadZipFile

from kame_data.errors import KameError, UsageError
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_file import ANSWER, NAME, SESSION, WASTE, Damaged, Reader, Row, add, content, writable
from kame_data.llm.ledger_lines import decode, encode, segments
from kame_data.storage.files import writing
from kame_data.storage.paths import path_of
from kame_data.storage.stores import redacted, said

log = logging.getLogger(__name__)
CHUNK = 5000  # lines that are imported together


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
    """Figures of a ledger: answers (by key), bytes, spend by (provider:model, stage, level), hits."""

    folder: Path
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
    damaged: list[str] = []
    with Ledger(folder) as ledger:
        found.bytes = sum(path.stat().st_size for path in folder.glob(f"{NAME}*"))
        for number, (kind, key, _, data) in ledger.file.scan(damaged):
            if kind not in (ANSWER, WASTE, SESSION):
                continue
            if (about := content(kind, data)) is None:
                damaged.append(f"row {number} is nothing of a ledger")
                continue
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
    _say_left_out(folder, damaged)
    found.answers = len(keys)
    found.asked = sum(s.get("asked", 0) for s in sessions.values())
    found.hits = sum(s.get("hits", 0) for s in sessions.values())
    return found


@dataclass
class Check:
    """Findings of a check: whole `lines`, `answers` (by key), and words for all that is `damaged`."""

    lines: int = 0
    answers: int = 0
    damaged: list[str] = field(default_factory=list)


def check(folder: Path) -> Check:
    """Compares every row with its checksum, and has SQLite look at its pages and at the index."""
    found, keys = Check(), set()
    with Ledger(folder) as ledger:
        for number, (kind, key, _, data) in ledger.file.scan(found.damaged):
            found.lines += 1
            if kind == ANSWER:
                keys.add(key)
            if content(kind, data) is None:
                found.damaged.append(f"row {number} is nothing of a ledger")
        try:
            found.damaged += [text for (text,) in ledger.file.rows("PRAGMA integrity_check(20)") if text != "ok"]
        except Damaged:
            found.damaged.append("pages that SQLite cannot read")
    found.answers = len(keys)
    return found


def export(folder: Path, target: str) -> int:
    """Writes all whole lines to one file (`.jsonl`, or `.jsonl.gz`; a path or an fsspec URL); returns how many.

    Answers come once each, in order of key, so that the same answers give the same bytes; then the rest.
    """
    if not target.endswith((".jsonl", ".jsonl.gz")):
        raise UsageError(
            f"export {target or 'to a file without a name'}: name a file that ends with .jsonl or .jsonl.gz"
        )
    answers: dict[bytes, int] = {}
    rest: dict[Row, None] = {}
    damaged: list[str] = []
    with Ledger(folder) as ledger:
        for number, row in ledger.file.scan(damaged):
            if row[0] == ANSWER:
                answers.setdefault(row[1], number)
            else:
                rest.setdefault(row)
        if not answers and not rest:
            raise UsageError(f"ledger {folder}: holds nothing that can be exported, so {target} is left as it is")
        with _to_write(target) as out:
            for key in sorted(answers):
                (row,) = ledger.file.rows("SELECT kind, key, crc, text FROM entry WHERE id = ?", answers[key])
                out.write(encode(row))
            out.writelines(map(encode, rest))
    _say_left_out(folder, damaged)
    return len(answers) + len(rest)


@dataclass
class Imported:
    """Counts of an import: lines `added`, already `known`, and `damaged` (left out)."""

    added: int = 0
    known: int = 0
    damaged: int = 0


def import_(folder: Path, source: str) -> Imported:
    """Takes in an exported file, or another ledger's folder; what is known already is left out.

    Raises UsageError where there is nothing of a ledger at `source`, KameError where the disk refuses.
    """
    done = Imported()
    found = _folder_rows(Path(source)) if _is_folder(source) else _file_rows(source)
    seen: set[bytes] = set()
    with Ledger(folder) as ledger:
        while piece := list(islice(found, CHUNK)):
            rows = []
            for row in piece:
                if row is None:
                    done.damaged += 1
                elif row[0] != ANSWER or not (row[1] in seen or row[1].hex() in ledger):
                    rows.append(row)
                    seen.add(row[1])
            added = 0
            if rows:
                with writable(folder) as database:
                    added = add(database, rows, new=True)
            done.added += added
            done.known += len(piece) - piece.count(None) - added
    if done.damaged and not done.added + done.known:
        raise UsageError(f"import {source}: not a ledger's file; export one with: kame-data ledger export FILE")
    return done


def _is_folder(source: str) -> bool:
    # A name that no folder may have, of 5,000 characters, say, is told by whoever opens it.
    with suppress(OSError):
        return Path(source).is_dir()
    return False


def _folder_rows(folder: Path) -> Iterator[Row | None]:
    """The rows of another ledger, and of the segments in which an earlier version kept it; None for a damaged one."""
    files = segments(folder)
    if not files and not (folder / NAME).exists():
        raise UsageError(f"import {folder}: no ledger in this folder; name a ledger's folder or an exported file")
    damaged: list[str] = []
    for _, row in Reader(folder).scan(damaged):
        yield row if content(row[0], row[3]) is not None else None
    yield from [None] * len(damaged)
    for path in files:
        yield from _file_rows(str(path))


def _file_rows(name: str) -> Iterator[Row | None]:
    with _to_read(name) as file:
        yield from map(decode, file)


def _say_left_out(folder: Path, damaged: list[str]) -> None:
    if damaged:
        log.warning("ledger %s: what is damaged is left out: %s", folder, "; ".join(damaged[:5]))


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
        with said(shown) if "://" in name else nullcontext(), fsspec.open(name, "rb", compression="infer") as file:
            yield file
    except FileNotFoundError:
        raise UsageError(f"{shown}: no such file or folder") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError, BadZipFile) as error:
        raise KameError(f"{shown}: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}") from None
    except (ImportError, ValueError) as error:
        raise UsageError(f"import {shown}: {redacted(str(error))}") from None
