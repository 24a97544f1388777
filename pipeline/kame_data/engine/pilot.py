"""The pilot of a build: its first dialogues, made before the others and judged, so that little is spent on bad ones.

What a pilot makes are parts of the build like all others: nothing is made twice, and the shards are the same without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kame_data.engine.assemble import plan_shards, shard_rows
from kame_data.engine.build import Build
from kame_data.engine.makers import ask_models
from kame_data.engine.manifest import asked_again
from kame_data.engine.outcome import accepted, check_refusals, refused, write_rejected
from kame_data.engine.plan import model_plans
from kame_data.engine.selection import Slice, SourceVariant
from kame_data.engine.stages import STAGES
from kame_data.errors import KameError, StoppedError
from kame_data.finished.level_figures import COLUMNS, LevelCurve
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.llm.session import SpendNotes
from kame_data.llm.spec import parse_spec
from kame_data.records import Rejected
from kame_data.settings.tree import Settings
from kame_data.stage import Inputs

Make = Callable[[list[Slice]], None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate of the whole build from its pilot.

    `dialogues`: wanted in all; `left`: positions that are not made yet; `spent`: dollars that all runs in OUT have
    spent; `asked`, `paid`: the requests of these runs, and the answers that were paid (the ledger gave the others).
    `whole`: dollars for the whole build were every answer paid; `rest`: those for what is left. `unpriced` names the
    models without a known price.
    """

    dialogues: int
    left: int
    spent: float
    asked: int
    paid: int
    whole: float
    rest: float
    unpriced: tuple[str, ...]

    @property
    def share_paid(self) -> float:
        """The share of the requests whose answers were paid; a run that pays for none is not noted at all."""
        return min(self.paid / self.asked, 1.0) if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Pilot:
    """A pilot's outcome: dialogues tried and accepted, the figures of their oracles, and what the whole would cost;
    `estimate` is None where no model is asked."""

    tried: int
    accepted: int
    curve: LevelCurve
    estimate: Estimate | None


def first_counts(build: Build, most: int) -> dict[SourceVariant, int]:
    """The positions, by source and variant, of the first `most` dialogues of the build (all, where it has no more).

    They are the ones that `--target` would begin with: the questions of all sources shuffled together.
    """
    variants = build.settings.max_variants if build.settings.target is not None else 1
    return build.selection(target=min(most, build.selection().asked_for), max_variants=variants).counts


def run_pilot(build: Build, make: Make, show: Callable[[Pilot], None]) -> None:
    """Make the first dialogues, show what came of them, and return where the build may go on.

    `make` makes the parts of slices; `show` is told of a pilot of which some was accepted. Raises StoppedError, one
    line, where a gate does not hold or the cost does not fit the budget; what is made stays.
    """
    if build.settings.pilot is None:
        return
    counts = first_counts(build, build.settings.pilot)
    slices = build.parts.slices(counts)
    make(slices)
    rejected = refused(build, slices, counts)
    write_rejected(build, rejected)
    pilot = judge(build, slices, counts)
    if pilot.accepted:
        show(pilot)
    check(build, pilot, rejected)


def judge(build: Build, slices: list[Slice], counts: dict[SourceVariant, int]) -> Pilot:
    """Measure the pilot's dialogues, whose parts must be done, and scale up what they cost."""
    count = sum(len(accepted(build, s, counts[s.source_variant])) for s in slices)
    records = (row for shard in plan_shards(build, slices, counts) for row in shard_rows(build, shard))
    curve = LevelCurve(Reckoner.of(build.settings))
    for row in records:
        curve.add(Row.of({name: row[name] for name in COLUMNS}))
    curve.add_again(asked_again(build, slices))
    return Pilot(sum(counts.values()), count, curve, _estimate(build, slices))


def check(build: Build, pilot: Pilot, rejected: list[Rejected]) -> None:
    """Raise StoppedError for the first gate that the pilot does not pass."""
    name = f"pilot of {pilot.tried} dialogues"
    try:
        check_refusals(build, pilot.tried, rejected)
    except KameError as error:
        raise StoppedError(f"{name}: {error}") from None
    if not pilot.accepted:
        raise StoppedError(f"{name}: none was accepted; see {build.out / 'rejected'} for the reasons")
    if falls := pilot.curve.falls():
        raise StoppedError(
            f"{name}: {falls[0]}; mend the prompts (--prompts), use another --simulator, or leave --pilot out"
        )
    budget, estimate = build.settings.llm.budget, pilot.estimate
    if budget is not None and estimate is not None and estimate.spent + estimate.rest > budget:
        raise StoppedError(
            f"{name}: ${estimate.spent:.4f} spent and about ${estimate.rest:.4f} to come for the {estimate.left} "
            f"dialogues left do not fit the budget ${budget:g}; give a larger --budget, want fewer dialogues, or leave "
            "--pilot out"
        )


def _estimate(build: Build, slices: list[Slice]) -> Estimate | None:
    """The cost of the whole: calls by the real prompts of the pilot's dialogues, each at the mean price of those that
    were paid in this folder; at the table's price where none was."""
    if not ask_models(build.settings):
        return None
    inputs, results = _results(build, slices)
    tried, written = sum(len(i.questions) for i in inputs), sum(len(m["dialogues"][0]) for m in results)
    selection = build.selection()
    # What is refused is made up for by others.
    factor = selection.asked_for / written if written else 0.0
    notes, whole, unpriced = SpendNotes(build.out), 0.0, set()
    rows = [row for row in notes.rows() if row["model"] in _models(build.settings)]
    for plan in model_plans(build.settings, inputs, results, factor):
        row = next((r for r in rows if (r["stage"], r["level"]) == (plan.stage, plan.level)), None)
        cost = plan.cost
        if row is not None and row["answers"] and not row["unpriced"]:
            cost = plan.calls * row["cost"] / row["answers"]
        if cost is None:
            unpriced.add(plan.model)
            continue
        calls = row["asked"] / max(row["asked"] - row["again"], 1) if row is not None and row["asked"] else 1.0
        whole += cost * calls * (tried / written if plan.stage == "dialogues" else 1.0)
    left = sum(s.stop - s.start for s in build.parts.slices(selection.counts) if not build.parts.done(s))
    asked = sum(row["asked"] - row["shared"] for row in rows)
    paid = sum(row["answers"] for row in rows)
    share = min(left / selection.asked_for, 1.0)
    return Estimate(
        selection.asked_for, left, notes.total(), asked, paid, whole, whole * share, tuple(sorted(unpriced))
    )


def _models(settings: Settings) -> set[str]:
    """The models as accounts name them."""
    specs = [parse_spec(name) for names in settings.asked.values() for name in names]
    return {f"{spec.provider}:{spec.model}" for spec in specs if not spec.offline}


def _results(build: Build, slices: list[Slice]) -> tuple[list[Inputs], list[dict[str, tuple[list[Any], float]]]]:
    """The questions and dialogues of the slices, as `kame_data.engine.plan` takes them."""
    inputs, results = [], []
    for slice_ in slices:
        inputs.append(Inputs(slice_.variant, build.questions.of(slice_), build.questions.splits_of(slice_)))
        results.append({STAGES["dialogues"].name: (build.parts.read("dialogues", slice_), 0.0)})
    return inputs, results
