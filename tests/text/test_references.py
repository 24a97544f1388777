"""Answers that point at statements of their stem, and lines that point at a picture."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.errors import Refusal
from kame_data.records import Picture, Question
from kame_data.text.askable import check_question, needs_choices
from kame_data.text.deixis import points_away
from kame_data.text.references import in_words, listed


def question(stem: str, answer: str, choices: tuple[str, ...], language: str = "en") -> Question:
    return Question("q", "s", stem, answer, choices, language=language, picture=Picture("p.png"))


CIRCLED = "Which hold? ① Prices rise ② Wages fall ③ Rents rise; ④ Taxes fall. Which of them are correct? ( )"
ROMAN = "Which of these is true of gases?\nI. They spread out.\nII. They are always hot.\nIII. They have weight."
CHINESE = "下图漫画告诉我们（　　）①要勤劳 ②要诚实　　③要团结\n④要勇敢"


@pytest.mark.parametrize(
    ("asked", "answer", "others"),
    [
        (question(CIRCLED, "①③", ("①②", "①③", "②④")), "Prices rise; Rents rise", "Prices rise; Wages fall"),
        (question(ROMAN, "I and III only", ("I only", "I and III only", "I, II, and III")),
            "They spread out; They have weight", "They spread out"),
        (question(ROMAN.replace("I. They s", "(I) They s"), "III only", ("II only", "III only")), "They have weight",
            "They are always hot"),
        (question(ROMAN.lower(), "(i) and (iii)", ("(i) and (ii)", "(i) and (iii)")),
            "they spread out; they have weight", "they spread out; they are always hot"),
        (question("Welche? 1) Es regnet. 2) Es ist kalt. 3) Es schneit.", "1 und 3", ("1 und 3", "2 und 3"), "de"),
            "Es regnet; Es schneit", "Es ist kalt; Es schneit"),
        (question("¿Cuáles? I) Sube. II) Baja. III) Queda.", "Solo I y III", ("Solo I y III", "Solo II"), "es"),
            "Sube; Queda", "Baja"),
        (question(CHINESE, "②③", ("①②", "②③"), "zh"), "要诚实；要团结", "要勤劳；要诚实"),
        (question(CIRCLED, "②", ("①", "②", "③④")), "Wages fall", "Rents rise; Taxes fall"),
    ],
)  # fmt: skip
def test_numbers_become_the_statements(asked: Question, answer: str, others: str) -> None:
    found = in_words(asked)
    assert found.answer == answer and {answer, others} <= set(found.choices)
    assert (found.stem, len(found.choices)) == (asked.stem, len(asked.choices))
    join = "；" if asked.language == "zh" else "; "
    # Where each choice is one statement, they are choices like any others.
    assert bool(listed(found)) == any(join in choice for choice in found.choices)
    assert not listed(found) or set(listed(found)) >= set(answer.split(join))
    if asked.language != "de":  # whose numbers alone are taken for an answer
        with pytest.raises(Refusal):
            check_question(asked, sees_pictures=True)
    check_question(found, sees_pictures=True)


@pytest.mark.parametrize(
    "asked",
    [
        question("Put ① the egg ② the hen ③ the chick in order.", "②①③", ("①②③", "②①③", "③②①")),
        question("Which of the places ①②③ in the picture is the highest?", "②", ("①", "②", "③")),
        question("Which two of the areas (①, ②, ③) are alike?", "①②", ("①②", "②③")),
        question("There are 2 pens. 1. is red and 2. is blue?", "2", ("1", "2")),
        question(CIRCLED, "①⑤", ("①②", "①⑤")),
        question("How many eggs are in the box?", "2", ("1", "2", "3")),
        question("1. Why? 2. How?", "2", ()),
    ],
)
def test_what_is_no_list_of_statements_stays_as_it_is(asked: Question) -> None:
    assert in_words(asked) == asked


@pytest.mark.parametrize(
    "asked",
    [
        question("甲、乙、丙、丁四地中，哪一处最高？", "甲", ("甲", "乙", "丙", "丁"), "zh"),
        question("Of 3 pens and 5 pencils, which are more?", "5", ("3", "5")),
        question("Is it hot; or is it cold?", "cold", ("hot", "cold")),
    ],
)
def test_choices_that_a_stem_happens_to_hold_are_no_statements(asked: Question) -> None:
    assert listed(asked) == ()


def test_a_choice_beside_the_numbers_stays_as_it_is() -> None:
    found = in_words(question(ROMAN, "I only", ("I only", "II only", "none of them holds")))
    assert found.choices == ("They spread out", "They are always hot", "none of them holds")


@pytest.mark.parametrize(
    ("stem", "language", "needs"),
    [
        ("下列哪一项描述最符合该场景？", "zh", True),
        ("该岛的核心区位置是（   ）", "zh", False),
        ("《红楼梦》的作者是谁？", "zh", False),
        ("Laquelle de ces villes est la plus ancienne ?", "fr", True),
        ("Qui a peint ce plafond ?", "fr", False),
        ("¿Cuál de las siguientes ciudades es la más antigua?", "es", True),
        ("¿Quién lo pintó?", "es", False),
        ("Какой из этих городов самый старый?", "ru", True),
        ("Кто это нарисовал?", "ru", False),
        ("أي مما يلي صحيح؟", "ar", True),
        ("Welche der folgenden Städte liegt am Meer?", "de", True),
    ],
)
def test_a_question_that_refers_to_its_choices_is_known_in_every_language(
    stem: str, language: str, needs: bool
) -> None:
    assert needs_choices(question(stem, "彩色", ("彩色", "黑白"), language)) is needs
    assert needs_choices(question(stem, "甲", ("甲", "乙"), language))


POINTING = [
    ("en", "You can see in the image that it bends."), ("en", "What does this chart show?"),
    ("en", "It is shown above."),
    ("en", "The figure below has two sides."), ("en", "According to figure two it falls."),
    ("en", "Look at this, who is it?"), ("en", "From the table, what do six pens cost?"),
    ("zh", "图中的人是谁？"), ("zh", "如图所示，它在哪里？"), ("zh", "这张照片是谁拍的？"),
    ("zh", "从图片里看得出来。"),
    ("zh", "下表说明了什么？"), ("zh", "根据左图，哪个更高？"), ("fr", "Que montre cette image ?"),
    ("es", "¿Qué muestra la imagen?"),
    ("ru", "Что изображено на рисунке?"), ("ar", "ماذا ترى في الصورة"), ("de", "Was zeigt die Abbildung?"),
]  # fmt: skip
STANDING = [
    ("en", "There is a map with three rivers; on the map the middle one bends north."),
    ("en", "He put it on the table."),
    ("en", "The picture of Dorian Gray is a novel."), ("en", "The figure of a lion guards the gate."),
    ("zh", "有一张照片，照片里有一座桥，它叫什么？"), ("zh", "他的意图中没有恶意。"),
    ("zh", "图书馆里有多少书？"), ("zh", "月球上表面温度是多少？"),
    ("zh", "一幅画上有山有水，这幅画是谁画的？"), ("fr", "Il y a un dessin d'un chat ; que fait le dessin ?"),
    ("de", "Es gibt ein Bild von Klimt; was zeigt das Bild?"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "line"), POINTING)
def test_a_line_that_points_at_a_picture_is_found(language: str, line: str) -> None:
    assert points_away(line, "", language)


@pytest.mark.parametrize(("language", "line"), STANDING)
def test_a_line_that_stands_alone_is_left(language: str, line: str) -> None:
    assert not points_away(line, "", language)


def test_what_one_turn_brings_up_the_next_may_name() -> None:
    assert points_away("The graph falls.", "", "en")
    assert not points_away("The graph falls.", "I drew a graph of prices.", "en")


@settings(deadline=None)
@given(st.text(alphabet="①②③④ 12.I)(V\nabcOf?;，图中", max_size=400))
def test_any_stem_is_read_and_statements_are_its_own_words(stem: str) -> None:
    found = in_words(question(stem * 50, "①②", ("①②", "①③", "②③")))
    assert found.answer == "①②" or set(found.answer.split("; ")) <= set(listed(found))
    points_away(stem, "", "zh")
