"""Answers are judged by what a text claims: the value, the unit, and whether it says that it is so."""

# ruff: noqa: SIM905 - lists of words read better as text.

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.text.answers import agree, asserts, gives_answer, holds_answer, mentions, named_as_result, tells
from kame_data.text.said_units import unit_at
from kame_data.text.spoken import say
from kame_data.text.units import UNITS

# One unit of each kind: none of them is so many of another.
KINDS = (
    "meters", "kilograms", "seconds", "dollars", "percent", "degrees Celsius", "degrees Fahrenheit", "volts", "newtons",
    "miles per hour", "square meters", "moles", "euros", "gallons", "months",
)  # fmt: skip
NUMBERS = st.integers(2, 9_999)


def said(number: int | str | Fraction) -> str:
    return say(str(number))


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_another_unit_is_another_quantity(number: int, unit: str, other: str) -> None:
    answer, text = f"{said(number)} {unit}", f"I think it's {said(number)} {other}, all in all."
    same = unit == other
    assert tells(text, answer) is asserts(text, answer) is agree(f"{said(number)} {other}", answer) is same
    assert bool(mentions(text, answer)) is same


@settings(max_examples=40, deadline=None)
@given(NUMBERS, st.sampled_from(KINDS))
def test_a_unit_may_be_left_out(number: int, unit: str) -> None:
    whole, bare = f"{said(number)} {unit}", said(number)
    for text, answer in ((whole, bare), (bare, whole)):
        assert asserts(f"That makes {text}.", answer) and agree(text, answer)


SYMBOLS = sorted({pair for pair in UNITS.values() if unit_at(pair[1].lower().replace("-", " ").split(), 0)[0]})


def test_each_unit_that_can_be_read_out_is_its_own_and_no_other() -> None:
    assert len(SYMBOLS) > 130
    for one, many in SYMBOLS:
        answer = f"seven {many}"
        assert asserts(f"It's {answer}.", answer), many
        assert asserts(f"It is a seven {one} piece.", answer), one
        other = "volts" if "volt" not in many else "grams"
        assert not tells(f"It's seven {other}.", answer), many


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("fifty centimeters", "0.5 m"),
        ("ninety minutes", "1.5 hours"),
        ("an hour and a half", "1.5 hours"),
        ("one hour and thirty minutes", "90 min"),
        ("half a mile", "0.5 miles"),
        ("three quarters of an hour", "45 min"),
        ("two thousand grams", "2 kg"),
        ("five feet six", "66 inches"),
        ("five feet and six inches", "5.5 ft"),
        ("twelve fifty", "$12.50"),
        ("twelve dollars fifty", "$12.50"),
        ("twelve dollars and fifty cents", "12.50"),
        ("twelve hundred and fifty cents", "$12.50"),
        ("a dollar fifty", "$1.50"),
        ("fifty percent", "0.5"),
        ("fifty per cent", "1/2"),
        ("one half", "50%"),
        ("fifty", "50%"),
        ("two over three", "2/3"),
        ("two divided by three", "2/3"),
        ("two out of three", "2/3"),
        ("two thirds", "2/3"),
        ("nineteen eighty-nine", "1989"),
        ("none", "0"),
        ("nothing is left", "0"),
        ("no apples are left", "0"),
        ("none of them is left", "0 dollars"),
        ("five dollars an hour", "$5"),
        ("seventy degrees", "70 °F"),
        ("minus three quarters", "-3/4"),
    ],
)
def test_the_same_quantity_in_other_words_is_the_answer(text: str, answer: str) -> None:
    assert holds_answer(text, answer) and gives_answer(f"So it's {text}.", answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("five meters", "5 cm"),
        ("fifty-one centimeters", "0.5 m"),
        ("ninety-one minutes", "1.5 hours"),
        ("seventy degrees Celsius", "70 °F"),
        ("twelve fifty", "$12.15"),
        ("twelve fifty", "12"),
        ("twelve dollars fifty", "$12"),
        ("fifty percent", "0.05"),
        ("three over two", "2/3"),
        ("none of the above", "0"),
        ("no, that's another thing", "0"),
        ("no doubt about it", "0"),
        ("no dollars", "0 hours"),
        ("five dollars an hour", "5 dollars a day"),
        ("five meters per second", "5 m"),
        ("five dollars", "five clips"),
        ("three quarters", "-3/4"),
        ("nothing but trouble", "0"),
    ],
)
def test_another_quantity_is_not_the_answer(text: str, answer: str) -> None:
    assert not holds_answer(text, answer) and not gives_answer(f"So it's {text}.", answer)


FACTORS = st.sampled_from([("centimeters", "meters", 100), ("minutes", "hours", 60), ("cents", "dollars", 100),
                           ("grams", "kilograms", 1000), ("milliliters", "liters", 1000), ("seconds", "minutes", 60),
                           ("inches", "feet", 12), ("hours", "days", 24), ("days", "weeks", 7)])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(-3, 3), FACTORS)
def test_units_are_converted_exactly(number: int, off: int, factor: tuple[str, str, int]) -> None:
    small, large, times = factor
    answer, text = f"{said(number)} {large}", f"That's {said(number * times + off)} {small}."
    assert tells(text, answer) is asserts(text, answer) is (off == 0)


NOT_SO = """
    more than {}|over {}|at least {}|less than {}|fewer than {}|no more than {}|up to {}|{} or more|{} at most|
    {} or eleven thousand|between {} and eleven thousand|{} to eleven thousand|{}, ten thousand or eleven thousand|
    anything but {}|not {}|it isn't {}|it can't be {}|I don't think it's {}|neither {} nor eleven thousand|
    {} is wrong|{} would be wrong|{} isn't right|{} can't be the answer|{}? No|{}, no, eleven thousand|
    {}, I mean eleven thousand|{}. That's wrong|it's eleven thousand rather than {}|I doubt that it's {}|
    is it {}? It's eleven thousand|it's eleven thousand, not {}|there is no way it's {}|{} is too many|half of {}
"""
SO = """
    {}|it's {}|it's not eleven thousand but {}|it isn't eleven thousand, it's {}|no, it's {}|no it's {}|
    it's {}, no doubt|there's no doubt that it's {}|eleven thousand? No, {}|is it {}? Yes|about {}|exactly {}|
    {}, right?|
    nothing but {}|it rose from eleven thousand to {}|{}, and not eleven thousand|{} of them are not ripe|
    she doesn't work on Monday, so it's {}
"""


def shapes(text: str) -> list[str]:
    return [" ".join(shape.split()) for shape in text.split("|")]


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 99), st.sampled_from(["", " meters", " dollars", " apples"]))
def test_a_bound_a_choice_and_a_denial_name_a_number_and_do_not_assert_it(number: int, unit: str) -> None:
    # A larger one would be one number with what follows: nine hundred and eleven thousand.
    answer = said(number) + unit
    for shape in shapes(NOT_SO):
        text = shape.format(answer).capitalize() + "."
        assert tells(text, answer) and not asserts(text, answer), text
    for shape in shapes(SO):
        text = shape.format(answer).capitalize() + "."
        assert asserts(text, answer), text


@pytest.mark.parametrize(
    ("text", "answer", "so"),
    [
        ("It's more than five.", "more than 5", True),
        ("It's over five.", "more than 5", True),
        ("It's five.", "more than 5", False),
        ("Five or more.", "at least 5", True),
        ("No fewer than five.", "at least 5", True),
        ("Five to six.", "5-6", True),
        ("Between twenty and thirty percent.", "20 to 30 percent", True),
        ("Between twenty and forty percent.", "20 to 30 percent", False),
        ("Twenty to thirty dollars.", "20 to 30 percent", False),
        ("Twenty.", "20 to 30", False),
        ("Sixty to one hundred.", "60 to 110", False),
        ("Ninety minutes or one and a half hours.", "1.5 hours", True),
    ],
)
def test_an_answer_that_is_a_span_is_said_as_one(text: str, answer: str, so: bool) -> None:
    assert gives_answer(text, answer) is so


YES = "Yes.|Yes, that's so.|That's true, as it stands.|It is not false.|True|It's correct.|That isn't wrong.|Yes it is"
NO = """
    No.|No, that isn't so.|Not true.|That's false, all of it.|It isn't true.|The answer is no.|No it isn't|
    I don't think that's true.|That's not quite right.|It is never true.|Is it true? No.
"""
NEITHER = "I have no idea.|No doubt.|There is no one.|True or false?|A true story.|Turn right.|It says no word of it."


def test_yes_and_no_are_told_by_what_they_mean() -> None:
    for text in shapes(YES):
        assert tells(text, "Yes") and asserts(text, "True") and not tells(text, "No"), text
    for text in shapes(NO):
        assert tells(text, "No") and asserts(text, "False") and not tells(text, "Yes"), text
    for text in shapes(NEITHER):
        assert not any(tells(text, answer) for answer in ("Yes", "No", "True", "False")), text
    assert agree("not true", "False") and not agree("not true", "True")


@pytest.mark.parametrize("shape", ["it isn't {}", "anything but {}", "{} is wrong", "{}? No", "{}, no, the liver"])
def test_words_are_denied_as_numbers_are(shape: str) -> None:
    for answer in ("the heart", "Paris", "an increase in supply"):
        text = shape.format(answer)
        assert tells(text, answer) and not asserts(text, answer), text
        assert asserts(f"It's not the liver but {answer}.", answer)


def test_the_result_that_a_text_names_has_a_unit() -> None:
    assert named_as_result("The answer is: five meters.", "five centimeters", "en", "")
    assert not named_as_result("The answer is: fifty centimeters.", "zero point five meters", "en", "")
    assert not named_as_result("The answer isn't four. The answer is five.", "five", "en", "")


@pytest.mark.parametrize(
    "piece",
    "twelve |twelve fifty |not |five or |five, |five? no. |a |an hour and |no apples |true |it isn't |five is |"
    "more than |per meter |square |and a half |minus |five million, |over |between five and ".split("|"),
)
def test_a_claim_is_read_in_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count
        start = time.process_time()
        for answer in ("twelve meters", "true", "the heart"):
            asserts(text, answer)
        return time.process_time() - start

    seconds(100)
    first, second = seconds(1_000), seconds(4_000)
    # Linear work grows by four, square work by sixteen.
    assert second < 11 * max(first, 0.05), (piece, first, second)
