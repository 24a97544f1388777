"""`kame-data train` as a process, on dummy token shards."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from checkout import PYTHONPATH
from kame_data.cli.main import main
from token_dummies import write_dummy

COMMAND = [sys.executable, "-m", "kame_data.cli", "train"]
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": PYTHONPATH, "OMP_NUM_THREADS": "1", "NO_TORCH_COMPILE": "1"}
SMALL = [
    "--init=untrained-tiny",
    "--device=cpu",
    "--batch-frames=200",
    "--lr=1e-3",
    "--set=optimizer.warmup=2",
    "--set=log_every=1",
    "--set=validation.every=4",
    "--set=validation.batches=1",
    "--set=tensorboard=false",
]


def dummy(folder, **given):
    """Token shards of small dialogues in `folder`."""
    write_dummy(folder, **{"rows": 40, "validation": 6, "frames": (30, 44), "files": 2} | given)
    return folder


def start(*arguments, launcher=(), **given):
    """The command, begun."""
    command = [*launcher, "kame_data.cli", "train"] if launcher else COMMAND
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *map(str, arguments)], env=ENVIRONMENT, cwd=ROOT, **pipes | given)


def train(*arguments, **given):
    """The command, run to its end: (exit code, standard output, standard error)."""
    process = start(*arguments, **given)
    out, error = process.communicate(timeout=540)
    return process.returncode, out, error


def train_here(capfd, *arguments):
    """The command in this process, which has torch already: (exit code, standard output, standard error)."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with patch.object(sys, "argv", ["kame-data", "train", *map(str, arguments)]):
            main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    said = capfd.readouterr()
    return code, said.out, said.err


def metrics(run):
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def losses(run):
    """The losses of every step, those of validation among them; nothing that hangs on the clock."""
    return [
        {
            name: value
            for name, value in line.items()
            if name == "step" or name.startswith(("loss/", "val/", "grad_norm"))
        }
        for line in metrics(run)
    ]
