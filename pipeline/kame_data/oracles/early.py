"""Answers that begin before the true answer is known: with the oracle that has come by then, or with a filler.

An early start says the first words of the very oracle that stands in the row: it is asked for here by the request that
the oracles stage makes for the same prefix, so that a model answers it once. Up to that prefix the back end still
guesses (`LevelSchedule.prefixes`): so the guess is the newest oracle when it is said, and a better one mends it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kame_data.errors import Refusal
from kame_data.levels import HOLDING, TRUTH, LevelSchedule
from kame_data.oracles.acceptance import OracleTask
from kame_data.oracles.simulate import Drawn, ManySimulator, Simulator, outcomes_of, tasks_at
from kame_data.oracles.transcripts import Recogniser, recogniser_of
from kame_data.records import Dialogue, Prefix, Start, Turn
from kame_data.seeds import rng
from kame_data.settings.tree import EarlySettings, Settings
from kame_data.text.answers import tells
from kame_data.text.hesitations import speaks, without_hesitations
from kame_data.text.repairs import FILLERS, begun, repairs_in
from kame_data.text.words import split_words

VERSION = 1
LEAST_WORDS = 6
"""Words of a user's turn that may be answered early, at the least."""
CLEAR = 4
"""Words before an early start's prefix in which the assistant says no back-channel any more."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A dialogue with its early start as far as it is known before the oracles are there, and the tasks for them."""

    dialogue: Dialogue
    tasks: tuple[tuple[Prefix, OracleTask], ...]


class EarlyStarts:
    """The early starts and fillers of a build's dialogues. Every choice depends on (seed, dialogue) alone, so that a
    larger share keeps what a smaller one chose."""

    def __init__(
        self,
        settings: EarlySettings,
        seed: int,
        schedule: LevelSchedule,
        simulator: Simulator | ManySimulator,
        recogniser: Recogniser | None = None,
    ) -> None:
        self.settings, self.seed, self.schedule = settings, seed, schedule
        self.simulator, self.recogniser = simulator, recogniser

    @classmethod
    def of(cls, settings: Settings, simulator: Simulator | ManySimulator) -> "EarlyStarts":
        """Those that the settings of a build ask for."""
        recogniser = recogniser_of(settings.stt, settings.seed)
        return cls(settings.duplex.early, settings.seed, settings.level_schedule(), simulator, recogniser)

    def begin(self, dialogues: Sequence[Dialogue]) -> list[Dialogue]:
        """The dialogues with their early starts and fillers; the same ones where none is drawn, where the oracle is
        none that a person would begin with, or where there are no words for it in the language. What is to be asked of
        a model is asked at once."""
        planned = [self._planned(dialogue) for dialogue in dialogues]
        tasks = {id(task): task for plan in planned if plan for _, task in plan.tasks}
        outcomes = dict(zip(tasks, outcomes_of(self.simulator, list(tasks.values())), strict=True)) if tasks else {}
        made = []
        for dialogue, plan in zip(dialogues, planned, strict=True):
            early = plan and self._begun(plan, [(prefix, outcomes[id(task)]) for prefix, task in plan.tasks])
            made.append(self._with_fillers(early or dialogue))
        return made

    def _planned(self, dialogue: Dialogue) -> _Planned | None:
        draws = rng(self.seed, "early start", dialogue.id)
        if draws.random() >= self.settings.share or not repairs_in(dialogue.language):
            return None
        unheard = self.settings.unheard.draw(draws)
        places = list(self._places(dialogue, unheard))
        if not places:
            return None
        asked, words = draws.choice(places)
        quiet = _quiet(dialogue, asked, words)
        level = self.schedule.levels[0]
        start = Start(dict(_answers(quiet))[asked], asked, "early", 0, 0, 0, words, level, ())
        dialogue = replace(quiet, starts=(start,))
        wanted = tuple(
            (prefix, task)
            for prefix, task in tasks_at(dialogue, self.schedule, self.recogniser)
            if prefix.turn == asked and (prefix.words == words or (prefix.words > words and prefix.level >= HOLDING))
        )
        return _Planned(dialogue, wanted)

    def _places(self, dialogue: Dialogue, unheard: float) -> Iterator[tuple[int, int]]:
        """The turns that may be answered early, with the words heard of them by then."""
        for asked, answer in _answers(dialogue):
            turn = dialogue.turns[answer]
            total = len(split_words(dialogue.turns[asked].text, dialogue.language))
            most = total - min(unheard, total / 2)
            heard = [count for count in self.schedule.counts(total) if count <= most]
            if total >= LEAST_WORDS and heard and tells(turn.intended_text, _claim(turn, dialogue), dialogue.language):
                yield asked, heard[-1]

    def _begun(self, plan: _Planned, outcomes: Sequence[tuple[Prefix, Drawn | Refusal]]) -> Dialogue | None:
        """The planned dialogue with its early start; None where the oracle is refused, or nothing to begin with."""
        dialogue, (start,) = plan.dialogue, plan.dialogue.starts
        found = {prefix: drawn for prefix, drawn in outcomes if isinstance(drawn, Drawn)}
        guess = next((drawn.text for prefix, drawn in found.items() if prefix.words == start.prefix_words), "")
        turn, question = dialogue.turns[start.turn], dialogue.turns[start.asked]
        draws = rng(self.seed, "early words", dialogue.id)
        unsure = draws.random() < self.settings.unsure
        asked = without_hesitations(question.text, dialogue.language)
        claim, truth = _claim(turn, dialogue), turn.intended_text
        words = begun(guess, truth, claim, asked, dialogue.language, draws, unsure=unsure)
        if words is None:
            return None
        whole = len(split_words(question.text, dialogue.language))
        prefixes = self.schedule.prefixes(start.asked, whole, start.prefix_words)
        # The truth itself is asked of nobody.
        holding = {prefix.words for prefix in (*found, *prefixes) if prefix.level == TRUTH or prefix in found}
        waits_for = tuple(sorted(n for n in {*holding, whole} if n > start.prefix_words))
        start = replace(start, words=words.words, lead=words.lead, mend=words.mend, waits_for=waits_for)
        return _with_start(replace(dialogue, starts=()), start, words.text, words.taken_up, words.shift)

    def _with_fillers(self, dialogue: Dialogue) -> Dialogue:
        phrases = FILLERS.get(speaks(dialogue.language), ())
        # One before the early start would be in what its oracle has heard, and move it in time.
        behind = max((start.asked for start in dialogue.starts), default=-1)
        for asked, answer in _answers(dialogue) if phrases and self.settings.filler else ():
            draws = rng(self.seed, "filler", dialogue.id, asked)
            if draws.random() >= self.settings.filler or asked <= behind:
                continue
            filler, truth = draws.choice(phrases), dialogue.turns[answer].intended_text
            whole = len(split_words(dialogue.turns[asked].text, dialogue.language))
            words = len(split_words(filler, dialogue.language))
            start = Start(answer, asked, "filler", words, 0, 0, whole, self.schedule.levels[-1], (whole,))
            dialogue = _with_start(dialogue, start, f"{filler} {truth}", 0, words)
        return dialogue


def _answers(dialogue: Dialogue) -> list[tuple[int, int]]:
    """(user turn, its answer) of the answers that may begin in another way: none that is interrupted, or is given to an
    interruption."""
    floor = [number for number, turn in enumerate(dialogue.turns) if turn.kind == "speech"]
    turns = dialogue.turns
    return [
        (asked, answer)
        for place, (asked, answer) in enumerate(pairwise(floor))
        if (turns[asked].role, turns[answer].role) == ("user", "assistant")
        and not turns[answer].interrupted
        and not (place and turns[floor[place - 1]].interrupted)
    ]


def _claim(turn: Turn, dialogue: Dialogue) -> str:
    return turn.claim or dialogue.answer


def _quiet(dialogue: Dialogue, asked: int, words: int) -> Dialogue:
    """The dialogue without the assistant's back-channels shortly before it starts early, and from there on."""
    turns = list(dialogue.turns[: asked + 1])
    rest = list(dialogue.turns[asked + 1 :])
    while rest and rest[0].kind == "back_channel":
        turn = rest.pop(0)
        if turn.after is not None and turn.after <= words - CLEAR:
            turns.append(turn)
    return replace(dialogue, turns=(*turns, *rest))


def _with_start(dialogue: Dialogue, start: Start, text: str, taken_up: int, shift: int) -> Dialogue:
    """The dialogue whose turn `start.turn` is said as `text`, in which the words of the true turn from `taken_up` on
    stand `shift` words later. The user's back-channels in it move along, or go with the words that they answer."""
    turns = [*dialogue.turns[: start.turn], replace(dialogue.turns[start.turn], text=text)]
    rest = list(dialogue.turns[start.turn + 1 :])
    while rest and rest[0].kind == "back_channel":
        turn = rest.pop(0)
        if turn.after is not None and turn.after > taken_up:
            turns.append(replace(turn, after=turn.after + shift))
    return replace(dialogue, turns=(*turns, *rest), starts=(*dialogue.starts, start))
