"""The offline simulator: oracles by rule and seed, for builds without a model; every level says more of the answer."""

from pipeline.errors import Refusal
from pipeline.llm.offline.simulation.guesses import guess
from pipeline.llm.offline.simulation.hints import hint
from pipeline.llm.offline.simulation.parts import take_apart
from pipeline.oracles import OracleRequest
from pipeline.seeds import fraction, rng
from pipeline.text.hesitations import without_hesitations
from pipeline.text.normal import normalise

_NOT_OURS = "the offline simulator speaks English only, not '{}'; name a model with --simulator or --llm"


class OfflineSimulator:
    """Writes oracles of levels 0 to 4 in English.

    What is told of the answer is drawn by (dialogue, turn, level), how it is worded by the prefix as well, so that
    the oracles of a turn agree with one another without being the same sentence.
    """

    name = "offline"
    version = "1"

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def simulate(self, request: OracleRequest) -> str:
        """The oracle's text, of at most 30 spoken words; Refusal(`language`) for any language but English."""
        if request.language.split("-")[0] != "en":
            raise Refusal("language", _NOT_OURS.format(request.language))
        where = (request.dialogue_id, request.turn, request.level)
        wording = rng(self._seed, "oracle wording", *where, request.prefix, request.sample)
        heard = without_hesitations(request.prefix, request.language)
        if not request.level:
            return guess(heard, wording)
        telling = rng(self._seed, "oracle telling", *where, request.sample)
        answer = take_apart(request.answer)
        openness = fraction(self._seed, "oracle openness", request.dialogue_id, request.turn)
        text = hint(request.level, answer, heard, openness, telling, wording)
        return f"Right. {text}" if normalise(text) == normalise(request.answer) else text
