import pytest

from kame_data.errors import Refusal
from kame_data.records import Picture, Question
from kame_data.text.askable import REASONS, check_question, needs_choices


def question(stem: str, answer: str = "Paris", choices: tuple[str, ...] = (), picture: bool = False) -> Question:
    return Question("t-1", "t", stem, answer, choices, picture=Picture("p.png") if picture else None)


ASKABLE = [
    question("What is the capital of France?"),
    question("Tom has $5 and buys 2 pens at $1.50 each. How much is left?", "2"),
    question("There are 10 books on the table. How many are left if 3 go?", "7"),
    question("Nancy wants to figure out what 3 pens cost at $2 each. What do they cost?", "6"),
    question("Which of the following is a noble gas?", "neon", ("neon", "iron", "zinc")),
    question("The capital of France is", "Paris", ("Paris", "Rome")),
    question("What were the causes of the 1848 revolution in France?", "a bad harvest", (), picture=True),
]

REFUSED = [
    (question("What is the capital of France?", ""), "missing_answer"),
    (question("What is the capital of France?", "N/A"), "missing_answer"),
    (question("Which is it, in truth?", "Option One", ("Option One", "Option Two")), "missing_answer"),
    (question("What is the capital of France?", "Paris", ("Paris", "paris", "Rome")), "contradictory_answer"),
    (question("What is the capital of France?", "Paris", ("Lyon", "Rome")), "contradictory_answer"),
    (question("Which of these are gases?", "All of the above", ("Neon", "All of the above")), "refers_to_choices"),
    (question("Which of these are gases?", "Both A and B", ("Neon", "Both A and B")), "refers_to_choices"),
    (question("Which are true?", "I, III, and IV only", ("I only", "I, III, and IV only")), "refers_to_choices"),
    (question("Which are true of this?", "①②"), "refers_to_choices"),
    (question("What does the picture below show?"), "needs_picture"),
    (question("In the figure, what is the angle at A?"), "needs_picture"),
    (question("What is the slope of the line in Figure 4-3?"), "needs_picture"),
    (question("What is the value in the following table?"), "needs_table"),
    (question("According to the passage, who left first?"), "needs_passage"),
    (question("This question refers to the following information. Who left?"), "needs_passage"),
    (question("What is the cultural meaning of the symbols on the Heavenly King's body?", picture=True),
        "needs_picture"),
    (question("How do the documents show the change in France?", picture=True), "needs_picture"),
    (question("What does this area produce?", picture=True), "needs_picture"),
    (question("word " * 130 + "?"), "too_long"),
    (question("What is the capital of France?", "word " * 41), "too_long"),
    (question("Paris", "Paris"), "incomplete"),
    (question("What does printf(x); return 0; do?"), "code"),
    (question("What is \\int_0^1 x dx here?", "1"), "formula"),
    (question("Что это такое, скажите?"), "language"),
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKABLE, ids=lambda q: q.stem[:30])
def test_askable(asked: Question) -> None:
    check_question(asked, sees_pictures=False)


@pytest.mark.parametrize(("asked", "reason"), REFUSED, ids=lambda x: x if isinstance(x, str) else x.stem[:30])
def test_refused(asked: Question, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_question(asked, sees_pictures=False)
    assert refusal.value.reason == reason
    assert reason in REASONS


def test_a_writer_with_eyes_gets_what_only_needs_its_picture() -> None:
    check_question(question("What does the picture below show?", picture=True), sees_pictures=True)
    with pytest.raises(Refusal):
        check_question(question("What does the picture below show?"), sees_pictures=True)


@pytest.mark.parametrize(
    ("stem", "answer", "needs"),
    [
        ("Which of the following is a noble gas?", "neon", True),
        ("All of these are gases EXCEPT", "iron", True),
        ("Which statement is true of neon?", "It is a gas.", True),
        ("Tariffs and quotas", "lower the amount of the product sold domestically", True),
        ("The court should", "deny the motion, because the statute is void", True),
        ("What is the best description of neon?", "an inert gas", True),
        ("What is the capital of France?", "Paris", False),
        ("The capital of France is", "Paris", False),
        ("Neon is not reactive. What is its number?", "10", False),
        ("Find the mean of 3 and 5.", "4", False),
        ("Consider the following traits: size, color. How many are there?", "2", False),
    ],
)
def test_needs_choices(stem: str, answer: str, needs: bool) -> None:
    assert needs_choices(question(stem, answer, (answer, "something else"))) is needs
    assert needs_choices(question(stem, answer)) is False
