"""The packages that training needs beyond the core: the extra `train`."""

import importlib.util

from kame_data.errors import UsageError

PACKAGES = ("torch", "moshi", "accelerate", "safetensors", "sentencepiece", "tensorboard")


def check_installed() -> None:
    """Raise UsageError where a package of the extra `train` is missing."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"missing for training: {', '.join(missing)}; pip install 'kame-data[train]'")
