"""The parts of a build's stages: their names, which of them are done, and how one is read, mended or made."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kame_data import text
from kame_data.engine.parts import DamagedPart, Marker, PartStore, digest_of
from kame_data.engine.selection import Slice, SourceVariant, cut
from kame_data.engine.source_questions import SourceQuestions
from kame_data.engine.stages import STAGES, stage_for, stages_of
from kame_data.errors import KameError
from kame_data.records import Question, Rejected
from kame_data.seeds import digest
from kame_data.settings.tree import Settings
from kame_data.stage import Inputs, Stage, id_of


class StageParts:
    """The parts of the stages behind the questions, of the build of `settings`. `check_stop` may raise between rows."""

    def __init__(self, settings: Settings, questions: SourceQuestions, check_stop: Callable[[], None]) -> None:
        self.settings, self.questions = settings, questions
        self._check_stop = check_stop
        self._lock = threading.RLock()
        self._digests: dict[str, str] = {}
        self._markers: dict[tuple[str, str], Marker] = {}
        self._listed: dict[str, set[str]] | None = None

    def store(self, stage: str) -> PartStore:
        """The files of the stage's parts."""
        return PartStore(self.settings.out / "parts" / stage)

    def slices(self, counts: dict[SourceVariant, int]) -> list[Slice]:
        """The slices that cover these counts of positions, in the order of the rows of the shards."""
        with self.at_a_glance():
            return self._slices(counts)

    def _slices(self, counts: dict[SourceVariant, int]) -> list[Slice]:
        size = self.settings.part_size
        done: dict[SourceVariant, list[Slice]] = {}
        for name in self.store("dialogues").names():
            try:
                slice_ = Slice.parse(name)
            except ValueError:
                continue  # no part of ours
            known = slice_.stop <= len(self.questions.accepted.get(slice_.source, ()))
            # A part that reaches beyond what is wanted is kept where nothing more has to be made for it.
            whole = slice_.stop <= counts.get(slice_.source_variant, 0) or self.done(slice_)
            if known and name == self.name(STAGES["dialogues"], slice_) and whole:
                done.setdefault(slice_.source_variant, []).append(slice_)
        slices = [s for key, count in counts.items() for s in cut(key, count, size, done.get(key, ()))]
        return sorted(slices, key=lambda s: (s.start // size, s.variant, s.source, s.start))

    def name(self, stage: Stage, slice_: Slice) -> str | None:
        """The name of the slice's part; None while what it is made from is not done."""
        stage = stage_for(stage, slice_.source)
        if stage.reads == "questions":
            inputs = [self._digest(question) for question in self.questions.of(slice_)]
        else:
            marker = self.marker(STAGES[stage.reads], slice_)
            if marker is None:
                return None
            inputs = [*marker.rows.values()]
        if stage is not STAGES[stage.name]:
            # Words' times and sound are in no question.
            inputs.append(self.questions.fingerprint(slice_.source))
        if stage.wants_splits:
            inputs += self.questions.splits_of(slice_)
        key = sorted((stage.key(self.settings) | text.reading()).items())
        return f"{slice_.label}-{digest(stage.name, stage.version, key, *inputs)[:16]}"

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

    def done(self, slice_: Slice) -> bool:
        """Tell whether the slice's parts of all stages are done."""
        return all(self.marker(stage, slice_) for stage in stages_of(self.settings))

    @contextmanager
    def at_a_glance(self) -> Iterator[None]:
        """While it is open, the finished parts are those that a listing at its beginning shows, whose markers are read
        together; else each is asked for by itself. Nothing may make parts meanwhile."""
        if self._listed is not None:
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
            self._check_stop()
            if isinstance(item, Rejected):
                rejected.append(item)
            else:
                rows[id_of(item)] = item
        return self.store(stage_name).write(name, rows, stage.record, rejected)

    def _inputs(self, stage: Stage, slice_: Slice) -> Inputs:
        dialogues = self.read(stage.reads, slice_) if stage.reads != "questions" else ()
        return Inputs(slice_.variant, self.questions.of(slice_), self.questions.splits_of(slice_), dialogues)

    def read(self, stage_name: str, slice_: Slice) -> list[Any]:
        """The records of a slice's part. A damaged part is made again on the spot."""
        stage = STAGES[stage_name]
        name = self.name(stage, slice_)
        assert name is not None, f"{stage_name} {slice_.label} is read before it is made"
        try:
            return self.store(stage_name).read(name, stage.record)
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
