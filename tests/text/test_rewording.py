"""Spoken words of a writer against their source: fair rewording passes, what loses a number, sign or unit does not."""

import time

import pytest

from kame_data.text.answers import agree, holds_answer
from kame_data.text.rewording import added, missing
from kame_data.text.spoken import MOST_CHARACTERS

FAIR = [
    ("Tom has 12 apples and eats 1/2 of them.", "If you had a dozen apples and ate half of them, how many are left?"),
    ("It fell from -5°C to 20°C.", "It went up to twenty degrees, and it had been minus five degrees before."),
    ("She saved 50% of $82.50.", "Half of eighty-two dollars and fifty cents is what she saved."),
    ("In 1989 he had 2 cars.", "He had a couple of cars back in nineteen eighty-nine."),
    ("Oliver has 10 $20 bills.", "Say Oliver has ten twenty dollar bills."),
    ("What is 10 - (4 + 3)?", "What do I get when I take the sum of four and three away from ten?"),
    ("Is v2.4.1 or v2.10 newer?", "Which is newer, version two point four point one or version two point ten?"),
    ("A car drives 60 km/h.", "A car goes at sixty kilometers an hour."),
    ("He gives away a dozen, then three more.", "First twelve and then another three are given away."),
    ("The three friends met; both nations agreed.", "These friends met, and the nations agreed."),
    (
        "Enough brownies to triple the weight of two pounds",
        "Brownies until a couple of pounds weigh three times as much",
    ),
    ("It takes two and a half hours.", "It takes two hours and thirty minutes."),
    ("He drinks one and a half liters.", "He drinks a liter and a half."),
    ("Two-thirds of the 12 cars are red.", "Two out of every three of the twelve cars are red."),
    ("There were 1.5 million people.", "One and a half million people were there."),
    ("One hundred and fifty people came.", "A hundred fifty people came."),
    ("It's $1,600 billion.", "It's one thousand six hundred billion dollars."),
    ("The probability is 0.05.", "The probability is five percent."),
    (
        "It takes 0.6 seconds from a point 20 cm away.",
        "From a point twenty centimeters away it takes zero point six seconds",
    ),
    ("an energy of 4.8 MeV", "an energy of four point eight million electron volts"),
    ("What is 18 - 9?", "What do you get when you take nine from eighteen?"),
    ("What is three minus two minus one?", "What is three minus two, minus one?"),
    ("Add 3^2 and 4^2.", "What are the squares of three and four together?"),
    (
        "He has 2.5 dozen eggs and a $300M bank.",
        "It's two point five dozen eggs and a three hundred million dollar bank.",
    ),
]
LOST = [
    ("Tom has 15 apples.", "Tom has fifty apples."),
    ("It fell to -5 degrees.", "It fell to five degrees."),
    ("He pays 20% of it.", "He pays twenty of it."),
    ("It costs $5.", "It costs five."),
    ("Is v2.4.3 new?", "Is version two point four point two new?"),
    ("What is 2^5?", "What is two five?"),
    ("a pressure of .957 atm", "a pressure of nine hundred fifty-seven atmospheres"),
    ("52 weeks", "fifty weeks"),
    ("In 1989 it fell.", "In nineteen ninety-eight it fell."),
    ("Three cats have four kittens each.", "Some cats have four kittens each."),
    ("What is three minus two minus one?", "What is three minus two and one?"),
    ("-3, -5 and -8", "minus three, minus five and eight"),
    ("What is 18 - 9?", "What is nine minus eighteen?"),
    ("What is 18 - 9?", "What is left of nine when I take eighteen from nine?"),
    ("What is x^2 + y^2?", "What is x squared plus y?"),
    ("He has 20 6-inch tiles.", "He has twenty six inch tiles."),
]
ELSEWHERE = {
    "ar": [("درجة الحرارة -5", "درجة الحرارة ناقص خمسة", "درجة الحرارة خمسة")],
    "de": [
        ("Es sind -5 Grad.", "Draußen sind es minus fünf Grad.", "Draußen sind es fünf Grad."),
        ("Er zahlt 25 % von 1.200 Euro.", "Von tausendzweihundert Euro zahlt er fünfundzwanzig Prozent.",
         "Von tausendzweihundert Euro zahlt er fünfundzwanzig."),
    ],
    "es": [("En 1989 eran 12,5 millones.", "En mil novecientos ochenta y nueve eran doce coma cinco millones.",
            "En mil novecientos ochenta y ocho eran doce coma cinco millones.")],
    "fr": [("Il a 81 pommes.", "Il a quatre-vingt-une pommes.", "Il a quatre-vingt-deux pommes."),
           ("Il y a 12 345 habitants.", "On compte douze mille trois cent quarante-cinq habitants.",
            "On compte douze mille habitants.")],
    "ru": [("У него 25 яблок.", "Яблок у него около двадцати пяти.", "Яблок у него около двадцати."),
           ("2 сестры", "с двумя сёстрами", "с тремя сёстрами")],
    "zh": [("他有25个苹果。", "他有二十五个苹果。", "他有二十个苹果。"),
           ("人口为3.5万", "人口为三点五万", "人口为三点六万"), ("气温是-5度", "气温是零下五度", "气温是五度"),
           ("约占30%", "约占百分之三十", "约占三十")],
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), FAIR)
def test_other_words_may_say_it(written: str, said: str) -> None:
    assert missing(written, said, "en") == ""


@pytest.mark.parametrize(("written", "said"), LOST)
def test_what_is_nowhere_heard_is_missing(written: str, said: str) -> None:
    assert missing(written, said, "en")


@pytest.mark.parametrize(
    ("language", "written", "kept", "lost"), [(code, *case) for code, cases in ELSEWHERE.items() for case in cases]
)
def test_figures_and_signs_are_looked_for_in_other_languages(language: str, written: str, kept: str, lost: str) -> None:
    assert missing(written, kept, language) == ""
    assert missing(written, lost, language)


def test_a_number_that_the_source_does_not_have_is_named() -> None:
    known = ("Tom has half of three dozen eggs, and two and a half hours.", "five dollars")
    for fair in (
        "Tom has fifty percent of thirty-six eggs.",
        "two hours and thirty minutes, five dollars, or seven days",
    ):
        assert added(fair, known) == ""
    assert "13" in added("Tom has half of three dozen eggs and thirteen hens.", known)


@pytest.mark.parametrize("piece", ["1 - 2 - ", "a_", "minus one ", "two and a half of ", "-1 ", "x^2 ", "1 in 2 "])
def test_other_words_are_compared_in_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.process_time()
        missing(text, text, "en")
        added(text, (text,))
        return time.process_time() - start

    seconds(400)
    first, second = seconds(500), seconds(2_000)
    # Linear work grows by four, square work by sixteen.
    assert second < 11 * max(first, 0.05), (first, second)


def test_a_text_of_any_length_is_refused_before_it_is_compared() -> None:
    assert missing("1 - 2 - " * MOST_CHARACTERS, "one", "en") and missing("one", "one " * MOST_CHARACTERS, "en")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("three point five", "3 1/2"),
        ("half a million", "500,000"),
        ("one and a half million", "1,500,000"),
        ("a dozen", "12"),
        ("a quarter of it", "0.25"),
        ("fifty cents", "0.50"),
        ("one thousandth", "0.001"),
        ("it is half of it", "1/2"),
        ("two thirds", "2/3"),
    ],
)
def test_parts_and_dozens_are_numbers(said: str, answer: str) -> None:
    assert holds_answer(said, answer)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("It's one.", "1/2"),
        ("It's three.", "3/4"),
        ("three quarters", "3"),
        ("three quarters", "0.25"),
        ("two dozen", "2"),
        ("fifty cents", "50"),
        ("five hundred", "500,000"),
        ("the third one", "1/3"),
        ("the third one", "3"),
        ("one third", "3"),
    ],
)
def test_a_number_is_not_heard_in_a_part_of_another(said: str, answer: str) -> None:
    assert not holds_answer(said, answer)


def test_years_and_money_are_numbers_in_all_places() -> None:
    assert holds_answer("nineteen eighty-nine", "1989")
    assert holds_answer("It was in nineteen oh five, I think.", "1905")
    assert not holds_answer("nineteen eighty-eight", "1989")
    assert agree("twelve dollars and fifty cents", "twelve point five zero")
    assert not agree("twelve dollars and five cents", "twelve point five zero")


def test_a_sigh_is_no_nought() -> None:
    assert not holds_answer("Oh, I see what you mean.", "0")
    assert holds_answer("That leaves zero.", "0")
