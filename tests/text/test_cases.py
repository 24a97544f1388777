"""Cases of words that lost their meaning: kinds found in real rows, by examples of our own, and the shared list."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kame_data.errors import Refusal
from kame_data.text.answers import key
from kame_data.text.meaning import lost
from kame_data.text.spoken import say

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "text-and-input.json"

KINDS = {
    "minus, binary and unary": {
        "What is 2/3 - 1/6?": "What is two thirds minus one sixth?",
        "Compute $80 - $15.": "Compute eighty dollars minus fifteen dollars.",
        "What is 9 - (2 + 5)?": "What is nine minus the quantity two plus five?",
        "Is p - q positive?": "Is p minus q positive?",
        "What is -y if y = 3?": "What is minus y if y equals three?",
        "What is -2 - (-9)?": "What is minus two minus minus nine?",
        "Simplify 5x - 2 - 3x.": "Simplify five x minus two minus three x.",
        "Find 7^2 - 4.": "Find seven squared minus four.",
        "n=30-12": "n equals thirty minus twelve",
        "z = 12-5i": "z equals twelve minus five i",
        "a force in the -x direction": "a force in the minus x direction",
        "Is f(x) = e^x - cx convex?": "Is f of x equals e to the x minus cx convex?",
        "y = ax^2 - bx + c": "y equals ax squared minus bx plus c",
        "What is 3! - 2!?": "What is three factorial minus two factorial?",
        "What is (-3)^4?": "What is the quantity minus three, to the fourth?",
        "What is -3^4?": "What is minus three to the fourth?",
        "What is tan 60° - cos 20°?": "What is tangent of sixty degrees minus cosine of twenty degrees?",
        r"since t = - \infty": "since t equals minus infinity",
        "The USA - not the UK - won.": "The USA, not the UK, won.",
    },
    "ranges and scores are no minus": {
        "They won 7-2.": "They won seven to two.",
        "Ages 12 - 18 may enter.": "Ages twelve to eighteen may enter.",
        "pages 30-45": "pages thirty to forty-five",
        "a 25-m pool": "a twenty-five meter pool",
        "a BMI of 22-26 kg/m2": "a BMI of twenty-two to twenty-six kilograms per square meter",
        "an 8-hour day": "an eight-hour day",
        "400-100 BC": "four hundred to one hundred BC",
    },
    "decimals with a leading dot": {
        "The pressure is .957 atm.": "The pressure is point nine five seven atmospheres.",
        "It costs $.75 a pound.": "It costs seventy-five cents a pound.",
    },
    "powers of ten": {
        "It is 6.6e-34 J s.": "It is six point six times ten to the minus thirty-four joule seconds.",
        "5 x 10^-7 m": "five times ten to the minus seven meters",
        "3.2 × 10–9 C": "three point two times ten to the minus nine coulombs",
    },
    "letters behind numbers": {
        "f(2N + 1) = f(N) + 3": "f of the quantity two N plus one, equals f of N plus three",
        "a gas of volume V": "a gas of volume V",
        "It moves with velocity v. Find it.": "It moves with velocity v. Find it.",
        "In Roe v. Wade, who won?": "In Roe versus Wade, who won?",
        "The town has 9K people.": "The town has nine thousand people.",
        "It sold 4M copies.": "It sold four million copies.",
        "A fever of 39 C or 102 F.": "A fever of thirty-nine degrees Celsius or one hundred two degrees Fahrenheit.",
        "A gas at 300K is heated.": "A gas at three hundred kelvin is heated.",
        "A charge of 5 C flows.": "A charge of five coulombs flows.",
        "a 2M solution of NaOH": "a two molar solution of N A O H",
        "She is in her 30s.": "She is in her thirties.",
        "He has 4x as many.": "He has four times as many.",
        "The isotopes 238U and 13C": "The isotopes uranium two hundred thirty-eight and carbon thirteen",
    },
    "products without a sign, brackets": {
        "What is 6(7)?": "What is six times seven?",
        "V = 4(5)(6)": "V equals four times five times six",
        "What is 5(2 + 8)?": "What is five times the quantity two plus eight?",
        "3^(k+2) = 81": "three to the power of the quantity k plus two, equals eighty-one",
        "(x+2)(x-5)": "the quantity x plus two, times the quantity x minus five",
        "(a - b)^2": "the quantity a minus b, squared",
        "8(1/4) inches": "eight and one quarter inches",
    },
    "formulas and ions": {
        "What is H2SO4 called?": "What is H two S O four called?",
        "K+ and Br- ions": "K plus and B R minus ions",
        "SO42- or HCO3-": "S O four two minus or H C O three minus",
        "Copper(II) oxide": "Copper two oxide",
        "Mn(IV) is reduced.": "Manganese four is reduced.",
    },
    "roman numerals in lists": {
        "Are I, III and IV true?": "Are one, three and four true?",
        "Neither II nor V holds.": "Neither two nor five holds.",
        "You and I agree.": "You and I agree.",
    },
    "logarithms, factorials, stars": {
        "What is log₃ 9?": "What is log base three of nine?",
        "What is log_5(25)?": "What is log base five of twenty-five?",
        "What is (k-1)!?": "What is the quantity k minus one, factorial?",
        "What is 6!/4!?": "What is six factorial over four factorial?",
        "Find h'(2) if h(x) = 5.": "Find h prime of two if h of x equals five.",
        "What is cos 2x?": "What is cosine of two x?",
        "Is 5! more than 100?": "Is five factorial more than one hundred?",
        "What is 3**4?": "What is three to the fourth?",
    },
    "markup": {
        "Who painted *Guernica*?": "Who painted Guernica?",
        "It is **8** of _them_.": "It is eight of them.",
        "What is 2 * 3 * 4?": "What is two times three times four?",
    },
    "an abbreviation's full stop": {
        "Add 3 tsp. of salt.": "Add three teaspoons of salt.",
        "In Mar. and Sept. it rained.": "In March and September it rained.",
        "He wrote it c. 450 BC.": "He wrote it around four fifty BC.",
        "Is v3.0.1 newer than v2.9?": "Is version three point zero point one newer than version two point nine?",
        "She lives at 9 Pine Dr. near us.": "She lives at nine Pine Drive near us.",
    },
    "durations and dates": {
        "He swam it in 4:45.": "He swam it in four forty-five.",
        "It lasted 1:30:15.": "It lasted one thirty fifteen.",
        "He slept 6h 45m.": "He slept six hours forty-five minutes.",
        "A 1h20m film": "A one hour twenty minutes film",
        "It took 4m 10s.": "It took four minutes ten seconds.",
        "A map of 1:25,000": "A map of one to twenty-five thousand",
        "The scale is 1:200,000.": "The scale is one to two hundred thousand.",
        "It is due on 03/09.": "It is due on March ninth.",
        "On 31/10/2019 it ended.": "On the thirty-first of October, twenty nineteen it ended.",
        "From Mar 3-8 it is shut.": "From March third to eighth it is shut.",
        "Open 8am-6pm.": "Open eight AM to six PM.",
        "The 1st of May": "The first of May",
        "a ratio of 3:15": "a ratio of three to fifteen",
    },
    "by and per": {
        "A rug is 8 ft x 10 ft.": "A rug is eight feet by ten feet.",
        "It uses 6 L/100 km.": "It uses six liters per one hundred kilometers.",
        "Weigh 3 KOH and 2 NaF.": "Weigh three K O H and two N A F.",
        "9000/mm3": "nine thousand per cubic millimeter",
    },
    "units to a power": {
        "118 J mol-1 K-1": "one hundred eighteen joules per mole per kelvin",
        "2.7 g cm-3": "two point seven grams per cubic centimeter",
        "0.4 s-1": "zero point four per second",
        "12 m2": "twelve square meters",
    },
    "numbers side by side": {
        "He has 20 $5 bills and 10 $20 bills.": "He has twenty, five dollar bills and ten twenty dollar bills.",
        "200 8-foot boards": "two hundred, eight-foot boards",
        "They own 2 thousand 8-foot boards.": "They own two thousand, eight-foot boards.",
        "In 2020 5 people came.": "In twenty twenty, five people came.",
        "50 12-ounce cans": "fifty twelve-ounce cans",
        "5 hundred 20 people": "five hundred twenty people",
        "$1,700 $3,800": "one thousand seven hundred dollars, three thousand eight hundred dollars",
        "1.6 1.0": "one point six, one point zero",
        "1.2 $10^{-5}$ m": "one point two times ten to the minus five meters",
        "1.013 25 bar": "one point zero one three two five bars",
    },
    "letters that stand for something": {
        "A mass m hits a mass of 2m.": "A mass m hits a mass of two m.",
        "Find the inverse of (8s + 2)/5 where s = 4.": (
            "Find the inverse of the quantity eight s plus two, over five where s equals four."
        ),
        "into his 401(k) plan": "into his four oh one k plan",
        "1480K, lowest gain first": "one thousand four hundred eighty kelvin, lowest gain first",
    },
    "units below a line, durations": {
        "It is 0.385 J/(g·K).": "It is zero point three eight five joules per gram per kelvin.",
        "5 W/(m^2 K)": "five watts per square meter per kelvin",
        "1.7e-8 Ω m": "one point seven times ten to the minus eight ohm meters",
        "It took 2 h 15 min.": "It took two hours fifteen minutes.",
        "a 3-yr-old boy": "a three-year-old boy",
        "Dec. 31, 1999 - Jan. 1, 2000": "December thirty-first, nineteen ninety-nine to January first, two thousand",
        "c. 1500-1600": "around fifteen hundred to sixteen hundred",
    },
    "tags and abbreviations": {
        "<b>Which</b> of <i>these</i> is x<sup>2</sup>?": "Which of these is x squared?",
        "Find the no. of apples.": "Find the number of apples.",
        "Add 2 c. flour.": "Add two cups flour.",
        "the CO3 2- ion": "the C O three two minus ion",
        "It is 12.50 dollars.": "It is twelve dollars and fifty cents.",
        "~50 people": "about fifty people",
    },
    "marks of lists, and what only looks like them": {
        "(ii) and (iii) only": "two and three only",
        "(b) and (c) only": "B and C only",
        "HX (g) and HCl (g) mix.": "H X gas and H C L gas mix.",
        "dwarf (d) and green (g)": "dwarf, d, and green, g",
    },
    "as they were": {
        "The flow is 3.2 L s^-1 m^-2.": "The flow is three point two liters per second per square meter.",
        "k = 4.5 x 10^3 M^-1 s^-1": "k equals four point five times ten to the third per molar per second",
        "25 kV cm-1": "twenty-five kilovolts per centimeter",
        "Is NH4+ or OH- stronger?": "Is N H four plus or O H minus stronger?",
        "MnO4- is reduced to Mn2+": "M N O four minus is reduced to M N two plus",
        "from -20 to -5 °C": "from minus twenty to minus five degrees Celsius",
        "a .45 caliber pistol": "a point four five caliber pistol",
        "a chance of .05 or .1": "a chance of point zero five or point one",
        "Only (i) and (iv) hold.": "Only one and four hold.",
        "(ii), (iii)": "two, three",
        "Both (a) and (c) are true.": "Both A and C are true.",
        "Is it (i) hot or (ii) cold?": "Is it, first, hot or, second, cold?",
        "II, III, and V": "two, three, and five",
        "I and II are false, but III is true.": "One and two are false, but three is true.",
        "Type I and type II errors": "Type one and type two errors",
        "in the 1800s and the '60s": "in the eighteen hundreds and the sixties",
        "from 9 a.m.-5 p.m.": "from nine AM to five PM.",
        "He needs 2:05:30.": "He needs two oh five thirty.",
        "1995-96 season": "nineteen ninety-five to ninety-six season",
        "What's **2+2**?": "What's two plus two?",
        "$5M in sales, 20K units": "five million dollars in sales, twenty thousand units",
        "Vol. 3, pp. 12-15, Fig. 2": "Volume three, pages twelve to fifteen, Figure two",
        "Mr. Lee vs. Dr. Kim, Jr.": "Mister Lee versus Doctor Kim, Junior.",
        "120/80 mmHg": "one hundred twenty over eighty millimeters of mercury",
        "a 2x4 board": "a two by four board",
        "ln(x+1)": "natural log of the quantity x plus one",
        "8 - -2": "eight minus minus two",
    },
    "escapes that JSON took": {"What is $7\times 8$?": "What is seven times eight?"},
}


@pytest.mark.parametrize(("text", "said"), [pair for kind in KINDS.values() for pair in kind.items()])
def test_a_kind(text: str, said: str) -> None:
    assert say(text) == said
    assert say(said) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("What is 3/4 - 1/2?", "What is three quarters, one half?"),
        ("What is 18 - 9?", "What is eighteen to nine?"),
        ("a pressure of .957 atm", "a pressure of. Nine hundred fifty-seven atmospheres"),
        ("118 J mol^{-1} K^{-1}", "one hundred eighteen joule moles, one K one"),
        ("What is 4(3)?", "What is four, three?"),
        ("10 - (4 + 3)", "ten minus four plus three"),
        ("2^{n-1}", "two to the n minus one"),
        ("It costs $5.", "It costs five."),
        ("about 20% of it", "about twenty of it"),
        ("x^2 + 1", "x plus one"),
        ("He has 3 dogs.", "He has three dogs and two cats."),
        ("The year 1989", "The year nineteen ninety-eight"),
        ("√2", "two"),
    ],
)
def test_what_is_lost_is_named(written: str, said: str) -> None:
    assert lost(written, said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("In 1989 she paid $82.50.", "In nineteen eighty-nine she paid eighty-two dollars and fifty cents."),
        ("1/64 of 2 1/2", "one sixty-fourth of two and one half"),
        ("Call 555-0199", "Call five five five, zero one nine nine"),
        ("the 1990s", "the nineteen nineties"),
        ("$1.5 million", "one point five million dollars"),
        ("World War II", "World War two"),
    ],
)
def test_what_is_said_in_another_way_is_not_lost(written: str, said: str) -> None:
    assert lost(written, said) == ""


def _shared() -> list[dict[str, Any]]:
    if not SHARED.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(SHARED.read_text(encoding="utf-8"))
    return [case for case in cases if "(text)" in case["kind"] and "/ answer" not in case["input"]]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared cases are not here")
def test_the_shared_cases() -> None:
    wrong = []
    for case in _shared():
        try:
            said = key(say(case["input"].replace("<TAB>", "\t")))
        except Refusal as refusal:
            said = f"refused: {refusal}"
        expected = re.sub(r"\([^)]*\)", "", case["expected"]).replace("chloride / ", "").replace("nitrate / ", "")
        pieces = [piece for piece in re.split(r"\.\.\.|;|/ .*", expected) if key(piece)]
        if not all(key(piece).replace("per hundred", "per one hundred") in said for piece in pieces):
            wrong.append((case["input"], case["expected"], said))
    assert not wrong
