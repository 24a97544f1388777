"""The outcome of the stages: the dialogues that came through all of them, and what was refused, where and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

from kame_data.engine.build import Build
from kame_data.engine.parts import jsonl
from kame_data.engine.selection import Selection, Slice, SourceVariant
from kame_data.engine.stages import stages_of
from kame_data.errors import KameError
from kame_data.records import Rejected
from kame_data.storage.files import files, write_changed


def accepted(build: Build, slice_: Slice, count: int) -> list[str]:
    """The ids of the slice's dialogues, among the first `count` positions of its source's variant, that came through
    all stages."""
    positions = build.questions.of(slice_)[: max(count - slice_.start, 0)]
    markers = [build.parts.marker(stage, slice_) for stage in stages_of(build.settings)]
    ids = (f"{q.id}-v{slice_.variant}" for q in positions)
    return [i for i in ids if all(m is not None and i in m.rows for m in markers)]


def refused(build: Build, slices: Iterable[Slice], counts: dict[SourceVariant, int]) -> list[Rejected]:
    """The refusals of the slices' stages, among the positions wanted, in the order of the rows."""
    found = []
    for slice_ in slices:
        wanted = {q.id for q in build.questions.of(slice_)[: max(counts[slice_.source_variant] - slice_.start, 0)]}
        for stage in stages_of(build.settings):
            name, marker = build.parts.name(stage, slice_), build.parts.marker(stage, slice_)
            if name and marker and marker.rejected:
                found += [r for r in build.parts.store(stage.name).rejected(name) if r.question_id in wanted]
    return found


def grow(build: Build, selection: Selection, slices: Sequence[Slice]) -> bool:
    """Have the selection want more where less was accepted of its slices, which are done, than is asked for; False
    where nothing is short or nothing is left."""
    counts = selection.counts

    def found(of: SourceVariant) -> int:
        return sum(len(accepted(build, s, counts[of])) for s in slices if s.source_variant == of)

    return selection.grow(found)


def refused_questions(build: Build) -> list[Rejected]:
    """The rows that the questions stage refused, source by source."""
    return [r for source in build.settings.sources for r in build.questions.rejected(source)]


def reasons(rejected: Iterable[Rejected]) -> dict[str, int]:
    """Refusals by reason, the most frequent first."""
    return dict(sorted(Counter(r.reason for r in rejected).items(), key=lambda item: (-item[1], item[0])))


def most_frequent(rejected: Sequence[Rejected]) -> str:
    """The reason for which most were refused, with an example, to go into a sentence; "" where nothing was refused."""
    counts = Counter(r.reason for r in rejected)
    if not counts:
        return ""
    reason, count = counts.most_common(1)[0]
    detail = next(r.detail for r in rejected if r.reason == reason)
    return f": {count} of {len(rejected)} refused for '{reason}' ({' '.join(detail.split())[:160]})"


def check_refusals(build: Build, attempted: int, rejected: Sequence[Rejected]) -> None:
    """Raise KameError where a larger share of the dialogues was refused than `max_refused` allows."""
    lost = len({r.dialogue_id or r.question_id for r in rejected if r.stage != "oracles"})
    limit = build.settings.max_refused
    if attempted and lost / attempted > limit:
        first = ", ".join(f"{reason} {n}" for reason, n in list(reasons(rejected).items())[:3])
        raise KameError(
            f"{lost} of {attempted} dialogues were refused ({first}), more than max_refused {limit} allows; "
            f"see {build.out / 'rejected'}"
        )


def write_rejected(build: Build, rejected: Sequence[Rejected]) -> dict[str, str]:
    """Write OUT/rejected/<stage>.jsonl, a file for every stage that ran, empty where nothing was refused; returns the
    SHA-256 of each by stage."""
    by_stage: dict[str, Sequence[Rejected]] = {"questions": refused_questions(build)}
    by_stage |= {stage.name: [r for r in rejected if r.stage == stage.name] for stage in stages_of(build.settings)}
    folder, checksums = build.out / "rejected", dict[str, str]()
    for stage, refusals in by_stage.items():
        data = jsonl(refusals)
        checksums[stage] = sha256(data).hexdigest()
        write_changed(folder / f"{stage}.jsonl", data)
    for path in files(folder, "*.jsonl"):
        if path.stem not in by_stage:
            path.unlink()
    return checksums
