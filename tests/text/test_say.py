import pytest

from kame_data.errors import Refusal
from kame_data.text.spoken import is_spoken, join_words, normalise, say, split_words

SAID = {
    # money
    "$1,000,000": "one million dollars",
    "$82.50": "eighty-two dollars and fifty cents",
    "$1": "one dollar",
    "$.50": "fifty cents",
    "£3 and €11": "three pounds and eleven euros",
    "He found 25¢": "He found twenty-five cents",
    "$1.5 million": "one point five million dollars",
    "a $20 bill": "a twenty dollar bill",
    "He has four $5 bills.": "He has four five dollar bills.",
    "between $5-$10": "between five dollars to ten dollars",
    "It costs 140000$.": "It costs one hundred forty thousand dollars.",
    "$10/hour": "ten dollars per hour",
    # numbers, percent, fractions, ordinals, ratios, ranges
    "1,080": "one thousand eighty",
    "0.05": "zero point zero five",
    "-5": "minus five",
    "x is (-2, 4)": "x is, minus two, four",
    "12.5%": "twelve point five percent",
    "10-20%": "ten to twenty percent",
    "1/10 and 3/4": "one tenth and three quarters",
    "2 1/2 cups": "two and one half cups",
    "1/3rd of it": "one third of it",
    "the 21st floor": "the twenty-first floor",
    "a ratio of 5:8": "a ratio of five to eight",
    "ages 10-20": "ages ten to twenty",
    "an 8-hour day": "an eight-hour day",
    "a 220-liter barrel": "a two hundred twenty liter barrel",
    # years, dates, times
    "He died in 1984.": "He died in nineteen eighty-four.",
    "She has 1984 stamps.": "She has one thousand nine hundred eighty-four stamps.",
    "the 1990s": "the nineteen nineties",
    "1914-1918": "nineteen fourteen to nineteen eighteen",
    "the 1972 election": "the nineteen seventy-two election",
    "In 1000 trials": "In one thousand trials",
    "3:30 pm": "three thirty PM",
    "at 8:00": "at eight o'clock",
    "until 5:05 p.m. He left.": "until five oh five PM. He left.",
    "June 3, 1990": "June third, nineteen ninety",
    "Dec. 31": "December thirty-first",
    "300 BC": "three hundred BC",
    # units and scientific notation
    "75°F": "seventy-five degrees Fahrenheit",
    "5 ft^3": "five cubic feet",
    "1 kg": "one kilogram",
    "9.8 m/s": "nine point eight meters per second",
    "2 kmol/m^3": "two kilomoles per cubic meter",
    "20 ft/sec": "twenty feet per second",
    "14.7 psia": "fourteen point seven PSI absolute",
    "5 in. long": "five inches long",
    "62.4 lb/ft^3": "sixty-two point four pounds per cubic foot",
    "8.50 × 10^-9": "eight point five zero times ten to the minus nine",
    "3 x 10^8 m/s": "three times ten to the eighth meters per second",
    "9.8 m s^-2": "nine point eight meters per second squared",
    "50 people. 30% left.": "Fifty people. Thirty percent left.",
    # formulas
    "x^2 + 3": "x squared plus three",
    "a = b": "a equals b",
    "f(x) = 2x - 1": "f of x equals two x minus one",
    "H2O": "H two O",
    "CO_2": "C O two",
    "NaCl": "N A C L",
    r"\( x \) is $y$": "x is y",
    r"\frac{1}{2}": "one half",
    r"\epsilon": "epsilon",
    "Y_1": "Y one",
    "sqrt(2)": "the square root of two",
    "5 ≤ x": "five is less than or equal to x",
    "a 2 x 3 matrix": "a two by three matrix",
    "α-helix": "alpha-helix",
    # Roman numerals, abbreviations, letters
    "World War II": "World War two",
    "Chapter IV": "Chapter four",
    "Henry VIII": "Henry the Eighth",
    "Mr. Jones vs. Dr. Li": "Mister Jones versus Doctor Li",
    "fruit, e.g. apples": "fruit, for example, apples",
    "the U.S. Army": "the US Army",
    "DNA": "DNA",
    "No. 5": "Number five",
    "St. Louis": "Saint Louis",
    "#1": "number one",
    "John F. Kennedy": "John F Kennedy",
    "Company B. If": "Company B. If",
    # signs, layout, debris
    "salt & pepper": "salt and pepper",
    "true/false": "true or false",
    'the "best" (or worst) one': "the best, or worst, one",
    "the students' books": "the students' books",
    "The capital is ____.": "The capital is blank.",
    "• one\n• two": "one, two",
    "What is\xa0it?\u200b": "What is it?",
    "theory ofgravity andthe moon": "theory of gravity and the moon",
    "dan-gerous dogs": "dangerous dogs",
    "300torrpressure": "three hundred torr pressure",
    "Stop.Now go,please": "Stop. Now go, please",
}  # fmt: skip

REFUSED = {
    r"\int_0^1 x dx": "formula",
    r"\begin{matrix} 1 \end{matrix}": "formula",
    "A ⊃ B": "formula",
    "x = [(3a_0b_0t^2) / c_0] + [(5a_0c_0t) / b_0] + (d/(e+f))^2": "formula",
    "int main() { return 0; }": "code",
    "def f(x):\n  return x": "code",
    "for (i = 0; i < n; i++)": "code",
    "| a | b | c |": "table",
    "Mon 3 4 Tue 5 6 Wed 7 8": "table",
    "①②": "symbols",
    "Что это такое?": "language",
    "BothHClandNaOHare strong": "garbled",
}


@pytest.mark.parametrize(("text", "said"), SAID.items())
def test_say(text: str, said: str) -> None:
    assert say(text) == said


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        say(text)
    assert refusal.value.reason == reason


def test_languages_whose_figures_cannot_be_said_are_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        say("Sawubona", "zu")
    assert refusal.value.reason == "language"
    assert say("Good day.", "en-US") == "Good day."


@pytest.mark.parametrize(
    "text", ["It costs 5", "a ~ b", "**bold**", "- one\n- two", "1. one", 'say "it"', "a_b", "x → y"]
)
def test_is_spoken_names_what_is_not(text: str) -> None:
    assert is_spoken(text)


@pytest.mark.parametrize("text", ["It costs five dollars.", "Well, it's Zoë's well-known one; isn't it?", ""])
def test_is_spoken_passes_words(text: str) -> None:
    assert is_spoken(text) == []


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("How many, then?", "en", ["How", "many,", "then?"]),
        ("你好，世界。", "zh", ["你", "好，", "世", "界。"]),
        ("我有DNA样本", "zh", ["我", "有", "DNA", "样", "本"]),
    ],
)
def test_words_join_again(text: str, language: str, words: list[str]) -> None:
    assert split_words(text, language) == words
    assert join_words(words, language) == text


def test_normalise_is_robust_and_never_empty_for_letters() -> None:
    assert normalise("What  is\nＤＮＡ?") == normalise("what is dna") == "what is dna"
    assert normalise("Что это?") == "что это"
    assert normalise("这是什么？") == "这是什么"
    assert normalise("∀ ⊃") != ""
