"""The offline simulator: guesses of what was heard alone, and more of the answer with every level."""

import re
from collections import defaultdict
from itertools import pairwise
from statistics import mean

import pytest
import yaml

from kame_data.dialogues.write import write_dialogues
from kame_data.errors import Refusal
from kame_data.levels import LevelSchedule
from kame_data.offline.guesses import guess, heard_choices
from kame_data.offline.hints import Truth, right
from kame_data.offline.simulator import OfflineSimulator
from kame_data.offline.writer import OfflineWriter
from kame_data.oracles.acceptance import OracleRequest, OracleTask, accept
from kame_data.oracles.simulate import DialogueOracles, Drawn, answered_turns, simulate_oracles
from kame_data.records import Dialogue, Rejected, Turn
from kame_data.resources import bundled
from kame_data.seeds import rng
from kame_data.text.answers import number_values, tells
from kame_data.text.chrf import chrf
from offline.rows import questions

SCHEDULE = LevelSchedule(every=3)


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    written = write_dialogues(questions()[::3], 0, OfflineWriter(3))
    return [d for d in written if isinstance(d, Dialogue)]


@pytest.fixture(scope="module")
def simulated(dialogues: list[Dialogue]) -> list[DialogueOracles | Rejected]:
    return list(simulate_oracles(dialogues, SCHEDULE, OfflineSimulator(3)))


@pytest.fixture(scope="module")
def ladder(
    dialogues: list[Dialogue], simulated: list[DialogueOracles | Rejected]
) -> dict[int, list[tuple[str, str, str]]]:
    """By level: each oracle's text, the coming turn, and its claim."""
    turns = {(d.id, n): answer for d in dialogues for n, answer in answered_turns(d)}
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for item in simulated:
        for oracle in item.oracles if isinstance(item, DialogueOracles) else ():
            answer = turns[item.dialogue_id, oracle.turn]
            found[oracle.level].append((oracle.text, answer.text, answer.claim))
    return found


def test_hardly_an_oracle_is_refused(simulated: list[DialogueOracles | Rejected]) -> None:
    refused = [item for item in simulated if isinstance(item, Rejected)]
    made = sum(len(item.oracles) for item in simulated if isinstance(item, DialogueOracles))
    assert made > 700 and len(refused) < made / 200, refused[:5]


def test_every_oracle_is_a_short_sentence(ladder: dict[int, list[tuple[str, str, str]]]) -> None:
    for level in range(5):
        for text, _, _ in ladder[level]:
            assert len(text.split()) <= 30 and text[0] == text[0].upper() and text[-1] in ".?!"
            assert not any(bad in text for bad in ("..", " ,", "{", "}", "  ", ",,", ".,", "''"))


def test_the_answer_is_told_with_every_level_more_often(ladder: dict[int, list[tuple[str, str, str]]]) -> None:
    holds = [mean(tells(text, claim) for text, _, claim in ladder[level]) for level in range(6)]
    assert holds[1] == 0 and 0.1 < holds[2] < 0.6 and holds[3:] == [1, 1, 1], holds
    assert 0 < holds[0] < 0.2, "right by chance now and then"


def test_more_is_said_of_the_truth_with_every_level(ladder: dict[int, list[tuple[str, str, str]]]) -> None:
    means = [mean(chrf(text, truth) for text, truth, _ in ladder[level]) for level in range(6)]
    assert all(after - before > 1.5 for before, after in pairwise(means)), means
    # What is read before the next oracle comes carries the answer too.
    early = [mean(tells(" ".join(t.split()[:8]), claim) for t, _, claim in ladder[level]) for level in (2, 3, 4)]
    assert early[0] < 0.5 and early[1] > 0.7 and early[2] > 0.6, early


def test_level_0_says_something_of_its_own(ladder: dict[int, list[tuple[str, str, str]]]) -> None:
    texts = [text for text, _, _ in ladder[0]]
    assert len(set(texts)) > len(texts) / 4
    assert max(map(texts.count, set(texts))) < len(texts) / 40


HEARD = "Ned has three boxes with twelve pears each, and eats five. How many pears are left?"


def task(level: int, turn: str = "", answer: str = "", heard: str = HEARD, context: str = "") -> OracleTask:
    request = OracleRequest("d-1-v0", "en", 0, heard, context, level, turn if level else "")
    return OracleTask(request, turn, answer)


def drawn(seed: int, *tasks: OracleTask) -> list[str]:
    found = list(OfflineSimulator(seed).simulate_many(tasks, accept))
    assert all(isinstance(item, Drawn) for item in found), found
    return [item.text for item in found if isinstance(item, Drawn)]


def test_a_guess_knows_nothing_of_the_answer() -> None:
    for seed in range(20):
        (one,), (other,) = drawn(seed, task(0, "It's seven.", "seven")), drawn(seed, task(0, "It's nine.", "nine"))
        assert one == other


def test_a_guess_at_a_sum_is_a_number_made_of_those_heard_and_now_and_then_right() -> None:
    texts = [drawn(seed, task(0))[0] for seed in range(120)]
    values = {value for text in texts for value in number_values(text)}
    assert all(number_values(text) and "pears" in text for text in texts)
    assert {36, 15, 7, 31} & values and len(values) > 8
    assert 0 < sum(31 in number_values(text) for text in texts) < 60


def test_a_guess_takes_one_of_the_choices_that_were_heard() -> None:
    asked = "Which of the following is a mammal? The choices are shark, trout, whale, or eel."
    assert heard_choices(asked) == ["shark", "trout", "whale", "eel"]
    assert heard_choices(asked.rsplit(" ", 3)[0]) == ["shark", "trout"], "what is not said to its end is no choice"
    assert heard_choices("Which? The options are these. The sea is salt. A lake is") == ["the sea is salt"]
    assert heard_choices("Is it oxygen, carbon dioxide or argon?") == ["oxygen", "carbon dioxide", "argon"]
    guesses = {guess(asked, "", rng(seed)) for seed in range(60)}
    for choice in heard_choices(asked):
        assert any(tells(text, choice) for text in guesses)
    assert all(any(tells(text, c) for c in heard_choices(asked)) for text in guesses)


_NO_NUMBER = r"^(?!.*\b(?:fifty|six|weeks|hundred|twelve|ten)\b)"


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("True or false? The Moon is larger than the Earth.", r"true|false"),
        ("Does sound travel faster in water than in air?", r"Yes|No"),
        ("In which year did the war end?", r"(?:seventeen|eighteen|nineteen) \w+"),
        ("Who painted the ceiling of", r"Newton|Aristotle|Napoleon|Victoria|Einstein|Caesar|Twain|Marx|Plato|Darwin"),
        ("Which organelle makes", r"\w"),
        ("Complete this sentence. Becker proclaimed that", r"^(?!.*\b(?:six|ten|hundred)\b)"),
        ("What percent of the 40 eggs is left?", r"percent"),
        ("A pipe of five inches has a hole of two inches. How long is the", r"inches"),
        ("A car of one ton drives for ninety seconds. What is its average speed?", r"meters per second\."),
        ("A wire carries six amps at twelve volts. What is the resistance of the wire?", r"ohms\."),
        (
            "Six red and four blue balls lie in a box. What is the probability of a red one?",
            r"half|third|quarter|tenth",
        ),
        ("A man of fifty-two has had pain in his chest for six weeks. Which of the following is", _NO_NUMBER),
        ("Which of the following statements about the courts is", r"the one about"),
        ("Why does the price of bread rise after", r"because|Because|comes from"),
        ("How do plants make sugar of", r"Through|through|means"),
        ("What happens to the demand for butter if", r"^(?:It|There) "),
        ("Will the owner of the house win?", r"^(?:Yes, it will|No, it won't)\.$"),
        ("Are the two lines of one length?", r"^(?:Yes, they are|No, they aren't)\.$"),
    ],
)
def test_a_guess_is_of_the_kind_that_is_asked_for(heard: str, kind: str) -> None:
    for seed in range(15):
        assert re.search(kind, guess(heard, "", rng(seed)))


def test_a_guess_at_a_further_question_rests_on_what_was_said() -> None:
    context = "user: How many pears?\nassistant: It's thirty-one. Thirty-six minus five is thirty-one."
    texts = [guess("And what is", context, rng(seed)) for seed in range(40)]
    assert all(number_values(text) for text in texts)
    assert 0 < sum(31 in number_values(text) for text in texts) < 40


def test_a_guess_at_a_further_question_says_no_filler_again() -> None:
    context = (
        "user: How many are left?\nassistant: Hmm, one moment. It's thirty-one. Thirty-six minus five is thirty-one."
    )
    texts = {guess("And what is", context, rng(seed)) for seed in range(40)}
    assert not any("moment" in text for text in texts) and any("It's thirty-one." in text for text in texts)


def test_a_guess_at_a_further_question_is_of_the_kind_that_is_asked_for() -> None:
    context = "user: How many pears?\nassistant: It's thirty-one. Thirty-six minus five is thirty-one."
    for seed in range(15):
        assert re.search("Yes|No", guess("Is that more than", context, rng(seed)))
        assert re.search("sixty-two", guess("And if it were twice", context, rng(seed)))
        assert guess("And what was the step before that?", context, rng(seed)).startswith("Thirty-six minus five")


def test_what_marks_a_place_in_a_text_is_no_choice() -> None:
    assert "One" not in heard_choices("One, which of the two, the stop or the lens, limits the")
    assert heard_choices("Which is a gas, iron, argon or tin?") == ["iron", "argon", "tin"]


def test_a_story_is_answered_by_a_number() -> None:
    for seed in range(15):
        assert number_values(guess("Janet has a business that sells collars", "", rng(seed)))


def test_of_a_lead_in_alone_nothing_is_taken_for_the_question() -> None:
    heard = "Maybe you know this. Is sound faster in water than in air?"
    assert all(re.search("Yes|No", guess(heard, "", rng(seed))) for seed in range(10))
    assert len({guess("Maybe you know", "", rng(seed)) for seed in range(20)}) > 5


TRUTHS = [
    ("It's thirty-one pears. Three times twelve is thirty-six. Thirty-six minus five is thirty-one.", "thirty-one"),
    ("That would be carbon dioxide. Not oxygen.", "carbon dioxide"),
    ("It's mycology.", "mycology"),
    ("A firm earns as much as in the best other use of its money and its time.", ""),
    ("Yes, sound travels about four times faster in water than in air.", "yes"),
    ("You're welcome. Just ask if anything else comes up.", "four"),
]


@pytest.mark.parametrize(("turn", "answer"), TRUTHS)
def test_turns_of_any_writer_have_oracles_of_every_level(turn: str, answer: str) -> None:
    for seed in range(25):
        for level in (1, 2, 3, 4):
            found = list(OfflineSimulator(seed).simulate_many([task(level, turn, answer)], accept))
            assert isinstance(found[0], Drawn) or level == 1, (level, found)


def test_seed_transcript_and_level_change_the_draw_and_nothing_else_does() -> None:
    turn, answer = TRUTHS[0]
    one = task(3, turn, answer)
    assert drawn(0, one, one) == drawn(0, one) * 2
    assert len({drawn(seed, one)[0] for seed in range(12)}) > 3
    heard = [task(3, turn, answer, " ".join(HEARD.split()[:n])) for n in range(4, 17)]
    assert len(set(drawn(0, *heard))) > 3


def test_other_languages_are_refused() -> None:
    request = OracleRequest("a", "zh", 0, "三乘", "", 0, "")
    (found,) = OfflineSimulator(0).simulate_many([OracleTask(request, "", "")], accept)
    assert isinstance(found, Refusal) and found.reason == "language" and "'zh'" in found.detail


def test_duplex_turns_with_hesitations_are_heard_without_them() -> None:
    turns = (Turn("user", "Which um of these, uh, is it, tin, iron or lead?", ""), Turn("assistant", "Lead.", "Lead."))
    dialogue = Dialogue("d-1-v0", "d-1", 0, "en", turns, "lead")
    (found,) = simulate_oracles([dialogue], LevelSchedule(levels=(0,)), OfflineSimulator(0))
    assert isinstance(found, DialogueOracles) and not any("uh" in o.text.split() for o in found.oracles)


def test_no_guess_at_an_amount_is_empty() -> None:
    heard = "A lamp costs nine dollars and ninety-nine cents, and the rent rises by one third of a dollar. How much"
    assert all(any(c.isalpha() for c in guess(heard, "", rng(seed)).split(" is ")[-1]) for seed in range(300))


@pytest.mark.parametrize("heard", ["And twice that?", "And one third more?", "And what if there is another one?"])
@pytest.mark.parametrize(
    "told", ["It's one third of the cake.", "It's two hundred billion stars.", "It's nine apples."]
)
def test_no_guess_at_a_further_question_is_empty(heard: str, told: str) -> None:
    found = {guess(heard, f"user: How much is it?\nassistant: {told}", rng(seed)) for seed in range(100)}
    assert found and not [text for text in found if " ." in text]


@pytest.mark.parametrize(
    "answer",
    [
        "the mean price will increase by fifty cents, but the standard deviation of prices will remain the same",
        "experiments are only made on people; observations can be made on animals of every kind as well",
    ],
)
def test_level_three_says_every_clause_that_has_room(answer: str) -> None:
    truth = Truth(f"{answer}.", answer)
    assert all(answer in right(truth, rng(seed)).lower() for seed in range(20))


POINTING = frozenset(["it", "them", "they", "what", "both", "neither", "same", "whole", "part", "before", "after"])


def test_a_guess_of_which_nothing_is_known_names_a_candidate() -> None:
    """Words that point at what nobody has said ('the whole of it') are no guess."""
    kinds = yaml.safe_load(bundled("data/guesses.yaml").read_text("utf-8"))["kinds"]
    named = {answer for kind in kinds.values() for answer in kind["answers"]}
    assert not [answer for answer in named if POINTING & set(answer.casefold().split())]
    guesses = {guess(heard, "", rng(n, "guess")) for heard in ("", "Here", "The old", "Tell me") for n in range(300)}
    assert len(guesses) > 100
    for text in guesses:
        assert number_values(text) or any(answer.casefold() in text.casefold() for answer in named), text
