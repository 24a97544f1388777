"""The questions of a build's sources: each source is read and judged once, into a part of the questions stage."""

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from kame_data import text
from kame_data.engine.makers import writer_of
from kame_data.engine.parts import DamagedPart, Marker, PartStore
from kame_data.engine.selection import Slice
from kame_data.engine.sources import source_of
from kame_data.errors import KameError
from kame_data.imported.source import stage_key
from kame_data.records import Question, Rejected, Split
from kame_data.seeds import digest
from kame_data.settings.tree import IMPORTED, Settings, SourceSettings
from kame_data.sources.pull import VERSION, JudgedQuestion, check_kept, pull, splits


class SourceQuestions:
    """The questions of the sources of `settings`.

    `fingerprints` gives by source what its rows come from, `earlier` what they came from before new rows came; both
    are called when they are first needed. `check_stop` is called between rows and may raise.
    """

    def __init__(
        self,
        settings: Settings,
        fingerprints: Callable[[], Mapping[str, str]],
        earlier: Callable[[], Mapping[str, str]],
        check_stop: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.store = PartStore(settings.out / "parts" / "questions")
        self._fingerprints, self._earlier, self._check_stop = fingerprints, earlier, check_stop
        self._lock = threading.RLock()
        self._judged: dict[str, list[JudgedQuestion]] = {}

    def fingerprint(self, source: str) -> str:
        """The fingerprint of what the rows of the source come from."""
        return self._fingerprints()[source]

    def name(self, source: SourceSettings, rows: str | None = None) -> str:
        """The name of the source's part; `rows` is the fingerprint of other rows than it has now."""
        rows = rows or self.fingerprint(source.name)
        key: tuple[Any, ...] = (VERSION, source.name, rows, self.settings.languages)
        if source.name == IMPORTED:
            key = (*key, *sorted(stage_key(self.settings).items()))
        key = (*key, *text.reading().items())
        writer = writer_of(self.settings)
        key = (*key, self.settings.seed, writer.sees_pictures, *([True] if writer.names_choices else []))
        return f"{source.name}-{digest(*key)[:16]}"

    def marker(self, source: SourceSettings) -> Marker | None:
        """The marker of the source's part; None while it is not made."""
        return self.store.marker(self.name(source))

    def all_made(self) -> bool:
        """Tell whether the parts of all sources are there."""
        return all(self.marker(source) for source in self.settings.sources)

    def make(self, source: SourceSettings) -> Marker:
        """Read and judge the source, unless its part is there. Raises UsageError for a source that cannot be read."""
        marker = self.marker(source)
        if marker:
            return marker
        writer = writer_of(self.settings)
        known = self._judged_earlier(source) if source.name in self._earlier() else []
        standing = {j.question.id for j in known if j.accepted}
        pulled = pull(
            source_of(self.settings, source.name),
            source.location,
            languages=self.settings.languages,
            sees_pictures=writer.sees_pictures,
            names_choices=writer.names_choices,
            seed=self.settings.seed,
            standing=standing,
            check_stop=self._check_stop,
        )
        with pulled:
            if known:
                pulled.put_behind((j.question for j in known), standing)
            return self.store.write(self.name(source), pulled.judged(), JudgedQuestion, pulled.rejected)

    def _judged_earlier(self, source: SourceSettings) -> list[JudgedQuestion]:
        """The questions of the source in the order that they had before it got new rows. Raises KameError where that is
        lost: in another order a limit would ask others than those that are there."""
        name = self.name(source, self._earlier()[source.name])
        try:
            judged: list[JudgedQuestion] = self.store.read(name, JudgedQuestion)
        except DamagedPart as damage:
            raise KameError(
                f"source {source.name}: has new rows, and the order of those before is lost "
                f"({damage.path} is damaged); "
                "give it once as it was, which mends that, or give another --out"
            ) from None
        return judged

    def check_earlier(self, source: SourceSettings) -> None:
        """Raise UsageError where a row that the source had earlier is gone or has changed."""
        known = [j.question for j in self._judged_earlier(source)]
        check_kept(source.name, known, [j.question for j in self.read(source)])

    def read(self, source: SourceSettings) -> list[JudgedQuestion]:
        """All questions of the source, judged; read once. Makes its part where it is missing or damaged."""
        if (known := self._judged.get(source.name)) is not None:
            return known
        self.make(source)
        try:
            judged: list[JudgedQuestion] = self.store.read(self.name(source), JudgedQuestion)
        except DamagedPart:
            with self._lock:
                self.store.drop(self.name(source))
                self.make(source)
                judged = self.store.read(self.name(source), JudgedQuestion)
        self._judged[source.name] = judged
        return judged

    def counts(self, source: SourceSettings) -> tuple[int, int]:
        """The numbers of questions that can be asked aloud, and of refusals, in the source's part."""
        return sum(j.accepted for j in self.read(source)), len(self.rejected(source))

    def rejected(self, source: SourceSettings) -> list[Rejected]:
        """The rows of the source that were refused."""
        return self.store.rejected(self.name(source))

    @cached_property
    def accepted(self) -> dict[str, list[Question]]:
        """The questions of every source that can be asked aloud, in seeded order."""
        return {s.name: [j.question for j in self.read(s) if j.accepted] for s in self.settings.sources}

    @cached_property
    def splits(self) -> dict[str, Split]:
        """The split of every question; the refused ones count too, for they may join two others."""
        questions = (j.question for source in self.settings.sources for j in self.read(source))
        recorded = [s.name for s in self.settings.sources if source_of(self.settings, s.name).whole]
        return splits(questions, self.settings.validation_share, recorded)

    def of(self, slice_: Slice) -> list[Question]:
        """The questions at the positions of the slice."""
        return self.accepted[slice_.source][slice_.start : slice_.stop]

    def splits_of(self, slice_: Slice) -> list[Split]:
        """The splits of these questions."""
        return [self.splits[question.id] for question in self.of(slice_)]

    def check_some(self) -> None:
        """Read every source, in this thread. Raises KameError where none holds a question that can be asked aloud."""
        for source in self.settings.sources:
            self.make(source)
        if not any(self.accepted.values()):
            sources = ", ".join(map(str, self.settings.sources))
            raise KameError(f"{sources}: no row can be asked aloud; `kame-data build` writes the reasons to rejected/")
