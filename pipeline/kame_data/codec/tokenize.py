"""The tokens stage: the shards of a finished build to OUT/tokens, with a manifest of their own.

Of its own, for a later build must not lose or falsify it: it names the shards it was made from, so that it shows when
they are others now.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pyarrow as pa

from kame_data import __version__
from kame_data.codec.token_manifest import Named, NamedTokenizer, TokenManifest, made_from
from kame_data.codec.token_parts import TOKENS_VERSION, Part, TokenSpec, parts_of
from kame_data.codec.token_schema import TokenFacts
from kame_data.codec.token_shards import facts_of, write_token_shard
from kame_data.codec.token_work import MakeParts, make_parts
from kame_data.engine.parts import DamagedPart, PartStore, jsonl
from kame_data.engine.scheduler import Progress
from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Listed, Manifest
from kame_data.records import Rejected, Split
from kame_data.settings.tokenizing import TokenSettings
from kame_data.storage.files import checksum, files, open_parquet, write_whole
from kame_data.storage.paths import AnyPath, path_of

MAX_REFUSED = 0.2
"""The largest share of the rows that may be refused."""


def spoken_build(out: AnyPath) -> Manifest:
    """The manifest of the finished build in OUT. Raises UsageError where there is none, or its rows have no sound."""
    manifest = Manifest.read(out)
    if not manifest.settings.speak:
        raise UsageError(f"{out}: its shards hold no audio (--no-speech); build with --speech to make tokens of them")
    if missing := [s.path for s in manifest.shards if not (out / s.path).exists()]:
        raise UsageError(f"{out / missing[0]}: is missing; the same build command as before makes it again")
    return manifest


def make_tokens(
    out: Path | AnyPath, settings: TokenSettings, progress: Progress, make: MakeParts = make_parts
) -> TokenManifest:
    """Make the token shards of the build in OUT, unless they are there; returns their manifest.

    Goes on from the parts that are done; `make` makes the others. Raises UsageError for settings that will not do,
    KameError for damaged shards.
    """
    out = path_of(out)
    manifest = spoken_build(out)
    store = PartStore(out / "parts" / "tokens")
    spec = TokenSpec.of(settings, store.folder)
    try:
        made = TokenManifest.find(out)
    except KameError:
        made = None  # it is written anew
    sources = made_from(manifest, spec.codec.sha256, spec.tokenizer.sha256)
    if made is not None and made.made_from == sources and _whole(out, made):
        return made
    for folder in (store.folder, out / "tokens"):
        folder.sweep()
    plan = {s.path: _parts_of(out / s.path, s.sha256, spec) for s in manifest.shards}
    everything = [part for parts in plan.values() for part in parts]
    _make_missing(everything, spec, store, settings, progress, make)
    finished = _finish(out, sources, spec, plan, store)
    for shard in manifest.shards:
        (out / shard.path).forget_near(shard.sha256)
    return finished


def _parts_of(shard: AnyPath, sha256: str, spec: TokenSpec) -> list[Part]:
    """The parts of a shard whose checksum is the manifest's. Raises KameError where it is another one."""
    if not shard.unchanged(sha256):
        raise KameError(f"{shard}: its checksum is not the manifest's; build again to mend it")
    return parts_of(shard, sha256, spec)


def _make_missing(
    parts: list[Part], spec: TokenSpec, store: PartStore, settings: TokenSettings, progress: Progress, make: MakeParts
) -> None:
    done = store.finished()
    missing = [p for p in parts if p.name not in done or not _sound(store, p.name)]
    progress.total("tokens", len(parts), len(parts) - len(missing))
    workers = settings.workers or os.cpu_count() or 1
    make(missing, spec, workers, progress)


def _sound(store: PartStore, name: str) -> bool:
    """True where a part that has a marker is as it was written; what is not goes."""
    if store.folder.KEEPS_WHOLE:
        return True
    try:
        store.read_table(name)
    except DamagedPart:
        store.drop(name)
        return False
    return True


def _whole(out: AnyPath, made: TokenManifest) -> bool:
    """Tell whether all files of a manifest are there as they were written."""
    own = out / "tokens" / "tokenizer.model"
    if not own.exists() or checksum(own) != made.tokenizer.sha256:
        return False
    return all((out / f.path).intact(f.sha256, f.bytes) for f in made.files)


def _refused(parts: list[Part], store: PartStore) -> list[Rejected]:
    """The refused rows of all parts; raises KameError, and lists them, where they are too many."""
    names = [part.name for part in parts]
    done = store.finished()
    rejected = [r for name in names if (marker := done.get(name)) and marker.rejected for r in store.rejected(name)]
    rows = sum(part.stop - part.start for part in parts)
    if len(rejected) > MAX_REFUSED * rows:
        path = store.folder / "rejected.jsonl"
        write_whole(path, jsonl(rejected))
        reasons = ", ".join(f"{reason} {n}" for reason, n in Counter(r.reason for r in rejected).most_common(3))
        raise KameError(f"{len(rejected)} of {rows} rows were refused ({reasons}); see {path}; try another --tokenizer")
    return rejected


def _finish(
    out: AnyPath, sources: dict[str, str], spec: TokenSpec, plan: dict[str, list[Part]], store: PartStore
) -> TokenManifest:
    rejected = _refused([part for parts in plan.values() for part in parts], store)
    folder = out / "tokens"
    folder.mkdir(parents=True, exist_ok=True)
    (out / TokenManifest.name).unlink(missing_ok=True)
    of = TokenFacts(
        spec.codec.label,
        spec.codec.sha256,
        spec.tokenizer.name,
        spec.tokenizer.sha256,
        spec.tokenizer.text_card,
    )
    for shard, parts in plan.items():
        name = f"tokens/{Path(shard).name}"
        write_token_shard(out / name, _tables(parts, store), replace(of, fingerprint=sources[name]))
    write_whole(folder / "tokenizer.model", spec.tokenizer.path.read_bytes())
    for path in files(folder, "*.parquet"):
        if f"tokens/{path.name}" not in sources:
            path.unlink()
    write_whole(folder / "rejected.jsonl", jsonl(rejected))
    described = describe(out, of, sources, rejected)
    described.write(out)
    return described


def _tables(parts: list[Part], store: PartStore) -> Iterable[pa.Table]:
    return (store.read_table(part.name) for part in parts)


def describe(out: AnyPath, of: TokenFacts, sources: dict[str, str], rejected: list[Rejected]) -> TokenManifest:
    """The manifest of the token shards in OUT."""
    listed = []
    for name in sources:
        with open_parquet(out / name) as file:
            frames = [b.column(0).to_numpy().sum() for b in file.iter_batches(columns=["frames"])]
            rows = file.metadata.num_rows
        path = out / name
        listed.append(
            Listed(
                path=name,
                split=cast(Split, path.name.split("-")[0]),
                rows=rows,
                frames=int(sum(frames)),
                bytes=path.stat().st_size,
                sha256=checksum(path),
                fingerprint=facts_of(path).fingerprint,
            )
        )
    return TokenManifest(
        kame_data=__version__,
        version=TOKENS_VERSION,
        stand_ins=("codec: untrained",) if of.untrained else (),
        codec=Named(name=of.codec, sha256=of.codec_sha256),
        tokenizer=NamedTokenizer(name=of.tokenizer, sha256=of.tokenizer_sha256, text_card=of.text_card),
        rows=sum(f.rows for f in listed),
        frames=sum(f.frames or 0 for f in listed),
        refused=dict(sorted(Counter(r.reason for r in rejected).items())),
        made_from=sources,
        files=tuple(listed),
    )
