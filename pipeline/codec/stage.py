"""The tokens stage: the shards of a finished build to OUT/tokens, with a manifest of their own.

Of its own, for a later build must not lose or falsify it: it names the shards it was made from, so that it shows when
they are others now.
"""

import importlib.util
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import __version__
from pipeline.codec.mimi import CodecSpec
from pipeline.codec.parts import Make, Part, Recipe, fingerprint_of, make_parts, parts_of
from pipeline.codec.schema import TokenFacts
from pipeline.codec.shards import facts_of, write_token_shard
from pipeline.codec.tokenizer import Tokenizer
from pipeline.errors import KameError, UsageError
from pipeline.parts import DamagedPart, PartStore, jsonl
from pipeline.records import Rejected
from pipeline.spread import Progress
from pipeline.storage.files import checksum, files, forget_copy, intact, local_copy, open_parquet, sweep, write_whole
from pipeline.storage.paths import AnyPath, RemotePath
from pipeline.sums import as_written, summed

_DESCRIBED = {"stand_ins", "codec", "tokenizer", "rows", "frames", "made_from", "files"}
"""What a manifest of token shards has to say."""

MAX_REFUSED = 0.2
"""The largest share of the rows that may be refused."""


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """`codec`, `tokenizer`: see `CodecSpec.of`, `Tokenizer.of`. `device`: auto, cpu, cuda or cuda:N. `workers`:
    processes on the CPU; None is a core each."""

    codec: str = "mimi"
    tokenizer: str = "kyutai"
    device: str = "auto"
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers {self.workers}: give 1 or more")


def build_manifest(out: AnyPath) -> dict[str, Any]:
    """The manifest of the finished build in OUT. Raises UsageError where there is none, or its rows have no sound."""
    path = out / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        shards = manifest["shards"]
        names = [str(s["path"]) for s in shards]
        spoken = manifest["settings"]["speak"]
    except FileNotFoundError:
        raise UsageError(
            f"{out}: holds no finished build; `kame-data build --out {out}` makes or finishes one"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path}: is damaged; the same build command as before writes it again") from None
    if not spoken:
        raise UsageError(f"{out}: its shards hold no audio (--no-speech); build with --speech to make tokens of them")
    if missing := [name for name in names if not (out / name).exists()]:
        raise UsageError(f"{out / missing[0]}: is missing; the same build command as before makes it again")
    return manifest


def check_installed() -> None:
    """Raise UsageError where a package of the extra `train` is missing that tokens need."""
    missing = [name for name in ("torch", "moshi", "sentencepiece") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"missing for tokens: {', '.join(missing)}; pip install 'kame-data[train]'")


def token_manifest(out: AnyPath) -> dict[str, Any] | None:
    """OUT/tokens/manifest.json; None where there is none that is whole."""
    try:
        manifest: dict[str, Any] = json.loads((out / "tokens" / "manifest.json").read_text("utf-8"))
        whole = set(manifest) >= _DESCRIBED and isinstance(manifest["files"], list)
        return manifest if whole and as_written(manifest, "manifest_sha256") else None
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def stale(out: AnyPath, made: dict[str, Any]) -> str:
    """What is to be said of token shards that are of other shards than the build's are now; "" where they are not."""
    return stale_by(build_manifest(out), made, out)


def stale_by(manifest: dict[str, Any], made: dict[str, Any], out: AnyPath) -> str:
    """`stale` by the manifest of the build alone, whether or not its shards are there."""
    sources = made_from(manifest, made["codec"]["sha256"], made["tokenizer"]["sha256"])
    return "" if sources == made["made_from"] else f"{out / 'tokens'}: was made of other shards than the build's"


def make_tokens(out: AnyPath, settings: TokenSettings, progress: Progress, make: Make = make_parts) -> dict[str, Any]:
    """Make the token shards of the build in OUT, unless they are there; returns their manifest.

    Goes on from the parts that are done; `make` makes the others. Raises UsageError for settings that will not do,
    KameError for damaged shards.
    """
    manifest = build_manifest(out)
    check_installed()
    codec, tokenizer = CodecSpec.of(settings.codec), Tokenizer.of(settings.tokenizer)
    store = PartStore(out / "parts" / "tokens")
    recipe = Recipe(codec, tokenizer, settings.device, store.folder)
    made, sources = token_manifest(out), made_from(manifest, codec.sha256, tokenizer.sha256)
    if made is not None and made.get("made_from") == sources and _whole(out, made):
        return made
    for folder in (store.folder, out / "tokens"):
        sweep(folder)
    plan = {s["path"]: parts_of(_near(out / s["path"], s["sha256"]), recipe) for s in manifest["shards"]}
    everything = [part for parts in plan.values() for part in parts]
    _make_missing(everything, recipe, store, settings, progress, make)
    finished = _finish(out, manifest, recipe, plan, store)
    for shard in manifest["shards"]:
        forget_copy(out / shard["path"], shard["sha256"])
    return finished


def _near(shard: AnyPath, sha256: str) -> Path:
    """A shard whose checksum is the manifest's, on this machine. Raises KameError where it is another one."""
    if isinstance(shard, Path) and checksum(shard) != sha256:
        raise KameError(f"{shard}: its checksum is not the manifest's; build again to mend it")
    return local_copy(shard, sha256)


def _make_missing(
    parts: list[Part], recipe: Recipe, store: PartStore, settings: TokenSettings, progress: Progress, make: Make
) -> None:
    done = store.finished() if isinstance(store.folder, RemotePath) else None
    missing = [p for p in parts if (not _sound(store, p.name) if done is None else p.name not in done)]
    progress.total("tokens", len(parts), len(parts) - len(missing))
    workers = settings.workers or os.cpu_count() or 1
    make(missing, recipe, workers, lambda rows, refused: progress.advance("tokens", rows, refused))


def _sound(store: PartStore, name: str) -> bool:
    """Whether a part is there as it was written; what is not goes."""
    if store.marker(name) is None:
        return False
    try:
        store.read_table(name)
    except DamagedPart:
        store.drop(name)
        return False
    return True


def made_from(manifest: dict[str, Any], codec_sha256: str, tokenizer_sha256: str) -> dict[str, str]:
    """The fingerprint of every token shard that the shards of a build's manifest make, by its path."""
    content = {f"tokens/{Path(shard['path']).name}": shard["sha256"] for shard in manifest["shards"]}
    return {name: fingerprint_of(codec_sha256, tokenizer_sha256, sha256) for name, sha256 in content.items()}


def _whole(out: AnyPath, made: dict[str, Any]) -> bool:
    """Whether all files of a manifest are there as they were written."""
    own = out / "tokens" / "tokenizer.model"
    if not own.exists() or checksum(own) != made["tokenizer"]["sha256"]:
        return False
    return all(intact(out / f["path"], f["sha256"], f["bytes"]) for f in made["files"])


def _refused(parts: list[Part], store: PartStore) -> list[Rejected]:
    """The refused rows of all parts; raises KameError, and lists them, where they are too many."""
    names = [part.name for part in parts]
    if isinstance(store.folder, RemotePath):
        names = [name for name, marker in store.finished().items() if name in names and marker and marker.rejected]
    rejected = [r for name in names for r in store.rejected(name)]
    rows = sum(part.stop - part.start for part in parts)
    if len(rejected) > MAX_REFUSED * rows:
        path = store.folder / "rejected.jsonl"
        write_whole(path, jsonl(rejected))
        reasons = ", ".join(f"{reason} {n}" for reason, n in Counter(r.reason for r in rejected).most_common(3))
        raise KameError(f"{len(rejected)} of {rows} rows were refused ({reasons}); see {path}; try another --tokenizer")
    return rejected


def _finish(
    out: AnyPath, manifest: dict[str, Any], recipe: Recipe, plan: dict[str, list[Part]], store: PartStore
) -> dict[str, Any]:
    rejected = _refused([part for parts in plan.values() for part in parts], store)
    folder = out / "tokens"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    sources = made_from(manifest, recipe.codec.sha256, recipe.tokenizer.sha256)
    of = TokenFacts(
        recipe.codec.label,
        recipe.codec.sha256,
        recipe.tokenizer.name,
        recipe.tokenizer.sha256,
        recipe.tokenizer.text_card,
    )
    for shard, parts in plan.items():
        name = f"tokens/{Path(shard).name}"
        write_token_shard(out / name, _tables(parts, store), replace(of, fingerprint=sources[name]))
    write_whole(folder / "tokenizer.model", recipe.tokenizer.path.read_bytes())
    for path in files(folder, "*.parquet"):
        if f"tokens/{path.name}" not in sources:
            path.unlink()
    write_whole(folder / "rejected.jsonl", jsonl(rejected))
    described = summed(describe(out, of, sources, rejected), "manifest_sha256")
    write_whole(folder / "manifest.json", (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())
    return described


def _tables(parts: list[Part], store: PartStore) -> Iterable[pa.Table]:
    return (store.read_table(part.name) for part in parts)


def describe(out: AnyPath, of: TokenFacts, sources: dict[str, str], rejected: list[Rejected]) -> dict[str, Any]:
    """The manifest of the token shards in OUT."""
    listed = []
    for name in sources:
        with open_parquet(out / name) as file:
            frames = [b.column(0).to_numpy().sum() for b in file.iter_batches(columns=["frames"])]
            rows = file.metadata.num_rows
        path = out / name
        listed.append(
            {
                "path": name,
                "split": path.name.split("-")[0],
                "rows": rows,
                "frames": int(sum(frames)),
                "bytes": path.stat().st_size,
                "sha256": checksum(path),
                "fingerprint": facts_of(path).fingerprint,
            }
        )
    return {
        "kame_data": __version__,
        "stand_ins": ["codec: untrained"] if of.untrained else [],
        "codec": {"name": of.codec, "sha256": of.codec_sha256},
        "tokenizer": {"name": of.tokenizer, "sha256": of.tokenizer_sha256, "text_card": of.text_card},
        "rows": sum(f["rows"] for f in listed),
        "frames": sum(f["frames"] for f in listed),
        "refused": dict(sorted(Counter(r.reason for r in rejected).items())),
        "made_from": sources,
        "files": listed,
    }
