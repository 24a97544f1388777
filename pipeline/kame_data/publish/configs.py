"""The configurations of a published build: `text`, `speech`, `tokens`, each with its splits and its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kame_data.codec.token_manifest import TokenManifest
from kame_data.finished.manifest import Listed
from kame_data.finished.reader import Finished
from kame_data.publish.upload_files import File
from kame_data.shards.write_shard import write_groups
from kame_data.storage.files import open_parquet
from kame_data.storage.paths import AnyPath

SPLITS = ("train", "validation")


@dataclass(frozen=True)
class Config:
    """A configuration of a data set: its files and their numbers of rows by split, splits without rows left out."""

    name: str
    files: dict[str, list[File]]
    rows: dict[str, int]

    @property
    def features(self) -> Any:
        """The `datasets.Features` of its files."""
        from datasets import Features

        return Features.from_arrow_schema(pq.read_schema(_on_disk(next(iter(self.files.values()))[0])))

    @property
    def bytes(self) -> int:
        """The bytes of all its files."""
        return sum(file.size for files in self.files.values() for file in files)

    def unpacked(self, split: str) -> int:
        """Bytes of the split's rows once they are read."""
        footers = [pq.read_metadata(_on_disk(file)) for file in self.files[split]]
        return sum(meta.row_group(i).total_byte_size for meta in footers for i in range(meta.num_row_groups))

    def patterns(self) -> list[dict[str, str]]:
        """The patterns of the files of each split, for a card's head."""
        return [{"split": split, "path": f"{self.name}/{split}-*.parquet"} for split in self.files]


def _on_disk(file: File) -> Path:
    assert isinstance(file.source, Path)
    return file.source


def configs_of(finished: Finished, tokens: TokenManifest | None, folder: Path, *, audio: bool) -> list[Config]:
    """The configurations of a build, the one to load by default first; text shards are made in `folder`.

    `audio`: with the configurations that hold sound, or codes of it.
    """
    out, shards = finished.out, finished.manifest.shards
    spoken = audio and finished.manifest.settings.speak
    found = [_config("speech", out, shards)] if spoken else []
    found.append(_text(out, shards, folder))
    return [*found, _config("tokens", out, tokens.files)] if tokens and spoken else found


def _config(name: str, out: AnyPath, listed: Sequence[Listed]) -> Config:
    return _of(name, [(s, listed_file(name, out / s.path, s.sha256)) for s in listed])


def listed_file(folder: str, path: AnyPath, sha256: str) -> File:
    """A file of a build that a manifest lists, in `folder` of the repository; one in an object store is copied to this
    machine first."""
    return File.of(f"{folder}/{path.name}", path.near(sha256), sha256)


def _of(name: str, files: list[tuple[Listed, File]]) -> Config:
    by_split = {split: [(said, file) for said, file in files if said.split == split] for split in SPLITS}
    by_split = {split: those for split, those in by_split.items() if sum(said.rows for said, _ in those)}
    return Config(
        name,
        {split: [file for _, file in those] for split, those in by_split.items()},
        {split: sum(said.rows for said, _ in those) for split, those in by_split.items()},
    )


def _text(out: AnyPath, shards: Sequence[Listed], folder: Path) -> Config:
    files = []
    for shard in shards:
        made = folder / Path(shard.path).name
        write_text(out / shard.path, made)
        files.append((shard, File.of(f"text/{made.name}", made)))
    return _of("text", files)


def write_text(shard: AnyPath, target: Path) -> None:
    """Write the shard without its audio, a row group in memory at a time."""
    from datasets import Features

    with open_parquet(shard) as file:
        schema = pa.schema([field for field in file.schema_arrow if field.name != "audio"])
        schema = schema.with_metadata(Features.from_arrow_schema(schema).arrow_schema.metadata)

        def groups() -> Iterator[pa.Table]:
            for number in range(file.num_row_groups):
                table = file.read_row_group(number, columns=schema.names)
                yield table.replace_schema_metadata(schema.metadata)

        write_groups(target, schema, groups())
