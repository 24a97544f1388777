"""The trial of a model: until one of its texts is kept it is asked for few, and when none of these will do, the work
stops.

A text is what is wanted whole, with all its samples: a dialogue, or the oracles that one request asks for. Texts count
and not replies, because a model is told why a reply was refused, and many a small one is right only then. Of a model
that is right in one reply of ten, 30 texts of three samples each are all refused in one build of ten thousand.

A model that has passed is never stopped later: there may be a source that it can't do beside others that it can, and
`max_refused` judges the share that is refused in all. How trials stand is noted in OUT, so that the same command does
not try, and pay, the next texts each time that it is given.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter

from kame_data.errors import KameError, Refusal
from kame_data.llm.engine import LLM
from kame_data.llm.notes import notes_in
from kame_data.llm.providers.base import scrub
from kame_data.llm.request import Answer, Request
from kame_data.safe_path import code_digest
from kame_data.seeds import digest
from kame_data.storage.files import write_whole
from kame_data.storage.paths import AnyPath

T = TypeVar("T")
Faults = dict[str, tuple[int, str]]
"""What was wrong with the replies of a text: how often for each reason, and the beginning of one such reply."""
_Refused = Annotated[dict[str, tuple[Annotated[int, Field(ge=1)], str]], Field(min_length=1)]
_NOTE = TypeAdapter(dict[str, tuple[bool, dict[str, _Refused]]])
"""How trials stand, each by its key: whether a text was kept, and what was refused, as `Trial.refused`."""
EXAMPLE = 100
"""Characters of a refused reply that are shown."""
MORE = 10
"""The times that the message would have the setting raised."""


class Trial:
    """The trial of one model in one stage. `most`: the texts that may be refused before one is kept; `refused`: those
    that were, by the key of their first request."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept = False
        self.refused: dict[str, Faults] = {}
        self.in_work = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def full(self) -> bool:
        """True where those in work would be enough to lose the trial."""
        return not self.kept and len(self.refused) + self.in_work >= self.most

    @property
    def lost(self) -> bool:
        """True where as many were refused as may be, and none was kept."""
        return not self.kept and len(self.refused) >= self.most

    async def changed(self) -> None:
        """Returns when a text has ended, or the first one is kept."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def wake(self) -> None:
        """Tells all that wait for a change."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


class Text:
    """One text that is asked for; its asker says what becomes of each reply."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self.faults: Faults = {}

    def keep(self) -> None:
        """A reply, or a part of one, was accepted."""
        if not self._trial.kept:
            self._trial.kept = True
            self._trial.wake()

    def refuse(self, refusal: Refusal, answer: Answer | None) -> None:
        """A reply, or a part of one, was not accepted; where none came at all (`llm_failed`), nothing is said of the
        model. `answer` None: the provider refused the content."""
        if refusal.reason != "llm_failed" and not self._trial.kept:
            times, example = self.faults.get(refusal.reason, (0, answer.text if answer else refusal.detail))
            self.faults[refusal.reason] = times + 1, example


class Trials:
    """The trials of an engine's models, one for each stage, model and way of asking; used in the engine's loop.

    `most`: see `Trial`; `out`: the build's folder, `name`: the run's own in it, for the notes. Raises KameError for a
    damaged note.
    """

    def __init__(self, llm: LLM, most: int, out: AnyPath, name: str) -> None:
        self._llm, self._most = llm, most
        self._folder, self._name = out / "parts" / "trials", name
        self._trials: dict[str, Trial] = {}
        self._known = notes_in(self._folder, _NOTE, "its models are tried again")

    async def text(self, first: Request, version: str, work: Callable[[Text], Awaitable[T]]) -> T:
        """The result of `work`, which asks for a text that begins with the request `first`; `version` is the asker's.

        It waits where those in work would be enough to lose the trial. Raises what `work` raises, and the KameError
        that stops the engine where the trial is lost.
        """
        trial = self._trial(first, version)
        while trial.full:
            if trial.lost or self._llm.stopped is not None:
                raise self._lost(trial, first)
            await trial.changed()
        trial.in_work += 1
        text, refusal = Text(trial), None
        try:
            result = await work(text)
        except Refusal as caught:
            refusal = caught
        finally:
            trial.in_work -= 1
            trial.wake()
        if text.faults and not trial.kept:
            trial.refused.setdefault(first.key, self._shown(text.faults, first))
        if trial.lost:
            raise self._lost(trial, first)
        if refusal is not None:
            raise refusal
        return result

    def note(self) -> None:
        """Notes in OUT how the trials stand of which something is known."""
        known = {key: [trial.kept, {} if trial.kept else trial.refused] for key, trial in list(self._trials.items())}
        if any(kept or refused for kept, refused in known.values()):
            write_whole(self._folder / f"{self._name}.json", json.dumps(known).encode() + b"\n")

    def _trial(self, first: Request, version: str) -> Trial:
        key = digest(first.stage, first.whom, version, code_digest())
        trial = self._trials.get(key)
        if trial is None:
            trial = self._trials[key] = Trial(self._most)
            for kept, refused in (note[key] for note in self._known if key in note):
                trial.kept = trial.kept or kept
                # Of another ledger, answers would be asked for anew.
                trial.refused |= {asked: faults for asked, faults in refused.items() if asked in self._llm.ledger}
        return trial

    def _shown(self, faults: Faults, request: Request) -> Faults:
        secret = self._llm.client(request)[1]
        return {reason: (times, scrub(text, secret)[:EXAMPLE]) for reason, (times, text) in faults.items()}

    def _lost(self, trial: Trial, request: Request) -> KameError:
        """Stops the engine for a trial that is lost, unless it is stopped; the error that has stopped it."""
        if self._llm.stopped is None:
            self._llm.stop(self._error(trial, request))
        assert self._llm.stopped is not None
        return self._llm.stopped

    def _error(self, trial: Trial, request: Request) -> KameError:
        counts: Counter[str] = Counter()
        for faults in trial.refused.values():
            counts.update({reason: times for reason, (times, _) in faults.items()})
        ((reason, times),) = counts.most_common(1)
        wrote = next(faults[reason][1] for faults in trial.refused.values() if reason in faults)
        return KameError(
            f"{request.stage} by {request.whom}: none of its first {len(trial.refused)} texts was kept, {times} of "
            f"{counts.total()} refusals are '{reason}', as of the reply {wrote!r}; take another model, read all that "
            f"it wrote with kame-data ledger --ledger {self._llm.ledger.folder} export FILE.jsonl, or let it try for "
            f"longer with --set llm.trial={MORE * trial.most}"
        )
