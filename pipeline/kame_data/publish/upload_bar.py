"""The progress bar of an upload."""

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from kame_data.publish.sections import size
from kame_data.terminal import Live


class Uploads(Live):
    """A bar of the bytes that are uploaded; without a terminal, one line for each file. A `publish.upload.Progress`."""

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
