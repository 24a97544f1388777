"""The value of number words, against num2words, which goes the other way."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from kame_data.text.numerals import number_at, number_of


@given(st.integers(-(10**12), 10**12))
def test_whole_numbers_come_back(number: int) -> None:
    assert number_of(num2words(number).replace(",", "")) == number


@given(st.integers(0, 10**6), st.integers(1, 99_999))
def test_decimals_come_back(whole: int, digits: int) -> None:
    said = f"{num2words(whole)} point {' '.join(num2words(int(d)) for d in str(digits))}"
    assert number_of(said) == Fraction(f"{whole}.{digits}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("about six point five metres", Fraction(13, 2)),
        ("one point two million", Fraction(1_200_000)),
        ("forty two dollars", Fraction(42)),
        ("twenty to thirty", None),
        ("two ten dollar bills", None),
        ("the left ventricle", None),
        ("", None),
    ],
)
def test_a_text_is_one_number_or_none(text: str, value: Fraction | None) -> None:
    assert number_of(text) == value


def test_a_number_is_found_where_it_begins_and_not_within() -> None:
    words = ["she", "has", "twenty", "five", "and", "three"]
    assert number_at(words, 2) == (25, 4)
    assert number_at(words, 3) == (None, 3)
    assert number_at(words, 5) == (3, 6)


def test_other_languages_have_their_own_numbers() -> None:
    assert number_of("six", "fr") == 6 and number_of("six", "zu") is None
