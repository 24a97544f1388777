"""Zip archives of pictures: a member is read where it stands, within bounds, and nothing is unpacked to a disk."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kame_data.errors import Refusal

MOST_ARCHIVE_BYTES = 32 * 2**30
MOST_MEMBERS = 200_000
MOST_LIST_BYTES = 64 * 2**20
"""Bytes of the list of members, which is read whole."""
MOST_RATIO = 200
"""Times that a member may grow; pictures are compressed already."""
_END, _END64, _LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_LOCATOR_BYTES = 20
# LZMA is left out: its head may ask for gigabytes of memory.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_BROKEN = (
    zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, struct.error,
    OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its path there, its size in bytes, its CRC-32, and what keeps it from being read, if
    anything does."""

    path: str
    size: int
    crc: int
    fault: str
    info: zipfile.ZipInfo


class Archive:
    """An open zip file. Raises Refusal(`bad_picture`) for one that is broken or beyond the bounds; close it in the
    end."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            _check_end(path, name)
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as problem:
            raise Refusal("bad_picture", f"archive {name} cannot be read ({problem})") from None
        if len(self._zip.infolist()) > MOST_MEMBERS:
            self.close()
            raise Refusal("bad_picture", f"archive {name} holds more than {MOST_MEMBERS} files")

    def members(self) -> Iterator[Member]:
        """The files in the archive, in its order."""
        for info in self._zip.infolist():
            if not info.is_dir():
                yield Member(info.filename, info.file_size, info.CRC, _fault(info), info)

    def read(self, member: Member) -> bytes:
        """The bytes of a member. Raises Refusal(`bad_picture`) where they are broken."""
        try:
            with self._zip.open(member.info) as stream:
                return stream.read(member.size + 1)  # one more, so that the checksum is checked
        except _BROKEN as problem:
            raise Refusal("bad_picture", f"{self.name}/{member.path} cannot be read ({problem})") from None

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _check_end(path: Path, name: str) -> None:
    """Raise Refusal where the archive or its list of members is too large; the list is not read for this."""
    with path.open("rb") as file:
        whole = file.seek(0, os.SEEK_END)
        file.seek(max(0, whole - 2**17))
        tail = file.read()
    at = tail.rfind(_END)
    listed = struct.unpack_from("<L", tail, at + 12)[0] if at >= 0 else 0
    has_64 = at >= _LOCATOR_BYTES and tail.startswith(_LOCATOR, at - _LOCATOR_BYTES)
    at64 = tail.rfind(_END64, 0, at) if has_64 else -1
    if at64 >= 0:
        listed = max(listed if listed != 0xFFFFFFFF else 0, struct.unpack_from("<Q", tail, at64 + 40)[0])
    for size, most, what in ((whole, MOST_ARCHIVE_BYTES, "it"), (listed, MOST_LIST_BYTES, "its list of files")):
        if size > most:
            raise Refusal("bad_picture", f"archive {name}: {what} has {size:,} bytes, {most:,} at most")


def _fault(info: zipfile.ZipInfo) -> str:
    """Reason that keeps a member from being read, in words; "" for nothing."""
    pieces = info.filename.replace("\\", "/").split("/")
    if not pieces[0] or ":" in pieces[0] or ".." in pieces:
        return "its path leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link"
    if info.flag_bits & 1:
        return "it is encrypted"
    if info.compress_type not in _METHODS:
        return f"it is packed by method {info.compress_type}, which is not read"
    if info.file_size > MOST_RATIO * max(1, info.compress_size):
        return f"{info.compress_size:,} bytes that would become {info.file_size:,}"
    return ""
