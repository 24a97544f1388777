"""The end of a build: shards in place, rejected/, and OUT/manifest.json; nothing in it is of one run only."""

from collections import Counter
from typing import Any, get_args

from kame_data import __version__
from kame_data.engine.assemble import Shard, ShardFolder, plan_shards
from kame_data.engine.build import Build
from kame_data.engine.makers import ask_models, prompt_digests, stand_ins, terms
from kame_data.engine.outcome import check_refusals, reasons, refused, write_rejected
from kame_data.engine.selection import Slice, SourceVariant
from kame_data.engine.stages import stages_of
from kame_data.errors import KameError
from kame_data.finished.manifest import DialogueCounts, Listed, Manifest, SourceFacts, Spend
from kame_data.llm.session import SpendNotes
from kame_data.records import Split
from kame_data.storage.files import open_parquet
from kame_data.storage.paths import AnyPath


def source_table(build: Build) -> dict[str, SourceFacts]:
    """Accounts of the sources, by name."""
    table = {}
    for source in build.settings.sources:
        kept, rejected = len(build.questions.accepted[source.name]), build.questions.rejected(source)
        earlier = {"earlier": build.earlier[source.name]} if source.name in build.earlier else {}
        table[source.name] = SourceFacts(
            fingerprint=build.questions.fingerprint(source.name),
            **earlier,
            rows=kept + len(rejected),
            kept=kept,
            refused=reasons(rejected),
        )
    return table


def finish(
    build: Build, slices: list[Slice], counts: dict[SourceVariant, int], asked_for: int, *, accept_fewer: bool = False
) -> Manifest:
    """Put the finished shards in place and write rejected/ and the manifest; returns the manifest.

    `accept_fewer`: where all that the variants allow gives fewer dialogues than the target, the build is from here on
    the one that asked for as many as there are; without it that raises KameError.
    """
    rejected = refused(build, slices, counts)
    checksums = write_rejected(build, rejected)
    check_refusals(build, sum(counts.values()), rejected)
    shards = plan_shards(build, slices, counts)
    rows, settings = sum(s.rows for s in shards), build.settings
    if settings.target is not None and rows < settings.target:
        if not accept_fewer:
            raise KameError(
                f"--target {settings.target}: only {rows} dialogues were accepted of the {sum(counts.values())} that "
                f"{settings.max_variants} variants allow; raise max_variants or add questions"
            )
        settings, asked_for = settings.model_copy(update={"target": rows}), rows
        build.claim(settings)
    (build.out / Manifest.name).unlink(missing_ok=True)
    paths = ShardFolder(build.out).place(shards)
    manifest = Manifest(
        kame_data=__version__,
        stand_ins=tuple(stand_ins(settings)),
        terms=tuple(terms(settings)),
        settings=settings,
        sources=source_table(build),
        **content(build, shards, paths, asked_for),
        refused={stage.name: reasons([r for r in rejected if r.stage == stage.name]) for stage in stages_of(settings)},
        shards=tuple(_listed(build, shard, path) for shard, path in zip(shards, paths, strict=True)),
        rejected=checksums,
        **models(build, slices),
    )
    manifest.write(build.out)
    return manifest


def _listed(build: Build, shard: Shard, path: AnyPath) -> Listed:
    return Listed(
        path=f"shards/{path.name}",
        split=shard.split,
        rows=shard.rows,
        bytes=path.stat().st_size,
        sha256=ShardFolder(build.out).sum(shard.fingerprint),
        fingerprint=shard.fingerprint,
    )


def content(build: Build, shards: list[Shard], paths: list[AnyPath], asked_for: int) -> dict[str, Any]:
    """The fields of the manifest that are counted in the shards: dialogues, oracles, seconds, alignment."""
    levels, by_source = Counter[int](), Counter[str]()
    seconds, scores = 0.0, list[float]()
    for path in paths:
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
        "dialogues": DialogueCounts(
            asked_for=asked_for,
            accepted=sum(s.rows for s in shards),
            by_split={split: sum(s.rows for s in shards if s.split == split) for split in get_args(Split)},
            by_source=dict(sorted(by_source.items())),
        ),
        "oracles": dict(sorted(levels.items())),
        "seconds": round(seconds, 3),
        "alignment": percentiles(scores),
    }


def percentiles(scores: list[float]) -> dict[str, float]:
    """The least, the fifth percentile and the median of the rows' alignment scores; empty where there are none."""
    if not scores:
        return {}
    ordered = sorted(scores)
    at = {"min": 0.0, "5 %": 0.05, "median": 0.5}
    return {name: round(ordered[int(share * (len(ordered) - 1))], 1) for name, share in at.items()}


def models(build: Build, slices: list[Slice]) -> dict[str, Any]:
    """The fields of the manifest on the models, where some were asked.

    `spend` sums dollars by stage, model and level; an answer that the ledger held already cost nothing.
    """
    if not ask_models(build.settings):
        return {}
    notes = SpendNotes(build.out)
    spend = Spend.model_validate({"dollars": round(notes.total(), 6), "by": notes.rows()})
    asked_with = prompt_digests(build.settings)
    return {"prompts": asked_with, "spend": spend, "asked_again": asked_again(build, slices)}


def asked_again(build: Build, slices: list[Slice]) -> dict[str, dict[str, int]]:
    """Drafts that were refused before one was accepted, by stage (oracles by level) and reason."""
    found: dict[str, Counter[str]] = {}
    for slice_ in slices:
        for dialogue in build.parts.read("dialogues", slice_):
            found.setdefault("dialogues", Counter()).update(dialogue.again)
        for oracles in build.parts.read("oracles", slice_):
            for again in oracles.again:
                found.setdefault(f"oracles, level {again.level}", Counter())[again.reason] += 1
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items()) if counts}
