"""Figures of right answers: which levels hold it, of the whole and of what is read, and when a level falls."""

from array import array

import pytest

import dummies
from kame_data.finished.level_figures import SHARE, LevelCurve, LevelFigures
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.settings.latency import LatencySettings


def curve(**shares: tuple[int, int]) -> LevelCurve:
    """A curve of which the level behind `whole_` or `read_` has so many right ones of so many."""
    found = LevelCurve(Reckoner(LatencySettings(), 0))
    for name, (right, answered) in shares.items():
        what, _, level = name.partition("_")
        figures = found.levels.setdefault(int(level), LevelFigures())
        if what == "whole":
            figures.right, figures.answered = right, answered
        else:
            figures.right_consumed, figures.answered_consumed = right, answered
    return found


@pytest.mark.parametrize(
    ("shares", "falls"),
    [
        ({"whole_1": (0, 100), "whole_2": (50, 100), "whole_3": (100, 100), "whole_4": (100, 100)}, []),
        ({"whole_2": (60, 100), "whole_3": (30, 100)}, [(2, 3, SHARE)]),
        ({"whole_2": (6, 10), "whole_3": (5, 10)}, []),
        ({"whole_0": (30, 100), "whole_1": (0, 100)}, []),
        ({"read_3": (90, 100), "read_4": (40, 100)}, [(3, 4, f"{SHARE}, of what is consumed")]),
        ({"whole_3": (100, 100), "whole_4": (0, 0), "whole_5": (100, 100)}, []),
    ],
)
def test_a_share_falls_where_it_falls_by_more_than_chance(shares, falls) -> None:
    assert [tuple(fall) for fall in curve(**shares).falls()] == falls


@pytest.mark.parametrize(
    ("low", "high", "falls"),
    [
        ([40.0, 44.0, 47.0], [20.0], False),  # two dialogues say nothing
        ([40.0] * 20, [20.0] * 20, True),
        ([40.0, 50.0] * 10, [38.0, 50.0] * 10, False),
        ([40.0, 50.0] * 10, [20.0, 30.0] * 10, True),
        ([40.0] * 20, [40.0] * 20, True),  # the same text at every level
        ([40.0, 50.0] * 200, [39.9, 50.0] * 200, True),
    ],
)
def test_a_mean_falls_by_more_than_chance_and_of_a_few_none_does(low, high, falls) -> None:
    found = LevelCurve(Reckoner(LatencySettings(), 0))
    found.levels = {1: LevelFigures(whole=array("d", low)), 2: LevelFigures(whole=array("d", high))}
    assert bool(found.falls()) is falls


def test_a_fall_is_said_in_one_line() -> None:
    fall = curve(whole_2=(60, 100), whole_3=(30, 100)).falls()[0]
    assert str(fall) == f"the oracles of level 3 do not say more of the answer than those of level 2 ({SHARE})"


def spoken_row(*oracles: tuple[int, float, str, float | None], truth: str = "It is twelve roses, as you see.") -> Row:
    told = dummies.row(0, answer="12")
    asked = next(n for n, turn in enumerate(told["turns"]) if turn["role"] == "user")
    after = next(n for n, turn in enumerate(told["turns"]) if n > asked and turn["role"] == "assistant")
    told["turns"][after] |= {"text": truth, "intended_text": truth}
    told["claims"] = []
    words = [w for w in told["words"] if w["turn"] != after]
    start, end = told["turns"][after]["start"], told["turns"][after]["end"]
    said = truth.split()
    step = (end - start) / len(said)
    words += [
        {"turn": after, "role": "assistant", "word": w, "start": start + n * step, "end": start + (n + 1) * step}
        for n, w in enumerate(said)
    ]
    told["words"] = sorted(words, key=lambda word: word["turn"])
    total = sum(w["turn"] == asked for w in told["words"])
    told["oracles"] = [
        {"turn": asked, "prefix_words": max(1, round(ratio * total)), "ratio": ratio, "level": level, "text": text,
         "heard": 0.0, "time": time}
        for level, ratio, text, time in oracles
    ]  # fmt: skip
    return Row.of(told)


def test_what_is_read_before_the_next_one_comes_is_counted_apart() -> None:
    row = spoken_row(
        (0, 0.05, "I would say twelve roses.", 0.1),
        (0, 0.42, "That will be nine.", 0.9),
        (2, 0.7, "Let me see, it must be something like twelve.", 1.7),
        (3, 0.9, "Twelve roses, because three times four is twelve.", 2.5),
        (4, 0.95, "It is twelve roses, you see.", None),
    )
    found = LevelCurve(Reckoner(LatencySettings(), 0))
    found.add(row)
    assert {n: (f.right, f.answered) for n, f in found.levels.items()} == {0: (1, 2), 2: (1, 1), 3: (1, 1), 4: (1, 1)}
    read = {n: (f.right_consumed, f.answered_consumed) for n, f in found.levels.items()}
    assert read[2] == (0, 1) and read[3] == (1, 1) and read[4] == (0, 0)
    assert found.guesses == {1: [1, 1], 5: [0, 1]}
    assert found.guessed.endswith("up to: 10 % 100% of 1, 50 % 0% of 1")


def test_turns_that_tell_no_answer_are_none_to_be_right_about() -> None:
    found = LevelCurve(Reckoner(LatencySettings(), 0))
    found.add(spoken_row((0, 0.1, "Sure.", 0.1), (3, 0.9, "Of course, go ahead.", 2.0), truth="Sure, go ahead."))
    assert all(f.answered == f.answered_consumed == 0 and f.whole for f in found.levels.values())
    assert found.guessed == ""
