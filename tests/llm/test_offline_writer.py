"""The offline writer: what it says to single questions, and what holds for all it says to real ones."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.dialogues import write_dialogues
from pipeline.errors import Refusal
from pipeline.llm.offline import OfflineWriter
from pipeline.llm.offline.answers import fill
from pipeline.llm.offline.turning import turn_round
from pipeline.llm.offline.working import collapse, read_working
from pipeline.records import Dialogue, Question
from pipeline.sources import get_source
from pipeline.text.askable import check_question

ROOT = Path(__file__).resolve().parents[2]
SHARED = {
    "gsm8k": ROOT.parent / "shared/data/gsm8k/train.parquet",
    "mmlu_pro": ROOT.parent / "shared/data/mmlu_pro/test.parquet",
    "hssbench": ROOT.parent / "shared/data/hssbench/data-open.jsonl",
}


def rows(name: str, every: int) -> list[dict[str, object]]:
    if SHARED[name].suffix == ".parquet" and SHARED[name].exists():
        return list(pq.read_table(SHARED[name]).to_pylist())[::every]
    path = SHARED[name] if SHARED[name].exists() else ROOT / f"data/samples/{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def askable(name: str, every: int) -> Iterable[Question]:
    source = get_source(name)
    for row in rows(name, every):
        try:
            question = source.question(row, "test")
            check_question(question, sees_pictures=False)
        except Refusal:
            continue
        yield question


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return [q for name, every in (("gsm8k", 75), ("mmlu_pro", 60), ("hssbench", 1)) for q in askable(name, every)]


@pytest.fixture(scope="module")
def dialogues(questions: list[Question]) -> list[Dialogue]:
    writer = OfflineWriter(3)
    written = (d for v in range(10) for d in write_dialogues(questions, v, writer))
    return [d for d in written if isinstance(d, Dialogue)]


def ask(stem: str, answer: str, *others: str, category: str = "biology", variant: int = 0, seed: int = 1) -> Dialogue:
    question = Question("mmlu_pro-1", "mmlu_pro", stem, answer, (answer, *others) if others else (), category=category)
    (written,) = write_dialogues([question], variant, OfflineWriter(seed))
    assert isinstance(written, Dialogue), written
    return written


PROBLEM = Question(
    id="gsm8k-1",
    source="gsm8k",
    stem="Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?",
    answer="72",
    working="Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72 clips altogether in "
    "April and May.",
    category="math",
)


def test_most_of_the_real_questions_are_written(questions: list[Question]) -> None:
    by_source: dict[str, list[bool]] = {}
    for written, question in zip(write_dialogues(questions, 0, OfflineWriter(0)), questions, strict=True):
        by_source.setdefault(question.source, []).append(isinstance(written, Dialogue))
    assert {name: sum(kept) / len(kept) > 0.75 for name, kept in by_source.items()} == dict.fromkeys(by_source, True)


def test_variants_of_a_question_differ_in_what_the_user_says(dialogues: list[Dialogue]) -> None:
    said: dict[str, list[str]] = {}
    for dialogue in dialogues:
        user = " | ".join(t.text for t in dialogue.turns if t.role == "user")
        said.setdefault(dialogue.question_id, []).append(user)
    assert all(len(set(texts)) == len(texts) for texts in said.values())
    assert max(map(len, said.values())) == 10


def test_every_line_is_tidy(dialogues: list[Dialogue]) -> None:
    for turn in (t for d in dialogues for t in d.turns):
        assert turn.text == turn.intended_text
        assert re.match(r"[A-Z]", turn.text), turn.text
        assert re.search(r"[^\s.,?!;:][.?!]$", turn.text), turn.text
        assert not re.search(r"\s\s|\s[.,?!;:]|[.,?!;:][.,?!;:]|[_()\[\]<>=*/\d]|\{|\}", turn.text), turn.text
        assert not re.search(r"(?<=[.?!]\s)[a-z]", turn.text), turn.text
        assert "the following" not in turn.text.casefold() or "of the following" not in turn.text.casefold()


def test_offered_choices_hold_the_answer_at_every_place(dialogues: list[Dialogue]) -> None:
    offered = [d for d in dialogues if d.choices]
    assert {len(d.choices) for d in offered} == {2, 3, 4}
    assert {d.choices.index(d.answer) for d in offered} == {0, 1, 2, 3}
    assert all(len(set(d.choices)) == len(d.choices) for d in offered)


def test_some_dialogues_have_several_exchanges(dialogues: list[Dialogue]) -> None:
    share = sum(len(d.turns) > 2 for d in dialogues) / len(dialogues)
    assert 0.05 < share < 0.3


def test_a_variant_depends_on_seed_and_question_alone(questions: list[Question]) -> None:
    sample = questions[::12]
    forwards = list(write_dialogues(sample, 4, OfflineWriter(9)))
    backwards = list(write_dialogues(reversed(sample), 4, OfflineWriter(9)))
    assert forwards == backwards[::-1]
    assert forwards != list(write_dialogues(sample, 4, OfflineWriter(10)))


def test_variants_end_with_a_reason() -> None:
    (written,) = write_dialogues([PROBLEM], 10_000, OfflineWriter(0))
    assert getattr(written, "reason", "") == "variants"


def test_other_languages_are_refused() -> None:
    with pytest.raises(Refusal, match="language"):
        OfflineWriter(0).write(replace(PROBLEM, language="fr"), 0)


def test_a_word_problem_is_told_and_answered_with_what_was_asked() -> None:
    for variant in range(10):
        turns = OfflineWriter(0).write(PROBLEM, variant).turns
        heard = " ".join(t.text for t in turns if t.role == "user")
        answer = " ".join(t.text for t in turns if t.role == "assistant")
        assert "Natalia sold clips to forty-eight of her friends" in heard
        assert re.search(r"seventy-two clips|seventy-two\b", answer, re.I)
        assert "Natalia" in answer


@pytest.mark.parametrize(
    ("stem", "answer", "heard", "said"),
    [
        ("The study of fungi is called:", "Mycology", "hat (is )?the study of fungi", "called mycology"),
        ("Light enters the eye through an opening in the", "iris.", "through an opening in what\\?", "in the iris"),
        ("Projective tests are an example of a(n) ____.", "Instrument", "an example of what\\?", "of an instrument"),
        ("Hobbes describes felicity as:", "a progress.", "describes felicity as what\\?", "as a progress"),
        ("Find the median age of the whole group.", "41", "(?:What is|what) the median age", "forty-one"),
        ("In which organ does the embryo grow?", "the uterus", "In which organ|in which organ", "the uterus"),
    ],
)
def test_completions_and_commands_become_spoken_questions(stem: str, answer: str, heard: str, said: str) -> None:
    dialogue = ask(stem, answer, seed=5)
    user = " ".join(t.text for t in dialogue.turns if t.role == "user")
    assert re.search(heard, user), user
    assert said in " ".join(t.text for t in dialogue.turns if t.role == "assistant")
    assert dialogue.choices == ()


def test_choices_are_spoken_only_where_the_question_needs_them() -> None:
    needs = ask("Which of the following is a mammal?", "Whale", "Shark", "Trout", "Salmon", "Eel")
    user = next(t.text for t in needs.turns if "Which of these is a mammal?" in t.text)
    assert all(choice in user for choice in needs.choices)
    assert len(needs.choices) >= 2 and "whale" in needs.choices
    alone = ask("How many chambers does the human heart have?", "Four", "Two", "Three", "Six")
    assert alone.choices == ()


def test_an_exception_is_asked_for_as_one() -> None:
    dialogue = ask("All of the following are mammals EXCEPT:", "the shark", "the whale", "the bat", "the dog")
    user = " ".join(t.text for t in dialogue.turns if t.role == "user")
    assert "All of these are mammals, except one." in user and "the shark" in user


@pytest.mark.parametrize(
    ("stem", "answer", "reason"),
    [
        ("The cell divides. It then rests.", "mitosis", "no_question"),
        ("Which is it? (a) the first (b) the second", "the first", "letters"),
        ("What is its mass? What is its weight?", "six kilograms", "several_questions"),
        ("____ is to ____ as ____ is to ____.", "one, two, three, four", "too_many_blanks"),
    ],
)
def test_what_the_rules_cannot_put_is_refused(stem: str, answer: str, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        OfflineWriter(0).write(Question("q-1", "mmlu_pro", stem, answer), 0)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("asked", "claim"),
    [
        ("How many clips did Natalia sell in May", "Natalia sold {} clips in May."),
        ("How many more dollars does Zach need to earn", "Zach needs to earn {} more dollars."),
        ("How many hours will it take her to read it", "It will take her {} hours to read it."),
        ("How many students are in the class", "{} students are in the class."),
        ("How many of them did not slow dance", "{} of them did not slow dance."),
        ("How much money does Josh have left", "Josh has {} left."),
        ("What is the capital of France", "The capital of France is {}."),
        ("Which organ produces insulin", "The organ that produces insulin is {}."),
        ("Which of these is a mammal", "The one that is a mammal is {}."),
        ("Who wrote it", "{} wrote it."),
        ("What color is the sky", ""),
        ("How long does it take to make five smoothies", "It takes {} to make five smoothies."),
    ],
)
def test_questions_are_turned_round(asked: str, claim: str) -> None:
    assert turn_round(asked).claim == claim


@pytest.mark.parametrize(
    ("sentence", "answer", "whole"),
    [
        ("It is a {}.", "owl", "It is an owl."),
        ("It is an {}.", "a cat", "It is a cat."),
        ("He says that {}.", "that it rains", "He says that it rains."),
        ("{} did it.", "the dog", "The dog did it."),
    ],
)
def test_the_seam_of_an_answer_is_mended(sentence: str, answer: str, whole: str) -> None:
    assert fill(sentence, answer) == whole


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("So, he has 89 - 45 = 44 stickers left.", "He has 44 stickers left"),
        ("It took 40 * 3 = 120 minutes", "It took 120 minutes"),
        ("He uses .5*4 = 2 cups", "He uses 2 cups"),
        ("He gets 6 cars because 30 / 5 = 6", "He gets 6 cars"),
    ],
)
def test_sums_in_a_step_become_what_they_come_to(line: str, step: str) -> None:
    assert collapse(line) == step


def test_a_working_gives_its_steps_its_unit_and_its_sum() -> None:
    working = read_working(PROBLEM.working, "72")
    assert working.final == "Natalia sold seventy-two clips altogether in April and May."
    assert working.steps == ("Natalia sold twenty-four clips in May.",)
    assert (working.unit, working.sum) == ("clips", "forty-eight plus twenty-four is seventy-two")
    assert read_working("Let 3x = 12\nx = <<12/3=4>>4", "4").steps == ()
