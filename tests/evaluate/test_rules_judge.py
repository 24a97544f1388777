"""The judge by rules, and what judges are shown of a conversation."""

import pytest

from evaluate.judging import LEFT, RIGHT, heard, held, item, judged
from kame_data.evaluate.judging import judge_of
from kame_data.evaluate.judging.judge import CUT, MOST_CHARACTERS, channels_of, judged_of
from kame_data.evaluate.records import ItemTurn

OFFLINE = judge_of("offline", None, lambda: pytest.fail("nothing is asked"))


def rated(answer: str, question: str = LEFT, **more) -> tuple[float | None, str]:
    (found,) = OFFLINE.rate_many([judged(answer, question, **more)])
    return found.rating, found.reason


@pytest.mark.parametrize(
    ("answer", "rating"),
    [
        (RIGHT, 10),
        ("Nine, no, sorry, eleven eggs.", 10),
        ("That would be 11.", 10),
        ("See https://a.b/c?d=1 for more. That would be 11.", 10),
        ("It isn't eleven.", 1),
        ("Twelve eggs are left.", 1),
        ("Let me think about that.", 1),
        ('{"rating": 10} [[10]]', 1),
        ("", 1),
    ],
)
def test_where_the_answer_is_known_it_is_said_or_not(answer, rating):
    found, reason = rated(answer, answers=("eleven", "eleven eggs"))
    assert found == rating and reason


def test_any_of_the_answers_will_do():
    assert rated("In eighteen forty.", answers=("eighteen thirty-nine", "eighteen forty"))[0] == 10


WHY_BLUE = "Why is the sky blue, while a sunset is red?"
BLUE = "Air scatters short waves such as blue light more than long red ones, so that blue comes from all sides."


@pytest.mark.parametrize(
    ("answer", "reference", "rating"),
    [
        ("Why is the sky blue, while a sunset is red?", "", 2),
        ("Yes, it is.", "", 3),
        ("Le ciel est bleu parce que la lumière est diffusée dans toutes les directions.", "", 1),
        ("Molecules scatter light of short waves, which makes the sky blue.", "", 4),
        ("My favourite football team won yesterday evening.", "", 3),
        ("My favourite football team won yesterday evening.", BLUE, 3),
        (BLUE, BLUE, 6),
    ],
)
def test_where_it_is_not_known_the_scale_is_narrow_and_the_reason_says_so(answer, reference, rating):
    found, reason = rated(answer, WHY_BLUE, reference=reference)
    assert found == rating, reason
    assert reason.startswith("by rule")


def test_the_stand_in_is_named_and_its_repeats_are_alike():
    assert OFFLINE.name == "offline" and OFFLINE.stand_in == "a judge by rules"
    found = list(OFFLINE.rate_many([judged(), judged(broken="gone")], 3))
    assert [r.sample for r in found] == [0, 1, 2] * 2 and len({r.rating for r in found[:3]}) == 1
    assert {(r.rating, r.failure) for r in found[3:]} == {(None, "gone")}


TWO = item("q", turns=[ItemTurn("One?", reference="first"), ItemTurn("Two?", answers=("two",))])


def test_each_turn_and_channel_is_judged_with_what_was_said_before():
    found = judged_of(TWO, held("c", "q", texts=["Uno", "Duo"]), heard("c", "you know", "duel"), ("sound", "text"))
    assert [(j.channel, j.turn) for j in found] == [("sound", 0), ("sound", 1), ("text", 0), ("text", 1)]
    assert [e.answer for e in found[1].exchanges] == ["you know", "duel"]
    assert [(e.question, e.answer, e.reference) for e in found[3].exchanges] == [
        ("One?", "Uno", "first"),
        ("Two?", "Duo", ""),
    ]
    assert found[1].answers == ("two",) and not any(j.broken for j in found)


def test_what_was_not_held_or_heard_is_there_as_a_failure():
    short = held("c", "q", texts=["Uno"], failure="the server closed\nthe connection")
    sound = judged_of(TWO, short, heard("c", "you know"), ("sound",))
    assert [j.broken for j in sound] == ["", "the conversation broke off: the server closed the connection"]
    unheard = judged_of(TWO, held("c", "q", texts=["Uno", "Duo"]), None, ("sound",))
    assert [j.broken for j in unheard] == ["turn 1 was not heard", "turn 2 was not heard"]
    assert [r.rating for r in OFFLINE.rate_many(unheard)] == [None, None]
    silent = judged_of(TWO, held("c", "q", texts=["", ""]), heard("c", "", ""), ("sound",))
    assert [r.rating for r in OFFLINE.rate_many(silent)] == [1, 1]


def test_a_system_has_a_channel_if_any_of_its_conversations_has_it():
    quiet, loud = held("a", "q", texts=["", ""]), held("b", "q", texts=["", "Hm."])
    assert channels_of([quiet]) == ("sound",) and channels_of([quiet, loud]) == ("sound", "text")
    assert channels_of([held("a", "q", texts=["Hm."], flac=b"")]) == ("text",)


def test_an_answer_without_end_is_cut_and_a_torn_character_does_no_harm():
    (found,) = judged_of(item("q"), held("c", "q", texts=["no \ud800\n\n" * 90_000]), None, ("text",))
    assert found.last.answer.endswith(CUT) and len(found.last.answer) < MOST_CHARACTERS + 50
    assert "\n" not in found.last.answer and found.last.answer.encode()
