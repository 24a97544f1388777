import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawn import drawn
from kame_data.engine.sources import SOURCES, get_source
from kame_data.errors import Interrupted, UsageError
from kame_data.records import Picture, Question
from kame_data.sources import reading as read
from kame_data.sources.pull import contradictions, pull, splits

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL = {"mmlu_pro": "mmlu_pro/test.parquet", "gsm8k": "gsm8k/train.parquet", "hssbench": "hssbench/data-open.jsonl"}


def write(file: Path, *rows: Any) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(file)


def own(question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"question": question, "answer": answer} | more


def accepted_ids(file: str, seed: int) -> list[str]:
    with pull(get_source("questions"), file, seed=seed) as found:
        return [question.id for question in found.questions()]


def ask(identity: str, stem: str = "Who?", answer: str = "I", **more: Any) -> Question:
    return Question(identity, "own", stem, answer, **more)


# -- pull


def test_accepted_in_seeded_order_then_the_refused(tmp_path: Path) -> None:
    rows = [own(f"How many hours are {n} days?", str(24 * n), id=str(n)) for n in range(2, 60)]
    file = write(tmp_path / "a.jsonl", *rows[:30], ["a list"], *rows[30:], own("Which day is it?", ""))
    with pull(get_source("questions"), file, seed=3) as found:
        accepted = list(found.questions())
    assert {q.id for q in accepted} == {f"questions-{row['id']}" for row in rows}
    assert [item.reason for item in found.rejected] == ["bad_row", "missing_answer"]
    order = [q.id for q in accepted]
    assert order == accepted_ids(file, 3) != sorted(order)
    assert order != accepted_ids(file, 4)
    # Fewer rows: the same order without them.
    fewer = write(tmp_path / "b.jsonl", *rows[10:40])
    kept = {f"questions-{row['id']}" for row in rows[10:40]}
    assert accepted_ids(fewer, 3) == [identity for identity in order if identity in kept]


def test_a_refusal_names_row_and_reason(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", own("How long is a day?", "24 hours"), own("How long?", "", id="x"), 12)
    with pull(get_source("questions"), file) as found:
        assert found.rows == 3 and len(found.accepted) == 1
        first, second = found.rejected
    assert (first.stage, first.source, first.question_id) == ("questions", "questions", "questions-x")
    assert first.reason == "missing_answer" and first.detail.startswith("a.jsonl row 2: ")
    assert (second.question_id, second.reason) == ("", "bad_row") and second.detail.startswith("a.jsonl row 3: ")


def test_languages(tmp_path: Path) -> None:
    rows = [own("How long is a day?", "a day"), own("Wie lang ist ein Tag?", "24 Stunden", language="de")]
    file = write(tmp_path / "a.jsonl", *rows)
    with pull(get_source("questions"), file) as found:
        assert [q.language for q in found.accepted] == ["en"]
        assert [(r.reason, "'de'" in r.detail) for r in found.rejected] == [("language", True)]


def test_one_id_for_two_questions(tmp_path: Path) -> None:
    rows = [
        own("How many legs has a cat?", "four", id="7"),
        own("How many legs has a hen?", "two", id="7"),
        own("How many legs has a cat?", "four", id="7"),
        own("How many legs has a cat?", "four", id="8"),
    ]
    with pull(get_source("questions"), write(tmp_path / "a.jsonl", *rows)) as found:
        ids = sorted(q.id for q in found.accepted)
        assert len(ids) == 3 and {"questions-7", "questions-8"} < set(ids)
        assert [(r.reason, r.detail.split(":")[0]) for r in found.rejected] == [("duplicate_id", "a.jsonl row 3")]
        assert {q.id: q.stem for q in found.accepted}["questions-7"] == "How many legs has a cat?"


def test_contradicting_rows_are_both_refused(tmp_path: Path) -> None:
    rows = [
        own("How many legs has a cat?", "four"),
        own("how many legs has a  cat?", "five"),
        own("How many legs has a hen?", "two"),
    ]
    with pull(get_source("questions"), write(tmp_path / "a.jsonl", *rows)) as found:
        assert [q.answer for q in found.accepted] == ["two"]
        assert [r.reason for r in found.rejected] == ["contradictory_answer"] * 2
        assert found.rejected[1].question_id in found.rejected[0].detail


def test_pictures_wait_outside_memory(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    options = {"A": "In a ring", "B": "In a row"}
    rows = []
    for n in range(5):
        (tmp_path / "pictures" / f"p{n}.png").write_bytes(drawn(n))
        question = f"How do the {n + 2} dancers stand in the picture?"
        rows.append({"id": str(n), "question": question, "options": options, "correct_answer": "A", "category": "Art"})
        rows[-1]["pic_path"] = f"somewhere/else/p{n}.png"
    rows.append(rows[0] | {"id": "lost", "pic_path": "lost.png", "question": "Who sings in the picture?"})
    file = write(tmp_path / "a.jsonl", *rows)
    with pull(get_source("hssbench"), file, sees_pictures=True) as found:
        assert all(q.picture and q.picture.data is None for q in [*found.accepted, *found.parsed])
        pictures = {q.id: q.picture.data for q in found.questions() if q.picture}
    seen = {f"hssbench-{n}": drawn(n) for n in range(5)}
    assert seen.items() <= pictures.items()
    assert pictures.get("hssbench-lost") is None
    with pull(get_source("hssbench"), file) as blind:
        assert {r.reason for r in blind.rejected} == {"needs_picture"} and not blind.accepted


# -- contradictions

CITIES = ("Rome", "Athens", "Cairo")
WORDY = ("the city of Rome", "Bonn")


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (ask("1", answer="I"), ask("2", answer="You"), True),
        (ask("1", answer="I"), ask("2", answer=" i."), False),
        (ask("1", answer="5"), ask("2", answer="5.0"), False),
        (ask("1", answer="5"), ask("2", answer="6"), True),
        (ask("1", stem="With J >> a?"), ask("2", stem="With J << a?", answer="You"), False),
        (ask("1", language="en"), ask("2", language="fr", answer="Toi"), False),
        (ask("1", answer="Rome", choices=CITIES), ask("2", answer="Athens", choices=CITIES), True),
        (ask("1", answer="Rome", choices=CITIES), ask("2", answer="the city of Rome", choices=WORDY), False),
        (ask("1", answer="Rome", choices=CITIES), ask("2", answer="Bonn", choices=("Bonn", "Rome")), True),
        (ask("1", picture=Picture("a.png")), ask("2", picture=Picture("b.png"), answer="You"), False),
        (ask("1", picture=Picture("a.png")), ask("2", picture=Picture("a.png"), answer="You"), True),
    ],
)  # fmt: skip
def test_what_contradicts(one: Question, other: Question, contradict: bool) -> None:
    assert contradictions([one, other]) == ({"1": "2", "2": "1"} if contradict else {})
    assert contradictions([other, one]) == ({"1": "2", "2": "1"} if contradict else {})


def test_many_questions_with_one_text_take_no_time() -> None:
    answers = [f"{n} is {n}" for n in range(20_000)]
    assert contradictions(ask(a, "Which of these is true?", a, choices=(a, "no")) for a in answers) == {}


# -- splits


def test_the_share_and_its_limits() -> None:
    questions = [ask(str(n), f"What is {n}?") for n in range(4000)]
    assert set(splits(questions, 0).values()) == {"train"}
    share = Counter(splits(questions, 0.1).values())["validation"] / 4000
    assert 0.08 < share < 0.12
    few = {i for i, side in splits(questions, 0.1).items() if side == "validation"}
    more = {i for i, side in splits(questions, 0.3).items() if side == "validation"}
    assert few < more
    for wrong in (-0.1, 1, 1.5):
        with pytest.raises(UsageError):
            splits(questions, wrong)


def test_one_text_or_one_family_is_on_one_side() -> None:
    for n in range(300):
        group = [
            ask("a", f"What is {n}?"),
            Question("b", "another", f"  what IS “{n}”", "x", family=f"f{n}"),
            Question("c", "another", f"Qu'est-ce que {n} ?", "x", family=f"f{n}", language="fr"),
        ]
        assert len(set(splits(group, 0.5).values())) == 1
        # A family keeps its side when its languages come and go.
        assert splits(group[1:2], 0.5)["b"] == splits(group[1:], 0.5)["b"] == splits(group[2:], 0.5)["c"]
    apart = [Question(s, s, f"What is {s}?", "x", family="1") for s in ("s0", "s1", "s2", "s3", "s4", "s5", "s6")]
    assert len(set(splits(apart, 0.5).values())) == 2  # equal families of different sources are not one


_QUESTIONS = st.lists(
    st.builds(
        Question,
        id=st.uuids().map(str),
        source=st.sampled_from(["s", "t"]),
        stem=st.sampled_from("abcdefgh"),
        answer=st.just("x"),
        family=st.sampled_from(["", "1", "2", "3"]),
    ),
    max_size=12,
    unique_by=lambda q: q.id,
)


@given(_QUESTIONS, st.randoms(use_true_random=False))
def test_nothing_crosses_and_order_does_not_matter(questions: list[Question], random: Any) -> None:
    sides = splits(questions, 0.5)
    for one in questions:
        for other in questions:
            kin = one.family and (one.source, one.family) == (other.source, other.family)
            if one.stem == other.stem or kin:
                assert sides[one.id] == sides[other.id]
    shuffled = list(questions)
    random.shuffle(shuffled)
    assert splits(shuffled, 0.5) == sides


def test_later_rows_move_nothing_without_families() -> None:
    month = [ask(str(n), f"What is {n % 700}?") for n in range(1000)]
    assert splits(month[:400], 0.3).items() <= splits(month, 0.3).items()


# -- the sources themselves


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if not source.whole])
def test_every_source_gives_whole_questions(name: str, tmp_path: Path) -> None:
    """Real rows where they are, the bundled sample where not; every row is accepted or refused with a reason."""
    source, location = get_source(name), "sample"
    real = DATA / REAL.get(name, "none")
    if real.is_file():
        rows = [row.values for row in read.rows(source, str(real))]
        location = write(tmp_path / "some.jsonl", *rows[:: max(1, len(rows) // 300)])
    with pull(source, location) as found:
        assert len(found.accepted) + len(found.rejected) == found.rows
        assert len({q.id for q in found.parsed}) == len(found.parsed)
        for question in found.accepted:
            assert question.stem and question.answer and question.source == name
            assert question.id.startswith(f"{name}-") and question.language == "en"
            assert not question.choices or question.answer in question.choices
        assert all(rejected.reason and rejected.detail for rejected in found.rejected)
        # HSSBench is made for pictures, and nobody sees them here.
        assert len(found.accepted) >= (0.005 if name == "hssbench" else 0.5) * found.rows


def test_a_stop_is_seen_between_rows(tmp_path: Path) -> None:
    file, seen = write(tmp_path / "a.jsonl", *[own(f"How many hours are {n} days?", str(24 * n)) for n in range(9)]), []

    def check() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        pull(get_source("questions"), file, check_stop=check)
