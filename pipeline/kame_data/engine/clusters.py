"""Clusters that parts are spread on: what must be there before any work begins."""

import importlib.util
import socket
from urllib.parse import urlsplit

from kame_data.errors import KameError, UsageError
from kame_data.settings.tree import RunnerSettings

PACKAGES = {"dask": "prefect_dask", "ray": "prefect_ray"}
PORTS = {"dask": 8786, "ray": 6379}
START = {"dask": "dask scheduler", "ray": "ray start --head"}
LIMIT_S = 5.0


def check_runner(settings: RunnerSettings) -> None:
    """Raise UsageError where a package is missing, KameError where nothing answers at the cluster's address."""
    if settings.kind == "local":
        return
    package = PACKAGES[settings.kind]
    if importlib.util.find_spec(package) is None:
        name = package.replace("_", "-")
        raise UsageError(f"--runner {settings.kind}: {name} is missing; pip install 'kame-data[{settings.kind}]'")
    if settings.address == "auto" and settings.kind == "ray":
        return
    host, port = host_and_port(settings)
    try:
        socket.create_connection((host, port), LIMIT_S).close()
    except OSError as error:
        raise KameError(
            f"--address {settings.address}: nothing answers there ({error.strerror or error}); start the cluster "
            f"(`{START[settings.kind]}`, docs/CLUSTERS.md), or leave --runner {settings.kind} out"
        ) from None


def host_and_port(settings: RunnerSettings) -> tuple[str, int]:
    """Host and port of the cluster. Raises UsageError for what is no address."""
    address = settings.address or ""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        port = parts.port or PORTS[settings.kind]
    except ValueError:
        port = 0
    if not port or not parts.hostname or parts.path.strip("/") or parts.username or parts.password:
        example = "tcp://HOST:8786" if settings.kind == "dask" else "HOST:6379, ray://HOST:10001 or auto"
        raise UsageError(f"--address {address}: is no address of a cluster; write it as {example}")
    return parts.hostname, port


def is_here(host: str) -> bool:
    """Tell whether an address is this machine's own: it can be listened at."""
    try:
        family, kind, proto, _, place = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as found:
            found.bind(place)
    except OSError:
        return False
    return True
