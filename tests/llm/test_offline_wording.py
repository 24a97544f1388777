"""How the offline writer words questions and answers: years, articles, choices, steps; each was once said badly."""

import pytest

from pipeline.errors import Refusal
from pipeline.llm.offline import OfflineWriter, asking
from pipeline.llm.offline.choosing import asks_for_year, decapitalise, say_choice
from pipeline.llm.offline.personas import with_subject
from pipeline.llm.offline.stems import prepare
from pipeline.llm.offline.turning import turn_round
from pipeline.llm.offline.working import read_working
from pipeline.records import Question


def test_years_among_choices_are_years_where_a_year_is_asked_for() -> None:
    assert asks_for_year("In which year was the treaty signed?")
    assert not asks_for_year("How many stamps did she sell in that year?")
    assert say_choice("1989", ("1989", "1991"), year=True) == "nineteen eighty-nine"
    assert say_choice("1989", ("1989", "1991")) == "one thousand nine hundred eighty-nine"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("4.4 × 10^-3 M", "four point four times ten to the minus three molar"),
        ("2.98 × 10^5 J", "two point nine eight times ten to the fifth joules"),
        ("The Indus valley", "the Indus valley"),
        ("The Impact of the Great Economic Crisis", "the impact of the great economic crisis"),
        ("Growing American exports", "growing American exports"),
        ("Dun & Bradstreet", "Dun and Bradstreet"),
    ],
)
def test_a_choice_in_words(choice: str, said: str) -> None:
    assert say_choice(choice, (choice, "Something else")) == said


def test_texas_keeps_its_capital() -> None:
    assert decapitalise("Texas first let women vote", ("a", "b")).startswith("Texas")


def test_the_article_fits_the_subject() -> None:
    line = "I got this wrong on a {subject} quiz, and I'd like to understand it."
    assert "on an economics quiz" in with_subject(line, "economics")


def test_an_adverb_is_no_noun() -> None:
    assert turn_round("Which best represents the path").claim == "The one that best represents the path is {}."
    assert "that votes" not in turn_round("Which percentage of the altered votes were for it").claim


def test_after_a_gerund_the_echo_is_what() -> None:
    assert asking.analyse("The firm can grow by adopting", 0, "adopt the plan").direct.endswith("by adopting what?")


def test_an_answer_that_is_a_sentence_of_its_own_completes_nothing() -> None:
    with pytest.raises(Refusal):
        asking.analyse("Of the versions that Singer considers", 0, "he considers the stronger one to be correct")


def test_numerals_of_an_enumeration_are_not_counts() -> None:
    stem, _ = prepare("He is guilty of (1) possession of a gun, and (2) contributing to crime. What now?")
    assert "(1)" in stem and "of 1 " not in stem


def test_a_step_that_slips_is_dropped() -> None:
    working = read_working("His vitamins will now costs 20*2=$<<20*2=40>>40.\nHe pays 40+2=$<<40+2=42>>42.", "42")
    assert not any("now costs" in step for step in working.steps)


def test_a_partial_step_never_stands_alone_before_the_answer() -> None:
    question = Question(
        id="gsm8k-9",
        source="gsm8k",
        stem="Albert buys 2 large pizzas and 2 small pizzas. A large one has 16 slices and a small one has 8 slices. "
        "If he eats it all, how many pieces does he eat that day?",
        answer="48",
        working="He eats 32 from the largest pizzas because 2 x 16 = <<2*16=32>>32\nHe eats 16 from the small pizza "
        "because 2 x 8 = <<2*8=16>>16\nHe eats 48 pieces because 32 + 16 = <<32+16=48>>48",
        category="math",
    )
    for variant in range(12):
        for turn in OfflineWriter(1).write(question, variant).turns:
            if turn.role == "assistant" and "sixteen from the small" in turn.text:
                assert "Thirty-two plus sixteen is forty-eight" in turn.text
