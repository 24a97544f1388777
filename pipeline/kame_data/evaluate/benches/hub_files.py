"""Files of a bench on the Hugging Face Hub: bounded, kept in its local cache, read from there without network."""

from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Literal

from kame_data.codec.hub_files import be_quiet
from kame_data.errors import UsageError
from kame_data.evaluate.benches.base import Bench

MOST_FILES = 10_000
_ABSENT = frozenset(["RepositoryNotFoundError", "GatedRepoError", "HFValidationError"])


def fetch(
    bench: Bench, repo: str, kind: Literal["dataset", "space"], wanted: str, most_bytes: int, instead: str
) -> list[Path]:
    """The files of a repository whose path is like `wanted` (`mtbench/*.parquet`), in order of their names.

    Raises UsageError where they cannot be had, are not there, or have more than `most_bytes` together; it tells the
    user to give `instead`.
    """
    from huggingface_hub import snapshot_download

    be_quiet()
    online = _listed(bench, repo, kind, wanted, most_bytes, instead)
    try:
        root = Path(snapshot_download(repo, repo_type=kind, allow_patterns=[wanted], local_files_only=not online))
        found = sorted(root.glob(wanted))
    except Exception as problem:  # the client's errors are of many families, by version and transport
        raise _unreached(bench, repo, wanted, problem, instead) from None
    if not found:
        raise _unreached(bench, repo, wanted, ConnectionError(), instead)
    return found


def _listed(bench: Bench, repo: str, kind: str, wanted: str, most_bytes: int, instead: str) -> bool:
    """True where the Hub was reached and has such files, within the bounds; False where it is out of reach."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    try:
        tree = HfApi().list_repo_tree(repo, recursive=True, repo_type=kind)
        sizes = {
            e.path: e.size for e in islice(tree, MOST_FILES) if isinstance(e, RepoFile) and fnmatch(e.path, wanted)
        }
    except Exception as problem:
        if _is_absent(problem):
            raise _unreached(bench, repo, wanted, problem, instead) from None
        return False
    if not sizes:
        raise bench.wrong(f"the Hub's {repo} has no file {wanted}; give {instead}")
    if sum(sizes.values()) > most_bytes:
        raise bench.wrong(f"{repo}/{wanted} has {sum(sizes.values()):,} bytes; at most {most_bytes:,} are fetched")
    return True


def _is_absent(problem: Exception) -> bool:
    return bool(_ABSENT & {kind.__name__ for kind in type(problem).__mro__})


def _unreached(bench: Bench, repo: str, wanted: str, problem: Exception, instead: str) -> UsageError:
    if _is_absent(problem):
        return bench.wrong(f"the Hub has no {repo} that is open to you; set HF_TOKEN if it is gated, or give {instead}")
    return bench.wrong(
        f"{repo}/{wanted} cannot be had from the Hub ({type(problem).__name__}); check the network and HF_ENDPOINT, "
        f"or give {instead}"
    )
