"""What an object store does on a bad day, done by a real server."""

import hashlib
import random

import pytest

from kame_data.storage import stores
from kame_data.storage.files import checksum, write_many, writing
from kame_data.storage.paths import path_of
from kame_data.storage.stores import StorageError

LARGE = random.Random(3).randbytes(1 << 20) * 36


def uploads(folder):
    bucket = folder.fs.split_path(folder.key)[0]
    return folder.fs.call_s3("list_multipart_uploads", Bucket=bucket).get("Uploads", [])


def opened_anew(monkeypatch):
    import s3fs

    monkeypatch.setattr(stores, "_filesystems", {})
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def one_try(monkeypatch):
    """Stores that are asked once, so that what does not end does not take half a minute."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(stores, "AGAIN", 1)
    yield from opened_anew(monkeypatch)


@pytest.fixture
def short_wait(monkeypatch):
    """A read timeout of fsspec's own configuration: aiohttp sends a part whose connection broke once more by itself,
    but without its bytes, and the server and it wait for each other."""
    from fsspec.config import conf

    monkeypatch.setitem(conf, "s3", {"config_kwargs": {"read_timeout": 1.5}})
    yield from opened_anew(monkeypatch)


def test_slow_down_is_waited_out(server, bucket):
    server.faults.share = 0.25
    folder = path_of(f"{bucket}/x")
    write_many({folder / str(n): b"%d" % n for n in range(12)})
    assert [(folder / str(n)).read_bytes() for n in range(12)] == [b"%d" % n for n in range(12)]
    assert server.faults.counts["slow"] > 2


def test_slow_down_for_ever_is_a_line_with_the_url(server, bucket, one_try):
    server.faults.share = 1.0
    folder = path_of(f"{bucket}/x")
    with pytest.raises(StorageError, match=f"{bucket}/x/a: .*reduce your request rate; give the same command again"):
        (folder / "a").write_bytes(b"")
    assert server.faults.counts["PUT"] == 1


def test_a_connection_lost_within_a_part_is_made_good(server, bucket, short_wait):
    path = path_of(f"{bucket}/x/large")
    server.faults.cuts = 2
    with writing(path) as file:
        file.write(LARGE)
    assert server.faults.counts["cut"] == 2 and server.faults.counts["PART"] >= 3 + 2
    assert checksum(path) == hashlib.sha256(LARGE).hexdigest()


def test_an_upload_that_cannot_end_shows_nowhere(server, bucket, one_try):
    folder = path_of(f"{bucket}/x")
    server.faults.cuts = 1000
    with pytest.raises(StorageError, match=f"{bucket}/x/large: "), writing(folder / "large") as file:
        file.write(LARGE)
    assert server.faults.counts["cut"] and not folder.listing() and not uploads(folder)


def test_a_killed_upload_is_swept_up_and_no_other(server, bucket):
    folder = path_of(f"{bucket}/x")
    name = bucket.removeprefix("s3://")
    for key in ("x/shard.parquet", "y/of-another"):
        folder.fs.call_s3("create_multipart_upload", Bucket=name, Key=key)
    assert not folder.listing()
    folder.sweep()
    assert [u["Key"] for u in uploads(folder)] == ["y/of-another"]


def test_no_right_to_write_is_said_at_once(server, bucket):
    server.faults.denied = True
    with pytest.raises(StorageError, match=r"Access Denied; set credentials .* \(docs/STORAGE.md\)"):
        path_of(f"{bucket}/x/a").write_bytes(b"")
    assert server.faults.counts["PUT"] == 1


def test_a_bucket_that_is_not_there_is_named(server, bucket):
    with pytest.raises(StorageError, match=r"s3://no-such-bucket/x: cannot be written .* make the bucket first"):
        path_of("s3://no-such-bucket/x").write_bytes(b"")


def test_no_server_is_one_line(server, bucket, one_try, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageError, match="see to the network, and to AWS_ENDPOINT_URL"):
        path_of(f"{bucket}/x/a").write_bytes(b"")
