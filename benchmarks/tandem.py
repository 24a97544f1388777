"""How fast the tandem is.

python benchmarks/tandem.py steps [--shape tiny|small|7b ...] [--rows N ...] [--device cpu|cuda] [--frames N]
python benchmarks/tandem.py sessions [--sessions N ...] [--step MS ...] [--seconds S]

`steps`: how long a step of the front end takes (codec in, model, codec out) with so many conversations at once; it
must end within 80 ms. Weights are random, of the shape that is named; 7b is Moshi's own, with Mimi's own network, in
bf16, for a GPU. Of tiny and small the codec is the small stand-in, so that the model is what is measured.

`sessions`: what everything beside the model costs, for conversations in real time over a model that sleeps for `--step`
milliseconds a step: this process's time for each frame of each conversation, late and skipped frames, and the time from
a piece of the back end's text to the frame in which the model reads it.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

FRAME_MS = 80.0
WARM = 10


def model_of(shape: str, device: str) -> tuple[Any, str]:
    """A model with random weights on the device, and its codec."""
    import torch

    from kame_data.model.four_streams import FourStreams
    from kame_data.model.start import MOSHI_7B, UNTRAINED, moshi_arguments

    seven = shape == "7b"
    arguments = moshi_arguments(32_000, MOSHI_7B if seven else UNTRAINED[f"untrained-{shape}"])
    torch.manual_seed(0)
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    model = FourStreams(device=device, dtype=dtype, **arguments).requires_grad_(False).eval()
    return model, "untrained" if seven else "untrained-small"


class Timed:
    """A codec that counts its time; on a GPU it waits for the device, so that it counts its own."""

    def __init__(self, codec: Any, wait: Any) -> None:
        self._codec, self._wait, self.seconds = codec, wait, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codec, name)

    def hear(self, *given: Any) -> Any:
        return self._timed(self._codec.hear, *given)

    def say(self, *given: Any) -> Any:
        return self._timed(self._codec.say, *given)

    def _timed(self, call: Any, *given: Any) -> Any:
        self._wait()
        began = time.perf_counter()
        made = call(*given)
        self._wait()
        self.seconds += time.perf_counter() - began
        return made


def step_times(model: Any, codec_name: str, count: int, device: str, frames: int) -> tuple[list[float], float, float]:
    """Milliseconds of each step of `count` rows, all of which have a frame; in the mean, what this thread computed in
    it, and its codec's part.

    The codec is timed in steps of their own, for what waits in between makes a step longer.
    """
    import torch

    from kame_data.tandem.codecs import open_codec
    from kame_data.tandem.frames import SAMPLES, FrameIn
    from kame_data.tandem.front_end import FrontEnd

    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    codec = open_codec(codec_name, count, device)
    draw = np.random.default_rng(0)
    with FrontEnd(model, codec, count) as front_end:
        rows = [front_end.open() for _ in range(count)]

        def step() -> float:
            given = {row: FrameIn(draw.normal(0, 0.1, SAMPLES).astype(np.float32), 3) for row in rows}
            began = time.perf_counter()
            front_end.step(given)
            return (time.perf_counter() - began) * 1000

        for _ in range(WARM):
            step()
        computed = time.thread_time()
        taken = [step() for _ in range(frames)]
        computed = (time.thread_time() - computed) / frames * 1000
        front_end.codec = timed = Timed(codec, wait)
        for _ in range(frames // 4):
            step()
    return taken, computed, timed.seconds / (frames // 4) * 1000


def steps(shapes: Sequence[str], rows: Sequence[int], device: str, frames: int, threads: int) -> None:
    """Print the table of step times. On a CPU with one thread `computed` is what to go by where others use it too."""
    import torch

    torch.set_num_threads(threads)
    where = torch.cuda.get_device_name() if device.startswith("cuda") else f"CPU, {threads} thread(s)"
    table = Table(title=f"A step of the front end, {where}, {frames} steps", box=None)
    for column in ("shape", "rows", "p50 ms", "p99 ms", "longest", "computed", "of it codec", "of 80 ms", "GiB"):
        table.add_column(column, justify="left" if column == "shape" else "right")
    for shape in shapes:
        model, codec = model_of(shape, device)
        for count in rows:
            if device.startswith("cuda"):
                torch.cuda.reset_peak_memory_stats()
            taken, computed, own = step_times(model, codec, count, device, frames)
            p50, p99 = np.quantile(taken, [0.5, 0.99])
            memory = f"{torch.cuda.max_memory_allocated() / 2**30:.1f}" if device.startswith("cuda") else ""
            cells = [f"{ms:.1f}" for ms in (p50, p99, max(taken), computed, own)]
            table.add_row(shape, str(count), *cells, f"{p50 / FRAME_MS:.0%}", memory)
            print(f"{shape} x {count}: {p50:.1f} ms", file=sys.stderr, flush=True)
        del model
    Console().print(table)


def main() -> None:
    """Measure what is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    of_steps = commands.add_parser("steps", help="how long a step of the front end takes")
    of_steps.add_argument("--shape", nargs="+", default=["tiny", "small"], choices=("tiny", "small", "7b"))
    of_steps.add_argument("--rows", nargs="+", type=int, default=[1, 2, 4, 8, 16])
    of_steps.add_argument("--device", default="cpu")
    of_steps.add_argument("--frames", type=int, default=100)
    of_steps.add_argument("--threads", type=int, default=1)
    of_sessions = commands.add_parser("sessions", help="what everything beside the model costs")
    of_sessions.add_argument("--sessions", nargs="+", type=int, default=[1, 8, 32])
    of_sessions.add_argument("--step", nargs="+", type=float, default=[20, 40, 60])
    of_sessions.add_argument("--seconds", type=float, default=16.0)
    options = parser.parse_args()
    if options.what == "steps":
        steps(options.shape, options.rows, options.device, options.frames, options.threads)
    else:
        from tandem_sessions import sessions

        sessions(options.sessions, options.step, options.seconds)


if __name__ == "__main__":
    main()
