"""A build: the questions it draws on, the parts it is made of, and what of them is done.

Nothing here knows how the work is run; `flows/build.py` calls `Build.make` part by part. All that a build remembers
lies in OUT: `build.json` (what build this is), `parts/` (what is done), and the finished files.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import backend
from pipeline.config import IMPORTED, Settings, SourceSettings
from pipeline.errors import Interrupted, KameError, UsageError
from pipeline.parts import DamagedPart, Marker, PartStore, digest_of
from pipeline.questions import check_kept, pull, splits
from pipeline.records import Question, Rejected, Split
from pipeline.seeds import digest
from pipeline.sources.imported import Imported, check_folder
from pipeline.sources.read import fingerprint
from pipeline.stages import (
    STAGES,
    Inputs,
    Stage,
    id_of,
    imported_key,
    source_of,
    stage_for,
    stages_of,
    writer_of,
)
from pipeline.storage.files import write_changed
from pipeline.storage.paths import AnyPath, RemotePath
from pipeline.sums import as_written, summed
from pipeline.wanted import Lane, Slice, Wanted, cut

QUESTIONS_VERSION = 4
# What a build keeps in OUT: a folder of nothing else, with parts, is a build's also where its note is lost.
OURS = {"parts", "shards", "tokens", "rejected", "manifest.json", "report.html"}


def noted(path: AnyPath) -> dict[str, dict[str, Any]]:
    """The note of a build: what it is (`identity`), its `settings`, and what its sources were `earlier`.

    Raises UsageError where there is none, or a damaged one.
    """
    try:
        note = json.loads(path.read_text("utf-8"))
        if not as_written(note, "note_sha256"):
            raise ValueError
        rooms = {"identity": dict(note["identity"]), "settings": dict(note["settings"])}
        return rooms | {"earlier": dict(note.get("earlier", {}))}
    except FileNotFoundError:
        raise UsageError(f"{path.parent}: holds no build; give the folder that was --out") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"{path}: is damaged; delete it, and the same build command goes on from its parts") from None


def absolute(spec: str) -> str:
    """A voice's spec in which a file or folder that is there is named from the root."""
    kind, colon, name = spec.rpartition(":")
    path = Path(name).expanduser()
    return f"{kind}{colon}{path.resolve()}" if path.exists() else spec


def noted_settings(out: AnyPath) -> Settings:
    """The settings of the last build command that ran in OUT. Raises UsageError where there was none."""
    return Settings.model_validate(noted(out / "build.json")["settings"] | {"out": out})


@dataclass(frozen=True, slots=True)
class Asked:
    """A row of a questions part: a question of the source, and whether it can be asked aloud."""

    question: Question
    accepted: bool


class Build:
    """The build of `settings` in `settings.out`. Opening one writes nothing.

    `identity` is given to one that is opened where the sources need not be: a worker's.
    """

    def __init__(self, settings: Settings, identity: dict[str, Any] | None = None) -> None:
        self.settings = settings
        if identity is not None:
            self.identity = identity
        self.out = settings.out
        self.stop = threading.Event()
        self._lock = threading.RLock()
        self._markers: dict[tuple[str, str], Marker] = {}
        self._listed: dict[str, set[str]] | None = None
        self.shard_plan: list[Any] = []
        # Whether a target is the most that is wanted: where all that the variants allow gives less, that will do.
        self.less_will_do = False

    def store(self, stage: str) -> PartStore:
        """The parts of a stage."""
        return PartStore(self.out / "parts" / stage)

    # -- what build this is

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What may not change within one OUT; reads the sources' fingerprints."""
        return {
            "kame_data": 1,
            "seed": self.settings.seed,
            "languages": list(self.settings.languages),
            "validation_share": self.settings.validation_share,
            "sources": {
                s.name: fingerprint(source_of(self.settings, s.name), s.location) for s in self.settings.sources
            },
        }

    @cached_property
    def earlier(self) -> dict[str, str]:
        """Of each source that new rows came to (`pipeline.growth`), the fingerprint that it had before."""
        path = self.out / "build.json"
        found: dict[str, str] = noted(path)["earlier"] if path.exists() else {}
        return found

    def check(self) -> None:
        """Raise UsageError where OUT holds another build, or something else, or a setting names what is not there."""
        for stage in STAGES.values():
            stage.key(self.settings)
        backend.resolve(self.settings.latency)
        _ = self.identity
        path = self.out / "build.json"
        if path.exists():
            self._compare(noted(path)["identity"])
            return
        if self.out.exists() and not self.out.is_dir():
            raise UsageError(f"--out {self.out}: is a file; give a folder")
        there = {p.name for p in self.out.iterdir() if not p.name.startswith(".")} if self.out.exists() else set()
        if there - OURS or (there and "parts" not in there):
            raise UsageError(f"--out {self.out}: holds something else than a build; give an empty or a new folder")
        for source in self.settings.sources:
            if isinstance(whole := source_of(self.settings, source.name), Imported):
                check_folder(whole, source.location, self.settings.max_refused)

    def claim(self) -> None:
        """Note in OUT what build it holds, and its settings; done when its sources have shown to be readable."""
        self.note(self.settings_from_anywhere())

    def note(self, settings: dict[str, Any]) -> None:
        """Note in OUT what build it holds, and these settings."""
        note = {"identity": self.identity, "settings": settings}
        if self.earlier:
            note["earlier"] = self.earlier
        data = json.dumps(summed(note, "note_sha256"), indent=1).encode()
        write_changed(self.out / "build.json", data + b"\n")

    def settings_from_anywhere(self) -> dict[str, Any]:
        """The settings in which no path hangs on the folder that the command is given in; without `out` itself, and
        without those of the runner, which are of one run only."""
        settings: dict[str, Any] = self.settings.model_dump(mode="json", exclude={"out", "runner"})
        for source in settings["sources"]:
            if source["location"] and Path(source["location"]).exists():
                source["location"] = str(Path(source["location"]).resolve())
        speech = settings["speech"]
        speech["tts"] = absolute(speech["tts"])
        speech["assistant_voice"] = speech["assistant_voice"] and absolute(speech["assistant_voice"])
        for voice in speech["user_voices"]:
            voice["voice"] = absolute(voice["voice"])
        if self.settings.prompts is not None:
            settings["prompts"] = str(self.settings.prompts.resolve())
        return settings

    def _compare(self, found: dict[str, Any]) -> None:
        for name in ("kame_data", "seed", "languages", "validation_share"):
            if found.get(name) != self.identity[name]:
                raise UsageError(
                    f"--out {self.out}: holds a build with {name} {found.get(name)}, not {self.identity[name]}; "
                    "give another folder, or the same settings"
                )
        ours, theirs = self.identity["sources"], found.get("sources", {})
        if set(ours) != set(theirs):
            raise UsageError(
                f"--out {self.out}: holds a build of {', '.join(sorted(theirs))}, not of {', '.join(sorted(ours))}; "
                "give another folder, or the same sources"
            )
        for name, print_ in ours.items():
            if print_ != theirs[name]:
                raise UsageError(
                    f"source {name}: its rows are not those that the build in {self.out} began with; "
                    "give another --out, or the source as it was"
                )

    # -- questions

    def questions_name(self, source: SourceSettings, rows: str | None = None) -> str:
        """The name of the source's questions part; `rows`: the fingerprint of other rows than it has now."""
        writer = writer_of(self.settings)
        rows = rows or self.identity["sources"][source.name]
        key: tuple[Any, ...] = (QUESTIONS_VERSION, source.name, rows, self.settings.languages)
        if source.name == IMPORTED:
            key = (*key, *sorted(imported_key(self.settings).items()))
        return f"{source.name}-{digest(*key, self.settings.seed, writer.sees_pictures)[:16]}"

    def gather(self, source: SourceSettings) -> Marker:
        """Make the source's questions part, unless it is there."""
        name, store = self.questions_name(source), self.store("questions")
        marker = store.marker(name)
        if marker:
            return marker
        writer = writer_of(self.settings)
        known = self._asked_earlier(source) if source.name in self.earlier else []
        standing = {a.question.id for a in known if a.accepted}
        pulled = pull(
            source_of(self.settings, source.name),
            source.location,
            languages=self.settings.languages,
            sees_pictures=writer.sees_pictures,
            seed=self.settings.seed,
            standing=standing,
            check_stop=self.check_stop,
        )
        with pulled:
            if known:
                pulled.put_behind((a.question for a in known), standing)
            rows = {q.id: Asked(q, True) for q in pulled.questions()}
            rows |= {q.id: Asked(q, False) for q in pulled.parsed if q.id not in rows}
            return store.write(name, rows, Asked, pulled.rejected)

    def _asked_earlier(self, source: SourceSettings) -> list[Asked]:
        """The questions of the source in the order that they had before it got new rows. Raises KameError where that is
        lost: in another order a limit would ask others than those that are there."""
        name = self.questions_name(source, self.earlier[source.name])
        try:
            asked: list[Asked] = self.store("questions").read(name, Asked)
        except DamagedPart as damage:
            raise KameError(
                f"source {source.name}: has new rows, and the order of those before is lost "
                f"({damage.path} is damaged); "
                "give it once as it was, which mends that, or give another --out"
            ) from None
        return asked

    def check_earlier(self, source: SourceSettings) -> None:
        """Raise UsageError where a row that the source had earlier is gone or has changed."""
        known = [a.question for a in self._asked_earlier(source)]
        check_kept(source.name, known, [a.question for a in self._read(source)])

    def questions_of(self, source: SourceSettings) -> list[Asked]:
        """The source's questions that can be asked aloud, as they stand in its finished part."""
        return [a for a in self._read(source) if a.accepted]

    def _read(self, source: SourceSettings) -> list[Asked]:
        store, name = self.store("questions"), self.questions_name(source)
        self.gather(source)
        try:
            asked: list[Asked] = store.read(name, Asked)
        except DamagedPart:
            with self._lock:
                store.drop(name)
                self.gather(source)
                asked = store.read(name, Asked)
        return asked

    @cached_property
    def _asked(self) -> dict[str, list[Asked]]:
        return {source.name: self._read(source) for source in self.settings.sources}

    @cached_property
    def questions(self) -> dict[str, list[Question]]:
        """The accepted questions of every source, in seeded order."""
        return {source: [a.question for a in asked if a.accepted] for source, asked in self._asked.items()}

    @cached_property
    def splits(self) -> dict[str, Split]:
        """The split of every question; the refused ones count too, for they may join two others."""
        return splits((a.question for asked in self._asked.values() for a in asked), self.settings.validation_share)

    def wanted(self) -> Wanted:
        """What the settings ask for, before anything is refused."""
        ids = {source: [q.id for q in questions] for source, questions in self.questions.items()}
        s = self.settings
        return Wanted(ids, seed=s.seed, limit=s.limit, target=s.target, max_variants=s.max_variants)

    # -- parts

    def slices(self, counts: dict[Lane, int]) -> list[Slice]:
        """The slices that cover the lanes, in the order of the rows of the shards."""
        with self.at_a_glance():
            return self._slices(counts)

    def _slices(self, counts: dict[Lane, int]) -> list[Slice]:
        size = self.settings.part_size
        done: dict[Lane, list[Slice]] = {}
        for name in self.store("dialogues").names():
            try:
                slice_ = Slice.parse(name)
            except ValueError:
                continue  # no part of ours
            known = slice_.stop <= len(self.questions.get(slice_.source, ()))
            # A part that reaches beyond what is wanted is kept where nothing more has to be made for it.
            whole = slice_.stop <= counts.get(slice_.lane, 0) or all(
                self.marker(stage, slice_) for stage in stages_of(self.settings)
            )
            if known and name == self.name(STAGES["dialogues"], slice_) and whole:
                done.setdefault(slice_.lane, []).append(slice_)
        slices = [s for lane, n in counts.items() for s in cut(lane, n, size, done.get(lane, ()))]
        return sorted(slices, key=lambda s: (s.start // size, s.variant, s.source, s.start))

    def name(self, stage: Stage, slice_: Slice) -> str | None:
        """The name of the slice's part; None while what it is made from is not done."""
        stage = stage_for(stage, slice_.source)
        questions = self.questions[slice_.source][slice_.start : slice_.stop]
        if stage.reads == "questions":
            inputs = [self._digest(q) for q in questions]
        else:
            marker = self.marker(STAGES[stage.reads], slice_)
            if marker is None:
                return None
            inputs = [*marker.rows.values()]
        if stage is not STAGES[stage.name]:
            inputs.append(self.identity["sources"][slice_.source])  # words' times and sound are in no question
        if stage.wants_splits:
            inputs += [self.splits[q.id] for q in questions]
        key = sorted(stage.key(self.settings).items())
        return f"{slice_.label}-{digest(stage.name, stage.version, key, *inputs)[:16]}"

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}

    def _digest(self, question: Question) -> str:
        found = self._digests.get(question.id)
        if found is None:
            found = self._digests[question.id] = digest_of(question)
        return found

    def marker(self, stage: Stage, slice_: Slice) -> Marker | None:
        """The marker of the slice's part, or None while it is not done."""
        name = self.name(stage, slice_)
        if name is None:
            return None
        known = self._markers.get((stage.name, name))
        if known is None and (self._listed is None or name in self._listed[stage.name]):
            known = self.store(stage.name).marker(name)
            if known:
                self._markers[stage.name, name] = known
        return known

    @contextmanager
    def at_a_glance(self) -> Iterator[None]:
        """While it is open, the parts of an object store are those that a listing at its beginning shows, and all their
        markers are read at once; else each is asked for by itself. Nothing may make parts meanwhile."""
        if self._listed is not None or not isinstance(self.out, RemotePath):
            yield
            return
        listed: dict[str, set[str]] = {}
        for stage in STAGES:
            known = [name for of, name in self._markers if of == stage]
            found = self.store(stage).finished(known)
            self._markers |= {(stage, name): marker for name, marker in found.items() if marker is not None}
            listed[stage] = set(found)
        self._listed = listed
        try:
            yield
        finally:
            self._listed = None

    def make(self, stage_name: str, slice_: Slice) -> Marker:
        """Make one part, unless it is done; what it reads must be done."""
        stage = STAGES[stage_name]
        marker = self.marker(stage, slice_)
        if marker:
            return marker
        name = self.name(stage, slice_)
        if name is None:
            raise KameError(f"{stage_name} {slice_.label}: {stage.reads} are not made yet")
        rows: dict[str, Any] = {}
        rejected: list[Rejected] = []
        for item in stage_for(stage, slice_.source).run(self.settings, self._inputs(stage, slice_)):
            self.check_stop()
            if isinstance(item, Rejected):
                rejected.append(item)
            else:
                rows[id_of(item)] = item
        return self.store(stage_name).write(name, rows, stage.record, rejected)

    def _inputs(self, stage: Stage, slice_: Slice) -> Inputs:
        questions = self.questions[slice_.source][slice_.start : slice_.stop]
        dialogues = self.read(stage.reads, slice_) if stage.reads != "questions" else ()
        return Inputs(slice_.variant, questions, [self.splits[q.id] for q in questions], dialogues)

    def read(self, stage_name: str, slice_: Slice) -> list[Any]:
        """The records of a slice's part. A damaged part is made again on the spot."""
        stage = STAGES[stage_name]
        name = self.name(stage, slice_)
        assert name is not None, f"{stage_name} {slice_.label} is read before it is made"
        store = self.store(stage_name)
        try:
            return store.read(name, stage.record)
        except DamagedPart:
            with self._lock:
                return self._mended(stage, slice_, name)

    def _mended(self, stage: Stage, slice_: Slice, name: str) -> list[Any]:
        store = self.store(stage.name)
        try:
            return store.read(name, stage.record)  # another thread may have mended it meanwhile
        except DamagedPart:
            store.drop(name)
            self._markers.pop((stage.name, name), None)
            self.make(stage.name, slice_)
            return store.read(name, stage.record)

    # -- what is accepted

    def accepted(self, slice_: Slice, count: int) -> list[str]:
        """The ids of the slice's dialogues, among the lane's first `count` positions, that came through all stages."""
        positions = self.questions[slice_.source][slice_.start : min(slice_.stop, count)]
        markers = [self.marker(stage, slice_) for stage in stages_of(self.settings)]
        ids = (f"{q.id}-v{slice_.variant}" for q in positions)
        return [i for i in ids if all(m is not None and i in m.rows for m in markers)]

    def rejected(self, slices: Iterable[Slice], counts: dict[Lane, int]) -> list[Rejected]:
        """What the slices' stages refused, among the positions wanted, in the order of the rows."""
        found = []
        for slice_ in slices:
            wanted = {q.id for q in self.questions[slice_.source][slice_.start : counts[slice_.lane]]}
            for stage in stages_of(self.settings):
                name, marker = self.name(stage, slice_), self.marker(stage, slice_)
                if name and marker and marker.rejected:
                    found += [r for r in self.store(stage.name).rejected(name) if r.question_id in wanted]
        return found

    def check_stop(self) -> None:
        """Raise Interrupted where a stop was asked for."""
        if self.stop.is_set():
            raise Interrupted(f"interrupted; what is done stays in {self.out}, the same command goes on from there")


def gather_all(build: Build) -> None:
    """Read every source, in this thread. Raises KameError where none holds a question that can be asked aloud."""
    for source in build.settings.sources:
        build.gather(source)
    if not any(build.questions.values()):
        raise KameError(
            f"{_names(build)}: no row can be asked aloud; `kame-data build` writes the reasons to rejected/"
        )


def _names(build: Build) -> str:
    return ", ".join(s.name if s.location is None else f"{s.name}={s.location}" for s in build.settings.sources)
