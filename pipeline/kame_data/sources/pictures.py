"""Pictures' bytes: found by name beside the rows, in folders and in zip archives, on a disk or on the Hub; and kept out
of memory while questions are put in order."""

import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kame_data import seeds
from kame_data.errors import Refusal
from kame_data.records import Picture, Question
from kame_data.sources.archives import Archive, Member
from kame_data.sources.image_file import MOST_BYTES, check_head, check_size

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
ARCHIVE = ".zip"
Files = Mapping[str, Callable[[], Path]]
"""By path, from the folder or repository on, what gives a picture or an archive as a file on this machine."""


def is_wanted(path: str) -> bool:
    """True for the path of a picture or of an archive that may hold pictures; not for what is hidden."""
    lower, pieces = path.lower(), path.split("/")
    return lower.endswith((*SUFFIXES, ARCHIVE)) and not any(piece.startswith(".") for piece in pieces)


def in_folder(root: Path, patterns: Iterable[str]) -> Files:
    """The pictures and archives in a folder that match one of the patterns."""
    found = {p.relative_to(root).as_posix(): p for pattern in patterns for p in root.glob(pattern)}
    wanted = {name: path for name, path in sorted(found.items()) if is_wanted(name) and path.is_file()}
    return {name: partial(Path, path) for name, path in wanted.items()}


def name_of(path: str) -> str:
    """The name of the file that a path leads to."""
    return (_pieces(path) or ("",))[-1]


def digest(files: Files, names: Collection[str]) -> str:
    """A digest of all files of these names: of their bytes or, in an archive, of the size and checksum that it states;
    "" where there are none."""
    told: list[str] = []
    for path, fetch in files.items():
        try:
            if path.lower().endswith(ARCHIVE):
                with closing(Archive(fetch(), path)) as archive:
                    members = [m for m in archive.members() if name_of(m.path) in names]
                told += (f"{path}/{m.path} {m.size} {m.crc} {m.fault}" for m in members)
            elif name_of(path) in names:
                told.append(f"{path} {_loose(path, fetch).content()}")
        except Refusal as fault:
            told.append(fault.detail)
    return seeds.digest(*told) if told else ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A file of a picture's name: `where` names it for a person; `content` (size and CRC-32) tells others from it."""

    pieces: tuple[str, ...]
    where: str
    size: int
    content: Callable[[], tuple[int, int]]
    read: Callable[[], bytes]
    fault: str = ""


class Pictures:
    """The pictures beside a source's rows. `files` tells by path, from the folder or repository on, how a picture or an
    archive is had as a local file; it is called, and archives are opened, when the first picture is looked for. Use it
    in a `with`."""

    def __init__(self, files: Callable[[], Files]) -> None:
        self._files = files
        self._archives: list[Archive] = []
        self._faults: list[str] = []
        self._known: dict[str, list[_Place]] | None = None

    def load(self, picture: Picture) -> bytes:
        """The picture's bytes: its own, or those of the file that its path names.

        Raises Refusal: `needs_picture` where there is no such file, `bad_picture` for a path that may mean several
        files, and for a picture that is broken or beyond the bounds.
        """
        data, name = picture.data, picture.path
        if data is None:
            place = self._find(picture.path)
            name = place.where
            if place.fault:
                raise Refusal("bad_picture", f"{name}: {place.fault}")
            check_size(place.size, name)
            data = place.read()
        check_head(data, name)
        return data

    def _find(self, path: str) -> _Place:
        """The file whose path ends most like `path`; among files of one content the first."""
        if self._known is None:
            self._known = self._index()
        pieces = _pieces(path)
        found = self._known.get(pieces[-1], []) if pieces else []
        if not found:
            if self._faults:
                raise Refusal("bad_picture", f"{path} is found nowhere, and {self._faults[0]}")
            raise Refusal("needs_picture", f"{path} is found nowhere beside the rows")
        shared = [_shared(place.pieces, pieces) for place in found]
        best = [place for place, count in zip(found, shared, strict=True) if count == max(shared)]
        if len(best) > 1 and len({place.content() for place in best}) > 1:
            raise Refusal("bad_picture", f"{path} may be {best[0].where} or {best[1].where}, which differ")
        return min(best, key=lambda place: bool(place.fault))

    def _index(self) -> dict[str, list[_Place]]:
        known: defaultdict[str, list[_Place]] = defaultdict(list)
        for path, fetch in self._files().items():
            for place in self._inside(path, fetch) if path.lower().endswith(ARCHIVE) else [_loose(path, fetch)]:
                known[place.pieces[-1]].append(place)
        return known

    def _inside(self, path: str, fetch: Callable[[], Path]) -> Iterator[_Place]:
        try:
            archive = Archive(fetch(), path)
        except Refusal as fault:
            self._faults.append(fault.detail)
            return
        self._archives.append(archive)
        for member in archive.members():
            pieces = _pieces(member.path)
            if pieces and member.path.lower().endswith(SUFFIXES):
                yield _Place(
                    pieces,
                    f"{path}/{member.path}",
                    member.size,
                    partial(_stated, member),
                    partial(archive.read, member),
                    member.fault,
                )

    def __enter__(self) -> "Pictures":
        return self

    def __exit__(self, *error: object) -> None:
        for archive in self._archives:
            archive.close()


def _stated(member: Member) -> tuple[int, int]:
    return member.size, member.crc


def _loose(path: str, fetch: Callable[[], Path]) -> _Place:
    def read() -> bytes:
        try:
            with fetch().open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except OSError as problem:
            raise Refusal("bad_picture", f"{path} cannot be read ({problem.strerror or problem})") from None

    def content() -> tuple[int, int]:
        data = read()
        return len(data), zlib.crc32(data)

    return _Place(_pieces(path), path, 0, content, read)


def _pieces(path: str) -> tuple[str, ...]:
    return tuple(piece for piece in path.replace("\\", "/").split("/") if piece not in ("", ".", ".."))


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Count the last pieces that two paths have in common."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class PictureStore:
    """A temporary file that holds pictures' bytes by question id; close it in the end."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="kame-data-pictures-")  # noqa: SIM115 (closed in close)
        self._places: dict[str, tuple[int, int]] = {}

    def __contains__(self, question_id: str) -> bool:
        """True where the question's picture is here."""
        return question_id in self._places

    def put(self, question_id: str, data: bytes) -> None:
        """Keeps the bytes of a question's picture."""
        self._places[question_id] = (self._file.seek(0, 2), len(data))
        self._file.write(data)

    def attach(self, question: Question) -> Question:
        """The question with its picture's bytes, where they were put."""
        place = self._places.get(question.id)
        if place is None or question.picture is None:
            return question
        self._file.seek(place[0])
        return replace(question, picture=replace(question.picture, data=self._file.read(place[1])))

    def close(self) -> None:
        """Gives the file back to the system."""
        self._file.close()
