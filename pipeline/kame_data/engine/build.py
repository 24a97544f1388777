"""A build: what it is, the questions it draws on, and the parts it is made of.

Nothing here knows how the work is run. All that a build remembers lies in OUT: `build.json` (what build this is),
`parts/` (what is done), and the finished files.
"""

import threading
from functools import cached_property
from typing import Any

from kame_data.engine.note import Note, check_free, check_same, identity_of, portable
from kame_data.engine.selection import Selection
from kame_data.engine.source_questions import SourceQuestions
from kame_data.engine.sources import source_of
from kame_data.engine.stage_parts import StageParts
from kame_data.engine.stages import STAGES
from kame_data.errors import Interrupted
from kame_data.imported.source import Imported, check_folder
from kame_data.settings.tree import Settings


class Build:
    """The build of `settings` in `settings.out`. Opening one writes and reads nothing.

    `identity` is given where the sources need not be at hand: to a worker. `earlier` is given where sources have just
    got new rows; else both are found out. `stop` is set by whoever wants the work to end in good order.
    """

    def __init__(
        self,
        settings: Settings,
        identity: dict[str, Any] | None = None,
        *,
        earlier: dict[str, str] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.settings, self.out = settings, settings.out
        self.stop = stop or threading.Event()
        self._given_identity, self._given_earlier = identity, earlier
        self.questions = SourceQuestions(
            settings, lambda: self.identity["sources"], lambda: self.earlier, self.check_stop
        )
        self.parts = StageParts(settings, self.questions, self.check_stop)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The facts that may not change within one OUT, see `identity_of`."""
        return identity_of(self.settings) if self._given_identity is None else self._given_identity

    @cached_property
    def earlier(self) -> dict[str, str]:
        """The fingerprint that each source had before new rows came to it."""
        if self._given_earlier is not None:
            return self._given_earlier
        note = Note.find(self.out)
        return note.earlier if note else {}

    def check(self) -> None:
        """Raise UsageError where OUT holds another build, or something else, or a setting names what is not there."""
        for stage in STAGES.values():
            stage.key(self.settings)
        _ = self.identity
        note = Note.find(self.out)
        if note is not None:
            check_same(self.out, self.identity, note.identity)
            return
        check_free(self.out)
        for source in self.settings.sources:
            if isinstance(whole := source_of(self.settings, source.name), Imported):
                check_folder(whole, source.location, self.settings.max_refused)

    def claim(self, settings: Settings | None = None) -> None:
        """Note in OUT what build it holds, and its settings, unless others are given. Do so when the sources have shown
        to be readable."""
        Note(self.identity, portable(settings or self.settings), self.earlier).write(self.out)

    def selection(self, **changes: Any) -> Selection:
        """The dialogues that the settings ask for, before anything is refused; `changes` take the settings' place."""
        ids = {source: [q.id for q in questions] for source, questions in self.questions.accepted.items()}
        asked = self.settings.model_dump(include={"seed", "limit", "target", "max_variants"})
        return Selection(ids, **asked | changes)

    def check_stop(self) -> None:
        """Raise Interrupted where a stop was asked for."""
        if self.stop.is_set():
            raise Interrupted(f"interrupted; what is done stays in {self.out}, the same command goes on from there")
