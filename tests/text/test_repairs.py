"""Answers that begin with a guess: what is said of it, what takes it back, and where the truth is taken up."""

import random

import pytest

from kame_data.text.acceptance import check_said
from kame_data.text.answers import tells
from kame_data.text.hesitations import bare
from kame_data.text.repairs import _REPAIRS, FILLERS, MOST_WORDS, begun
from kame_data.text.spoken import is_spoken

PAYS = "Fifteen dollars, because five of them at three dollars each make fifteen."


def made(guess, truth, claim, asked="How much do five of them cost?", unsure=False, seed=0):
    return begun(guess, truth, claim, asked, "en", random.Random(seed), unsure=unsure)


def every(guess, truth, claim, seeds=60, **more):
    found = [made(guess, truth, claim, seed=seed, **more) for seed in range(seeds)]
    assert all(found)
    return found


def pieces(one):
    words = one.text.split()
    return [" ".join(words[a:b]) for a, b in ((0, one.words), (one.words, one.words + one.mend))] + [
        " ".join(words[one.words + one.mend :])
    ]


def test_a_wrong_guess_is_taken_back_where_a_clause_ends():
    for one in every("It's twelve dollars, since three fours are twelve.", PAYS, "fifteen dollars"):
        said, mend, rest = pieces(one)
        assert said in ("It's twelve dollars,", "It's twelve dollars, since three fours are twelve,",
                        "It's twelve dollars, since three fours are twelve.")  # fmt: skip
        assert mend and rest == f"f{PAYS[1:]}"


def test_the_truth_is_taken_up_at_its_claim_or_as_a_whole():
    truth = "The answer is fifteen dollars. Five times three is fifteen."
    rests = {pieces(one)[2].split(".")[0] for one in every("That makes twelve.", truth, "fifteen dollars")}
    assert rests == {"fifteen dollars", "the answer is fifteen dollars"}


def test_what_the_truth_says_before_its_claim_and_nobody_asked_is_kept():
    truth = "Since the pressure falls, water boils at ninety degrees. It needs less heat."
    for one in every("It's one hundred.", truth, "ninety degrees", asked="When does water boil on a mountain?"):
        assert pieces(one)[2] == f"s{truth[1:]}"


def test_a_right_guess_goes_on_without_a_word_of_repair():
    truth = "The answer is thirteen pieces. There are seven and six of them."
    one = made("It should be thirteen, for six and seven make it.", truth, "thirteen")
    assert (pieces(one), one.mend) == (["It should be thirteen", "", "pieces. There are seven and six of them."], 0)
    same = made("Thirteen pieces. I counted.", "Thirteen pieces. There are seven and six.", "thirteen")
    assert pieces(same) == ["Thirteen pieces.", "", "There are seven and six."]


@pytest.mark.parametrize(
    ("guess", "truth", "claim"),
    [
        ("Could you say that again?", PAYS, "fifteen dollars"),  # asks back
        ("It depends on the price.", PAYS, "fifteen dollars"),  # names no number where the answer is one
        ("Vertical, I'd say.", "Vertical mobility. Not a caste.", "vertical mobility"),  # a part of the truth
        ("I'd still say fourteen.", "No, fourteen is less than sixteen.", "fourteen"),  # right, in another frame
        ("", PAYS, "fifteen dollars"),
        ("It's twelve.", PAYS, ""),
        ("Because it falls, " + "and falls " * 9 + "it's twelve.", PAYS, "fifteen dollars"),  # the claim comes too late
    ],
)
def test_what_no_person_would_begin_with(guess, truth, claim):
    assert all(made(guess, truth, claim, seed=seed) is None for seed in range(20))


def test_a_number_is_never_cut():
    guess = "It's one thousand, two hundred, and no more."
    saids = {pieces(one)[0] for one in every(guess, PAYS, "fifteen dollars")}
    assert saids == {"It's one thousand, two hundred,", "It's one thousand, two hundred, and no more,",
                     "It's one thousand, two hundred, and no more."}  # fmt: skip


def test_doubt_is_said_before_a_guess_that_has_none():
    for one in every("It's twelve dollars.", PAYS, "fifteen dollars", unsure=True):
        said = pieces(one)[0].split()
        assert one.lead and " ".join(said[one.lead :]) == "it's twelve dollars,"
    assert all(one.lead == 0 for one in every("I'd say twelve dollars.", PAYS, "fifteen dollars", unsure=True))


def test_no_no_is_said_twice():
    for one in every("Yes, it is so.", "No, it isn't so. It melts.", "no", asked="Is ice dry?"):
        assert "no" not in map(bare, pieces(one)[1].split())


def test_names_keep_their_large_letter():
    asked = "Which gods did Rome take over?"
    for one in every("It's the church.", "Those of Greece.", "those of Greece", asked=asked):
        assert pieces(one)[2].startswith("those of Greece")
    asked = "How did the emissions of France change?"
    for one in every("It's a lot.", "France has reduced them.", "France has reduced them", asked=asked):
        assert pieces(one)[2] == "France has reduced them."


def test_every_word_of_it_can_be_said():
    known = _REPAIRS["en"]
    for phrase in (*FILLERS["en"], *known.doubts, *known.sure, *known.unsure, *known.amounts, *known.plain):
        assert is_spoken(phrase) == []
        check_said(f"{phrase} fifteen dollars.", "en")


def test_the_answer_is_told_behind_every_repair():
    guesses = ("It's twelve.", "Twelve, as three fours are twelve.", "That would be forty dollars, in all.")
    for guess in guesses:
        for one in every(guess, PAYS, "fifteen dollars", unsure=True):
            said, _, rest = pieces(one)
            assert tells(rest, "fifteen dollars") and not tells(said, "fifteen dollars")
            assert one.words - one.lead <= MOST_WORDS and is_spoken(one.text) == []
            words, true = one.text.split(), PAYS.split()
            assert [*map(bare, words[one.taken_up + one.shift :])] == [*map(bare, true[one.taken_up :])]


def test_other_languages_have_no_words_for_it():
    assert (
        begun("Es sind zwölf.", "Fünfzehn Euro.", "fünfzehn Euro", "Wie viel?", "de", random.Random(0), unsure=False)
        is None
    )
