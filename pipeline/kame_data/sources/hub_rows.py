"""Rows of a data set on the Hugging Face Hub, through `datasets`; loaded once, read again without network."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from yaml import YAMLError

from kame_data.errors import Refusal, UsageError
from kame_data.sources.base import Source
from kame_data.storage.files import write_whole

MOST_BYTES = 32 * 2**30
"""Bytes of one file that is fetched beside the rows."""
MOST_FILES = 1_000_000

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")


def not_an_id(location: str) -> bool:
    """True where a location cannot be the id of a data set (`owner/name`, or `name` for the oldest ones)."""
    return not _ID.fullmatch(location)


def revision(source: Source, hub_id: str) -> str:
    """The commit of the data set: the newest on the Hub, or the one in the local cache when the Hub is out of reach.

    Raises UsageError where there is neither.
    """
    return _commit(source, hub_id)[0]


def _commit(source: Source, hub_id: str) -> tuple[str, bool]:
    """The commit, and whether the Hub was reached."""
    from huggingface_hub import HfApi

    try:
        sha = HfApi().dataset_info(hub_id, timeout=30).sha
    except Exception as problem:  # the client's errors are of many families, by version and transport
        cached = _cached_revision(hub_id)
        if cached is None or _is_absent(problem):
            raise _unreached(source, hub_id, problem) from None
        return cached, False
    if not sha:
        raise UsageError(f"source '{source.name}': the Hub names no commit of {hub_id}; give a local file instead")
    return sha, True


@contextmanager
def quiet(online: bool) -> Iterator[None]:
    """No bars and warnings between ours; and, offline, no half minute of retries for every file."""
    import datasets
    import huggingface_hub

    for logging in (datasets.logging, huggingface_hub.logging):
        logging.set_verbosity(logging.ERROR)
    datasets.disable_progress_bars()
    # Both libraries read this at every request; the environment's variable is read at their import only.
    places: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    try:
        for place in places:
            place.HF_HUB_OFFLINE = place.HF_HUB_OFFLINE or not online
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


def rows(source: Source, hub_id: str) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    """(configuration, split, number of the row in it from 1, row); pictures stay undecoded {bytes, path}.

    The data set is memory-mapped from the local cache, so memory does not grow with it. Raises UsageError when it
    cannot be had or lacks a column.
    """
    import datasets

    commit, online = _commit(source, hub_id)
    for config in _configs(source, hub_id, commit, online):
        try:
            with quiet(online):
                loaded = datasets.load_dataset(hub_id, config, revision=commit)
        except Exception as problem:
            raise _unreached(source, hub_id, problem) from None
        for split in [name for name in source.splits if name in loaded] or list(loaded):
            table = _undecoded(loaded[split])
            missing = [column for column in source.columns if column not in table.column_names]
            if missing:
                raise UsageError(
                    f"source '{source.name}': the Hub's {hub_id} ({split}) has no column '{missing[0]}'; "
                    f"a row needs {', '.join(source.columns)}"
                )
            wanted = [name for name in table.column_names if name in (*source.columns, *source.optional)]
            for number, row in enumerate(table.select_columns(wanted), 1):
                yield config or "", split, number, row


def files(source: Source, hub_id: str, wanted: Callable[[str], bool]) -> Mapping[str, Callable[[], Path]]:
    """The files of the repository whose path is `wanted`, by path; each is fetched into the local cache when it is
    called for.

    Raises UsageError where the repository cannot be listed, or was not listed before the Hub went out of reach.
    """
    commit, online = _commit(source, hub_id)

    def fetch(path: str, size: int) -> Path:
        from huggingface_hub import hf_hub_download

        if size > MOST_BYTES:
            raise Refusal("bad_picture", f"{path} has {size:,} bytes; at most {MOST_BYTES:,} are fetched")
        try:
            with quiet(online):
                return Path(hf_hub_download(hub_id, path, repo_type="dataset", revision=commit))
        except Exception as problem:
            raise _unreached(source, f"{hub_id}/{path}", problem) from None

    listed = _listing(source, hub_id, commit, online)
    return {path: partial(fetch, path, size) for path, size in sorted(listed.items()) if wanted(path)}


def has_no_card(source: Source, hub_id: str) -> bool:
    """True where no data card says which files hold the rows. Raises UsageError as `files` does."""
    from huggingface_hub import DatasetCard

    for fetch in files(source, hub_id, lambda path: path == "README.md").values():
        try:
            return not DatasetCard.load(fetch()).data.to_dict().get("configs")
        except (ValueError, TypeError, YAMLError, OSError):
            return True  # a card that says nothing
    return True


def _listing(source: Source, hub_id: str, commit: str, online: bool) -> dict[str, int]:
    """The sizes of all files by path; they are kept in the local cache, for a commit's files never change."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    kept = _cache(hub_id) / "kame-data" / f"{commit}.json"
    try:
        return {str(path): int(size) for path, size in json.loads(kept.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        pass  # not kept yet, or damaged
    try:
        if not online:
            raise ConnectionError
        tree = HfApi().list_repo_tree(hub_id, recursive=True, revision=commit, repo_type="dataset")
        found = {entry.path: entry.size for entry in islice(tree, MOST_FILES) if isinstance(entry, RepoFile)}
    except Exception as problem:
        raise _unreached(source, f"the list of {hub_id}'s files", problem) from None
    with suppress(OSError):  # a cache that cannot be written to is no fault of the data set
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps(found).encode())
    return found


def _configs(source: Source, hub_id: str, commit: str, online: bool) -> list[str | None]:
    """The configurations to load: the source's own where the data set has it, else every one."""
    import datasets

    if hub_id == source.hub_id and source.config:
        return [source.config]
    try:
        with quiet(online):
            names = datasets.get_dataset_config_names(hub_id, revision=commit)
    except Exception as problem:
        raise _unreached(source, hub_id, problem) from None
    return [source.config] if source.config in names else list(names) or [None]


def _undecoded(table: Any) -> Any:
    """The data set with pictures as {bytes, path}: nobody needs their pixels here."""
    import datasets

    for name, feature in table.features.items():
        if isinstance(feature, datasets.Image):
            table = table.cast_column(name, datasets.Image(decode=False))
    return table


def _cached_revision(hub_id: str) -> str | None:
    """The commit of the data set that the local cache got last."""
    snapshots = _cache(hub_id) / "snapshots"
    try:
        return max(snapshots.iterdir(), key=lambda folder: (folder.stat().st_mtime_ns, folder.name)).name
    except (OSError, ValueError):
        return None


def _cache(hub_id: str) -> Path:
    """The local cache's folder of the data set."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub_id, repo_type="dataset")


def _is_absent(problem: Exception) -> bool:
    """True where the Hub answered, and has no such data set (or none for us)."""
    names = {kind.__name__ for kind in type(problem).__mro__}
    return bool(names & {"RepositoryNotFoundError", "GatedRepoError", "DatasetNotFoundError", "HFValidationError"})


def _unreached(source: Source, hub_id: str, problem: Exception) -> UsageError:
    way_out = f"or give a local file: --source {source.name}=FILE"
    if _is_absent(problem):
        return UsageError(
            f"source '{source.name}': the Hub has no data set '{hub_id}' that is open to you; check the id, "
            f"set HF_TOKEN if it is private or gated, {way_out}"
        )
    return UsageError(
        f"source '{source.name}': {hub_id} cannot be had from the Hub ({type(problem).__name__}); check the network "
        f"and HF_ENDPOINT, {way_out}"
    )
