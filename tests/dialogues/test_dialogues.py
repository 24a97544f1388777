"""What is accepted as a dialogue, and the stage that writes them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from kame_data.dialogues.write import accept, offered, write_dialogues
from kame_data.errors import Refusal
from kame_data.records import Dialogue, Question, Rejected, Turn
from kame_data.text.answers import agree

QUESTION = Question(id="gsm8k-1", source="gsm8k", stem="A box holds 6 eggs. How many are in 7 boxes?", answer="42")
CHOICE = Question(
    id="mmlu_pro-1",
    source="mmlu_pro",
    stem="Which of the following moves blood?",
    answer="The heart",
    choices=("The heart", "The liver", "The lung"),
)


def turn(role: str, text: str) -> Turn:
    return Turn(role, text, text)  # type: ignore[arg-type]


def dialogue(*texts: str, answer: str = "forty-two", choices: tuple[str, ...] = ()) -> Dialogue:
    turns = tuple(turn("assistant" if i % 2 else "user", text) for i, text in enumerate(texts))
    return Dialogue("gsm8k-1-v0", "gsm8k-1", 0, "en", turns, answer, choices, "test")


ASKED = "A box holds six eggs. How many are in seven boxes?"
GOOD = dialogue(ASKED, "Seven boxes hold forty-two eggs.")


def test_a_good_dialogue_passes() -> None:
    accept(GOOD, QUESTION)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (dialogue(ASKED), "turns"),
        (dialogue(ASKED, "Seven boxes hold forty-two eggs.", "Thanks a lot."), "turns"),
        (replace(GOOD, turns=(GOOD.turns[1], GOOD.turns[0])), "turns"),
        (dialogue("A box holds 6 eggs. How many are in seven boxes?", "They hold forty-two eggs."), "not_spoken"),
        (dialogue(ASKED, "Seven boxes hold forty-two eggs, or 42."), "not_spoken"),
        (dialogue(ASKED, ""), "length"),
        (dialogue("How?", "Seven boxes hold forty-two eggs."), "length"),
        (dialogue(ASKED, "It is forty-two eggs, " + "so to speak, " * 60), "length"),
        (dialogue(ASKED, "Seven boxes hold forty-three eggs.", answer="forty-three"), "wrong_answer"),
        (dialogue(ASKED, "Seven boxes hold many eggs."), "answer_not_said"),
        (dialogue(ASKED, "Seven boxes hold forty-three eggs."), "answer_not_said"),
        (dialogue(ASKED + " Is it forty-two?", "Yes, seven boxes hold forty-two eggs."), "answer_told"),
    ],
)
def test_what_is_wrong_is_refused(bad: Dialogue, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        accept(bad, QUESTION)
    assert refusal.value.reason == reason


def test_spoken_choices_may_hold_the_answer_and_must() -> None:
    asked = "Which of these moves blood, the heart or the liver?"
    good = dialogue(asked, "It's the heart.", answer="the heart", choices=("the heart", "the liver"))
    accept(good, CHOICE)
    with pytest.raises(Refusal, match="choice_not_offered"):
        accept(replace(good, choices=("the liver", "the lung")), CHOICE)
    with pytest.raises(Refusal, match="answer_told"):
        accept(replace(good, choices=()), CHOICE)


def test_the_user_may_repeat_the_answer_once_it_is_given() -> None:
    accept(dialogue(ASKED, "They hold forty-two.", "So it's forty-two, right?", "Yes, forty-two."), QUESTION)


def test_a_word_of_the_source_is_no_secret() -> None:
    asked = "Which is heavier, gold or iron?"
    question = replace(QUESTION, stem="Which is heavier, gold or iron?", answer="Gold")
    accept(dialogue(asked, "Gold is heavier.", answer="gold"), question)


@pytest.mark.parametrize(
    ("said", "truth", "same"),
    [
        ("forty-two dollars", "forty-two", True),
        ("about seven point five", "seven point five", True),
        ("seven point five zero", "seven point five", True),
        ("two ten dollar bills", "two", True),
        ("twelve", "two", False),
        ("minus three", "three", False),
        ("one thousand and one", "one thousand one", True),
        ("the left ventricle", "The left ventricle.", True),
        ("the left atrium", "The left ventricle.", False),
        ("a lack of common ethnicity and language", "A lack of common ethnicity, language, or religion", True),
    ],
)
def test_answers_agree_by_value_or_content(said: str, truth: str, same: bool) -> None:
    assert agree(said, truth) is same


class Fixed:
    """A writer that knows one question and refuses all others."""

    name, version, sees_pictures, names_choices = "fixed", "1", False, False

    def write(self, question: Question, variant: int) -> Dialogue:
        if question.id != QUESTION.id:
            raise Refusal("unknown", question.id)
        return replace(GOOD, variant=variant, answer="forty-two" if variant == 0 else "fifty")


def test_the_stage_gives_each_question_its_dialogue_or_its_reason() -> None:
    questions: Iterator[Question] = iter((QUESTION, CHOICE))
    first, second = write_dialogues(questions, 0, Fixed())
    assert isinstance(first, Dialogue)
    assert second == Rejected("dialogues", "mmlu_pro", "mmlu_pro-1", "mmlu_pro-1-v0", "unknown", "mmlu_pro-1")
    (wrong,) = write_dialogues([QUESTION], 1, Fixed())
    assert isinstance(wrong, Rejected)
    assert (wrong.reason, wrong.dialogue_id) == ("wrong_answer", "gsm8k-1-v1")


@pytest.mark.parametrize(
    ("said", "truth", "same"),
    [
        ("eighteen and a half dollars", "eighteen", False),
        ("eighteen or twenty", "eighteen", False),
        ("eighteen dollars and fifty cents", "eighteen dollars", False),
        ("eighteen hundred", "eighteen", False),
        ("twenty per cent", "twenty percent", True),
        ("five dozen eggs", "five", True),
        ("five kilometres per second", "five metres per second", False),
        ("five meters a second", "five metres per second", True),
        ("five", "five metres per second", True),
        ("five square metres", "five metres", False),
        ("two thirds", "two", True),  # of what is asked: the source says no more
        ("two", "two thirds", False),
        ("one quarter", "one third", False),
        ("it is not harmful to rivers", "it is harmful to rivers", False),
        ("it doesn't harm the rivers", "it does harm the rivers", False),
    ],
)
def test_units_fractions_and_negations_are_part_of_an_answer(said: str, truth: str, same: bool) -> None:
    assert agree(said, truth) is same


EGGS = "Three ducks lay six eggs a day each. How many dollars do the eggs bring at a dollar an egg?"
DOLLARS = replace(QUESTION, stem="3 ducks lay 6 eggs a day each. What do they bring at a dollar an egg?", answer="18")
SUPPLY = replace(
    CHOICE,
    stem="What follows from a purchase of bonds by the central bank?",
    answer="An increase in the money supply and lower interest rates",
    choices=(
        "An increase in the money supply and lower interest rates",
        "A decrease in the money supply and lower interest rates",
    ),
)
BONDS = "What follows when the central bank goes and buys bonds?"
ORGANS = "Which of these moves blood, the heart or the liver?"


@pytest.mark.parametrize(
    ("bad", "question", "reason"),
    [
        # The number is within another one.
        (dialogue(EGGS, "They bring one hundred and eighteen.", answer="eighteen"), DOLLARS, "answer_not_said"),
        (dialogue(EGGS, "They bring eighteen and a half.", answer="eighteen"), DOLLARS, "answer_not_said"),
        # Told by its value, without the unit, or with another article.
        (
            dialogue(EGGS + " Is it eighteen?", "It is eighteen dollars.", answer="eighteen dollars"),
            DOLLARS,
            "answer_told",
        ),
        (dialogue("What moves blood, my heart?", "The heart does.", answer="the heart"), CHOICE, "answer_told"),
        # Told under cover of choices that are none.
        (
            dialogue(EGGS + " Is it eighteen?", "It is eighteen.", answer="eighteen", choices=("eighteen",)),
            DOLLARS,
            "choice_not_offered",
        ),
        (
            dialogue(
                "What moves blood, the heart?", "It does.  The heart.", answer="the heart", choices=("the heart",)
            ),
            CHOICE,
            "choice_not_offered",
        ),
        (
            dialogue(
                "What moves blood, the heart?", "The heart.", answer="the heart", choices=("the heart", "the lung")
            ),
            CHOICE,
            "choice_not_offered",
        ),
        (
            dialogue("It's the heart. " + ORGANS, "The heart.", answer="the heart", choices=("the liver", "the heart")),
            CHOICE,
            "answer_told",
        ),
        # Nearer to another choice than to the right one.
        (
            dialogue(
                BONDS,
                "A decrease in the money supply and lower interest rates.",
                answer="a decrease in the money supply and lower interest rates",
            ),
            SUPPLY,
            "wrong_answer",
        ),
        (dialogue(ORGANS, "It is option b, the heart.", answer="the heart"), CHOICE, "letters"),
        (dialogue(EGGS, "I'm just a computer program, but it's eighteen.", answer="eighteen"), DOLLARS, "model_talk"),
    ],
)
def test_what_only_looks_right_is_refused(bad: Dialogue, question: Question, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        accept(bad, question)
    assert refusal.value.reason == reason


def test_numbers_in_a_row_are_told_apart() -> None:
    asked = "Is the pH six point one, four point six or three point nine?"
    question = replace(CHOICE, stem="What is the pH?", answer="4.6", choices=("6.1", "4.6", "3.9"))
    said = ("six point one", "four point six", "three point nine")
    accept(dialogue(asked, "It is four point six.", answer="four point six", choices=said), question)
    assert offered(said, asked) == said and offered(said, "Is the pH six point one?") == ()


WIDER = "a wider board bends less, for the load is spread"
STEEL = "steel hardly bends at all"


def answer(text: str, claim: str) -> Turn:
    return Turn("assistant", text, text, claim=claim)


TURNS = (
    turn("user", "What would happen to the eggs if the boxes were twice as wide?"),
    answer("Right. A wider board bends less, for the load is spread. So the eggs lie still.", WIDER),
    turn("user", "And if they were of steel?"),
    answer("Steel hardly bends at all. It is far stiffer than card.", STEEL),
)
OPEN = Dialogue("gsm8k-1-v0", "gsm8k-1", 0, "en", TURNS, WIDER, form="what_if")
TOLD = turn("user", "A wider board bends less as the load is spread, but why?")
ELSEWHERE = (turn("user", "What of a board of twice the width?"), answer(WIDER.capitalize(), WIDER))


def claiming(number: int, text: str, claim: str) -> Dialogue:
    turns = list(OPEN.turns)
    turns[number] = answer(text, claim)
    return replace(OPEN, turns=tuple(turns), answer=claim if number == 1 else OPEN.answer)


def test_an_open_dialogue_needs_no_answer_of_the_sources() -> None:
    accept(OPEN, QUESTION)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (claiming(1, "That depends on many things. A wider board bends less, for the load is spread.", WIDER),
         "claim_not_first"),
        (claiming(1, "A wider board does not bend less, as the load is not spread.", WIDER), "claim_not_first"),
        (claiming(3, "It is far stiffer than card. Steel hardly bends at all.", STEEL),
         "claim_not_first"),
        (claiming(3, "Of steel, yes, and so they would not bend.", "of steel"), "answer_told"),
        (claiming(1, "Less. It bends less.", "less"), "no_claim"),
        (claiming(1, "It is a matter of taste.", ""), "no_claim"),
        (replace(OPEN, turns=(TOLD, *TURNS[1:])), "answer_told"),
        (replace(OPEN, choices=("bends less", "the load")), "choice_not_offered"),
        (replace(OPEN, turns=ELSEWHERE), "off_the_matter"),
    ],
)  # fmt: skip
def test_what_an_open_dialogue_may_not_be(bad: Dialogue, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        accept(bad, QUESTION)
    assert refusal.value.reason == reason


def test_a_closed_answer_leads_with_the_answer() -> None:
    def answering(text: str) -> Dialogue:
        return replace(GOOD, turns=(GOOD.turns[0], answer(text, "forty-two")))

    accept(answering("Sure thing. Six times seven is forty-two eggs. Each box adds six."), QUESTION)
    with pytest.raises(Refusal, match="claim_not_first"):
        accept(answering("Each box adds six eggs to the lot. So that is forty-two."), QUESTION)


def test_choices_come_in_the_order_of_the_source() -> None:
    asked, said = (
        "Which of these moves blood, the heart, the liver or the lung?",
        ("the heart", "the liver", "the lung"),
    )
    good = dialogue(asked, "It's the heart.", answer="the heart", choices=said)
    accept(good, CHOICE)
    accept(replace(good, choices=said[::-1]), CHOICE)
    turned = "Which of these moves blood, the lung, the heart or the liver?"
    with pytest.raises(Refusal, match="lost_meaning"):
        accept(dialogue(turned, "It's the heart.", answer="the heart", choices=said), CHOICE)
    # What is asked afterwards moves no choice.
    further = ("But wasn't it the liver?", "No, the heart, and not the liver.")
    accept(dialogue(asked, "It's the heart.", *further, answer="the heart", choices=said), CHOICE)
    with pytest.raises(Refusal, match="lost_meaning"):
        accept(dialogue(turned, "It's the heart.", *further, answer="the heart", choices=said), CHOICE)


def test_a_number_that_the_source_lacks_is_refused_in_the_first_turn_alone() -> None:
    good = dialogue(ASKED, "They hold forty-two.", "And with nineteen more?", "Sixty-one, for forty-two and nineteen.")
    accept(good, QUESTION)
    with pytest.raises(Refusal, match="lost_meaning"):
        accept(dialogue(f"I have nineteen hens. {ASKED}", "They hold forty-two."), QUESTION)
