"""The packages that a conversation needs beyond the core: the extra `tandem`."""

import importlib.util

from kame_data.errors import UsageError

PACKAGES = ("torch", "moshi", "safetensors", "sentencepiece")
SERVER_PACKAGES = ("sphn", "starlette", "uvicorn", "websockets", "prometheus_client")


def check_installed(serves: bool = False) -> None:
    """Raise UsageError where a package of the extra `tandem` that every conversation needs is missing; one that the
    server needs too where it `serves`."""
    names = (*PACKAGES, *(SERVER_PACKAGES if serves else ()))
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"missing for a conversation: {', '.join(missing)}; pip install 'kame-data[tandem]'")
