"""Whatever is wrong with a row of a shard is found and named."""

import copy
import re

import pytest

import dummies
from kame_data.errors import KameError
from kame_data.finished.row import Row
from kame_data.verify.check_shards import check_row

LEVELS = set(range(6))
SPOKEN = dummies.row(1, duplex=True)
SILENT = dummies.silent(SPOKEN)


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("duplex", [False, True])
def test_a_sound_row_has_no_problem(grid, duplex):
    row = dummies.row(1, grid=grid, duplex=duplex)
    assert list(check_row(Row.of(row), LEVELS, spoken=True)) == []
    assert list(check_row(Row.of(dummies.silent(row)), LEVELS, spoken=False)) == []


def put(path, value):
    """A change that puts `value` (or what it makes of the old one) at a path of names and positions."""

    def change(row):
        *rooms, last = path
        for room in rooms:
            row = row[room]
        row[last] = value(row[last]) if callable(value) else value

    return change


def swapped(group):
    """A change that swaps the first two of a list."""
    return lambda row: row[group].insert(0, row[group].pop(1))


WRONG = [
    (put(["id"], "other"), "id is not that of variant"),
    (put(["turns"], []), "first turn is not the user's"),
    (put(["turns", 0, "role"], "assistant"), "first turn is not the user's"),
    (put(["turns", 2, "role"], "judge"), "a turn of 'judge'"),
    (put(["turns", 2, "text"], "Something else"), "turn 2: its words make"),
    (put(["words", 3, "word"], "never"), "turn 0: its words make"),
    (put(["words", 3, "role"], "assistant"), "has words of another"),
    (put(["words", 0, "turn"], 9), "of a turn 9"),
    (lambda row: row["words"].append(row["words"].pop(0)), "not in order of turn"),
    (swapped("oracles"), "not in order of turn, prefix and level"),
    (put(["oracles", 0, "level"], 6), "has level 6; the build's are 0, 1, 2"),
    (put(["oracles", 0, "text"], " "), "is empty"),
    (put(["oracles", 0, "turn"], 1), "of no turn of the user's"),
    (put(["oracles", 0, "turn"], 40), "of no turn of the user's"),
    (put(["oracles", 0, "ratio"], lambda v: v + 0.01), "cannot be"),
    (put(["oracles", 0, "prefix_words"], 900), "cannot be"),
    (put(["situations", 0, "kind"], "yawn"), "the kind 'yawn'"),
    (put(["situations", 1, "turn"], -1), "of a turn -1"),
    (put(["transcripts", 0, "turn"], 1), "a transcript of turn 1"),
    (put(["claims", 0, "turn"], 0), "a claim of turn 0"),
    (put(["claims", 0, "turn"], 40), "a claim of turn 40"),
    (put(["claims", 0, "text"], " "), "the claim of turn 1 is empty"),
    (put(["form"], "riddle"), "its form is 'riddle'"),
]
WRONG_SOUND = [
    (put(["audio", "bytes"], b"fLaC"), "sound cannot be read"),
    (put(["audio"], None), "sound is missing"),
    (put(["audio_checks"], None), "sound is missing"),
    (put(["duration"], lambda v: v + 1), r"lasts [\d.]+ s, and its duration"),
    (put(["words", 4, "end"], None), r"words\[4\].end is null"),
    (put(["oracles", 2, "heard"], None), r"oracles\[2\].heard is null"),
    (put(["provenance", "user_voice"], None), "provenance.user_voice is null"),
    (put(["words", -1, "end"], 1000.0), "does not lie within"),
    (put(["words", 4, "start"], -0.5), "does not lie within"),
    (put(["situations", 0, "end"], -1.0), "does not lie within"),
    (put(["words", 4, "end"], lambda v: v + 0.2), "its words overlap"),
    (put(["turns", 0, "end"], lambda v: v - 0.1), "does not start and end with its words"),
    (put(["oracles", 0, "heard"], 0.1), "before its last word had ended"),
    (put(["oracles", 0, "time"], 0.2), "before it was heard"),
    (put(["oracles", 0, "time"], 100.0), "do not arrive in order"),
]


@pytest.mark.parametrize(("change", "said"), [*WRONG, *WRONG_SOUND])
def test_what_is_wrong_is_named(change, said):
    row = copy.deepcopy(SPOKEN)
    change(row)
    try:
        problems = list(check_row(Row.of(row), LEVELS, spoken=True))
    except KameError as error:  # what no reader can read is named by the reader
        problems = [str(error)]
    assert any(re.search(said, problem) for problem in problems), problems


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_what_is_wrong_is_named_without_speech_too(change, said):
    row = copy.deepcopy(SILENT)
    change(row)
    problems = list(check_row(Row.of(row), LEVELS, spoken=False))
    assert any(re.search(said, problem) for problem in problems), problems


def test_a_silent_build_has_no_times_and_a_spoken_one_has():
    assert "is not null, in a build without speech" in next(check_row(Row.of(SPOKEN), LEVELS, spoken=False))
    found = list(check_row(Row.of(SILENT), LEVELS, spoken=True))
    assert "its sound is missing, in a build with speech" in found and "is null, in a build with speech" in found[0]
