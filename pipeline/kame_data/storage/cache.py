"""The user's cache folder: copies of remote files, which may be deleted at any time."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """KAME_DATA_CACHE, or the user's cache folder of this system."""
    named = os.environ.get("KAME_DATA_CACHE", "").strip()
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("kame-data")
