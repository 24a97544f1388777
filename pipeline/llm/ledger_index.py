"""Where each answer lies: sorted arrays that are made from the segments and cached beside them.

22 bytes an answer, so a million answers are 22 MB that load in milliseconds. The cache may be deleted at any time;
one that does not fit the segments is not used.
"""

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from pipeline.llm.segments import Place

CACHE = "index.npz"
FORMAT = 1


def prefix(key: str) -> int:
    """The first 64 bits of a key; two keys may share them, so whoever reads compares the whole key."""
    return int(key[:16], 16)


class Index:
    """Key prefixes with the places of their lines, sorted; within one prefix, the earliest segment first.

    `covered` says for each segment how many bytes of it the index knows.
    """

    def __init__(self, names: Sequence[str] = (), covered: Sequence[int] = ()) -> None:
        self.names = list(names)
        self.covered = dict(zip(names, covered, strict=True))
        self.prefixes: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self.segment: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self.offset: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self.length: npt.NDArray[np.uint32] = np.empty(0, np.uint32)

    def __len__(self) -> int:
        return len(self.prefixes)

    def find(self, folder: Path, key: str) -> Iterator[Place]:
        """The lines that may hold `key`, the first one first."""
        wanted = np.uint64(prefix(key))
        at = int(np.searchsorted(self.prefixes, wanted))
        while at < len(self.prefixes) and self.prefixes[at] == wanted:
            yield Place(folder / self.names[self.segment[at]], int(self.offset[at]), int(self.length[at]))
            at += 1

    def extended(self, places: dict[str, list[Place]], covered: dict[str, int]) -> "Index":
        """This index with the lines of `places` (key to lines) in it, and other bounds."""
        names = sorted({*self.names, *covered})
        rank = {name: i for i, name in enumerate(names)}
        new = [(prefix(key), rank[p.path.name], p.offset, p.length) for key, lines in places.items() for p in lines]
        old_rank = np.array([rank[name] for name in self.names] or [0], np.uint32)
        index = Index(names, [covered.get(name, self.covered.get(name, 0)) for name in names])
        columns = list(zip(*new, strict=True)) if new else [(), (), (), ()]
        index.prefixes = np.concatenate([self.prefixes, np.array(columns[0], np.uint64)])
        index.segment = np.concatenate([old_rank[self.segment], np.array(columns[1], np.uint32)])
        index.offset = np.concatenate([self.offset, np.array(columns[2], np.uint64)])
        index.length = np.concatenate([self.length, np.array(columns[3], np.uint32)])
        order = np.lexsort((index.offset, index.segment, index.prefixes))
        for name in ("prefixes", "segment", "offset", "length"):
            setattr(index, name, getattr(index, name)[order])
        return index

    def save(self, folder: Path, extra: dict[str, Any]) -> None:
        """Writes the cache, whole or not at all; a disk that refuses is no error, for the cache can be made again."""
        bounds = [self.covered[name] for name in self.names]
        about = json.dumps({"format": FORMAT, "names": self.names, "covered": bounds, "extra": extra})
        temporary = folder / f".{CACHE}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
        try:
            with temporary.open("wb") as file:
                np.savez(
                    file,
                    about=np.frombuffer(about.encode(), np.uint8),
                    prefixes=self.prefixes,
                    segment=self.segment,
                    offset=self.offset,
                    length=self.length,
                )
            temporary.replace(folder / CACHE)
        except OSError:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path, sizes: dict[str, int]) -> "tuple[Index, dict[str, Any]] | None":
        """The cache with what was kept beside it; None where there is none that fits segments of these sizes."""
        try:
            with np.load(folder / CACHE, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                if about["format"] != FORMAT:
                    return None
                index = cls(about["names"], about["covered"])
                for name in ("prefixes", "segment", "offset", "length"):
                    setattr(index, name, file[name])
        except (OSError, ValueError, KeyError, BadZipFile, EOFError):
            return None
        if any(sizes.get(name, -1) < covered for name, covered in index.covered.items()):
            return None
        return index, about["extra"]
