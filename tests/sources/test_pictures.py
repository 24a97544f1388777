"""Pictures beside rows: in folders and in zip archives made here, whole ones and ones with every fault."""

import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drawn import drawn, real_rows
from kame_data.engine.sources import get_source
from kame_data.errors import Refusal
from kame_data.records import Picture
from kame_data.sources import archives, image_file
from kame_data.sources import reading as read
from kame_data.sources.pictures import Pictures
from kame_data.sources.pull import Pull, pull

SOURCE = get_source("hssbench")


def row(path: str, identity: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "id": identity, "pic_path": path, "question": f"How do the dancers in the picture stand, all {identity}?",
        "options": {"A": "In a ring", "B": "In a row"}, "correct_answer": "A", "category": "Art",
    } | more  # fmt: skip


def rows_file(folder: Path, *rows: dict[str, Any], name: str = "rows.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return file


def zipped(file: Path, members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


@contextmanager
def beside(folder: Path) -> Iterator[Pictures]:
    """The pictures beside the rows in a folder."""
    if not list(folder.glob("*.jsonl")):
        rows_file(folder, row("a.png"))
    with Pictures(lambda: read.picture_files(SOURCE, str(folder))) as found:
        yield found


def load(folder: Path, path: str) -> bytes:
    with beside(folder) as found:
        return found.load(Picture(path))


def refusal(folder: Path, path: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        load(folder, path)
    assert "\n" not in caught.value.detail
    return caught.value


def shown(found: Pull) -> dict[str, bytes]:
    return {q.id: q.picture.data for q in found.questions() if q.picture and q.picture.data}


# -- found


def test_real_rows_find_their_pictures_in_archives(tmp_path: Path) -> None:
    rows = real_rows()
    inside = {(f"set/{r['pic_path']}"): data for _, r, data in rows}
    for number in range(3):
        part = dict(list(inside.items())[number::3])
        zipped(tmp_path / f"anything_{number}.zip", part, zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED)
    by_file: dict[str, list[dict[str, Any]]] = {}
    for file, r, _ in rows:
        by_file.setdefault(file.name, []).append(r)
    for name, some in by_file.items():
        rows_file(tmp_path, *some, name=name)
    with pull(SOURCE, str(tmp_path), languages=("en", "zh"), sees_pictures=True) as found:
        assert found.rows == len(rows)
        seen = shown(found)
        assert len(seen) > len(rows) // 3
        for question in found.accepted:
            if question.picture:
                assert seen[question.id] == inside[f"set/{question.picture.path}"]
    with pull(SOURCE, str(tmp_path), languages=("en", "zh")) as blind:
        assert not shown(blind)
        assert sum(r.reason == "needs_picture" for r in blind.rejected) > len(rows) // 3


def test_a_file_of_rows_has_what_lies_beside_it_and_a_folder_all_that_is_in_it(tmp_path: Path) -> None:
    file = rows_file(tmp_path / "rows", row("deep.png", "1"), row("near.png", "2"), row("beside.png", "3"))
    (tmp_path / "rows" / "a" / "b").mkdir(parents=True)
    (tmp_path / "rows" / "a" / "b" / "deep.png").write_bytes(drawn(1))
    zipped(tmp_path / "rows" / "a" / "near.zip", {"near.png": drawn(2)})
    (tmp_path / "rows" / "beside.png").write_bytes(drawn(3))
    with pull(SOURCE, str(file), sees_pictures=True) as found:
        assert set(shown(found)) == {"hssbench-2", "hssbench-3"}
        (lost,) = found.rejected
        assert lost.detail.endswith("deep.png is found nowhere beside the rows")
    with pull(SOURCE, str(tmp_path / "rows"), sees_pictures=True) as found:
        assert set(shown(found)) == {"hssbench-1", "hssbench-2", "hssbench-3"}


@pytest.mark.parametrize("path", ["a.png", "x/a.png", "./x/a.png", "C:\\data\\x\\a.png", "../elsewhere/a.png"])
def test_a_path_is_matched_from_its_end(tmp_path: Path, path: str) -> None:
    zipped(tmp_path / "p.zip", {"top/x/a.png": drawn(1), "top/x/b.png": drawn(2)})
    assert load(tmp_path, path) == drawn(1)


def test_of_two_with_one_name_the_longer_path_decides(tmp_path: Path) -> None:
    zipped(tmp_path / "1.zip", {"fr/a.png": drawn(1)})
    zipped(tmp_path / "2.zip", {"en/a.png": drawn(2)})
    assert load(tmp_path, "pics/fr/a.png") == drawn(1)
    said = refusal(tmp_path, "a.png")
    assert said.reason == "bad_picture"
    assert said.detail == "a.png may be 1.zip/fr/a.png or 2.zip/en/a.png, which differ"


def test_two_with_one_content_are_one(tmp_path: Path) -> None:
    zipped(tmp_path / "1.zip", {"fr/a.png": drawn(1)})
    (tmp_path / "a.png").write_bytes(drawn(1))
    assert load(tmp_path, "a.png") == drawn(1)


def test_a_name_that_stands_twice_in_one_archive_is_ambiguous(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the writer warns of it
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            archive.writestr("a.png", drawn(1))
            archive.writestr("a.png", drawn(2))
    assert "which differ" in refusal(tmp_path, "a.png").detail


def test_hidden_files_are_no_pictures(tmp_path: Path) -> None:
    zipped(tmp_path / ".trash" / "p.zip", {"a.png": drawn(1)})
    assert refusal(tmp_path, "a.png").reason == "needs_picture"


# -- faults


def with_flags(file: Path, **flags: int) -> None:
    """Writes other flags into the first member's entry of the archive's list."""
    data = bytearray(file.read_bytes())
    at = data.index(b"PK\1\2")
    for name, value in flags.items():
        place, form = {"flag_bits": (8, "<H"), "method": (10, "<H"), "attributes": (38, "<L"), "size": (24, "<L")}[name]
        struct.pack_into(form, data, at + place, value)
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"flag_bits": 1}, "p.zip/a.png: it is encrypted"),
        ({"attributes": (stat.S_IFLNK | 0o777) << 16}, "p.zip/a.png: it is a link"),
        ({"method": 97}, "p.zip/a.png: it is packed by method 97, which is not read"),
        ({"size": 3}, "p.zip/a.png cannot be read (Bad CRC-32"),
    ],
)
def test_members_with_faults_are_refused_by_name(tmp_path: Path, flags: dict[str, int], words: str) -> None:
    with_flags(zipped(tmp_path / "p.zip", {"a.png": drawn(1), "b.png": drawn(2)}), **flags)
    said = refusal(tmp_path, "a.png")
    assert said.reason == "bad_picture" and said.detail.startswith(words)
    assert load(tmp_path, "b.png") == drawn(2)


def test_bytes_that_look_like_an_end_do_no_harm(tmp_path: Path) -> None:
    zipped(tmp_path / "p.zip", {"a.png": drawn(1), "notes.txt": b"PK\6\6" + b"\xff" * 60})
    assert load(tmp_path, "a.png") == drawn(1)


@pytest.mark.parametrize("name", ["../a.png", "x/../../a.png", "/a.png", "C:/a.png", "..\\a.png"])
def test_a_path_that_leads_out_of_its_archive_is_refused(tmp_path: Path, name: str) -> None:
    zipped(tmp_path / "in" / "p.zip", {name: drawn(1)})
    said = refusal(tmp_path / "in", "a.png")
    assert said.reason == "bad_picture" and said.detail.endswith("its path leads out of the archive")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "p.zip", "rows.jsonl"]


def test_a_member_that_would_grow_too_much_is_not_read(tmp_path: Path) -> None:
    zipped(tmp_path / "p.zip", {"a.bmp": drawn(1, "BMP", (2000, 2000))}, zipfile.ZIP_DEFLATED)
    assert "that would become 12,000,054" in refusal(tmp_path, "a.bmp").detail


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped(tmp_path / "p.zip", {"a.png": drawn(1), "b.png": drawn(2)})
    (tmp_path / "loose.png").write_bytes(drawn(3))
    size = len(drawn(1))
    with monkeypatch.context() as patch:
        patch.setattr(image_file, "MOST_BYTES", size - 1)
        patch.setattr("kame_data.sources.pictures.MOST_BYTES", size - 1)
        assert refusal(tmp_path, "a.png").detail == f"p.zip/a.png has {size} bytes; {size - 1} at most"
        assert refusal(tmp_path, "loose.png").detail == f"loose.png has {size} bytes; {size - 1} at most"
    for name, value, words in [
        ("MOST_MEMBERS", 1, "archive p.zip holds more than 1 files"),
        ("MOST_ARCHIVE_BYTES", 10, "archive p.zip: it has"),
        ("MOST_LIST_BYTES", 10, "archive p.zip: its list of files has"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(archives, name, value)
            said = refusal(tmp_path, "a.png")
            assert said.reason == "bad_picture" and words in said.detail
            assert load(tmp_path, "loose.png") == drawn(3)


def test_a_list_in_64_bits_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    zipped(tmp_path / "p.zip", {"a.png": drawn(1), "b.png": drawn(2)})
    assert b"PK\6\6" in (tmp_path / "p.zip").read_bytes()
    assert load(tmp_path, "b.png") == drawn(2)
    monkeypatch.setattr(archives, "MOST_LIST_BYTES", 50)
    assert "its list of files has" in refusal(tmp_path, "b.png").detail


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_an_archive_that_is_none_is_named_where_a_picture_is_missing(tmp_path: Path, cut: int) -> None:
    file = zipped(tmp_path / "cut.zip", {"a.png": drawn(1), "c.png": drawn(1, size=(60, 60))})
    file.write_bytes(file.read_bytes()[:cut])
    zipped(tmp_path / "p.zip", {"b.png": drawn(2)})
    assert load(tmp_path, "b.png") == drawn(2)
    said = refusal(tmp_path, "a.png")
    assert said.reason == "bad_picture"
    assert said.detail.startswith("a.png is found nowhere, and archive cut.zip cannot be read (")


def test_a_member_whose_bytes_are_broken_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path / "p.zip", {"a.png": drawn(1)})
    file.write_bytes(file.read_bytes().replace(b"IDAT", b"IDOT", 1))
    assert "p.zip/a.png cannot be read (Bad CRC-32" in refusal(tmp_path, "a.png").detail


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no PNG, JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no PNG, JPEG, GIF, WEBP, BMP or TIFF"),
        (b"\x89PNG\r\n\x1a\n", "a.png"),
        (drawn(1)[:20], "a.png"),
        (drawn(1, size=(9000, 9000), mode="1"), "9000 x 9000 pixels; 64,000,000 at most"),
    ],
)
def test_what_is_no_picture_or_a_bomb_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    said = refusal(tmp_path, "a.png")
    assert said.reason == "bad_picture" and words in said.detail and "a.png" in said.detail


def test_faults_are_counted_and_name_the_file_and_the_row(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    embedded = row("", "2", image={"bytes": "x", "path": "b.png"})
    file = rows_file(tmp_path, row("a.png"), row("lost.png", "3"), embedded)
    with pull(SOURCE, str(file), sees_pictures=True) as found:
        assert not found.accepted
        assert [(r.reason, r.detail) for r in found.rejected] == [
            ("bad_picture", "rows.jsonl row 1: a.png (7 bytes) is no PNG, JPEG, GIF, WEBP, BMP or TIFF"),
            ("needs_picture", "rows.jsonl row 2: in the picture; lost.png is found nowhere beside the rows"),
            ("needs_picture", "rows.jsonl row 3: in the picture; b.png is found nowhere beside the rows"),
        ]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_every_format_is_told_by_its_bytes(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.jpg").write_bytes(drawn(1, kind))
    assert load(tmp_path, "a.jpg") == drawn(1, kind)


# -- fingerprints


def test_the_fingerprint_follows_the_pictures(tmp_path: Path) -> None:
    file = str(rows_file(tmp_path, row("a.png")))
    bare = read.fingerprint(SOURCE, file)
    (tmp_path / "a.png").write_bytes(drawn(1))
    loose = read.fingerprint(SOURCE, file)
    (tmp_path / "a.png").write_bytes(drawn(2))
    other = read.fingerprint(SOURCE, file)
    (tmp_path / "a.png").unlink()
    zipped(tmp_path / "p.zip", {"a.png": drawn(1)})
    archived = read.fingerprint(SOURCE, file)
    zipped(tmp_path / "p.zip", {"a.png": drawn(2)})
    changed = read.fingerprint(SOURCE, file)
    (tmp_path / "p.zip").write_bytes(b"broken")
    broken = read.fingerprint(SOURCE, file)
    (tmp_path / "p.zip").unlink()
    (tmp_path / "of-nobody.png").write_bytes(drawn(1))
    zipped(tmp_path / "of-nobody.zip", {"other.png": drawn(1)})
    assert len({bare, loose, other, archived, changed, broken}) == 6
    assert read.fingerprint(SOURCE, file) == bare


def test_a_source_without_pictures_looks_at_none(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "What is it?", "answer": "So"}\n')
    before = read.fingerprint(get_source("questions"), str(file))
    (tmp_path / "a.png").write_bytes(drawn(1))
    assert read.fingerprint(get_source("questions"), str(file)) == before


def test_bytes_in_the_row_are_judged_as_well(tmp_path: Path) -> None:
    with beside(tmp_path) as found:
        assert found.load(Picture("x.png", drawn(4))) == drawn(4)
        with pytest.raises(Refusal, match=r"bad_picture: x.png \(3 bytes\) is no PNG"):
            found.load(Picture("x.png", b"abc"))


def test_a_cut_picture_is_found_out_when_its_pixels_are_read() -> None:
    cut = drawn(1, "JPEG", (500, 400))[:-900]
    with image_file.opened(cut, "cut.jpg") as image:
        assert image.size == (500, 400)
    with pytest.raises(Refusal, match=r"cut.jpg cannot be read"), image_file.opened(cut, "cut.jpg") as image:
        image.load()
