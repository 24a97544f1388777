"""`kame-data build`, `import` and `pull`: from sources to shards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kame_data.cli.flags import Json, takes
from kame_data.cli.spend_table import print_spend
from kame_data.errors import KameError, UsageError
from kame_data.settings.tree import IMPORTED, Settings
from kame_data.terminal import Bars, console, counts_line, print_json

if TYPE_CHECKING:
    from kame_data.finished.manifest import Manifest, SourceFacts
    from kame_data.storage.paths import AnyPath


@takes(Settings)
def build(settings: Settings, json: Json = False) -> None:
    """Build the dialogues: questions to shards. The same command again goes on where the last one stopped."""
    _build(settings, json)


def _recordings(folder: Path, layout: str, **_: Any) -> dict[str, Any]:
    """The source that `import` reads."""
    if layout != "kame-finetune":
        raise UsageError(f"--from {layout}: no such layout; use kame-finetune")
    return {"sources": ({"name": IMPORTED, "location": str(folder)},)}


@takes(Settings, also=_recordings)
def import_(
    settings: Settings,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the recordings.")],
    layout: Annotated[str, typer.Option("--from", metavar="LAYOUT", help="Its layout: kame-finetune.")],
    json: Json = False,
) -> None:
    """Build from dialogues that were recorded already: oracles for them, shards. The same command again goes on."""
    _build(settings, json)


def _build(settings: Settings, json: bool) -> None:
    from kame_data.engine.build import Build
    from kame_data.engine.build_bars import BuildBars
    from kame_data.engine.makers import terms
    from kame_data.engine.run import complete

    build_ = Build(settings)
    build_.check()
    for line in terms(settings):
        typer.echo(f"licence: {line}", err=True)

    def work() -> "Manifest":
        from kame_flows.build import build_flow
        from kame_flows.server import answered

        with answered():
            return build_flow(build_, bars)

    with BuildBars(settings.progress, pilot_to_stderr=json) as bars:
        manifest = complete(build_, bars, work)
    if json:
        print_json(build_summary(manifest, settings.out))
    else:
        print_summary(manifest, settings.out)


@takes(Settings)
def pull(settings: Settings, json: Json = False) -> None:
    """Fetch the sources and judge their rows: what a build starts with. It then reads none of them again."""
    from kame_data.engine.build import Build
    from kame_data.engine.manifest import source_table
    from kame_data.engine.outcome import most_frequent, refused_questions
    from kame_data.engine.run import pull as read_sources
    from kame_data.storage.lock import hold

    build_ = Build(settings)
    build_.check()
    with hold(settings.out), Bars(settings.progress) as bars:
        read_sources(build_, bars)
    sources = source_table(build_)
    if json:
        found = {name: source.model_dump(exclude_unset=True) for name, source in sources.items()}
        print_json({"out": str(settings.out), "questions": _kept(sources), "sources": found})
    else:
        print_pulled(sources, settings.out)
    if not any(build_.questions.accepted.values()):
        why = most_frequent(refused_questions(build_))
        raise KameError(f"{settings.out}: no row of the sources can be asked aloud{why}")


def build_summary(manifest: "Manifest", out: "AnyPath") -> dict[str, Any]:
    """The figures of a finished build, as `--json` prints them."""
    fields, dialogues = manifest.content(), manifest.dialogues
    return {
        "out": str(out),
        "dialogues": dialogues.accepted,
        "asked_for": dialogues.asked_for,
        "by_split": dialogues.by_split,
        "by_source": dialogues.by_source,
        **{name: fields[name] for name in ("sources", "oracles", "seconds", "refused", "stand_ins")},
        "dollars": manifest.dollars,
        "shards": [{"path": str(out / s.path), "rows": s.rows, "bytes": s.bytes} for s in manifest.shards],
    }


def print_summary(manifest: "Manifest", out: "AnyPath") -> None:
    """Prints where the shards lie and what is in them."""
    to = console()
    dialogues = manifest.dialogues
    oracles = ", ".join(f"level {level}: {n}" for level, n in manifest.oracles.items())
    spoken = f", {manifest.seconds / 60:.1f} minutes of speech" if manifest.seconds else ", text alone"
    by_source = {name: str(dialogues.by_source.get(name, 0)) for name in manifest.sources}
    to.print(_sources(manifest.sources, {"dialogues": by_source}))
    to.print()
    splits = ", ".join(f"{split} {n}" for split, n in dialogues.by_split.items())
    to.print(f"{dialogues.accepted} dialogues{spoken}; {splits}")
    to.print(f"{sum(manifest.oracles.values())} oracles: {oracles}")
    if dialogues.accepted < dialogues.asked_for:
        to.print(f"asked for {dialogues.asked_for}: the rest was refused, and the sources hold no more")
    for stage, reasons in manifest.refused.items():
        if reasons:
            to.print(f"refused by {stage}: {counts_line(reasons)}")
    for stage, reasons in manifest.asked_again.items():
        to.print(f"asked again for {stage}: {counts_line(reasons)}")
    for stand_in in manifest.stand_ins:
        to.print(f"stand-in: {stand_in}")
    to.print()
    if manifest.spend is not None:
        print_spend(manifest.spend.by, manifest.dollars)
    for shard in manifest.shards:
        to.print(f"{out / shard.path}  {shard.rows} rows, {shard.bytes / 1e6:.1f} MB")
    to.print(f"look and listen: kame-data report {out}")


def print_pulled(sources: "dict[str, SourceFacts]", out: "AnyPath") -> None:
    """Prints what the sources hold, as `kame_data.engine.manifest.source_table` has it."""
    to = console()
    to.print(_sources(sources, {}))
    to.print(f"{_kept(sources)} questions in {out / 'parts' / 'questions'}: what a build there starts with")


def _kept(sources: "dict[str, SourceFacts]") -> int:
    return sum(source.kept for source in sources.values())


def _sources(sources: "dict[str, SourceFacts]", more: dict[str, dict[str, str]]) -> Table:
    """By source: rows, the share kept, why the rest went; `more`: columns of the caller's, by head and source."""
    table = Table(box=None, pad_edge=False)
    table.add_column("source")
    for column in ("rows", "kept", *more):
        table.add_column(column, justify="right")
    table.add_column("refused because", overflow="fold")
    for name, source in sources.items():
        share = f"{source.kept} ({source.kept / source.rows:.1%})" if source.rows else "0"
        own = [column[name] for column in more.values()]
        table.add_row(name, str(source.rows), share, *own, counts_line(source.refused))
    return table
