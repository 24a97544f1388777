"""The offline simulator: oracles by rule and seed, for builds without a model; every level says more of the answer."""

from collections.abc import Callable, Iterator, Sequence

from kame_data.errors import Refusal
from kame_data.levels import GUESS
from kame_data.offline import hints
from kame_data.offline.guesses import guess
from kame_data.oracles.acceptance import OracleTask
from kame_data.oracles.simulate import SAMPLES, Drawn
from kame_data.seeds import rng
from kame_data.text.hesitations import without_hesitations

_NOT_OURS = "the offline simulator speaks English only, not '{}'; name a model with --simulator or --llm"


class OfflineSimulator:
    """Writes oracles of levels 0 to 4 in English.

    An oracle is drawn by (dialogue, turn, transcript, level). At level 0 nothing but the request is looked at, which
    lacks the answer; above it the task's answer says which words of the coming turn matter.
    """

    name = "offline"
    version = "7"

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def simulate_many(
        self, tasks: Sequence[OracleTask], accept: Callable[[str, OracleTask], str]
    ) -> Iterator[Drawn | Refusal]:
        """For each task, in order, its accepted oracle or the last refusal; Refusal(`language`) but for English."""
        for task in tasks:
            yield self._draw(task, accept)

    def _draw(self, task: OracleTask, accept: Callable[[str, OracleTask], str]) -> Drawn | Refusal:
        refused: list[Refusal] = []
        for sample in range(SAMPLES):
            try:
                return Drawn(accept(self._oracle(task, sample), task), tuple(r.reason for r in refused))
            except Refusal as refusal:
                refused.append(refusal)
        return refused[-1]

    def _oracle(self, task: OracleTask, sample: int) -> str:
        request = task.request
        if request.language.split("-")[0] != "en":
            raise Refusal("language", _NOT_OURS.format(request.language))
        where = (request.dialogue_id, request.turn, request.level, request.transcript)
        draws = rng(self._seed, "oracle", *where, sample)
        heard = without_hesitations(request.transcript, request.language)
        if request.level == GUESS:
            return guess(heard, request.context, draws)
        truth = hints.Truth.of(task)
        if request.level == 1:
            return hints.near(truth, heard, draws)
        if request.level == 2:
            return hints.half(truth, request.known, draws)
        return hints.right(truth, draws) if request.level == 3 else hints.almost(truth, draws)
