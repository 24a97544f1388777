"""The check that `datasets.load_dataset` reads what would be uploaded: every configuration, every split, every row."""

import tempfile
from pathlib import Path

from kame_data.errors import KameError
from kame_data.publish.configs import Config
from kame_data.sources.hub_rows import quiet

BATCH = 64
"""Rows in memory at once."""


def check_loads(folder: Path, configs: list[Config]) -> None:
    """Read all of a folder through its card, without network. Raises KameError where anything is missing."""
    import datasets

    with quiet(online=False), tempfile.TemporaryDirectory(prefix="kame-data-") as cache:
        names = datasets.get_dataset_config_names(str(folder))
        if sorted(names) != sorted(config.name for config in configs):
            raise KameError(f"{folder}: its card names the configurations {', '.join(names)}; this is our mistake")
        for config in configs:
            for split, rows in config.rows.items():
                try:
                    loaded = datasets.load_dataset(
                        str(folder), config.name, split=split, streaming=True, cache_dir=cache
                    )
                    read = sum(table.num_rows for table in loaded.with_format("arrow").iter(BATCH))
                except Exception as problem:  # of any library that has a hand in it
                    message = " ".join(str(problem).split())[:300]
                    raise KameError(
                        f"{folder}: load_dataset cannot read '{config.name}', split {split} "
                        f"({type(problem).__name__}: {message}); `kame-data verify` checks the build"
                    ) from None
                if read != rows:
                    raise KameError(
                        f"{folder}: load_dataset reads {read} rows of '{config.name}', split {split}, and the manifest "
                        f"says {rows}; `kame-data verify` checks the build"
                    )
