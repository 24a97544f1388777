"""What `kame-data publish` prints."""

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pipeline.publish.run import Written
from pipeline.publish.sections import size
from pipeline.publish.upload import Published
from pipeline.show import Live, console


class Uploads(Live):
    """A bar of the bytes that are uploaded; a line a file without a terminal. Is a `publish.upload.Progress`."""

    def __init__(self, shown: bool = True) -> None:
        super().__init__(
            shown,
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._task: TaskID | None = None
        self._files, self._done = 0, 0

    def total(self, files: int, bytes: int) -> None:
        """See `publish.upload.Progress`."""
        self._files = files
        self._task = self._bar.add_task(f"{files} files", total=bytes)
        self._say(f"{files} files to upload, {size(bytes)}")

    def advance(self, path: str, bytes: int) -> None:
        """See `publish.upload.Progress`."""
        self._done += 1
        if self._task is not None:
            self._bar.update(self._task, advance=bytes, description=f"{self._done} of {self._files} files")
        self._say(f"{self._done} of {self._files}  {path}  {size(bytes)}")

    def waiting(self, why: str, seconds: float) -> None:
        """See `publish.upload.Progress`."""
        self._console.print(f"{why}; once more in {seconds:.0f} s")

    def _say(self, line: str) -> None:
        if self._lines:
            self._console.print(line)


def print_outcome(outcome: Published | Written) -> None:
    """What was uploaded, or written by a dry run."""
    to = console()
    if isinstance(outcome, Written):
        to.print(f"{outcome.folder}: {outcome.files} files, {size(outcome.bytes)}, as they would be uploaded")
        for name, splits in outcome.rows.items():
            told = ", ".join(f"{split} {rows}" for split, rows in splits.items())
            to.print(f"load_dataset reads '{name}': {told}")
        return
    if outcome.uploaded or outcome.deleted:
        gone = f", {outcome.deleted} of an earlier upload deleted" if outcome.deleted else ""
        to.print(f"{outcome.uploaded} files uploaded, {size(outcome.bytes)}{gone}; commit {outcome.commit[:12]}")
    else:
        to.print("the repository holds just this already; nothing was uploaded")
    to.print(f"{outcome.url}{'  (private)' if outcome.private else ''}")
