"""The pilot of a build: its first dialogues, made before the others and judged, so that little is spent on bad ones.

What a pilot makes are parts of the build like all others: nothing is made twice, and the shards are the same without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.build import Build
from pipeline.config import Settings
from pipeline.errors import KameError, StoppedError
from pipeline.llm.session import SpendNotes
from pipeline.llm.spec import parse_spec
from pipeline.manifest import check_refusals, write_rejected
from pipeline.plan import model_plans
from pipeline.quality import Quality, measure_rows, table
from pipeline.records import Rejected
from pipeline.shards.assemble import plan_shards, shard_rows
from pipeline.stages import STAGES, Inputs, ask_models, stages_of
from pipeline.wanted import Lane, Slice, Wanted

Make = Callable[[list[Slice]], None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a pilot says of the whole build.

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
    """A pilot's outcome: dialogues tried and accepted, the quality of their oracles, and what the whole would cost;
    `estimate` is None where no model is asked."""

    tried: int
    accepted: int
    quality: Quality
    estimate: Estimate | None


def first_counts(build: Build, most: int) -> dict[Lane, int]:
    """The positions by lane of the first `most` dialogues of the build (all, where it has no more).

    They are the ones that `--target` would begin with: the questions of all sources shuffled together.
    """
    s = build.settings
    ids = {source: [q.id for q in questions] for source, questions in build.questions.items()}
    most = min(most, build.wanted().asked_for)
    variants = s.max_variants if s.target is not None else 1
    return Wanted(ids, seed=s.seed, limit=s.limit, target=most, max_variants=variants).counts


def run_pilot(build: Build, make: Make) -> None:
    """Make the first dialogues, print what came of them, and return where the build may go on.

    `make` makes the parts of slices. Raises StoppedError, one line, where a gate does not hold or the cost does not
    fit the budget; what is made stays.
    """
    from pipeline.show import print_pilot

    if build.settings.pilot is None:
        return
    counts = first_counts(build, build.settings.pilot)
    slices = build.slices(counts)
    make(slices)
    rejected = build.rejected(slices, counts)
    write_rejected(build, rejected)
    pilot = judge(build, slices, counts)
    if pilot.accepted:
        print_pilot(pilot, table(pilot.quality))
    check(build, pilot, rejected)


def judge(build: Build, slices: list[Slice], counts: dict[Lane, int]) -> Pilot:
    """Measure the pilot's dialogues, whose parts must be done, and scale up what they cost."""
    accepted = sum(len(build.accepted(s, counts[s.lane])) for s in slices)
    rows = (row for shard in plan_shards(build, slices, counts) for row in shard_rows(build, shard))
    quality = measure_rows(build, rows, slices)
    return Pilot(sum(counts.values()), accepted, quality, _estimate(build, slices))


def check(build: Build, pilot: Pilot, rejected: list[Rejected]) -> None:
    """Raise StoppedError for the first gate that the pilot does not pass."""
    name = f"pilot of {pilot.tried} dialogues"
    try:
        check_refusals(build, pilot.tried, rejected)
    except KameError as error:
        raise StoppedError(f"{name}: {error}") from None
    if not pilot.accepted:
        raise StoppedError(f"{name}: none was accepted; see {build.out / 'rejected'} for the reasons")
    if falls := pilot.quality.falls():
        low, high = falls[0]
        raise StoppedError(
            f"{name}: the oracles of level {high} do not say more of the answer than those of level {low} (mean "
            "chrF); mend the prompts (--prompts), use another --simulator, or leave --pilot out"
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
    inputs, made = _made(build, slices)
    tried, written = sum(len(i.questions) for i in inputs), sum(len(m["dialogues"][0]) for m in made)
    wanted = build.wanted()
    # What is refused is made up for by others.
    factor = wanted.asked_for / written if written else 0.0
    notes, whole, unpriced = SpendNotes(build.out), 0.0, set()
    rows = [row for row in notes.rows() if row["model"] in _models(build.settings)]
    for plan in model_plans(build.settings, inputs, made, factor):
        row = next((r for r in rows if (r["stage"], r["level"]) == (plan.stage, plan.level)), None)
        cost = plan.cost
        if row is not None and row["answers"] and not row["unpriced"]:
            cost = plan.calls * row["cost"] / row["answers"]
        if cost is None:
            unpriced.add(plan.model)
            continue
        calls = row["asked"] / max(row["asked"] - row["again"], 1) if row is not None and row["asked"] else 1.0
        whole += cost * calls * (tried / written if plan.stage == "dialogues" else 1.0)
    left = sum(s.stop - s.start for s in build.slices(wanted.counts) if not _done(build, s))
    asked = sum(row["asked"] - row["shared"] for row in rows)
    paid = sum(row["answers"] for row in rows)
    share = min(left / wanted.asked_for, 1.0)
    return Estimate(wanted.asked_for, left, notes.total(), asked, paid, whole, whole * share, tuple(sorted(unpriced)))


def _models(settings: Settings) -> set[str]:
    """The models as accounts name them."""
    specs = [parse_spec(name) for name in (settings.writer, settings.simulator)]
    return {f"{spec.provider}:{spec.model}" for spec in specs if not spec.offline}


def _done(build: Build, slice_: Slice) -> bool:
    return all(build.marker(stage, slice_) is not None for stage in stages_of(build.settings))


def _made(build: Build, slices: list[Slice]) -> tuple[list[Inputs], list[dict[str, tuple[list[Any], float]]]]:
    """The questions and dialogues of the slices, as `pipeline.plan` takes them."""
    inputs, made = [], []
    for slice_ in slices:
        questions = build.questions[slice_.source][slice_.start : slice_.stop]
        inputs.append(Inputs(slice_.variant, questions, [build.splits[q.id] for q in questions]))
        made.append({STAGES["dialogues"].name: (build.read("dialogues", slice_), 0.0)})
    return inputs, made
