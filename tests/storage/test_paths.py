import pickle
from pathlib import Path

import pytest

from kame_data.errors import KameError, UsageError
from kame_data.storage import stores
from kame_data.storage.files import files, open_parquet, write_changed, write_whole, writing
from kame_data.storage.paths import path_of
from kame_data.storage.remote import RemotePath
from kame_data.storage.stores import StorageError, redacted


def test_local_paths_stay_local():
    assert path_of("out/a") == Path("out/a")
    assert path_of("file:///tmp/a b") == Path("/tmp/a b")
    assert path_of(Path("x")) == Path("x")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://AKIA:secret@bucket/x", "credentials"),
        ("s3://AKIA:sec/ret@bucket/x", "credentials"),
        ("s3://bucket/x?X-Amz-Signature=secret", "credentials"),
        ("simplecache::s3://AKIA:secret@bucket/x", "chain"),
        ("s3://", "names no bucket"),
        ("s3:///folder", "names no bucket"),
        ("s3://bucket/../other", "'..'"),
        ("file://host/x", "names a host"),
        ("nosuch://bucket/x", "not known"),
        ("gs://bucket/x", "pip install 'gcsfs'"),
    ],
)
def test_a_url_that_will_not_do_is_said_in_a_line_without_its_secret(url, words):
    if "gcsfs" in words:
        pytest.importorskip("fsspec")
        try:
            import gcsfs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("gcsfs is installed")
    with pytest.raises(UsageError) as caught:
        path_of(url)
    said = str(caught.value)
    assert words in said and "\n" not in said
    assert "secret" not in said and "sec/ret" not in said


def test_a_missing_extra_is_named(monkeypatch):
    import fsspec

    def missing(scheme, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    monkeypatch.setattr(stores, "_filesystems", {})
    with pytest.raises(UsageError, match=r"pip install 'kame-data\[s3\]'"):
        path_of("s3://bucket/x")


def test_messages_are_redacted():
    assert redacted("at http://user:pass@host/x?key=1 and s3://a/b") == "at http://...@host/x?... and s3://a/b"


def test_a_path_is_as_pathlibs(tmp_path):
    path = path_of("memory://bucket/of/train-0.parquet")
    assert (path.name, path.stem, path.suffix) == ("train-0.parquet", "train-0", ".parquet")
    assert path.parent / "x" == path_of("memory://bucket/of/x") == path.with_name("x")
    assert path.parent.parent.parent == path_of("memory://bucket")
    assert pickle.loads(pickle.dumps(path)) == path and {path: 1}[path_of(str(path))] == 1


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    if request.param == "local":
        return path_of(tmp_path / "f")
    return path_of(f"memory://{tmp_path.name}-{abs(hash(str(tmp_path)))}/f")


def test_files_are_written_listed_moved_and_removed(folder):
    assert not folder.exists() and not files(folder, "*")
    write_whole(folder / "b.txt", b"bb")
    write_changed(folder / "a.txt", b"a")
    write_changed(folder / "a.txt", b"a2")
    write_whole(folder / "sub" / "c.txt", b"")
    assert [p.name for p in files(folder, "*.txt")] == ["a.txt", "b.txt"]
    assert {p.name for p in folder.iterdir()} == {"a.txt", "b.txt", "sub"}
    assert (folder / "a.txt").read_bytes() == b"a2" and (folder / "sub" / "c.txt").read_bytes() == b""
    assert folder.is_dir() and (folder / "a.txt").is_file() and (folder / "b.txt").stat().st_size == 2
    (folder / "a.txt").move(folder / "b.txt")
    assert (folder / "b.txt").read_text("utf-8") == "a2" and not (folder / "a.txt").exists()
    (folder / "b.txt").unlink()
    (folder / "b.txt").unlink(missing_ok=True)
    for gone in (folder / "b.txt", folder / "none"):
        with pytest.raises(FileNotFoundError):
            gone.read_bytes()


def test_what_fails_while_it_is_written_is_nowhere(folder):
    write_whole(folder / "a", b"old")
    with pytest.raises(RuntimeError), writing(folder / "a") as file:
        file.write(b"half")
        raise RuntimeError
    assert (folder / "a").read_bytes() == b"old"
    assert [p.name for p in folder.iterdir()] == ["a"]


def test_a_parquet_file_reads_the_same(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"a": list(range(100)), "b": ["x" * 50] * 100})
    with writing(folder / "t.parquet") as file:
        pq.write_table(table, file, row_group_size=30)
    with open_parquet(folder / "t.parquet") as found:
        assert found.num_row_groups == 4
        assert found.read_row_group(2, columns=["a"]).column("a").to_pylist() == list(range(60, 90))
        assert found.read() == table


def test_an_own_error_passes_and_a_stores_is_told(monkeypatch):
    path = path_of("memory://bucket/x")

    class Store:
        def info(self, key):
            raise PermissionError("no, at http://me:word@host/x")

        def _strip_protocol(self, url):
            return url

    monkeypatch.setattr(RemotePath, "fs", Store())
    with pytest.raises(StorageError) as caught:
        path.exists()
    assert "credentials" in str(caught.value) and "word" not in str(caught.value).replace("http://...@", "")


def test_a_disk_is_read_and_a_store_is_believed(folder):
    from hashlib import sha256

    data = b"x" * 100
    summed = sha256(data).hexdigest()
    write_whole(folder / "a", data)
    assert (folder / "a").intact(summed, 100) and not (folder / "a").intact(summed, 99)
    assert not (folder / "none").intact(summed, 100)
    assert (folder / "a").unchanged("0" * 64) == folder.KEEPS_WHOLE
    assert folder.listing() == {"a": 100} and (folder / "none").listing() == {}
    assert folder.in_this_process == folder.as_uri().startswith("memory://")


def test_a_copy_is_near_and_has_the_checksum_that_was_asked_for(folder, tmp_path, monkeypatch):
    from hashlib import sha256

    monkeypatch.setenv("KAME_DATA_CACHE", str(tmp_path / "cache"))
    write_whole(folder / "a.bin", b"content")
    summed = sha256(b"content").hexdigest()
    near = (folder / "a.bin").near(summed)
    assert near.read_bytes() == b"content" and isinstance(near, Path)
    if folder.KEEPS_WHOLE:
        near.write_bytes(b"damaged")
        assert (folder / "a.bin").near(summed).read_bytes() == b"content"
        (folder / "a.bin").forget_near(summed)
        assert not near.exists()
        with pytest.raises(KameError, match="its checksum is not the manifest's"):
            (folder / "a.bin").near("0" * 64)
        assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    else:
        (folder / "a.bin").forget_near(summed)
        assert near == folder / "a.bin" and near.exists()


def test_a_scratch_folder_is_empty_at_first_and_gone_at_last(folder, tmp_path):
    if not folder.KEEPS_WHOLE:
        (folder / "work").mkdir(parents=True)
        (folder / "work" / "left").write_bytes(b"of a killed run")
    with (folder / "work").scratch() as work:
        assert not list(work.iterdir())
        (work / "x").write_bytes(b"")
    assert not work.exists() and not (folder / "work").exists()
