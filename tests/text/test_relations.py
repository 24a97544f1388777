"""Signs whose sense is in what is around them: bars, arrows, roots, degrees, brackets, units alone, doses, names."""

import pytest

from kame_data.errors import Refusal
from kame_data.text import meaning
from kame_data.text.spoken import plain, say

KINDS = {
    "absolute values": {
        "What is |x - 3|?": "What is the absolute value of x minus three?",
        "If |x| = 5, what is x?": "If the absolute value of x equals five, what is x?",
        "Solve |2x + 1| < 7.": "Solve the absolute value of two x plus one, is less than seven.",
        "What is |-5| + |3|?": "What is the absolute value of minus five plus the absolute value of three?",
        "2|x| - 3": "two times the absolute value of x minus three",
        r"What is $\lvert x \rvert$?": "What is the absolute value of x?",
        r"What is \left| x-3 \right|?": "What is the absolute value of x minus three?",
        "the magnitude |v| of it": "the magnitude of v of it",
    },
    "conditions and headings": {
        "P(A|B) = 0.5": "P of A given B equals zero point five",
        "P(E, F | H)": "P of E and F given H",
        "P(A ∩ B)": "P of A intersection B",
        "Statement 1 | All cats purr. Statement 2 | No dog purrs.":
            "Statement one: All cats purr. Statement two: No dog purrs.",
    },
    "arrows": {
        "2H2 + O2 → 2H2O": "two H two plus O two gives two H two O",
        "HCl + NaOH -> NaCl + H2O": "H C L plus N A O H gives N A C L plus H two O",
        "N2 + 3H2 ⇌ 2HCl": "N two plus three H two is in equilibrium with two H C L",
        "A → B is a first-order reaction.": "A gives B is a first-order reaction.",
        "Find its limit as x → 0.": "Find its limit as x approaches zero.",
        r"\lim_{x \to 0} x^2": "the limit as x approaches zero of x squared",
        "as n → ∞": "as n approaches infinity",
        "Let f: R → R be a map.": "Let f: R to R be a map.",
    },
    "roots": {
        "What is ∛8?": "What is the cube root of eight?",
        "What is √[3]{8}?": "What is the cube root of eight?",
        r"What is \sqrt[3]{8}?": "What is the cube root of eight?",
        r"What is \sqrt[4]{16}?": "What is the fourth root of sixteen?",
        r"What is \sqrt[n]{x}?": "What is the nth root of x?",
        "What is ∛(x + 1)?": "What is the cube root of the quantity x plus one?",
        r"$12\sqrt{93}$ ft/s": "twelve times the square root of ninety-three feet per second",
        "60√7/7": "sixty times the square root of seven over seven",
    },
    "standard states and states of matter": {
        "ΔG° is negative.": "Delta G standard is negative.",
        "E° = 1.10 V": "E standard equals one point one zero volts",
        r"\Delta H_R^{\circ} is given.": "Delta H sub R standard is given.",
        "What is ΔH°f of it?": "What is Delta H standard of formation of it?",
        "a wavelength of 6328A°": "a wavelength of six thousand three hundred twenty-eight angstroms",
        "NO (g) and H2O(l)": "N O gas and H two O liquid",
    },
    "units alone": {
        "c in J g^-1 K^-1": "c in joules per gram per kelvin",
        "g^-1 °C^-1": "per gram per degree Celsius",
        "4.18 J g^-1 °C^-1": "four point one eight joules per gram per degree Celsius",
        "Express the torque in N·m.": "Express the torque in newton meters.",
        "in J/(mol·K)": "in joules per mole per kelvin",
        "heat flux (W/m^2)": "heat flux, watts per square meter",
        "2 Btu/hr-ft^2-°F": "two BTUs per hour per square foot per degree Fahrenheit",
        "0.244 Btu/lbm°R": "zero point two four four BTUs per pound per degree Rankine",
        "3 × 10^-23 g / atom": "three times ten to the minus twenty-three grams per atom",
        "What is V/R?": "What is V over R?",
    },
    "hours": {
        "Open 8am–noon.": "Open eight AM to noon.",
        "Open from 8 am - noon daily.": "Open from eight AM to noon daily.",
        "noon–3pm": "noon to three PM",
        "It runs 10am-midnight.": "It runs ten AM to midnight.",
    },
    "days that are names": {
        "The 9/11 attacks changed it.": "The nine eleven attacks changed it.",
        "9/11 was a day of terror.": "Nine eleven was a day of terror.",
        "the 7/7 bombings in London": "the seven seven bombings in London",
        "What fraction is 9/11?": "What fraction is nine elevenths?",
        "9/11 of the terror group's members": "nine elevenths of the terror group's members",
    },
    "doses": {
        "Take 5 mg b.i.d. for a week.": "Take five milligrams twice a day for a week.",
        "Take it t.i.d. with food.": "Take it three times a day with food.",
        "Aspirin 81 mg q.d.": "Aspirin eighty-one milligrams once a day.",
        "ibuprofen 400 mg PO q6h p.r.n.": "ibuprofen four hundred milligrams by mouth every six hours as needed.",
        "Given 1 g i.v. twice.": "Given one gram IV twice.",
        "His bid was 5 dollars.": "His bid was five dollars.",
    },
    "no and number": {
        "The answer was no. 7 more came.": "The answer was no. Seven more came.",
        "They voted no. 12 of them left.": "They voted no. Twelve of them left.",
        "She lives at no. 7 Oak Street.": "She lives at number seven Oak Street.",
        "Is it no. 7?": "Is it number seven?",
    },
    "concentrations, groups, charges, bases, sets": {
        "rate = k[A]^2[B]": "rate equals k times the concentration of A, squared times the concentration of B",
        "K = [H+][OH-]": "K equals the concentration of H plus, times the concentration of O H minus",
        "Fe(OH)_2 and Al2(SO4)3": "F E, O H, two and A L two, S O four, three",
        "Co^+2 ions": "C O two plus ions",
        "E7_{16} and 101_2": "E seven base sixteen and one zero one base two",
        "A = {1, 2, 3}": "A equals the set one, two, three",
        "(3c / 2)": "three c over two",
        "48∠45 degrees": "forty-eight at an angle of forty-five degrees",
    },
}  # fmt: skip

REFUSED = [
    "Click File → Save.",
    "P → Q",
    "P ↔ Q",
    "A → B → C",
    "AB = |106| |65| |158|",
    "| a | b | c |",
    "the determinant |A|",
]


@pytest.mark.parametrize(("text", "said"), [pair for kind in KINDS.values() for pair in kind.items()])
def test_a_kind(text: str, said: str) -> None:
    assert say(text) == said
    assert say(said) == said


@pytest.mark.parametrize("text", REFUSED)
def test_a_sign_that_nothing_explains_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        say(text)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("If |x| = 5", "if x equals five"),
        ("2|x|", "two the absolute value of x"),
        ("P(A → B) reaction", "p of a b reaction"),
        ("∛8", "the square root of eight"),
        ("√[5]{3}", "the root of three"),
        ("ΔG° = 3", "delta g equals three"),
        ("5 mg t.i.d.", "five milligrams a day"),
        ("2 Btu/hr-ft^2-°F", "two btus per hour per square foot per minute"),
    ],
)
def test_a_sense_that_is_not_heard_is_named(text: str, without: str) -> None:
    assert meaning.lost(plain(text), without)
