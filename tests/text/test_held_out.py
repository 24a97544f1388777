"""Questions that are kept for an evaluation are known again, and nothing else is taken for one."""

import json

import pytest

from building import SHARED
from kame_data.errors import Refusal
from kame_data.evaluate.benches.mt_bench import spoken_forms
from kame_data.records import Question
from kame_data.text import held_out as module
from kame_data.text.askable import check_question
from kame_data.text.held_out import check_held_out, held_out, lines_of
from kame_data.text.spoken import say

LONG = (
    "A ferry leaves the harbour with 40 cars on its deck and takes half an hour to cross the bay. On the way back it "
    "carries a quarter of them. How many cars did it leave on the other side, and why would the captain not wait?"
)
SHORT = "Tell it as a fable."
SHORTER = "Tell a fable."
TINY = "And why?"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An evaluation of our own, kept as the real ones are."""
    (tmp_path / "ours.txt").write_text("\n".join(["# Ours", *lines_of("7", (LONG, SHORT, SHORTER, TINY))]) + "\n")
    monkeypatch.setattr(module, "bundled", lambda name: tmp_path)
    for known in (module._known, held_out):
        known.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    for known in (module._known, held_out):
        known.cache_clear()


def test_a_turn_is_known_again_whole_in_part_and_within_other_words(kept):
    said = say(LONG)
    assert held_out(said) == held_out(said.upper()) == "ours 7.1"
    assert held_out(f"Hey, I have got one for you. {said} What do you say?") == "ours 7.1"
    assert held_out(said.replace("captain", "skipper").replace("harbour", "port")) == "ours 7.1"
    assert held_out("Nice. Could you tell it as a fable, please?") == "ours 7.2"
    with pytest.raises(Refusal, match=r"held_out.*ours 7\.1"):
        check_held_out(said)
    with pytest.raises(Refusal, match="held_out"):
        check_question(Question("q-1", "questions", LONG, "30"), sees_pictures=False)


def test_a_short_turn_is_known_again_where_it_is_all_that_is_said(kept):
    assert held_out("Tell a fable!") == "ours 7.3"
    assert held_out("Tell a fable about it.") is None


def test_a_turn_is_known_again_by_its_content_words(kept):
    other = (
        "So a ferry is leaving harbor with forty cars on the deck, taking half an hour crossing the bay. Then on its "
        "way back it is carrying the quarter of these. How many cars does it leave at that other side, and why will "
        "its captain not be waiting?"
    )
    assert held_out(other) == "ours 7.1"
    assert not set(module.runs(module.bare_words(other), 8)) & set(module.runs(module.bare_words(say(LONG)), 8))
    assert held_out(other, "de") is None  # endings and small words are those of English


def test_what_only_shares_some_words_is_not(kept):
    assert held_out("A ferry with forty cars sank in the bay half an hour after noon. Who was its captain?") is None
    assert held_out("A ferry leaves the harbour at noon. How long does it take to cross the bay at ten knots?") is None
    assert held_out("And why?") is None
    assert held_out("Tell it as a story.") is None
    assert held_out("") is None


def test_nothing_can_be_read_in_the_file(kept):
    text = (kept / "ours.txt").read_text()
    assert "ferry" not in text and "7.1 8 " in text and "7.2 5 " in text and "7.3 = " in text and "7.4" not in text


@pytest.mark.skipif(not (SHARED / "mt_bench").exists(), reason="MT-Bench's questions are not at hand")
def test_the_turns_of_mt_bench_are_known_again():
    questions = map(json.loads, (SHARED / "mt_bench" / "question.jsonl").read_text("utf-8").splitlines())
    turns = {f"mt_bench {q['question_id']}.{n}": text for q in questions for n, text in enumerate(q["turns"], 1)}
    known = {name for name, text in turns.items() if held_out(module.said_or_raw(text, "en")) is not None}
    assert len(turns) == len(known) == 160


def test_the_spoken_forms_of_mt_bench_are_known_again():
    missed = [turn for turn, form in spoken_forms().items() if not (held_out(form.spoken) or "").startswith("mt_bench")]
    assert not missed
