"""A layout of an export: what the exporter knows of one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kame_data.export.exported_rows import Oracles, Tally
from kame_data.finished.reader import Finished

Write = Callable[[Finished, Path, Oracles, Tally], None]


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout, as `--to` names it.

    `write(build, folder, oracles, tally)` writes all rows to an empty folder and counts them. `sound`, `tokens`: the
    layout is made of the rows' sound, or of the build's token shards. `oracles`: it has oracles at times of its own,
    which `--times` and `--level` choose; the others have all of a row, or none.
    """

    name: str
    write: Write
    sound: bool = False
    tokens: bool = False
    oracles: bool = False
