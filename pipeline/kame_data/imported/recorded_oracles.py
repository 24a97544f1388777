"""The oracles of a recorded conversation with a tandem: what its back end gave, where it came.

Beside `audio` and `text` such a folder holds `oracles/<id>.json`, an object with `back_end` (its name) and `oracles`, a
list in order of time. Each has `words` (the first so many words of the user's, counted over the conversation, were in
the transcript that was asked about), `transcript` (what the recogniser had made of the turn), `heard` and `time`
(seconds: when it was asked, and when its first token came), and `text`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kame_data.errors import Refusal
from kame_data.imported.layout import ORACLES, ROUNDING_S
from kame_data.imported.recordings import Recordings
from kame_data.imported.turns_of_words import SpokenTurn
from kame_data.levels import GUESS
from kame_data.oracles.simulate import (
    Came,
    DialogueOracles,
    ManySimulator,
    Simulator,
    answered_turns,
    oracles_stage,
    simulate_oracles,
)
from kame_data.oracles.transcripts import recogniser_of
from kame_data.records import Dialogue, Oracle, Rejected
from kame_data.settings.tree import Settings
from kame_data.stage import Inputs, Stage
from kame_data.text.words import join_words

MOST_BYTES = 64 * 2**20
Seconds = Annotated[float, Field(ge=0)]


class GivenOracle(BaseModel):
    """An oracle of a folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    words: Annotated[int, Field(ge=1)]
    transcript: Annotated[str, Field(max_length=20_000)]
    heard: Seconds
    time: Seconds
    text: Annotated[str, Field(min_length=1, max_length=20_000)]


class GivenOracles(BaseModel):
    """All oracles of a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    back_end: Annotated[str, Field(min_length=1, max_length=500)]
    oracles: tuple[GivenOracle, ...]


def read_oracles(path: Path) -> GivenOracles:
    """The oracles of a file. Raises Refusal (`bad_oracles`)."""
    where = f"{ORACLES}/{path.name}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refusal("bad_oracles", f"{where} has more than {MOST_BYTES} bytes")
        given = GivenOracles.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Refusal("bad_oracles", f"{where}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise Refusal("bad_oracles", f"{where}: {at or 'it'}: {first['msg']}"[:200]) from None
    for oracle in given.oracles:
        if oracle.time + ROUNDING_S < oracle.heard:
            raise Refusal("bad_oracles", f"{where}: one came at {oracle.time:g} s, before it was asked")
        if not oracle.text.strip():
            raise Refusal("bad_oracles", f"{where}: one is blank")
    return given


def oracles_of(
    dialogue: Dialogue, spoken: list[SpokenTurn], given: GivenOracles, name: str, duration: float
) -> DialogueOracles:
    """The oracles of a dialogue whose turns are `spoken`, on their turns and prefixes, with level 0: a back end at work
    is given no hint. `duration`: of the sound, in seconds.

    Where the transcript changed and was asked for again, of the same words or of fewer, the last that came stays, so
    that oracles of more words come later. Those of a turn that nobody answered, and what was asked about a
    back-channel, have no place in a row. Raises Refusal.
    """
    places = sorted(
        (word.start, number, count)
        for number, turn in enumerate(spoken)
        if turn.turn.role == "user"
        for count, word in enumerate(turn.words, 1)
    )
    answered = {number for number, _ in answered_turns(dialogue)}
    found: dict[tuple[int, int], tuple[Oracle, Came]] = {}
    for oracle in sorted(given.oracles, key=lambda oracle: oracle.time):
        if oracle.words > len(places):
            raise Refusal("bad_oracles", f"{ORACLES}/{name}.json: asks about word {oracle.words} of {len(places)}")
        if oracle.time > duration + ROUNDING_S:
            raise Refusal(
                "bad_oracles",
                f"{ORACLES}/{name}.json: one came at {oracle.time:g} s, and the sound ends at {duration:g} s",
            )
        _, turn, words = places[oracle.words - 1]
        if turn not in answered:
            continue
        said = spoken[turn].words
        text = join_words([word.word for word in said[:words]], dialogue.language)
        misheard = oracle.transcript if oracle.transcript != text else ""
        found = {place: one for place, one in found.items() if place < (turn, words)}
        at = Oracle(turn, words, words / len(said), GUESS, oracle.text, misheard)
        found[turn, words] = at, Came(oracle.heard, oracle.time)
    ordered = [found[place] for place in sorted(found)]
    return DialogueOracles(
        dialogue.id, tuple(oracle for oracle, _ in ordered), (), tuple(came for _, came in ordered), given.back_end
    )


def recorded_oracles_stage(
    simulator_of: Callable[[Settings], Simulator | ManySimulator],
    recordings_of: Callable[[Settings], Recordings],
    own: Callable[[Settings], dict[str, Any]],
) -> Stage:
    """The stage of recorded dialogues: oracles that came with a recording stay, the others are simulated as elsewhere.

    `own` gives the settings that a recording is read with.
    """
    plain = oracles_stage(simulator_of)

    def key(settings: Settings) -> dict[str, Any]:
        return plain.key(settings) | {"imported": own(settings)}

    def run(settings: Settings, inputs: Inputs) -> Iterator[DialogueOracles | Rejected]:
        recordings = recordings_of(settings)
        by_id = {question.id: question for question in inputs.questions}
        simulated: list[Dialogue] = []
        for dialogue in inputs.dialogues:
            entry = recordings.entry(by_id[dialogue.question_id])
            if not entry.oracles.is_file():
                simulated.append(dialogue)
                continue
            try:
                yield oracles_of(
                    dialogue,
                    recordings.turns(entry),
                    read_oracles(entry.oracles),
                    entry.name,
                    recordings.duration(entry),
                )
            except Refusal as refusal:
                question = dialogue.question_id
                source = question.partition("-")[0]
                yield Rejected(plain.name, source, question, dialogue.id, refusal.reason, refusal.detail)
        if simulated:
            schedule, recogniser = settings.level_schedule(), recogniser_of(settings.stt, settings.seed)
            yield from simulate_oracles(simulated, schedule, simulator_of(settings), recogniser)

    return Stage(plain.name, plain.version, plain.reads, plain.record, key, run)
