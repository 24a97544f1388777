"""Token parts as workers of a cluster are told them; see `pipeline.orders`. A worker loads its codec once."""

import json
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.codec.mimi import CodecSpec, Mimi
from pipeline.codec.parts import Part, Recipe, read_part, write_part
from pipeline.codec.stage import TokenSettings, build_manifest, check_installed
from pipeline.codec.tokenizer import Tokenizer
from pipeline.errors import KameError
from pipeline.spread import CPU, GPU, Job, patiently
from pipeline.storage.files import local_copy
from pipeline.storage.paths import RemotePath, path_of


class TokenWork:
    """The jobs of the tokens stage: a `flows.runners.Work`. The device is `cpu` or `cuda`."""

    def __init__(self, parts: Sequence[Part], recipe: Recipe, settings: TokenSettings) -> None:
        self.parts: Mapping[str, Part] = {part.name: part for part in parts}
        self.recipe, self.settings = recipe, settings
        self.stop = threading.Event()

    def place(self, job: Job) -> str:
        """See `pipeline.spread.Runner`."""
        return CPU if self.recipe.device == "cpu" else GPU

    def here(self, jobs: Sequence[Job]) -> list[float]:
        """Nothing is made here: the codec is on the workers."""
        raise AssertionError("tokens have no place in the command's own process")

    def on(self, device: str) -> None:
        """Settle the device, once it is known what the workers have."""
        self.recipe = replace(self.recipe, device=device)

    def order(self, jobs: Sequence[Job]) -> str:
        """The jobs as a worker is told them."""
        recipe, parts = self.recipe, [self.parts[job.label] for job in jobs]
        return json.dumps(
            {
                "version": __version__,
                "codec": [_anywhere(self.settings.codec), recipe.codec.sha256],
                "tokenizer": [_anywhere(self.settings.tokenizer), recipe.tokenizer.sha256],
                "device": recipe.device,
                "folder": str(recipe.folder.resolve()),
                "parts": [[p.name, str(p.shard.resolve()), p.group, p.start, p.stop] for p in parts],
            }
        )


def _anywhere(spec: str) -> str:
    return str(Path(spec).resolve()) if Path(spec).is_file() else spec


def perform_tokens(told: dict[str, Any]) -> list[float]:
    """Make the parts of an order; the seconds that each took."""
    recipe = _recipe(*told["codec"], *told["tokenizer"], told["device"], told["folder"])
    seconds = []
    for name, shard, *rows in told["parts"]:
        started = time.perf_counter()
        part = Part(name, _shard(Path(shard), recipe), *rows)
        with _one_at_a_time:
            write_part(part, *read_part(part), _codec(recipe.codec, recipe.device), recipe)
        seconds.append(time.perf_counter() - started)
    return seconds


def _shard(shard: Path, recipe: Recipe) -> Path:
    """The shard as this machine has it; of an object store it makes a copy of its own, named by its checksum."""
    if not isinstance(recipe.folder, RemotePath):
        if patiently(lambda: shard.exists() or None, lambda: None, 10.0) is None:
            raise KameError(
                f"{shard}: worker {socket.gethostname()} does not see it; OUT must be one folder for all workers "
                "and the command's machine (docs/CLUSTERS.md)"
            )
        return shard
    out, sha256 = recipe.folder.parent.parent, shard.stem
    listed = build_manifest(out)["shards"]
    path = next((s["path"] for s in listed if s["sha256"] == sha256), None)
    if path is None:
        raise KameError(f"{out}: its manifest has other shards now; give the same command again")
    return local_copy(out / path, sha256)


_one_at_a_time = threading.Lock()


@cache
def _recipe(codec: str, codec_sha256: str, tokenizer: str, tokenizer_sha256: str, device: str, folder: str) -> Recipe:
    check_installed()
    found = Recipe(CodecSpec.of(codec), Tokenizer.of(tokenizer), device, path_of(folder))
    for name, ours, theirs in (
        (codec, found.codec.sha256, codec_sha256),
        (tokenizer, found.tokenizer.sha256, tokenizer_sha256),
    ):
        if ours != theirs:
            raise KameError(f"{name}: worker {socket.gethostname()} has another one; put the same on all machines")
    return found


@cache
def _codec(spec: CodecSpec, device: str) -> Mimi:
    import torch

    if device == "cpu":
        torch.set_num_threads(1)  # sums are rounded the same way on every machine
    return Mimi(spec, device)
