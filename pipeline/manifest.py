"""OUT/manifest.json: what a finished build holds and how it came about; nothing in it is of one run only."""

import json
from collections import Counter
from hashlib import sha256
from typing import Any

from pipeline.build import Build
from pipeline.config import OF_THE_ANSWERS, LlmSettings, Settings
from pipeline.errors import KameError
from pipeline.llm.session import SpendNotes
from pipeline.parts import jsonl
from pipeline.records import Rejected
from pipeline.shards.assemble import Shard, ShardFolder, plan_shards, version_facts
from pipeline.stages import ask_models, prompt_digests, stages_of, terms
from pipeline.storage.files import files, open_parquet, write_changed, write_whole
from pipeline.storage.paths import AnyPath
from pipeline.sums import summed
from pipeline.wanted import Lane, Slice

# Settings that say how the work is run, not what comes out.
NOT_OF_THE_ROWS: dict[str, Any] = {
    **dict.fromkeys(("out", "workers", "runner", "progress", "max_refused", "ledger", "prompts", "pilot"), True),
    "llm": set(LlmSettings.model_fields) - OF_THE_ANSWERS,
}


def rows_settings(settings: Settings) -> dict[str, Any]:
    """The settings that the rows come from, as the manifest states them."""
    return settings.model_dump(mode="json", exclude=NOT_OF_THE_ROWS)


def reasons(rejected: list[Rejected]) -> dict[str, int]:
    """Refusals by reason, the most frequent first."""
    return dict(sorted(Counter(r.reason for r in rejected).items(), key=lambda item: (-item[1], item[0])))


def source_table(build: Build) -> dict[str, dict[str, Any]]:
    """By source: its fingerprint, what that was `earlier` where its rows did not come together, rows seen, questions
    kept, and why the rest was refused."""
    store, table = build.store("questions"), {}
    for source in build.settings.sources:
        name = build.questions_name(source)
        kept, refused = len(build.questions[source.name]), store.rejected(name)
        rows = {"rows": kept + len(refused), "kept": kept, "refused": reasons(refused)}
        earlier = {"earlier": build.earlier[source.name]} if source.name in build.earlier else {}
        table[source.name] = {"fingerprint": build.identity["sources"][source.name], **earlier, **rows}
    return table


def check_refusals(build: Build, attempted: int, rejected: list[Rejected]) -> None:
    """Raise KameError where a larger share of the dialogues was refused than `max_refused` allows."""
    lost = len({r.dialogue_id or r.question_id for r in rejected if r.stage != "oracles"})
    limit = build.settings.max_refused
    if attempted and lost / attempted > limit:
        first = ", ".join(f"{reason} {n}" for reason, n in list(reasons(rejected).items())[:3])
        raise KameError(
            f"{lost} of {attempted} dialogues were refused ({first}), more than max_refused {limit} allows; "
            f"see {build.out / 'rejected'}"
        )


def refused_questions(build: Build) -> list[Rejected]:
    """What the questions stage refused, source by source."""
    store = build.store("questions")
    return [r for source in build.settings.sources for r in store.rejected(build.questions_name(source))]


def write_rejected(build: Build, rejected: list[Rejected]) -> dict[str, str]:
    """Write OUT/rejected/<stage>.jsonl, a file for every stage that ran, empty where nothing was refused; returns their
    SHA-256 by stage."""
    by_stage: dict[str, list[Rejected]] = {"questions": refused_questions(build)}
    by_stage |= {stage.name: [r for r in rejected if r.stage == stage.name] for stage in stages_of(build.settings)}
    folder, sums = build.out / "rejected", dict[str, str]()
    for stage, refusals in by_stage.items():
        data = jsonl(refusals)
        sums[stage] = sha256(data).hexdigest()
        write_changed(folder / f"{stage}.jsonl", data)
    for path in files(folder, "*.jsonl"):
        if path.stem not in by_stage:
            path.unlink()
    return sums


def finish(build: Build, slices: list[Slice], counts: dict[Lane, int], asked_for: int) -> dict[str, Any]:
    """Put the finished shards in place and write rejected/ and the manifest; returns the manifest."""
    rejected = build.rejected(slices, counts)
    sums = write_rejected(build, rejected)
    check_refusals(build, sum(counts.values()), rejected)
    shards = plan_shards(build, slices, counts)
    rows = sum(s.rows for s in shards)
    target = build.settings.target
    if target is not None and rows < target:
        if not build.less_will_do:
            raise KameError(
                f"--target {target}: only {rows} dialogues were accepted of the {sum(counts.values())} that "
                f"{build.settings.max_variants} variants allow; raise max_variants or add questions"
            )
        # From here on it is the build that asked for as many as there are.
        build.settings, asked_for = build.settings.model_copy(update={"target": rows}), rows
        build.claim()
    path = build.out / "manifest.json"
    path.unlink(missing_ok=True)
    paths = ShardFolder(build.out).place(shards)
    manifest = describe(build, shards, paths, rejected, asked_for) | {"rejected": sums} | models(build, slices)
    manifest = summed(manifest, "manifest_sha256")
    write_whole(path, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
    return manifest


def describe(
    build: Build, shards: list[Shard], paths: list[AnyPath], rejected: list[Rejected], asked_for: int
) -> dict[str, Any]:
    """The manifest's content."""
    listed, levels, by_source = [], Counter[int](), Counter[str]()
    seconds, scores = 0.0, list[float]()
    for shard, path in zip(shards, paths, strict=True):
        listed.append(
            {
                "path": f"shards/{path.name}",
                "split": shard.split,
                "rows": shard.rows,
                "bytes": path.stat().st_size,
                "sha256": ShardFolder(build.out).sum(shard.fingerprint),
                "fingerprint": shard.fingerprint,
            }
        )
        with open_parquet(path) as parquet:
            for batch in parquet.iter_batches(
                columns=["source", "duration", "oracles.list.element.level", "audio_checks.alignment"]
            ):
                by_source.update(batch.column("source").to_pylist())
                seconds += sum(d or 0.0 for d in batch.column("duration").to_pylist())
                found = batch.column("audio_checks").to_pylist()
                scores += [c["alignment"] for c in found if c and c["alignment"] is not None]
                levels.update(o["level"] for row in batch.column("oracles").to_pylist() for o in row)
    return {
        **version_facts(build),
        "terms": terms(build.settings),
        "settings": rows_settings(build.settings),
        "sources": source_table(build),
        "dialogues": {
            "asked_for": asked_for,
            "accepted": sum(s.rows for s in shards),
            "by_split": {split: sum(s.rows for s in shards if s.split == split) for split in ("train", "validation")},
            "by_source": dict(sorted(by_source.items())),
        },
        "oracles": {str(level): levels[level] for level in sorted(levels)},
        "seconds": round(seconds, 3),
        "alignment": spread(scores),
        "refused": {
            stage.name: reasons([r for r in rejected if r.stage == stage.name]) for stage in stages_of(build.settings)
        },
        "shards": listed,
    }


def spread(scores: list[float]) -> dict[str, float]:
    """The least, the fifth percentile and the median of the rows' alignment scores; empty where there are none."""
    if not scores:
        return {}
    ordered = sorted(scores)
    at = {"min": 0.0, "5 %": 0.05, "median": 0.5}
    return {name: round(ordered[int(share * (len(ordered) - 1))], 1) for name, share in at.items()}


def models(build: Build, slices: list[Slice]) -> dict[str, Any]:
    """Where models were asked: the digests of the prompts, what was spent in all runs of this build, and how often and
    why they were asked again.

    `spend` sums dollars by stage, model and level; an answer that the ledger held already cost nothing.
    """
    if not ask_models(build.settings):
        return {}
    notes = SpendNotes(build.out)
    spend = {"dollars": round(notes.total(), 6), "by": notes.rows()}
    asked_with = prompt_digests(build.settings)
    return {"prompts": asked_with, "spend": spend, "asked_again": asked_again(build, slices)}


def asked_again(build: Build, slices: list[Slice]) -> dict[str, dict[str, int]]:
    """Drafts that were refused before one was accepted, by stage (oracles by level) and reason."""
    found: dict[str, Counter[str]] = {}
    for slice_ in slices:
        for dialogue in build.read("dialogues", slice_):
            found.setdefault("dialogues", Counter()).update(dialogue.again)
        for oracles in build.read("oracles", slice_):
            for again in oracles.again:
                found.setdefault(f"oracles, level {again.level}", Counter())[again.reason] += 1
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items()) if counts}
