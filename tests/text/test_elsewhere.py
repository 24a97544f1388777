"""Other languages than English: what is spoken, how figures are said, and when two answers are the same."""

import pytest

from kame_data.errors import Refusal
from kame_data.llm.keywords import content_words
from kame_data.llm.spoken_answer import spoken_answer
from kame_data.records import Picture, Question
from kame_data.text.acceptance import check_said
from kame_data.text.answers import agree, holds_answer, mentions, said_or_raw, says_nothing
from kame_data.text.askable import check_question
from kame_data.text.spoken import is_spoken, say
from kame_data.text.words import length_in_words


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "¿Cuál es la capital? ¡Sí, señor!"),
        ("fr", "Où est-ce? C'est l'œuvre d'un naïf, bien sûr."),
        ("de", "Ja, größer als Österreich."),
        ("ru", "Что это такое? Ещё одно: да."),
        ("ar", "ما هي العاصمة؟ نعم، هي باريس."),
        ("zh", "这是什么？答案是DNA，卡尔·马克思说的。"),
        ("zh-TW", "這是什麼？"),
    ],
)
def test_letters_and_marks_of_a_language_are_spoken(language, text):
    assert is_spoken(text, language) == []
    check_said(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Il y en a 12."),
        ("fr", "Это мир."),
        ("zh", "答案是１２。"),
        ("zh", "《红楼梦》"),
        ("ru", "₽ десять"),
        ("ar", "١٢ كتابا"),
        ("en", "这是"),
        ("es", "答案"),
    ],
)
def test_digits_signs_and_other_letters_are_not(language, text):
    assert is_spoken(text, language)


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("fr", "Voici 1 250 « euros » !", "Voici mille deux cent cinquante euros!"),
        ("fr", "25 % de 3,5 ?", "vingt-cinq pour cent de trois virgule cinq?"),
        ("es", "Son 1.200.", "Son mil doscientos."),
        ("de", "Es sind 0,5 Liter.", "Es sind null Komma fünf Liter."),
        ("zh", "1949年有2个人，占25％，约3.5米。", "一九四九年有两个人，占百分之二十五，约三点五米。"),
        ("zh", "他读《红楼梦》——很长（真的）。", "他读红楼梦，很长，真的。"),
    ],
)  # fmt: skip
def test_figures_are_said(language, text, said):
    assert say(text, language) == said
    assert is_spoken(said, language) == []


@pytest.mark.parametrize(
    ("language", "said", "truth", "same"),
    [
        ("fr", "vingt et une", "21", True),
        ("fr", "trois virgule vingt-cinq", "3,25", True),
        ("fr", "de l'eau", "l'eau", True),
        ("fr", "vingt-deux", "23 ans", False),
        ("fr", "Paris", "Lyon", False),
        ("es", "veintiuna casas", "21", True),
        ("de", "neunzehnhundertneunundvierzig", "1949", True),
        ("ru", "двадцать пять", "25", True),
        ("ar", "خمسة وعشرون", "25", True),
        ("zh", "三十五公里", "35公里", True),
        ("zh", "百分之二十五", "25%", True),
        ("zh", "一九四九年", "1949年", True),
        ("zh", "三分之一", "1/3", True),
        ("zh", "三十五公里", "36公里", False),
        ("zh", "光合作用", "呼吸作用", False),
        ("zh", "四川", "4", False),
        ("zh", "两个", "二氧化碳", False),
        ("zh", "植物不需要光", "植物需要光", False),
    ],
)
def test_answers_are_the_same_by_value_or_content(language, said, truth, same):
    assert agree(said, said_or_raw(truth, language), language) is same


@pytest.mark.parametrize(
    ("language", "said", "answer", "times"),
    [
        ("zh", "植物的光合作用需要光，光合作用很慢。", "光合作用", 2),
        ("zh", "我有两个苹果。", "二氧化碳", 0),
        ("zh", "一共是三十五公里。", "35公里", 1),
        ("zh", "这是第三个。", "三", 0),
        ("fr", "Il en reste vingt et un, vingt et un!", "21", 2),
        ("fr", "Il en reste quatre-vingt-dix.", "20", 0),
        ("fr", "C'est de l'eau pure.", "L'eau", 1),
        ("fr", "Deux et trois.", "3", 1),
    ],
)
def test_answers_are_found(language, said, answer, times):
    assert mentions(said, said_or_raw(answer, language), language) == times
    assert holds_answer(said, answer, language) is bool(times)


def test_what_is_in_every_sentence_says_nothing():
    assert says_nothing("是", "zh") and says_nothing("一个", "zh") and says_nothing("un", "fr")
    assert not says_nothing("光", "zh") and not says_nothing("Paris", "fr")


@pytest.mark.parametrize(
    ("language", "line"), [("es", "Sí."), ("fr", "Bien sûr."), ("zh", "DNA。"), ("it", "Con la torre del paese.")]
)
def test_a_short_line_is_no_proof_of_another_language(language, line):
    check_said(line, language)


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("fr", "The answer is in the book of the king."),
        ("zh", "The answer is twelve, and that is it."),
        ("fr", "答案是十二。"),
        ("es", "La capitale de la France, c'est Paris, et elle est sur la Seine."),
    ],
)
def test_another_language_is_refused(language, line):
    with pytest.raises(Refusal) as refusal:
        check_said(line, language)
    assert refusal.value.reason == "wrong_language"


@pytest.mark.parametrize(
    ("language", "line"), [("zh", "答案是A。"), ("zh", "应该是选项B吧。"), ("fr", "C'est la réponse C, je crois.")]
)
def test_letters_of_options_are_refused(language, line):
    with pytest.raises(Refusal) as refusal:
        check_said(line, language)
    assert refusal.value.reason == "letters"
    check_said("答案是A型血。", "zh")


def test_slips_of_a_model_are_mended():
    assert spoken_answer("Quelle est la capitale\u00a0?", "fr") == "Quelle est la capitale?"
    assert spoken_answer("答案是 12 个——对……", "zh") == "答案是十二个，对"
    assert is_spoken(spoken_answer("Это 12 метров.", "ru"), "ru"), "its numbers have cases"


def test_three_ideographs_are_as_long_as_two_words():
    assert length_in_words("植" * 45, "zh") == 30 and length_in_words("un mot ou deux", "fr") == 4


def test_content_words_of_chinese_are_pairs_and_numbers():
    assert content_words("答案是光合作用，一共三十五公里。", "zh") == [
        "答案",
        "光合",
        "作用",
        "一",
        "共",
        "三十五",
        "公里",
    ]


@pytest.mark.parametrize(
    ("language", "stem", "reason"),
    [
        ("zh", "如图所示，这座建筑叫什么名字？", "needs_picture"),
        ("fr", "Quel monument voit-on dans l'image ci-dessous ?", "needs_picture"),
        ("zh", "光" * 200, "too_long"),
        ("zh", "光", "incomplete"),
        ("fr", "这座建筑叫什么名字？", "language"),
        ("th", "เมืองหลวงของฝรั่งเศสคืออะไร", "language"),
    ],
)
def test_what_cannot_be_asked_in_another_language(language, stem, reason):
    asked = Question("own-1", "own", stem, "Paris", language=language)
    with pytest.raises(Refusal) as refusal:
        check_question(asked, sees_pictures=False)
    assert refusal.value.reason == reason


def test_a_writer_with_eyes_is_asked_about_a_picture_in_any_language():
    asked = Question("own-1", "own", "这座建筑叫什么名字？", "故宫", language="zh", picture=Picture("a.png"))
    check_question(asked, sees_pictures=True)
    with pytest.raises(Refusal) as refusal:
        check_question(asked, sees_pictures=False)
    assert refusal.value.reason == "needs_picture"
