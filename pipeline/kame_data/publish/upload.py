"""Getting files into a repository: only those that it lacks, and main shows all of them at once.

Large files are sent before the commit, but not again where the Hub has them already. Then one commit adds,
changes and deletes; where it would hold more than the Hub wants of a commit, a pull request gathers several, and is
merged when it is complete. After a failure the next try begins with a comparison with what is there.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kame_data.errors import KameError, UsageError
from kame_data.publish.hub_errors import AGAIN, Target, explain, token_of, wait_for
from kame_data.publish.upload_files import CARD, COMMIT_FILES, LISTING, File, digest_of, listed_files, listed_paths

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    Operation = CommitOperationAdd | CommitOperationDelete

Result = TypeVar("Result")
ATTEMPTS = 5
"""Times that a broken upload is tried; the client itself tries a broken PUT six times."""
AT_ONCE = 4
"""Files that are uploaded at the same time."""
NOT_OURS = {".gitattributes", CARD}
"""Files that a repository may hold before anything is published: those of the Hub, and a card, which ours replaces."""
MAIN = "main"


class Progress(Protocol):
    """A listener that follows an upload."""

    def total(self, files: int, bytes: int) -> None:
        """Note the bytes that are to be uploaded."""

    def advance(self, path: str, bytes: int) -> None:
        """Note that a file has arrived."""

    def waiting(self, why: str, seconds: float) -> None:
        """Note that something broke; it is tried again after so many seconds."""


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome of an upload; `commit` is the one that main shows, `uploaded` and `deleted` count files."""

    url: str
    commit: str
    uploaded: int
    bytes: int
    deleted: int
    private: bool


@dataclass
class _Difference:
    """The files that a revision lacks, and those that it has too many: files of an `earlier` upload that are gone
    now."""

    commit: str
    earlier: list[str]
    missing: list[File] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.missing) + len(self.left_over)


class Uploader:
    """Uploads `files`, which hold their listing, to `target`. Raises UsageError where there is no token."""

    def __init__(self, target: Target, files: Sequence[File], progress: Progress, *, private: bool) -> None:
        from huggingface_hub import HfApi

        self._target, self._files, self._progress, self._private = target, list(files), progress, private
        self._token = token_of()
        self._api: Any = HfApi(token=self._token, library_name="kame-data")
        self._where: dict[str, Any] = {"repo_id": target.name, "repo_type": target.kind}
        self._title = f"kame-data {digest_of(files)}"
        self._additions: dict[str, CommitOperationAdd] = {}
        self._sent: set[str] = set()
        self._warned = False

    def run(self) -> Published:
        """Upload; again and again as far as ATTEMPTS goes where the network or the Hub fails. Raises KameError."""
        return insist(self._attempt, self._target, self._token, self._progress.waiting)

    def _attempt(self) -> Published:
        private = self._open()
        there = self._compare(MAIN)
        uploaded, deleted = len(there.missing), len(there.left_over)
        size = sum(file.size for file in there.missing)
        if there:
            self._send(there.missing)
            if len(there) <= COMMIT_FILES:
                self._commit(MAIN, there, there.commit)
            else:
                self._merge(there)
            there = self._compare(MAIN, there.earlier)
            if there:
                odd = there.missing[0].path if there.missing else there.left_over[0]
                raise KameError(f"{self._target.url}: took everything, and its {odd} is another one; publish again")
        return Published(self._target.url, there.commit, uploaded, size, deleted, private)

    # -- the repository

    def _open(self) -> bool:
        """Find or create the repository; returns whether it is private."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            private = bool(self._api.repo_info(**self._where).private)
        except RepositoryNotFoundError:
            self._api.create_repo(**self._where, private=self._private, exist_ok=True)
            return bool(self._api.repo_info(**self._where).private)
        if self._private and not private:
            raise UsageError(
                f"--private: {self._target.url} is there and public; make it private in its settings first, or leave "
                "the flag out"
            )
        return private

    def _compare(self, revision: str, earlier: list[str] | None = None) -> _Difference:
        """The difference between a revision and the files; `earlier`: those of an earlier upload, where they are
        known."""
        commit = str(self._api.repo_info(**self._where, revision=revision).sha)
        found = self._api.list_repo_tree(**self._where, recursive=True, revision=commit)
        there = {entry.path: entry for entry in found if hasattr(entry, "blob_id")}
        wanted = {file.path for file in self._files}
        if earlier is None:
            earlier = self._earlier(there, commit)
        return _Difference(
            commit,
            earlier,
            [file for file in self._files if not _same(there.get(file.path), file)],
            sorted(path for path in earlier if path in there and path not in wanted),
        )

    def _earlier(self, there: dict[str, Any], commit: str) -> list[str]:
        """The files of an earlier upload. Raises UsageError where the repository holds something else."""
        if LISTING in there:
            listed = listed_paths(_listing(self._api, self._target, commit), self._target.kind)
            if listed is not None:
                return [path for path in listed if path != ".gitattributes"]
        if strangers := sorted(set(there) - NOT_OURS):
            raise UsageError(
                f"{self._target.url}: holds something else than a {self._target.kind} that was published from here "
                f"({strangers[0]}); give another --repo, or empty that one"
            )
        return []

    # -- what goes there

    def _send(self, files: Sequence[File]) -> None:
        """Upload the content of all files that the Hub wants ahead of the commit."""
        if not self._warned:
            self._progress.total(len(files), sum(file.size for file in files))
            self._warned = True
        for batch in batched([file for file in files if file.path not in self._sent], AT_ONCE):
            operations = [self._add(file) for file in batch]
            self._api.preupload_lfs_files(
                self._target.name,
                operations,
                repo_type=self._target.kind,
                num_threads=AT_ONCE,
                free_memory=False,
            )
            for file in batch:
                self._sent.add(file.path)
                self._progress.advance(file.path, file.size)

    def _add(self, file: File) -> "CommitOperationAdd":
        """The operation of a file, made once: it knows what of it was sent."""
        from huggingface_hub import CommitOperationAdd

        if file.path not in self._additions:
            self._additions[file.path] = CommitOperationAdd(file.path, file.source)
        return self._additions[file.path]

    def _operations(self, there: _Difference) -> list["Operation"]:
        from huggingface_hub import CommitOperationDelete

        additions: list[Operation] = [self._add(file) for file in there.missing]
        return [*additions, *(CommitOperationDelete(path, is_folder=False) for path in there.left_over)]

    def _commit(self, revision: str, there: _Difference, parent: str | None, **more: Any) -> Any:
        operations = self._operations(there)
        done = self._api.create_commit(
            **self._where,
            operations=operations,
            commit_message=self._title,
            revision=revision,
            parent_commit=parent,
            **more,
        )
        for file in there.missing:
            self._additions.pop(file.path, None)  # an operation belongs to one commit
        return done

    def _merge(self, there: _Difference) -> None:
        """Gather the changes in a pull request, at most COMMIT_FILES a commit, and merge it."""
        number = self._opened()
        if number is None:
            first = next(_pieces(there))
            number = self._commit(MAIN, first, there.commit, create_pr=True).pr_num
        revision = f"refs/pr/{number}"
        for piece in _pieces(self._compare(revision, there.earlier)):
            self._commit(revision, piece, None)
        try:
            self._api.merge_pull_request(self._target.name, number, repo_type=self._target.kind)
        except Exception:
            # What it was made for has changed; the next try makes another one.
            self._close(number)
            raise

    def _opened(self) -> int | None:
        """The open pull request of just this upload, left by a run that was cut off; others of ours are closed."""
        found = None
        opened = self._api.get_repo_discussions(
            self._target.name, repo_type=self._target.kind, discussion_type="pull_request", discussion_status="open"
        )
        for request in [*opened]:
            if request.title == self._title and found is None:
                found = int(request.num)
            elif request.title.startswith("kame-data "):
                self._close(request.num)
        return found

    def _close(self, number: int) -> None:
        self._api.change_discussion_status(self._target.name, number, "closed", repo_type=self._target.kind)


def _listing(api: Any, target: Target, revision: str) -> bytes:
    with TemporaryDirectory(prefix="kame-data-") as folder:
        return Path(
            api.hf_hub_download(target.name, LISTING, repo_type=target.kind, revision=revision, local_dir=folder)
        ).read_bytes()


def insist(attempt: Callable[[], Result], target: Target, token: str, waiting: Callable[[str, float], None]) -> Result:
    """The result of `attempt`, which is tried up to ATTEMPTS times where the network or the Hub fails. `waiting` hears
    why, and for how many seconds. Raises KameError, one line."""
    for number in range(1, ATTEMPTS + 1):
        try:
            return attempt()
        except KameError:
            raise
        except Exception as error:
            seconds = wait_for(error, number)
            line = explain(error, target, token, "publishing")
            if line is None:
                raise
            if seconds is None or number == ATTEMPTS:
                raise line from None
        waiting(str(line).replace(f", {AGAIN}", ""), seconds)
        time.sleep(seconds)
    raise AssertionError("the last attempt returns or raises")


def published(target: Target, progress: Progress) -> tuple[bytes, bool] | None:
    """The listing that a repository shows now, and whether the files that it names are there as it says; None where
    there is none. Raises UsageError where there is no token, KameError where the Hub does not answer."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    _hush()
    token = token_of()
    api: Any = HfApi(token=token, library_name="kame-data")

    def attempt() -> tuple[bytes, bool] | None:
        try:
            commit = str(api.repo_info(target.name, repo_type=target.kind).sha)
            data = _listing(api, target, commit)
            tree = api.list_repo_tree(target.name, repo_type=target.kind, recursive=True, revision=commit)
            there = {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}
            return data, all(_is_as_listed(there.get(path), file) for path, file in listed_files(data).items())
        except (RepositoryNotFoundError, EntryNotFoundError):
            return None

    return insist(attempt, target, token, progress.waiting)


def _hush() -> None:
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    # Its warnings show addresses that are signed, which is as good as a password.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def _same(entry: Any, file: File) -> bool:
    """True where an entry of a repository's tree is the file."""
    if entry is None or entry.size != file.size:
        return False
    return str(entry.lfs.sha256) == file.sha256 if entry.lfs else str(entry.blob_id) == file.git_id()


def _is_as_listed(entry: Any, file: dict[str, Any]) -> bool:
    """True where an entry of a repository's tree is what a listing says; of a small file only the size is known."""
    if entry is None or entry.size != file.get("bytes"):
        return False
    return not entry.lfs or str(entry.lfs.sha256) == file.get("sha256")


def _pieces(there: _Difference) -> Iterator[_Difference]:
    """A difference in pieces that a commit may hold."""
    for files in batched(there.missing, COMMIT_FILES):
        yield _Difference(there.commit, [], files)
    for paths in batched(there.left_over, COMMIT_FILES):
        yield _Difference(there.commit, [], left_over=paths)


def batched(items: Sequence[Result], size: int) -> Iterator[list[Result]]:
    """Items in lists of at most `size`."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def upload(target: Target, files: Sequence[File], progress: Progress, *, private: bool) -> Published:
    """Upload files to a repository; see `Uploader`."""
    _hush()
    return Uploader(target, files, progress, private=private).run()
