"""The logs of a run: `RUN/metrics.jsonl`, TensorBoard, wandb, and a line on the terminal."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from accelerate.tracking import GeneralTracker, TensorBoardTracker, WandBTracker
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from kame_data.errors import UsageError
from kame_data.settings.training import TrainSettings
from kame_data.terminal import Live

METRICS = "metrics.jsonl"
SHOWN = ("loss/text", "loss/audio", "val/text_true_oracle", "val/text_shuffled_oracle", "val/text_no_oracle")


class Logs(Live):
    """The logs of a run from update `step` on; lines of later updates, of a run that was killed, are dropped.

    Only the main process has any. A line of `metrics.jsonl` is a JSON object: `step`, and what was measured by then.
    """

    def __init__(self, settings: TrainSettings, step: int, main: bool) -> None:
        self._settings, self._main = settings, main
        self._path = settings.run / METRICS
        super().__init__(
            main and settings.progress,
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[losses]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._task = self._bar.add_task("step", total=settings.steps, completed=step, losses="")
        self._seen: dict[str, float] = {}
        self._trackers = _trackers(settings, step) if main else []
        if main:
            settings.run.mkdir(parents=True, exist_ok=True)
            self._forget(step or -1)  # a run that begins anew has no lines yet

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)
        for tracker in self._trackers:
            tracker.finish()

    def advance(self, step: int) -> None:
        """Count an update as done."""
        if self._live:
            self._bar.update(self._task, completed=step)

    def log(self, step: int, values: dict[str, float]) -> None:
        """Log the measures of an update."""
        if not self._main:
            return
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step} | values) + "\n")
        for tracker in self._trackers:
            tracker.log(values, step=step)
        self._seen |= values
        losses = (
            "  ".join(f"{name.removeprefix('val/')} {self._seen[name]:.3f}" for name in SHOWN if name in self._seen)
            + f"  {self._seen.get('tokens_per_second', 0):,.0f} tokens/s"
        )
        self._bar.update(self._task, completed=step, losses=losses)
        if self._lines:
            self._console.print(f"step {step}/{self._settings.steps}  {losses}")

    def _forget(self, step: int) -> None:
        if not self._path.is_file():
            return
        kept = [line for line in self._path.read_text().splitlines() if _step_of(line) <= step]
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text("".join(f"{line}\n" for line in kept))
        temporary.replace(self._path)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a line that was cut off


def _trackers(settings: TrainSettings, step: int) -> list[GeneralTracker]:
    trackers: list[GeneralTracker] = []
    if settings.tensorboard:
        trackers.append(TensorBoardTracker("tensorboard", settings.run, purge_step=step + 1))
    if settings.wandb is not None:
        trackers.append(WandBTracker(settings.wandb, name=settings.run.name, dir=str(Path(settings.run))))
    for tracker in trackers:
        try:
            tracker.start()
        except ImportError:
            raise UsageError(f"--wandb {settings.wandb}: wandb is not installed; pip install wandb") from None
    return trackers


def measured(**values: Any) -> dict[str, float]:
    """Plain numbers of scalars, under their names with `__` for `/`."""
    return {name.replace("__", "/"): float(value) for name, value in values.items()}
