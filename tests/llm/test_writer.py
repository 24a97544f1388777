"""What the LLM writer asks, and what it accepts of what comes back."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from building import build
from kame_data.dialogues.manners import FORMS
from kame_data.engine.makers import stand_ins
from kame_data.engine.plan import plan
from kame_data.errors import Refusal, UsageError
from kame_data.llm.prompts import prompts_of
from kame_data.llm.refused import OF_DIALOGUES
from kame_data.llm.request import Answer
from kame_data.llm.spec import parse_spec
from kame_data.llm.writer import WORKING_CHARACTERS, LlmWriter, working_of
from kame_data.records import Question
from kame_data.settings.layers import layered
from kame_data.settings.tree import Settings
from kame_data.settings.writing import WritingSettings
from llm import plausible
from llm.server import ScriptedServer, prompt
from llm.test_llm_build import llm_settings, rows

QUESTION = Question(
    id="gsm8k-1",
    source="gsm8k",
    stem="A box holds 6 eggs. How many are in 7 boxes?",
    answer="42",
    working="Each box holds 6 eggs.\nSo 7 boxes hold 7*6=<<7*6=42>>42 eggs.",
)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")


def writer(**writing):
    spec = parse_spec("openai:gpt-4.1-nano@http://127.0.0.1:9/v1")
    return LlmWriter(spec, prompts_of(None), lambda: pytest.fail("asked"), 0, WritingSettings(**writing))


def asked(of, variant=0, question=QUESTION):
    system, user = of.request(question, variant).messages
    return system.content, user.content


def test_a_request_says_how_long_and_shows_the_steps():
    system, user = asked(writer(answer_words=[30, 30]))
    assert "First answer: 24 to 36 words" in user and "Exchanges: 1" in user
    assert "How it is found:\nEach box holds 6 eggs.\nSo 7 boxes hold 7*6=42 eggs." in user
    assert "steps in their order" in system
    assert "asks on" not in system and "open question" not in system and "What the user wants" not in user


def test_a_request_for_an_open_question_says_no_rule_of_a_closed_one():
    system, user = asked(writer(open=1))
    assert "open question" in system and "The matter:" in user and "choices: always empty" in system
    assert any(f"What the user wants: {wanted}" in user for wanted in FORMS.values())
    for rule in ("right answer alone", "names them in passing", "First sentence says the right answer"):
        assert rule not in system


def test_a_request_for_follow_ups_has_a_line_for_each():
    of = writer(follow_ups=1, exchanges=[4, 4])
    system, user = asked(of)
    assert "Exchanges: 4" in user and user.count("Then the user ") == 3 and user.count(" words\n") >= 4
    assert "cannot be understood without what was said before" in system
    lengths = of.brief(QUESTION, 0).lengths
    assert all(f"nswer: {least} to {most} words" in user for least, most in lengths)


def test_variants_of_a_question_are_asked_for_in_other_manners():
    manners = [asked(writer(), variant)[1].split("Manner of the user: ")[1].splitlines()[0] for variant in range(30)]
    assert len(set(manners)) == 30
    openings = Counter(
        asked(writer(), 0, replace(QUESTION, id=f"gsm8k-{n}"))[1].split("begins ")[1].splitlines()[0]
        for n in range(200)
    )
    assert len(openings) >= 11 and max(openings.values()) < 40


def test_a_working_is_cleaned_and_bounded():
    long = "\n".join(f"Step {n}: add  {n}.\t" for n in range(1000)) + " <<1+1=2>>"
    found = working_of(replace(QUESTION, working=long))
    assert len(found) <= WORKING_CHARACTERS and found.endswith(".") and "  " not in found and "<<" not in found
    assert found.splitlines() == [f"Step {n}: add {n}." for n in range(len(found.splitlines()))]
    assert len(working_of(replace(QUESTION, working="x" * 10_000))) <= WORKING_CHARACTERS


FRENCH = {"id": 1, "language": "fr", "question": "Combien d'œufs y a-t-il dans sept boîtes de six ?", "answer": "42"}
CHINESE = {"id": 2, "language": "zh", "question": "七个盒子，每盒六个鸡蛋，一共有多少个鸡蛋？", "answer": "42"}


def exchange(
    user="How many eggs are in seven boxes of six?", answer="forty-two", assistant="Forty-two. Seven times six."
):
    return {"user": user, "answer": answer, "assistant": assistant}


def read(reply, **writing):
    return writer(**writing).dialogue(Answer(reply if isinstance(reply, str) else json.dumps(reply), ""), QUESTION, 0)


def test_each_answer_keeps_its_claim():
    more = exchange("And in half of them?", "twenty-one.", "Twenty-one, half as many.")
    found = read({"exchanges": [exchange(), more], "choices": []})
    assert [turn.claim for turn in found.turns] == ["", "forty-two", "", "twenty-one"]
    assert (found.answer, found.form) == ("forty-two", "closed")
    assert read({"exchanges": [exchange()], "choices": []}, open=1).form in FORMS


@pytest.mark.parametrize(
    "reply",
    [
        [],
        {},
        {"exchanges": []},
        {"exchanges": [{"user": "a", "assistant": "b"}]},
        {"exchanges": [exchange(answer=42)]},
        {"exchanges": [exchange(assistant=None)]},
        {"exchanges": [exchange(user=["How many?"])]},
        {"exchanges": [exchange()] * 9},
        {"exchanges": [exchange(assistant="so " * 3000)]},
        {"exchanges": [exchange()], "choices": "none"},
        {"exchanges": [exchange()], "choices": ["a"] * 31},
        "How many eggs are in seven boxes? Forty-two.",
    ],
)
def test_a_reply_of_another_shape_is_refused(reply):
    with pytest.raises(Refusal, match="llm_bad_json"):
        read(reply)


def test_open_dialogues_with_follow_ups_go_through_a_build(tmp_path):
    with ScriptedServer(reply=plausible.reply) as server:
        wanted = {"open": 1.0, "follow_ups": 1.0}
        manifest, _ = build(llm_settings(server, tmp_path, writing=wanted))
        oracles = [prompt(entry["body"]) for entry in server.log if "Manner of" not in entry["prompt"]]
    assert manifest["refused"]["dialogues"] == {} and manifest["dialogues"]["accepted"] == 9
    built = rows(tmp_path / "out")
    assert {row["form"] for row in built} <= set(FORMS) and {len(row["turns"]) for row in built} <= {4, 6, 8}
    for row in built:
        assert [claim["turn"] for claim in row["claims"]] == list(range(1, len(row["turns"]), 2))
        assert row["answer"] == row["claims"][0]["text"] and row["choices"] == []
        assert {oracle["turn"] for oracle in row["oracles"]} == set(range(0, len(row["turns"]), 2))
        said = row["turns"]
        context = f"user: {said[0]['text']}\nassistant: {said[1]['text']}"
        assert any(context in text for text in oracles), "the oracles of a follow-up have what came before it"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda found: found["exchanges"].pop(), "exchanges"),
        (lambda found: found["exchanges"][0].update(assistant="Hm. " + "Let us see now. " * 9), "claim_not_first"),
        (lambda found: found["exchanges"][-1].update(user="Thank you, that was all."), "no_question"),
        (lambda found: found["exchanges"][-1].update(user="How many legs do spiders have?"), "follow_up_alone"),
        (lambda found: found["exchanges"][-1].update(assistant=f"{found['exchanges'][-1]['assistant']} {'so ' * 99}"),
         "answer_length"),
    ],
)  # fmt: skip
def test_what_is_not_what_was_asked_for_is_asked_again_and_counted(tmp_path, spoil, reason):
    def reply(body):
        said = plausible.reply(body)
        if "Manner of the user:" in prompt(body) and "was refused" not in prompt(body):
            found = json.loads(said)
            spoil(found)
            return json.dumps(found)
        return said

    with ScriptedServer(reply=reply) as server:
        wanted = {"follow_ups": 1.0, "answer_words": [20, 30]}
        manifest, _ = build(llm_settings(server, tmp_path, limit=1, levels="5", writing=wanted))
        again = [text for text in map(prompt, (entry["body"] for entry in server.log)) if "was refused" in text]
    assert len(again) == 3 and all(f"was refused: {OF_DIALOGUES[reason]} (" in text for text in again)
    assert manifest["refused"]["dialogues"] == {}
    assert manifest["asked_again"]["dialogues"] == {reason: 3}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("open", 1.5, "less than or equal to 1"),
        ("follow_ups", -0.1, "greater than or equal to 0"),
        ("exchanges", [1, 3], "2 to 4 exchanges"),
        ("exchanges", [2, 9], "2 to 4 exchanges"),
        ("answer_words", [1, 20], "4 to 100 words"),
        ("answer_words", {"low": 8, "high": 300}, "4 to 100 words"),
        ("answer_words", [30, 20], "rising"),
        ("opens", 0.5, "not permitted"),
    ],
)
def test_settings_that_cannot_be_are_named(name, value, said):
    with pytest.raises(UsageError, match=said) as error:
        layered(Settings, None, {"writing": {name: value}})
    assert f"writing.{name}" in str(error.value) and "\n" not in str(error.value)


def test_follow_ups_in_another_language_go_through_a_build(tmp_path):
    (tmp_path / "q.jsonl").write_text(json.dumps(FRENCH) + "\n" + json.dumps(CHINESE) + "\n")
    with ScriptedServer(reply=plausible.reply) as server:
        wanted = {"open": 0.5, "follow_ups": 1.0}
        sources = (f"questions={tmp_path / 'q.jsonl'}",)
        settings = llm_settings(server, tmp_path, writing=wanted, sources=sources, languages=("fr", "zh"), target=8)
        manifest, _ = build(settings.model_copy(update={"limit": None}))
    assert manifest["refused"]["dialogues"] == {}
    built = rows(tmp_path / "out")
    assert {row["language"] for row in built} == {"fr", "zh"}
    assert {row["form"] == "closed" for row in built} == {True, False}
    assert all(len(row["turns"]) >= 4 for row in built)


def test_a_plan_counts_follow_ups_and_lengths(tmp_path):
    with ScriptedServer(reply=plausible.reply) as server:
        once, long, often = (
            plan(llm_settings(server, tmp_path, writing=writing))
            for writing in ({}, {"answer_words": [70, 80]}, {"follow_ups": 1, "exchanges": [4, 4]})
        )
        assert server.log == []
    plans = (once, long, often)
    tokens = [sum(m.output_tokens for m in p.models if m.stage == "dialogues") for p in plans]
    calls = [sum(m.calls for m in p.models if m.stage == "oracles") for p in plans]
    assert tokens[0] * 1.3 < tokens[1] and tokens[0] * 2 < tokens[2]
    assert abs(calls[0] - calls[1]) < 9 and calls[0] + 9 * 3 * 3 <= calls[2]


def test_the_version_is_of_all_that_is_asked_and_the_rules_are_no_part_of_it():
    assert len({writer(**w).version for w in ({}, {"open": 0.1}, {"follow_ups": 0.1}, {"answer_words": [9, 9]})}) == 4
    few = Settings(writing={"open": 0.2, "follow_ups": 0.1})
    assert stand_ins(few)[0] == "writer: offline rules (no open questions)"
    assert stand_ins(Settings())[0] == "writer: offline rules"
