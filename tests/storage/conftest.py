import os
from multiprocessing import forkserver

import pytest


@pytest.fixture(scope="session")
def server():
    """One S3 server for all tests of a process, found as users find theirs: by the environment."""
    pytest.importorskip("moto")
    from s3 import S3

    found, before = S3(), dict(os.environ)
    os.environ.update(found.environment)
    forkserver._forkserver._stop()  # one that an earlier test began has another environment
    yield found
    found.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def bucket(server, request, tmp_path, monkeypatch):
    """The URL of an empty bucket; no faults, and a cache folder of the test's own."""
    from kame_data.storage.stores import filesystem

    server.faults.clear()
    monkeypatch.setenv("KAME_DATA_CACHE", str(tmp_path / "cache"))
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"[:60]
    filesystem("s3").mkdir(name)
    server.faults.clear()
    yield f"s3://{name}"
    server.faults.clear()
