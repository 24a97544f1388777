"""The briefs that models write from: what is drawn, and the check that it was kept to."""

from collections import Counter
from dataclasses import replace
from statistics import median

import pytest

from kame_data.dialogues.brief import Brief, brief_of, check_brief, results_of
from kame_data.dialogues.manners import FORMS
from kame_data.errors import Refusal
from kame_data.records import Dialogue, Question, Turn
from kame_data.settings.branch import Distribution
from kame_data.settings.writing import WritingSettings
from kame_data.text.words import length_in_words

QUESTIONS = [
    Question(id=f"gsm8k-{n}", source="gsm8k", stem="A box holds 6 eggs. How many are in 7 boxes?", answer="42")
    for n in range(400)
]
BOTH = WritingSettings(open=0.5, follow_ups=0.5)


def briefs(settings: WritingSettings, variant: int = 0, seed: int = 0) -> list[Brief]:
    return [brief_of(settings, seed, question, variant) for question in QUESTIONS]


def test_by_default_each_question_is_its_own_and_asked_once() -> None:
    found = briefs(WritingSettings())
    assert {brief.form for brief in found} == {"closed"}
    assert {len(brief.lengths) for brief in found} == {1}


def test_lengths_are_drawn_between_eight_and_eighty_words() -> None:
    middles = [(least + most) / 2 for brief in briefs(WritingSettings()) for least, most in brief.lengths]
    assert min(middles) >= 7.5 and max(middles) <= 80.5
    assert min(middles) < 14 and max(middles) > 60 and 22 < median(middles) < 34
    few = briefs(WritingSettings(answer_words=Distribution(low=10, high=12)))
    assert {brief.lengths[0] for brief in few} <= {(8, 12), (8, 13), (9, 13), (9, 14), (10, 14)}


def test_a_long_answer_of_the_sources_has_room() -> None:
    long = replace(QUESTIONS[0], answer="because " + "the water rises and falls with the moon and " * 6 + "so on")
    said = length_in_words(long.answer)
    least, most = brief_of(WritingSettings(answer_words=Distribution(low=8, high=9)), 0, long, 0).lengths[0]
    assert least <= said + 4 <= most


def test_shares_are_kept_and_a_larger_one_keeps_what_a_smaller_one_chose() -> None:
    counts = Counter(brief.form != "closed" for brief in briefs(BOTH))
    assert 0.4 < counts[True] / 400 < 0.6
    assert {brief.form for brief in briefs(BOTH)} == {"closed", *FORMS}
    few, many = (briefs(WritingSettings(open=share, follow_ups=share)) for share in (0.2, 0.7))
    for small, large in zip(few, many, strict=True):
        assert small.form in ("closed", large.form)
        assert len(small.lengths) in (1, len(large.lengths))
    assert {len(brief.lengths) for brief in many} == {1, 2, 3, 4}
    assert all(len(brief.follow_ups) == len(brief.lengths) - 1 == len(set(brief.follow_ups)) for brief in many)


def test_manners_differ_from_question_to_question_and_from_variant_to_variant() -> None:
    assert max(Counter(brief.manner for brief in briefs(BOTH)).values()) <= 5
    assert max(Counter(brief.opening for brief in briefs(BOTH)).values()) < 80
    variants = [brief_of(BOTH, 0, QUESTIONS[0], variant).manner for variant in range(40)]
    assert len(set(variants)) == 40
    assert brief_of(BOTH, 0, QUESTIONS[0], 3) == brief_of(BOTH, 0, QUESTIONS[0], 3)
    assert briefs(BOTH, seed=1) != briefs(BOTH)


BRIEF = Brief("closed", ((24, 36), (8, 12)), ("asks on",), "a cook", "calm", "with a name")


def dialogue(first: int, second: int, *more: str) -> Dialogue:
    words = [
        "forty-two",
        "eggs",
        "since",
        "each",
        "of",
        "the",
        "boxes",
        "holds",
        "six",
        "and",
        "that",
        "seven",
        "times",
    ]
    texts = [
        "How many eggs are in seven boxes of six?", " ".join((words * 9)[:first]) + ".",
        "And in half of them?", " ".join((["Twenty-one", *words[1:]] * 9)[:second]) + ".", *more,
    ]  # fmt: skip
    claims = ["forty-two", "twenty-one", *more[1::2]]
    turns = (Turn("assistant" if n % 2 else "user", text, text) for n, text in enumerate(texts))
    named = tuple(replace(turn, claim=claims[n // 2]) if n % 2 else turn for n, turn in enumerate(turns))
    return Dialogue("gsm8k-1-v0", "gsm8k-1", 0, "en", named, "forty-two")


def saying(text: str) -> Dialogue:
    whole = dialogue(30, 10)
    turns = (whole.turns[0], replace(whole.turns[1], text=text, intended_text=text))
    return replace(whole, turns=turns)


@pytest.mark.parametrize(("first", "second"), [(24, 8), (36, 12), (14, 4), (50, 18)])
def test_lengths_are_kept_within_a_tolerance(first: int, second: int) -> None:
    check_brief(dialogue(first, second), BRIEF, QUESTIONS[0])


THANKS = dialogue(30, 10)
THANKS = replace(THANKS, turns=(*THANKS.turns[:2], Turn("user", *["Thanks."] * 2), THANKS.turns[3]))


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (dialogue(8, 10), "answer_length"),
        (dialogue(80, 10), "answer_length"),
        (dialogue(30, 40), "answer_length"),
        (dialogue(30, 10, "And in all of them?", "Forty-two."), "exchanges"),
        (replace(dialogue(30, 10), turns=dialogue(30, 10).turns[:2]), "exchanges"),
        (THANKS, "no_question"),
    ],
)
def test_what_is_not_what_was_asked_for_is_refused(written: Dialogue, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_brief(written, BRIEF, QUESTIONS[0])
    assert refusal.value.reason == reason


BIG = replace(
    QUESTIONS[0],
    answer="$1,050",
    working="He earns 20*5=$<<20*5=100>>100 a week.\nIn ten weeks 100 * 10 = 1,000, and 1000+50=<<1000+50=1050>>1050.",
)


def test_the_results_on_the_way_are_those_of_the_working() -> None:
    assert results_of(BIG) == ["100", "1,000"]
    assert results_of(QUESTIONS[0]) == []


def test_an_answer_says_why_and_where_it_has_room_a_step() -> None:
    short, long = (replace(BRIEF, lengths=(length,), follow_ups=()) for length in ((8, 12), (30, 45)))
    check_brief(saying("Forty-two, as each box holds six."), short, BIG)
    with pytest.raises(Refusal, match="no_reason"):
        check_brief(saying("It is forty-two, and that is it."), short, BIG)
    wordy = " as you can see when you think of all that he earns and of all the weeks for which he goes on to earn it."
    with pytest.raises(Refusal, match="no_steps"):
        check_brief(saying("One thousand fifty dollars," + wordy), long, BIG)
    check_brief(saying("One thousand fifty dollars, at one hundred a week," + wordy), long, BIG)
    check_brief(saying("One thousand fifty dollars," + wordy), long, QUESTIONS[0])
    check_brief(saying("One thousand fifty dollars," + wordy), replace(long, form="advice"), BIG)
