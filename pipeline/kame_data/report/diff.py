"""The effect of a changed prompt, model or voice: two finished builds side by side, row by row and level by level."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kame_data.codec.tokenizer import pieces_of
from kame_data.finished.level_figures import LevelCurve
from kame_data.finished.manifest import settings_table
from kame_data.finished.reader import FACET_COLUMNS, TEXT_COLUMNS, Finished, sample, shard_rows
from kame_data.finished.row import Row
from kame_data.report.figures import SIMILARITY_SAMPLE, Figures, gather, middle
from kame_data.seeds import digest
from kame_data.storage.paths import AnyPath

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLES = 3
_QUESTION = ("question_id", "category", "language", "split", "form", "answer", "choices")
ASPECTS = ("question", "dialogue", "oracles", "speech", "arrivals", "provenance")
"""Aspects in which rows may differ: the question and its answer; the turns' words; the oracles' text and levels; sound,
word times and situations; when oracles arrived; what made it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row that differs in an aspect, and the first place where it does: before and after."""

    id: str
    where: str
    before: str
    after: str


@dataclass
class Diff:
    """Two builds: settings that differ as (name, before, after), rows by where they are and what differs."""

    settings: list[tuple[str, str, str]]
    only: tuple[list[str], list[str]]
    common: int
    same: int
    differs: Counter[str]
    examples: dict[str, list[Example]]
    figures: tuple[Figures, Figures]
    refused: tuple[Counter[str], Counter[str]]
    dollars: tuple[float, float]
    names: tuple[str, str] = field(default=("", ""))


def compare(first: AnyPath, second: AnyPath) -> Diff:
    """Hold two finished builds against each other. Raises UsageError where one is not finished.

    Memory holds a digest for each aspect of each row, not the rows; a shard that both have is not read for its sound.
    """
    builds = (Finished.open(first), Finished.open(second))
    shared = frozenset[str].intersection(*(frozenset(s.sha256 for s in b.manifest.shards) for b in builds))
    kept = [{row.id: _digests(row) for row in _rows(build, shared)} for build in builds]
    common = sorted(kept[0].keys() & kept[1].keys())
    differing = {
        name: [ASPECTS[n] for n in range(len(ASPECTS)) if kept[0][name][n] != kept[1][name][n]] for name in common
    }
    drawn = sample((r for r in builds[0].rows(FACET_COLUMNS) if r.id in differing), SIMILARITY_SAMPLE)
    curves = [LevelCurve(build.reckoner, pieces_of(None, build.out)) for build in builds]
    figures = [gather(b.rows(), curve, frozenset(drawn)) for b, curve in zip(builds, curves, strict=True)]
    settings = [settings_table(b.manifest.settings) for b in builds]
    names = dict.fromkeys([*settings[0], *settings[1]])
    return Diff(
        settings=[
            (name, settings[0].get(name, "-"), settings[1].get(name, "-"))
            for name in names
            if settings[0].get(name) != settings[1].get(name)
        ],
        only=(sorted(kept[0].keys() - kept[1].keys()), sorted(kept[1].keys() - kept[0].keys())),
        common=len(common),
        same=sum(not aspects for aspects in differing.values()),
        differs=Counter(aspect for aspects in differing.values() for aspect in aspects),
        examples=_examples(builds, differing),
        figures=(figures[0], figures[1]),
        refused=(_refused(builds[0]), _refused(builds[1])),
        dollars=(builds[0].manifest.dollars, builds[1].manifest.dollars),
        names=(str(first), str(second)),
    )


def _rows(build: Finished, shared: frozenset[str]) -> Iterator[Row]:
    for shard, path in zip(build.manifest.shards, build.shards(), strict=True):
        whole = shard.sha256 not in shared
        yield from shard_rows(path, (*TEXT_COLUMNS, *(["audio"] if whole else [])))


def _digests(row: Row) -> tuple[str, ...]:
    """A digest for each of ASPECTS."""
    audio = getattr(row, "audio", None)  # left out of a shard that both have
    parts = (
        [getattr(row, n) for n in _QUESTION],
        [(t.role, t.text, t.intended_text) for t in row.turns],
        [(o.turn, o.prefix_words, o.level, o.text) for o in row.oracles] + [tuple(t) for t in row.transcripts],
        [
            digest(audio.hex()) if audio else "", row.duration, [(w.start, w.end) for w in row.words],
            [tuple(s) for s in row.situations], row.audio_checks,
        ],
        [(o.turn, o.prefix_words, o.level, o.heard, o.time) for o in row.oracles],
        sorted(row.provenance.items()),
    )  # fmt: skip
    return tuple(digest(part)[:20] for part in parts)


def _examples(builds: Sequence[Finished], differing: Mapping[str, Sequence[str]]) -> dict[str, list[Example]]:
    drawn = sorted(differing, key=lambda name: digest("diff", name))
    wanted = {aspect: [name for name in drawn if aspect in differing[name]][:EXAMPLES] for aspect in ASPECTS}
    ids = {name for names in wanted.values() for name in names}
    rows = [{row.id: row for row in build.rows(ids=ids)} for build in builds] if ids else [{}, {}]
    found = {
        aspect: [_example(aspect, rows[0][name], rows[1][name]) for name in names] for aspect, names in wanted.items()
    }
    return {aspect: examples for aspect, examples in found.items() if examples}


def _example(aspect: str, before: Row, after: Row) -> Example:
    """The first place where two rows differ in an aspect; one that both have before one that only one has."""
    places = [_places(aspect, row) for row in (before, after)]
    names = sorted(dict.fromkeys([*places[0], *places[1]]), key=lambda n: not (n in places[0] and n in places[1]))
    for where in names:
        if places[0].get(where) != places[1].get(where):
            return Example(before.id, where, places[0].get(where, "-"), places[1].get(where, "-"))
    return Example(before.id, "sound", "other samples", "at the same times")


def _places(aspect: str, row: Row) -> dict[str, str]:
    """The content of an aspect, as text by place."""
    if aspect == "question":
        return {n: str(getattr(row, n)) for n in _QUESTION}
    if aspect == "dialogue":
        said = {f"turn {n + 1}, {t.role}": t.text for n, t in enumerate(row.turns)}
        return said | {f"turn {n + 1}, intended": t.intended_text for n, t in enumerate(row.turns)}
    if aspect == "provenance":
        return {name: "-" if value is None else str(value) for name, value in row.provenance.items()}
    if aspect == "speech":
        times = {f"word {n + 1}, {w.word}": f"{w.start} to {w.end} s" for n, w in enumerate(row.words)}
        checks = {f"checks, {name}": str(value) for name, value in (row.audio_checks or {}).items()}
        duration = {"duration": f"{row.duration} s" if row.spoken else "never spoken"}
        return duration | times | {"situations": str([tuple(s) for s in row.situations])} | checks
    keys = [f"turn {o.turn + 1}, {o.prefix_words} words, level {o.level}" for o in row.oracles]
    if aspect == "arrivals":
        values = ["never" if o.time is None else f"{o.time} s" for o in row.oracles]
        return dict(zip(keys, values, strict=True)) | {
            f"{k}, heard": f"{o.heard} s" for k, o in zip(keys, row.oracles, strict=True)
        }
    heard = {f"turn {t.turn + 1}, {t.prefix_words} words, transcript": t.text for t in row.transcripts}
    return {key: o.text for key, o in zip(keys, row.oracles, strict=True)} | heard


def _refused(build: Finished) -> Counter[str]:
    return Counter(f"{r['stage']}: {r['reason']}" for r in build.refusals())


def print_diff(to: "Console", diff: Diff) -> None:
    """Print all of it as tables; what is the same is one line."""
    from rich.text import Text

    to.print(Text(f"A  {diff.names[0]}\nB  {diff.names[1]}"))
    if diff.settings:
        _table(to, "settings that differ", ("setting", "A", "B"), diff.settings)
    else:
        to.print(Text("\nsettings are the same"))
    counts = [("only in A", str(len(diff.only[0])), ", ".join(diff.only[0][:EXAMPLES]))]
    counts += [("only in B", str(len(diff.only[1])), ", ".join(diff.only[1][:EXAMPLES]))]
    counts += [("in both", str(diff.common), ""), ("of these the same", str(diff.same), "")]
    counts += [(f"{aspect} differs", str(diff.differs[aspect]), "") for aspect in ASPECTS if diff.differs[aspect]]
    _table(to, "rows", ("", "count", "first"), counts)
    for aspect, examples in diff.examples.items():
        _table(
            to,
            f"{aspect}: examples",
            ("row", "where", "A", "B"),
            [(e.id, e.where, e.before, e.after) for e in examples],
        )
    _table(
        to,
        "oracles by level over the rows in both: chrF against the true answer, and how many hold it",
        _CURVE,
        _curve(diff),
    )
    _table(to, "figures", ("", "A", "B", "change"), _figures(diff))
    reasons = sorted(diff.refused[0].keys() | diff.refused[1].keys())
    changed = [(r, diff.refused[0][r], diff.refused[1][r]) for r in reasons if diff.refused[0][r] != diff.refused[1][r]]
    if changed:
        _table(to, "refusals that differ", ("stage: reason", "A", "B"), [(r, str(a), str(b)) for r, a, b in changed])


_CURVE = (
    "level", "count A", "B", "words A", "B", "chrF A", "B", "change", "consumed A", "B", "change",
    "answer A", "B",
)  # fmt: skip


def _curve(diff: Diff) -> list[tuple[str, ...]]:
    lines = []
    for level in sorted(diff.figures[0].levels.keys() | diff.figures[1].levels.keys()):
        pair = [figures.levels.get(level) for figures in diff.figures]
        lines.append(
            (
                str(level),
                *(str(f.count) if f else "-" for f in pair),
                *(f"{f.mean_words:.1f}" if f else "-" for f in pair),
                *_change([f.mean_whole if f else None for f in pair]),
                *_change([f.mean_consumed if f else None for f in pair]),
                *("-" if f is None or f.holds is None else f"{f.holds:.0%}" for f in pair),
            )
        )
    return lines


def _change(means: Sequence[float | None]) -> tuple[str, ...]:
    """Two means and the change from one to the other."""
    first, second = means
    change = "" if first is None or second is None else f"{round(second - first, 1) + 0.0:+.1f}"
    return (*("-" if mean is None else f"{mean:.1f}" for mean in means), change)


def _figures(diff: Diff) -> list[tuple[str, ...]]:
    def line(name: str, values: Sequence[float | None], digits: int = 2) -> tuple[str, ...]:
        shown = ["-" if value is None else f"{value:,.{digits}f}" for value in values]
        first, second = values
        change = "" if first is None or second is None or first == second else f"{second - first:+,.{digits}f}"
        return (name, *shown, change)

    def median(values: Sequence[float]) -> float | None:
        return middle(values)[1] if values else None

    pair = diff.figures
    lines = [
        line("dialogues", [f.dialogues for f in pair], 0),
        line("oracles", [f.oracles for f in pair], 0),
        line("oracles that arrived", [sum(level.arrived for level in f.levels.values()) for f in pair], 0),
        line("refused", [r.total() for r in diff.refused], 0),
        line("spent, $", list(diff.dollars), 4),
        line("speech, minutes", [sum(f.durations) / 60 for f in pair], 1),
        line("median duration, s", [median(f.durations) for f in pair]),
        line("median rate of the user, words a minute", [median(f.rates["user"]) for f in pair], 0),
        line("median rate of the assistant, words a minute", [median(f.rates["assistant"]) for f in pair], 0),
        line("median gap before the assistant, s", [median(f.gaps["assistant"]) for f in pair]),
        line("median from heard to arrived, s", [median(f.delays) for f in pair]),
    ]
    kinds = sorted(pair[0].situations.keys() | pair[1].situations.keys())
    return [
        *lines,
        *(line(kind.replace("_", "-"), [len(f.situations.get(kind, ())) for f in pair], 0) for kind in kinds),
    ]


def _table(to: "Console", title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(Text(head, "dim"), overflow="fold")
    for cells in lines:
        table.add_row(*(Text(cell) for cell in cells))
    to.print()
    to.print(Text(title, "bold"))
    to.print(table)
