"""The offline simulator: spoken English that tells more of the answer with every level."""

import json
import random
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest

from pipeline.chrf import chrf
from pipeline.errors import Refusal
from pipeline.levels import LevelSchedule
from pipeline.llm.offline.simulation.parts import take_apart
from pipeline.llm.offline.simulation.phrases import cuts, subject, topics
from pipeline.llm.offline.simulation.quantities import quantities, value_of
from pipeline.llm.offline.simulator import OfflineSimulator
from pipeline.oracles import DialogueOracles, OracleRequest, holds, simulate_oracles
from pipeline.records import Dialogue, Turn
from pipeline.text.normal import normalise
from pipeline.text.spoken import is_spoken

# (question, answer line, true answer), of the kinds that occur: numbers, names, clauses, choices, courtesies.
CASES = [
    (
        "Mia has four bags with twelve marbles in each. How many marbles does she have?",
        "Mia has forty-eight marbles in all.",
        "forty-eight",
    ),
    (
        "A bakery sold ninety rolls and then thirty more. How many is that?",
        "That comes to one hundred and twenty rolls.",
        "one hundred and twenty",
    ),
    (
        "How much does she pay for the coat after the discount?",
        "She pays sixty-five dollars and fifty cents for the coat.",
        "sixty-five dollars and fifty cents",
    ),
    (
        "Tell me the square root of eighty-one.",
        "It's nine.",
        "nine",
    ),
    (
        "What percent of the students walk to school?",
        "Thirty-five percent of the students walk to school.",
        "thirty-five percent",
    ),
    (
        "Which gas do plants take in from the air? Is it oxygen, carbon dioxide or argon?",
        "Of those, it's carbon dioxide. The others don't fit here.",
        "carbon dioxide",
    ),
    (
        "Which method dates old wood by its rings?",
        "The answer is dendrochronology.",
        "dendrochronology",
    ),
    (
        "What is the capital of Peru?",
        "The capital of Peru is Lima.",
        "Lima",
    ),
    (
        "Why does the price of bread rise when wheat is scarce?",
        "The price rises because bakers have to pay more for the flour that they need.",
        "",
    ),
    (
        "Does sound travel faster in water than in air?",
        "Yes, sound travels about four times faster in water than in air.",
        "yes",
    ),
    (
        "What happens to a gas that is heated in a closed box?",
        "The pressure of the gas goes up, since its particles hit the walls harder and more often.",
        "",
    ),
    (
        "In a court, who decides what the law means?",
        "I'd say it's the judge.",
        "the judge",
    ),
    (
        "Hi, can I ask you something?",
        "Sure, go ahead.",
        "",
    ),
    (
        "Great, that's all I need. Thanks.",
        "You're welcome. Just ask if anything else comes up.",
        "",
    ),
    (
        "How would you sum up how a bill becomes law?",
        "A bill is written and debated in a committee, then both chambers have to vote for it, and at last "
        "the president signs it, or sends it back with reasons that they may overrule.",
        "",
    ),
]


def case(index: int) -> Dialogue:
    question, line, answer = CASES[index]
    return Dialogue(
        f"own-{index}-v0",
        f"own-{index}",
        0,
        "en",
        (Turn("user", question, question), Turn("assistant", line, line)),
        answer,
    )


@cache
def ladder(index: int, seed: int = 0) -> dict[int, list[str]]:
    """The texts of all prefixes by level; fails where an oracle was refused."""
    results = list(simulate_oracles([case(index)], LevelSchedule(schedule="grid", every=1), OfflineSimulator(seed)))
    assert len(results) == 1 and isinstance(results[0], DialogueOracles), results[:-1]
    texts: dict[int, list[str]] = defaultdict(list)
    for oracle in results[0].oracles:
        texts[oracle.level].append(oracle.text)
    return texts


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("index", range(len(CASES)))
def test_every_oracle_is_a_short_spoken_sentence(index: int, seed: int) -> None:
    truth = CASES[index][1]
    for level, texts in ladder(index, seed).items():
        for text in texts if level < 5 else ():
            assert not is_spoken(text)
            assert len(text.split()) <= 30
            assert text[0].isupper() and text[-1] in ".?!"
            assert not any(bad in text for bad in ("..", " ,", "{", "}", "  ", ",,", ".,")), text
            assert normalise(text) != normalise(truth)


def test_more_is_told_with_every_level() -> None:
    means = [
        mean(mean(chrf(text, CASES[i][1]) for text in ladder(i)[level]) for i in range(len(CASES)))
        for level in range(6)
    ]
    assert all(after - before >= 5 for before, after in pairwise(means)), means


def test_the_right_value_is_told_more_often_with_every_level() -> None:
    numbers = range(5)
    share = [
        mean(holds(text, CASES[i][2]) for i in numbers for seed in range(12) for text in ladder(i, seed)[level])
        for level in range(5)
    ]
    assert share[0] == share[1] == 0
    assert share[2] < share[3] < share[4] == 1
    assert share[3] > 0.5


def test_level_0_depends_on_what_was_heard_alone() -> None:
    simulator = OfflineSimulator(3)
    heard = OracleRequest("a-1-v0", "en", 0, "Two trains leave a station at", "", 0, "")
    assert simulator.simulate(heard) == OfflineSimulator(3).simulate(heard)
    texts = {OfflineSimulator(seed).simulate(heard) for seed in range(30)}
    assert len(texts) > 8, "the wording varies"
    assert any("trains" in text or "station" in text for text in texts), "it is about what was heard"


def test_prefixes_of_a_turn_vary_in_wording() -> None:
    for level in (0, 1, 2, 3):
        assert len(set(ladder(0)[level])) >= 3


def test_the_seed_and_the_sample_change_the_draw() -> None:
    request = OracleRequest("a-1-v0", "en", 0, "How many", "", 2, CASES[8][1])
    draws = {OfflineSimulator(seed).simulate(request) for seed in range(20)}
    assert len(draws) > 3
    again = {
        OfflineSimulator(0).simulate(OracleRequest("a-1-v0", "en", 0, "How many", "", 2, CASES[8][1], sample=n))
        for n in range(9)
    }
    assert len(again) > 1


def test_other_languages_are_refused() -> None:
    with pytest.raises(Refusal, match="'zh'"):
        OfflineSimulator(0).simulate(OracleRequest("a", "zh", 0, "三乘", "", 0, ""))


def test_choices_that_were_offered_may_be_guessed() -> None:
    prefix = CASES[5][0]
    texts = [OfflineSimulator(s).simulate(OracleRequest("a", "en", 0, prefix, "", 0, "")) for s in range(30)]
    assert {o for o in ("oxygen", "carbon dioxide", "argon") if any(o in t for t in texts)} == {
        "oxygen",
        "carbon dioxide",
        "argon",
    }


@pytest.mark.parametrize(
    ("words", "value"),
    [("forty-eight", 48), ("one hundred and twenty", 120), ("two thousand five hundred six", 2506),
     ("three point five", 3.5),
     ("minus seven", -7), ("two point five million", 2_500_000), ("a hundred", 100), ("seven and the", None)],
)  # fmt: skip
def test_value_of(words: str, value: float | None) -> None:
    assert value_of(words.split()) == value


def test_quantities_leave_pronouns_alone() -> None:
    words = ["The", "first", "one", "has", "one", "hundred", "and", "two", "sheep", "and", "five", "cows"]
    assert [(q.start, q.end, q.value) for q in quantities(words)] == [(4, 8, 102), (10, 11, 5)]


def test_topics_are_noun_phrases() -> None:
    assert topics("The defendant was tried for burglary in a small town, and the jury left.") == (
        "the defendant",
        "a small town",
        "the jury",
    )
    assert topics("Then a freight", whole=False) == (), "a phrase may go on after the last word heard"
    assert topics("She quickly ran.") == ()


def test_cuts_are_where_a_pause_may_be() -> None:
    words = [
        "The",
        "price",
        "rises",
        "because",
        "bakers",
        "depend",
        "on",
        "the",
        "cost",
        "of",
        "flour,",
        "and",
        "on",
        "their",
        "ovens",
    ]
    assert [" ".join(words[:c]) for c in cuts(words)] == [
        "The price rises",
        "The price rises because bakers depend on the cost of flour,",
    ]


def test_answers_are_taken_apart() -> None:
    parts = take_apart("Okay. Of those, the answer is carbon dioxide. The others don't fit here.")
    assert (parts.stem, " ".join(parts.core), parts.closing) == (
        "Of those, the answer is",
        "carbon dioxide",
        "The others don't fit here.",
    )
    assert parts.phrase and not parts.courtesy
    assert take_apart("Yes, that's right, five dollars.").polarity == "yes"
    assert take_apart("You're welcome. Any time.").courtesy
    assert subject(["The", "capital", "of", "Peru", "is", "Lima"]) == "The capital of Peru"


ROOT = Path(__file__).resolve().parents[2]


def real_answers() -> list[str]:
    """Final sentences of real or bundled worked answers and true choices, as a writer might say them."""
    shared = ROOT.parent / "shared" / "data" / "hssbench" / "data-open.jsonl"
    if not shared.exists():
        return [line for _, line, _ in CASES]
    lines = []
    for row in map(json.loads, shared.read_text(encoding="utf-8").splitlines()[:400]):
        options = row.get("options")
        answer = options.get(row["correct_answer"]) if isinstance(options, dict) else None
        if isinstance(answer, str) and not is_spoken(answer) and 1 < len(answer.split()) < 40:
            lines.append(f"The answer is {answer.rstrip('. ')}.")
    return lines or [line for _, line, _ in CASES]


def test_real_answers_give_acceptable_oracles() -> None:
    answers = real_answers()
    random.Random(0).shuffle(answers)
    question = "I have a question about this one. What do you think would be the right answer here?"
    for number, line in enumerate(answers[:100]):
        turns = (Turn("user", question, question), Turn("assistant", line, line))
        given = Dialogue(f"own-{number}-v0", f"own-{number}", 0, "en", turns, line)
        results = list(simulate_oracles([given], LevelSchedule(schedule="grid", every=4), OfflineSimulator(0)))
        assert len(results) == 1, results[:-1]
