"""Who has the floor, from timed words alone."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.imported.turns_of_words import TimedWord, fit_words, turns_of


def side(*runs, pace=0.3):
    """Words of runs (text, start)."""
    return [
        TimedWord(word, start + n * pace, start + n * pace + 0.9 * pace)
        for text, start in runs
        for n, word in enumerate(text.split())
    ]


def told(user, assistant, language="en"):
    found = turns_of({"assistant": side(*assistant), "user": side(*user)}, language)
    return [(t.turn.role[0], t.turn.text, t.turn.kind == "back_channel", t.turn.after) for t in found]


def test_they_take_turns():
    assert told([("what is two plus two", 0), ("thanks a lot", 4)], [("it is four", 2)]) == [
        ("u", "what is two plus two", False, None),
        ("a", "it is four", False, None),
        ("u", "thanks a lot", False, None),
    ]


def test_the_assistant_may_speak_first():
    assert [r for r, *_ in told([("what is two", 2)], [("hello there", 0), ("four", 4)])] == ["a", "u", "a"]


def test_a_pause_is_no_turn_where_nobody_else_speaks():
    assert [t for _, t, *_ in told([("what is", 0), ("two plus two", 3)], [("it is four", 6)])] == [
        "what is two plus two",
        "it is four",
    ]


def test_an_early_answer_overlaps_the_end_of_the_turn():
    found = told([("what is two plus two", 0)], [("it is four", 1.1)])
    assert [t for _, t, *_ in found] == ["what is two plus two", "it is four"]


def test_a_barge_in_leaves_the_assistant_its_last_words():
    user, assistant = [("go on", 0), ("wait I meant three", 3.2)], [("well it is seven hundred or so", 1.5), ("oh", 5)]
    assert [(r, t) for r, t, *_ in told(user, assistant)] == [
        ("u", "go on"),
        ("a", "well it is seven hundred or so"),
        ("u", "wait I meant three"),
        ("a", "oh"),
    ]


def test_a_back_channel_takes_no_floor():
    user, assistant = [("tell me how many seats", 0), ("there are in all", 2.1)], [("Uh-huh.", 1.6), ("ten", 4)]
    assert told(user, assistant) == [
        ("u", "tell me how many seats there are in all", False, None),
        ("a", "Uh-huh.", True, 5),
        ("a", "ten", False, None),
    ]


def test_yes_to_a_question_is_an_answer():
    user, assistant = [("is that all?", 0), ("then thanks", 1.8)], [("Yes.", 1.2)]
    assert [(t, aside) for _, t, aside, _ in told(user, assistant)] == [
        ("is that all?", False),
        ("Yes.", False),
        ("then thanks", False),
    ]


def test_other_words_between_are_a_turn():
    user, assistant = [("two plus two", 0), ("and three", 2.2)], [("Four.", 1.3)]
    assert [t for _, t, *_ in told(user, assistant)] == ["two plus two", "Four.", "and three"]


def test_who_talks_on_over_the_other_keeps_one_turn():
    user, assistant = [("hello", 0), ("no stop", 2.5), ("listen to me", 4.5)], [("a b c d e f g h i j k l m n o p", 1)]
    assert [r for r, *_ in told(user, assistant)] == ["u", "a", "u"]


@pytest.mark.parametrize(
    ("language", "given_", "wanted"),
    [
        ("en", [("New York", 0.0, 1.0)], [("New", 0.0, 3 / 7), ("York", 3 / 7, 1.0)]),
        ("en", [(" well ", 0.0, 1.0)], [("well", 0.0, 1.0)]),
        ("zh", [("你好。", 0.0, 0.9)], [("你", 0.0, 0.3), ("好。", 0.3, 0.9)]),
        ("zh", [("3", 0.0, 0.5), ("4", 0.5, 0.8)], [("34", 0.0, 0.8)]),
    ],
)
def test_words_are_those_of_the_text(language, given_, wanted):
    found = fit_words([TimedWord(*w) for w in given_], language)
    assert [w.word for w in found] == [w for w, _, _ in wanted]
    for word, (_, start, end) in zip(found, wanted, strict=True):
        assert (word.start, word.end) == pytest.approx((start, end))


GAPS = st.lists(
    st.tuples(st.sampled_from(["yeah", "okay.", "seven", "why?", "mm"]), st.floats(0, 1.5), st.floats(0.05, 0.6)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(GAPS, GAPS)
def test_nothing_is_lost_and_turns_alternate(one, other):
    def laid(gaps):
        at, words = 0.0, []
        for word, gap, length in gaps:
            words.append(TimedWord(word, at + gap, at + gap + length))
            at += gap + length
        return words

    sides = {"assistant": laid(one), "user": laid(other)}
    found = turns_of(sides, "en")
    for role, words in sides.items():
        said = sorted((w for t in found if t.turn.role == role for w in t.words), key=lambda w: w.start)
        assert said == words
    floor = [t for t in found if t.turn.kind == "speech"]
    assert all(a.turn.role != b.turn.role and a.words[0].start <= b.words[0].start for a, b in pairwise(floor))
    assert [t.words[0].start for t in found] == sorted(t.words[0].start for t in found)
    assert all(" ".join(w.word for w in t.words) == t.turn.text for t in found)
    host = None
    for turn in found:
        if turn.turn.kind == "speech":
            host = turn
        else:
            assert host is not None and host.turn.role != turn.turn.role
            assert 1 <= turn.turn.after <= len(host.words) and host.words[0].start < turn.words[0].start
