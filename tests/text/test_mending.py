"""Glued words apart, real words whole; measures, rates, indices and years as a person says them."""

import pytest

from kame_data.errors import Refusal
from kame_data.text.deixis import leans_on_picture
from kame_data.text.lexicon import garbled, is_plausible, mend
from kame_data.text.spoken import say

# ruff: noqa: SIM905 - lists of words read better as text.

WHOLE = (
    "effector contrarianism autocorrelation astroviruses contraindications adiabatically agenesis radiograph nanograms "
    "grantor overfitting autokinetic scarcities substages hyperbolically stressor frictionless psychopathology "
    "relaxin ferritin operon peroxidase phototropism meaningfulness forebrains intermembrane scenarios"
).split()


@pytest.mark.parametrize("word", WHOLE)
def test_real_words_stay_whole(word: str) -> None:
    assert mend(f"the {word} here") == f"the {word} here"
    assert garbled(f"the {word} here") == ""


@pytest.mark.parametrize(
    ("glued", "apart"),
    [
        ("temperatureof", "temperature of"),
        ("thenoise", "the noise"),
        ("assignedto", "assigned to"),
        ("heattransfer", "heat transfer"),
        ("muchpower", "much power"),
        ("wateris", "water is"),
        ("con-cave", "concave"),
    ],
)
def test_glued_words_come_apart(glued: str, apart: str) -> None:
    assert mend(glued) == apart


@pytest.mark.parametrize(
    "text",
    [
        "thestockturnrates",
        "HInis colorless",
        "aMNaOHsolution",
        "ions of CO_32",
        "phosgene, C0Cl2",
        "Atapedecksells well",
    ],
)
def test_what_cannot_be_mended_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        say(text)
    assert refusal.value.reason == "garbled"


def test_plausible_words_are_a_known_stem_and_what_is_added_to_it() -> None:
    assert is_plausible("effector") and is_plausible("autocorrelation")
    assert not is_plausible("temperatureof") and not is_plausible("wateris")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30 pounds per square inch (PSI)", "thirty pounds per square inch"),
        ("pulse 80/min", "pulse eighty per minute"),
        ("blood pressure is 120/80 mm Hg", "blood pressure is one hundred twenty over eighty millimeters of mercury"),
        ("He types 60 words/minute.", "He types sixty words per minute."),
        ("60 mi/h and 3 h", "sixty miles per hour and three hours"),
        ("a current of 5.36 A is passed", "a current of five point three six amperes is passed"),
        ("6 × 10^-35 N m s", "six times ten to the minus thirty-five newton meter seconds"),
        ("10.8 k cal", "ten point eight kilocalories"),
        ("29 - 31 seconds", "twenty-nine to thirty-one seconds"),
        ("500 g of H_20", "five hundred grams of H two O"),
        ("CO_3^2- ions", "C O three two minus ions"),
        ("the Civil Act of 1964 increased it", "the Civil Act of nineteen sixty-four increased it"),
        ("J >> a", "J is much greater than a"),
        ("a 100 Wlight bulb", "a one hundred watt light bulb"),
        ("75 g block of ice", "seventy-five gram block of ice"),
        ("the mass of ^{35}Cl", "the mass of chlorine thirty-five"),
        ("a radius of\n200 nm", "a radius of two hundred nanometers"),
        ("15.2 ×10- 19J", "fifteen point two times ten to the minus nineteen joules"),
    ],
)
def test_say_measures_and_years(text: str, said: str) -> None:
    assert say(text) == said


def test_a_lone_angstrom_is_refused() -> None:
    with pytest.raises(Refusal):
        say("it is 5,41 Å long")


@pytest.mark.parametrize(
    "stem",
    [
        "In the labor market, QD represents employers of Acme. Which type of disequilibrium is there?",
        "Which disequilibrium is there in the market of Canada when wages are $10?",
    ],
)
def test_letters_and_figures_of_a_graph_need_it(stem: str) -> None:
    assert leans_on_picture(stem)
