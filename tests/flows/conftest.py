"""A Prefect server, a Dask cluster and a Ray cluster, real ones, for the builds of this folder."""

import importlib.util
import os
import sys
import urllib.request
from pathlib import Path

import pytest

from building import build, settings_of, shard_bytes
from clusters import CHANGES, PART_SIZE, Command, DaskCluster, Processes, free_port, wait_for


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Processes that know a Prefect server of the session, and end with it."""
    folder = tmp_path_factory.mktemp("servers")
    port = free_port()
    found = Processes(folder, os.environ | PART_SIZE | {"PREFECT_HOME": str(folder / "home"), "COLUMNS": "200"})
    found.start(
        "prefect", sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)
    )
    url = f"http://127.0.0.1:{port}/api"

    def healthy():
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return True
        except OSError:
            return False

    try:
        wait_for(healthy)
        found.environment["PREFECT_API_URL"] = url
        yield found
    finally:
        found.close()


@pytest.fixture(scope="session")
def dask_cluster(servers):
    if importlib.util.find_spec("prefect_dask") is None:
        pytest.skip("prefect-dask is not installed: pip install 'kame-data[dask]'")
    cluster = DaskCluster(servers)
    cluster.start()
    return cluster


@pytest.fixture(scope="session")
def ray_cluster(servers):
    """The address of a Ray cluster of one node with two cores and a GPU to offer."""
    if importlib.util.find_spec("prefect_ray") is None:
        pytest.skip("prefect-ray is not installed: pip install 'kame-data[ray]'")
    port = free_port()
    ray = Path(sys.executable).with_name("ray")
    start = (ray, "start", "--head", "--node-ip-address", "127.0.0.1", "--port", str(port), "--num-cpus", "2")
    rest = ("--num-gpus", "1", "--include-dashboard", "false", "--disable-usage-stats", "--block")
    servers.start("ray", *map(str, start), *rest)
    wait_for(lambda: "Ray runtime started" in servers.log("ray"))
    return f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The same build in threads of one process: the bytes that all others must give."""
    out = tmp_path_factory.mktemp("whole") / "out"
    build(settings_of(out, **CHANGES))
    return shard_bytes(out)


@pytest.fixture(scope="session")
def kame(servers):
    return Command(servers)
