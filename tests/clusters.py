"""Servers, clusters and commands for tests: real processes, which can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = ["--source", "gsm8k=sample", "--source", "mmlu_pro=sample", "--limit", "4"]
CHANGES = {"limit": 4, "part_size": 2, "speak": True, "validation_share": 0.02} | {
    "sources": ("gsm8k=sample", "mmlu_pro=sample")
}
PART_SIZE = {"KAME_DATA_PART_SIZE": "2"}
SECRET = "sk-not-to-be-found-anywhere"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(look, seconds=120):
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    assert found, "waited in vain"
    return found


@dataclass
class Processes:
    """Servers of a test, each a process group of its own, with its output in a file."""

    folder: Path
    environment: dict
    running: dict = field(default_factory=dict)

    def start(self, name, *command, **environment):
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            command, env=self.environment | environment, stdout=log, stderr=log, start_new_session=True
        )

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def kill(self, name):
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self):
        for name in list(self.running):
            self.kill(name)


@dataclass
class DaskCluster:
    """A scheduler and workers, one with a GPU to offer."""

    servers: Processes
    address: str = ""

    def start(self):
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        dask = (sys.executable, "-m", "dask")
        self.servers.start(
            "scheduler", *dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"
        )
        self.add("w1", "--resources", "GPU=1")
        self.add("w2")
        wait_for(lambda: all("Registered to" in self.servers.log(name) for name in ("w1", "w2")))

    def add(self, name, *flags):
        worker = ("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name, *flags)
        # A test that has imported `flows` has told all its children to log nothing.
        self.servers.start(name, sys.executable, "-m", "dask", *worker, PREFECT_LOGGING_LEVEL="INFO")

    def flags(self):
        return ["--runner", "dask", "--address", self.address]


@dataclass
class Command:
    """`kame-data` as its user runs it, with a key in its environment that must not get anywhere."""

    servers: Processes

    def environment(self, **more):
        return self.servers.environment | {"OPENAI_API_KEY": SECRET} | more

    def run(self, *args, **environment):
        command = [sys.executable, "-m", "kame_data.cli", *map(str, args)]
        return subprocess.run(
            command, env=self.environment(**environment), capture_output=True, text=True, timeout=280, check=False
        )

    def start(self, *args, **environment):
        command = [sys.executable, "-m", "kame_data.cli", *map(str, args)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment(**environment), stdout=pipe, stderr=pipe, text=True)
