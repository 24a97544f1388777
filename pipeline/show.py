"""What the commands print: progress while a build runs, and tables of what came out."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from pipeline.text.words import join_words, split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.config import Settings
    from pipeline.doctor import Finding
    from pipeline.llm.ledger_tools import Spend, Stats
    from pipeline.oracles import DialogueOracles
    from pipeline.pilot import Pilot
    from pipeline.plan import Plan
    from pipeline.records import Dialogue, Turn
    from pipeline.status import StageStatus
    from pipeline.storage.paths import AnyPath
    from pipeline.verify import Checked


def console(*, stderr: bool = False) -> Console:
    """The console to print on; text that comes from data is never read as markup or highlighted."""
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)


class Live:
    """Shows a rich progress bar while it is open, on a terminal; else `_lines` says whether lines are to be printed.

    `shown=False` shows neither.
    """

    def __init__(self, shown: bool, *columns: ProgressColumn) -> None:
        self._console = console(stderr=True)
        self._live = shown and self._console.is_terminal
        self._lines = shown and not self._live
        self._bar = Progress(*columns, console=self._console)

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._bar.stop()


class Bars(Live):
    """A bar a stage with its rate, the time left and what was refused; `shown=False` shows none.

    Is a `pipeline.run.Progress`. On something that is no terminal a line a stage is printed at its end.
    """

    def __init__(self, shown: bool = True) -> None:
        super().__init__(
            shown,
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("parts  {task.fields[rows]} rows  {task.fields[rate]}  {task.fields[refused]} refused"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._tasks: dict[str, TaskID] = {}
        self._seen: dict[str, list[int]] = {}

    def total(self, stage: str, parts: int, done: int) -> None:
        """See `pipeline.run.Progress`."""
        self._seen.setdefault(stage, [0, 0])
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=parts, rows=0, refused=0, rate="")
        self._bar.update(self._tasks[stage], total=parts, completed=done)
        self._say(stage)

    def advance(self, stage: str, rows: int, refused: int) -> None:
        """See `pipeline.run.Progress`."""
        seen = self._seen[stage]
        seen[0] += rows
        seen[1] += refused
        task = self._bar.tasks[self._tasks[stage]]
        rate = f"{seen[0] / task.elapsed:.0f} rows/s" if task.elapsed else ""
        self._bar.update(self._tasks[stage], advance=1, rows=seen[0], refused=seen[1], rate=rate)
        self._say(stage)

    def _say(self, stage: str) -> None:
        task = self._bar.tasks[self._tasks[stage]]
        if self._lines and task.total and task.completed >= task.total:
            rows, refused = self._seen[stage]
            self._console.print(
                f"{stage:>10}  {int(task.completed)} parts done, {rows} rows made now, {refused} refused"
            )


def print_tokens(manifest: dict[str, Any], out: "AnyPath", stale: str = "") -> None:
    """Where the token shards lie, what is in them, and what made them; `stale`: that they are of other shards."""
    to = console()
    minutes = manifest["frames"] / 12.5 / 60
    to.print(
        f"{manifest['rows']} dialogues in tokens, {minutes:.1f} minutes; codec: {manifest['codec']['name']}; "
        f"tokenizer: {manifest['tokenizer']['name']}, {manifest['tokenizer']['text_card']} pieces"
    )
    if manifest["refused"]:
        to.print(f"refused: {_reasons(manifest['refused'])}; see {out / 'tokens' / 'rejected.jsonl'}")
    for stand_in in manifest["stand_ins"]:
        to.print(f"stand-in: {stand_in}")
    if stale:
        to.print(f"{stale}; `kame-data tokens {out}` makes them anew")
    to.print()
    for file in manifest["files"]:
        to.print(f"{out / file['path']}  {file['rows']} rows, {file['bytes'] / 1e6:.1f} MB")


def print_verified(checks: "Sequence[Checked]", most: int = 10) -> None:
    """A line a check: what was looked at, and the first problems."""
    to = console()
    for check in checks:
        outcome = f"{len(check.problems)} problems" if check.problems else "sound"
        to.print(f"{check.name}: {check.looked_at}: {outcome}")
        for problem in check.problems[:most]:
            to.print(f"  {problem}")
        if len(check.problems) > most:
            to.print(f"  and {len(check.problems) - most} more")


def _reasons(reasons: dict[str, int], most: int = 4) -> str:
    shown = [f"{reason} {n}" for reason, n in list(reasons.items())[:most]]
    rest = sum(list(reasons.values())[most:])
    return ", ".join([*shown, *([f"others {rest}"] if rest else [])])


def source_table(manifest: dict[str, Any]) -> Table:
    """By source: rows, the share kept, why the rest went, dialogues."""
    dialogues = manifest["dialogues"]["by_source"]
    return _sources(
        manifest["sources"], {"dialogues": {name: str(dialogues.get(name, 0)) for name in manifest["sources"]}}
    )


def _sources(sources: dict[str, dict[str, Any]], more: dict[str, dict[str, str]]) -> Table:
    """`more`: columns of the caller's, by head and source."""
    table = Table(box=None, pad_edge=False)
    table.add_column("source")
    for column in ("rows", "kept", *more):
        table.add_column(column, justify="right")
    table.add_column("refused because", overflow="fold")
    for name, source in sources.items():
        share = f"{source['kept']} ({source['kept'] / source['rows']:.1%})" if source["rows"] else "0"
        own = [column[name] for column in more.values()]
        table.add_row(name, str(source["rows"]), share, *own, _reasons(source["refused"]))
    return table


def print_pulled(sources: dict[str, dict[str, Any]], out: "AnyPath") -> None:
    """What the sources hold, as `pipeline.manifest.source_table` has it."""
    to = console()
    to.print(_sources(sources, {}))
    kept = sum(source["kept"] for source in sources.values())
    to.print(f"{kept} questions in {out / 'parts' / 'questions'}: what a build there starts with")


def print_summary(manifest: dict[str, Any], out: "AnyPath") -> None:
    """Where the shards lie and what is in them."""
    to = console()
    dialogues = manifest["dialogues"]
    oracles = ", ".join(f"level {level}: {n}" for level, n in manifest["oracles"].items())
    spoken = f", {manifest['seconds'] / 60:.1f} minutes of speech" if manifest["seconds"] else ", text alone"
    to.print(source_table(manifest))
    to.print()
    splits = ", ".join(f"{split} {n}" for split, n in dialogues["by_split"].items())
    to.print(f"{dialogues['accepted']} dialogues{spoken}; {splits}")
    to.print(f"{sum(manifest['oracles'].values())} oracles: {oracles}")
    if dialogues["accepted"] < dialogues["asked_for"]:
        to.print(f"asked for {dialogues['asked_for']}: the rest was refused, and the sources hold no more")
    for stage, reasons in manifest["refused"].items():
        if reasons:
            to.print(f"refused by {stage}: {_reasons(reasons)}")
    for stage, reasons in manifest.get("asked_again", {}).items():
        to.print(f"asked again for {stage}: {_reasons(reasons)}")
    for stand_in in manifest["stand_ins"]:
        to.print(f"stand-in: {stand_in}")
    to.print()
    if "spend" in manifest:
        print_spend(manifest["spend"]["by"], manifest["spend"]["dollars"])
    for shard in manifest["shards"]:
        to.print(f"{out / shard['path']}  {shard['rows']} rows, {shard['bytes'] / 1e6:.1f} MB")
    to.print(f"look and listen: kame-data report {out}")


def print_plan(plan: "Plan", settings: "Settings") -> None:
    """What the build would make and take."""
    to = console()
    table = Table(box=None, pad_edge=False)
    for column in ("source", "questions kept", "dialogues"):
        table.add_column(column, justify="left" if column == "source" else "right")
    for source, questions in plan.questions.items():
        table.add_row(source, str(questions), str(plan.dialogues.get(source, 0)))
    to.print(table)
    to.print()
    table = Table(box=None, pad_edge=False)
    for column in ("stage", "rows", "time on one core"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in plan.stages:
        table.add_row(stage.stage, str(stage.rows), _span(stage.seconds) if stage.seconds else "as its calls take")
    to.print(table)
    to.print()
    _print_models(to, plan)
    to.print("oracles by level: " + ", ".join(f"{level}: {n}" for level, n in plan.levels.items()))
    makers = f"writer {settings.writer}, simulator {settings.simulator}"
    to.print(f"scaled up from {plan.sampled} dialogues made just now; {makers}")


def _print_models(to: Console, plan: "Plan") -> None:
    """What models would be asked, and what that would cost."""
    if not plan.models:
        to.print("no model is asked: nothing is spent")
        return
    lines = [
        (
            m.model,
            m.stage,
            "" if m.level is None else str(m.level),
            *(str(n) for n in (m.calls, m.input_tokens, m.output_tokens)),
            "no price known" if m.cost is None else f"{m.cost:.4f}",
            _span(m.seconds),
        )
        for m in plan.models
    ]
    sums = [str(sum(getattr(m, name) for m in plan.models)) for name in ("calls", "input_tokens", "output_tokens")]
    dollars = sum(m.cost or 0.0 for m in plan.models)
    lines.append(("all", "", "", *sums, f"{dollars:.4f}", _span(sum(m.seconds for m in plan.models))))
    heads = ("model", "stage", "level", "calls", "input", "output", "dollars", "time")
    to.print(_plain_table(heads, lines, left=3))
    to.print("without what is asked again or lies in the ledger already; time at 1.5 s an answer")
    to.print()


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


def print_preview(pairs: "list[tuple[Dialogue, DialogueOracles]]") -> None:
    """Dialogues as they would be, each with the oracles of its prefixes."""
    to = console()
    for dialogue, oracles in pairs:
        to.rule(dialogue.id, style="dim")
        for number, turn in enumerate(dialogue.turns):
            to.print(_said(turn, dialogue.language))
            words = split_words(turn.text, dialogue.language)
            table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
            for oracle in oracles.oracles:
                if oracle.turn == number:
                    said = oracle.transcript or join_words(words[: oracle.prefix_words], dialogue.language)
                    heard = join_words(split_words(said, dialogue.language)[-3:], dialogue.language)
                    table.add_row("", f"{oracle.prefix_words}", f"level {oracle.level}", f"... {heard}", oracle.text)
            if table.row_count:
                to.print(table)
        to.print()


def _said(turn: "Turn", language: str) -> str:
    """A turn as a line: a back-channel with its place, a turn that was cut off with what it did not come to say."""
    if turn.kind == "back_channel":
        return f"    ({turn.role}, after word {turn.after}: {turn.text})"
    if turn.interrupted:
        whole = split_words(turn.intended_text, language)
        unsaid = join_words(whole[len(split_words(turn.text, language)) :], language)
        return f"{turn.role}: {turn.text} -- (cut off before: {unsaid})"
    return f"{turn.role}: {turn.text}"


def print_status(stages: "list[StageStatus]", manifest: dict[str, Any] | None, out: "AnyPath") -> None:
    """How far a build is, stage by stage, and whether it is finished."""
    to = console()
    table = Table(box=None, pad_edge=False)
    for column in ("stage", "parts done", "rows", "refused"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in stages:
        table.add_row(stage.stage, f"{stage.done} of {stage.parts}", str(stage.rows), str(stage.refused))
    to.print(table)
    to.print()
    if manifest is None:
        to.print(f"not finished; `kame-data build` with the same settings goes on in {out}")
    else:
        rows, shards = manifest["dialogues"]["accepted"], len(manifest["shards"])
        to.print(f"finished: {rows} dialogues in {shards} shards in {out / 'shards'}")


def _plain_table(heads: "Sequence[str]", lines: "Iterable[Sequence[str]]", left: int = 1) -> Table:
    """A table whose first `left` columns stand left, the others right."""
    table = Table(box=None, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < left else "right")
    for line in lines:
        table.add_row(*line)
    return table


def print_quality(lines: "list[tuple[str, ...]]", spoken: bool) -> None:
    """The table of `pipeline.quality.table`."""
    to = console()
    to.print(_plain_table(lines[0], lines[1:]))
    if not spoken:
        to.print("without speech: what is consumed is reckoned at 170 words a minute")


def print_pilot(pilot: "Pilot", lines: "list[tuple[str, ...]]") -> None:
    """The level curve of a pilot's dialogues (see `print_quality`), and what the whole build would cost."""
    to = console()
    to.print(f"pilot: {pilot.accepted} of {pilot.tried} dialogues accepted")
    print_quality(lines, pilot.quality.spoken)
    cost = pilot.estimate
    if cost is None:
        to.print("no model is asked: the whole costs nothing")
        return
    paid = f"{cost.paid} of {cost.asked} answers were paid" if cost.asked else "the ledger held all answers"
    to.print(f"spent in this folder: ${cost.spent:.4f}; {paid}")
    to.print(
        f"the whole, {cost.dialogues} dialogues: ${cost.whole * cost.share_paid:.4f} if the ledger holds as many "
        f"answers as so far, ${cost.whole:.4f} if all are paid; ${cost.rest:.4f} of that for the {cost.left} left"
    )
    for model in cost.unpriced:
        to.print(f"no price known for {model}: its calls are left out")


def print_ledger(stats: "Stats") -> None:
    """Size, hit rate, and what was paid by model, stage and level."""
    to = console()
    to.print(f"{stats.folder}: {stats.answers} answers, {stats.bytes / 1e6:.1f} MB in {stats.segments} segments")
    rate = "nothing asked yet" if stats.hit_rate is None else f"{stats.hits} of {stats.asked} ({stats.hit_rate:.0%})"
    to.print(f"answered by the ledger: {rate}; paid for twice {stats.repeated}, of no use {stats.wasted}")
    if stats.spend:
        order = sorted(stats.spend, key=lambda key: (key[0], key[1], -1 if key[2] is None else key[2]))
        rows = [(*key[:2], "" if key[2] is None else str(key[2]), *_spend_cells(stats.spend[key])) for key in order]
        heads = ("model", "stage", "level", "calls", "input", "cached", "output", "dollars")
        to.print(_plain_table(heads, [*rows, ("all", "", "", *_spend_cells(stats.total))], left=3))


def _spend_cells(spend: "Spend") -> tuple[str, ...]:
    cost = f"{spend.cost:.4f}" + (f" + {spend.unpriced} unpriced" if spend.unpriced else "")
    return (str(spend.calls), str(spend.input), str(spend.cached), str(spend.output), cost)


def print_spend(rows: "list[dict[str, Any]]", dollars: float) -> None:
    """What the runs of a build have spent on models; nothing where they asked none."""
    if not rows:
        return
    lines = [
        (
            row["model"],
            row["stage"],
            "" if row["level"] is None else str(row["level"]),
            *(str(row[name]) for name in ("asked", "hits", "calls", "again", "input", "cached", "output")),
            f"{row['cost'] + row['lost']:.4f}" + (f" + {row['unpriced']} unpriced" if row["unpriced"] else ""),
        )
        for row in rows
    ]
    heads = ("model", "stage", "level", "asked", "in ledger", "calls", "again", "input", "cached", "output", "dollars")
    to = console()
    to.print(_plain_table(heads, lines, left=3))
    to.print(f"spent on models in all runs of this build: ${dollars:.4f}")
    to.print()


def print_findings(findings: "list[Finding]") -> None:
    """A line a finding; the way out behind what is missing."""
    to = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for f in findings:
        state = "ok" if f.ok else "MISSING" if f.needed else "absent"
        table.add_row(state, f.what, f.found, "" if f.ok else f.cure)
    to.print(table)
