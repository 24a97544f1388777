"""Acceptance of oracles: what each level may be and must be, whoever wrote it."""

from dataclasses import replace

import pytest

from kame_data.errors import Refusal
from kame_data.oracles.acceptance import MAX_WORDS, OracleRequest, OracleTask, accept
from kame_data.text.half_heard import speaks_of_part

HEARD = "My garden has three rows with"
TRUTH = "There are twelve roses altogether, because three rows of four make twelve."


def task(
    level: int,
    *,
    heard: str = HEARD,
    truth: str = TRUTH,
    answer: str = "twelve roses",
    choices: tuple[str, ...] = (),
    context: str = "",
    language: str = "en",
) -> OracleTask:
    asked = OracleRequest("own-1-v0", language, 0, heard, context, level, truth if level else "")
    return OracleTask(asked, truth, answer, choices)


def reason(text: str, told: OracleTask) -> str:
    """The reason for which the text is refused, "" where it is accepted."""
    try:
        return "" if accept(text, told) == " ".join(text.split()) else "changed"
    except Refusal as refusal:
        return refusal.reason


@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty_oracle"),
        ("...", "empty_oracle"),
        ("It's 12 roses.", "not_spoken"),
        ("**Twelve** roses", "not_spoken"),
        ("so " * (MAX_WORDS + 1), "too_long"),
        ("As an AI language model, I'd say twelve roses.", "model_talk"),
        ("I only have the first half, but it's twelve roses.", "half_heard"),
    ],
)
def test_no_level_may_say_it(level: int, text: str, why: str) -> None:
    assert reason(text, task(level)) == why


@pytest.mark.parametrize(
    ("language", "prompt", "parrot", "near"),
    [
        (
            "en",
            "Say:\n* One plain, short sentence of letters and\ncommas.",
            "{} of letters and commas.",
            "{} of letters.",
        ),
        ("zh", "请用一两句简单的话来回答这个问题。", "我{}来回答这个问题。", "我{}。"),
    ],
)
@pytest.mark.parametrize("level", [0, 1])
def test_so_many_words_of_the_prompt_are_no_oracle(
    level: int, language: str, prompt: str, parrot: str, near: str
) -> None:
    said = {"en": "Well, one plain short sentence", "zh": "用一两句简单的话"}[language]
    asked = replace(task(level, language=language, answer=""), prompt=prompt)
    assert reason(parrot.format(said), asked) == "repeats_prompt"
    assert (
        reason(near.format(said), asked) == reason(parrot.format(said), task(level, language=language, answer="")) == ""
    )


def test_level_0_may_say_what_it_wants_right_or_wrong_and_even_the_true_words() -> None:
    for text in ("I'd say twelve.", "That makes nine roses.", TRUTH, "Roses need a lot of sun."):
        assert reason(text, task(0)) == ""


@pytest.mark.parametrize("level", range(1, 5))
def test_the_true_turn_word_for_word_is_level_5(level: int) -> None:
    assert reason(TRUTH.upper(), task(level)) == "verbatim_answer"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Count the rows and multiply by the roses in each.", ""),
        ("It's a matter of multiplying rows by roses, some ten or so.", ""),
        ("That comes to twelve, I'd think.", "early_answer"),
        ("A twelfth of it is easy, and the roses are the rest.", ""),
    ],
)
def test_level_1_is_near_and_does_not_hold_the_answer(text: str, why: str) -> None:
    assert reason(text, task(1)) == why


@pytest.mark.parametrize("level", [2, 3, 4])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Twelve roses, because three times four is twelve.", ""),
        ("Twelve roses, and eleven of them are red.", "other_number"),
        ("It's one thousand, two hundred, I mean twelve roses.", "other_number"),
        ("Oh, twelve roses, and that one is easy.", ""),
        ("Twelve roses, the answer is one.", "other_number"),
        ("Twelve roses and two point five more.", "other_number"),
    ],
)
def test_from_level_2_on_numbers_are_said_or_true(level: int, text: str, why: str) -> None:
    assert reason(text, task(level)) == why


def test_a_number_that_comes_later_in_the_turn_was_not_said_yet() -> None:
    later = {"truth": "You have sixty roses.", "answer": "sixty"}
    assert reason("Sixty roses, from five beds.", task(3, **later)) == "other_number"
    assert reason("Sixty roses, from five beds.", task(3, heard=f"{HEARD} five beds", **later)) == ""
    assert reason("Sixty roses, from five beds.", task(3, context="user: I dug five beds.", **later)) == ""


@pytest.mark.parametrize(
    ("text", "level", "why"),
    [
        ("Multiply the three rows by the roses in each.", 2, ""),
        ("Multiply the three rows by the roses in each.", 3, "lacks_answer"),
        ("Multiply the three rows by the roses in each.", 4, "lacks_answer"),
        ("It isn't twelve roses.", 3, "lacks_answer"),
        ("Certainly not the twelve, I think it's three.", 4, "lacks_answer"),
        ("The answer is: three. Some would say twelve.", 3, "other_result"),
        ("The answer is twelve, as four rows of three make twelve.", 3, ""),
        ("Twelve.", 3, ""),
    ],
)
def test_levels_3_and_4_hold_the_answer_and_no_other_result(text: str, level: int, why: str) -> None:
    assert reason(text, task(level)) == why


def test_a_wrong_number_that_was_never_said_is_refused_where_the_truth_is_near() -> None:
    eleven = {"truth": "She has eleven left.", "answer": "eleven", "heard": "She had twenty and gave nine away"}
    assert reason("The answer is: twelve.", task(3, **eleven)) == "other_number"
    assert reason("Eleven, since twenty minus nine leaves eleven.", task(3, **eleven)) == ""


def test_another_choice_beside_the_right_one_is_another_result() -> None:
    organs = {
        "heard": "Which one makes bile, is it the liver, the spleen or the kidneys",
        "truth": "The liver makes bile, which helps to digest fat.",
        "answer": "the liver",
        "choices": ("the liver", "the spleen", "the kidneys"),
    }
    assert reason("It's the liver, since bile is made there.", task(3, **organs)) == ""
    assert reason("It's the spleen, or perhaps the liver.", task(3, **organs)) == "other_result"
    assert reason("It's the spleen.", task(4, **organs)) == "lacks_answer"
    assert reason("It's the spleen.", task(2, **organs)) == ""
    assert reason("It's not the liver, I think.", task(4, **organs)) == "lacks_answer"


def test_an_answer_that_denies_is_held_as_it_is() -> None:
    none = {"heard": "Does it change", "truth": "No, it does not change at all.", "answer": "it does not change"}
    assert reason("No, I'm sure that it does not change.", task(3, **none)) == ""


def test_a_turn_without_the_answer_has_none_to_hold() -> None:
    greeting = {"heard": "Hi, do you have", "truth": "Sure, go ahead, I'm listening.", "answer": "twelve roses"}
    assert reason("Of course, go ahead.", task(3, **greeting)) == ""
    assert reason("Of course, what is it about?", task(4, **greeting)) == ""
    assert reason("Happy to help with your roses.", task(1, **greeting)) == ""


def test_a_turn_with_results_of_its_own_is_held_to_one_of_them() -> None:
    follow = {
        "context": f"user: {HEARD} four roses each. How many?\nassistant: {TRUTH}",
        "heard": "And with two more rows",
        "truth": "Then it's twenty roses.",
    }
    assert reason("Twenty, with the two rows more.", task(4, **follow)) == ""
    assert reason("Then there are more roses.", task(4, **follow)) == "lacks_answer"
    assert reason("Then it's thirty roses.", task(3, **follow)) == "other_number"


def test_a_long_true_turn_leaves_room_for_level_4_alone() -> None:
    more = ", because the rows are long and the beds between them are just as wide as the ones that you can see there"
    long = {"truth": f"Twelve roses{more}, and all of them are red, I am quite sure of it.", "answer": "twelve roses"}
    said = f"It's twelve roses{more}, and all of them are red, I am sure."
    assert len(said.split()) > MAX_WORDS
    assert reason(f"{said} That is what I think of it.", task(4, **long)) == "too_long"
    assert reason(said, task(4, **long)) == ""
    assert reason(said, task(3, **long)) == "too_long"


@pytest.mark.parametrize(
    ("language", "truth", "answer", "right", "wrong", "other"),
    [
        ("de", "Es sind elf Äpfel.", "elf", "Elf Äpfel sind es.", "Es sind viele.", "Elf oder zwölf Äpfel."),
        ("fr", "Il y a onze pommes.", "onze", "Onze pommes, je dirais.", "Beaucoup.", "Onze ou douze pommes."),
        ("es", "Hay once manzanas.", "once", "Once manzanas en total.", "Muchas.", "Once o doce manzanas."),
        (
            "ru",
            "Всего одиннадцать яблок.",
            "одиннадцать",
            "Одиннадцать яблок.",
            "Много.",
            "Одиннадцать или двенадцать.",
        ),
        ("zh", "一共有十一个苹果。", "十一", "十一个苹果，我觉得。", "有很多苹果。", "十一个或者十二个苹果。"),
    ],
)
def test_other_languages_are_held_to_it_too(
    language: str, truth: str, answer: str, right: str, wrong: str, other: str
) -> None:
    told = {"truth": truth, "answer": answer, "heard": "", "language": language}
    assert reason(right, task(3, **told)) == ""
    assert reason(wrong, task(3, **told)) == "lacks_answer"
    assert reason(other, task(3, **told)) == "other_number"
    assert reason(right, task(1, **told)) == "early_answer"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I only have the first half, so it's hard to say.", "en"),
        ("I've just heard the beginning of it.", "en"),
        ("From what you've said so far, it's about roses.", "en"),
        ("It's roses, but I need to hear the rest.", "en"),
        ("Your question seems incomplete to me.", "en"),
        ("You haven't finished your sentence yet.", "en"),
        ("Once you finish, I can tell you more.", "en"),
        ("Could you please provide more details?", "en"),
        ("There isn't enough information to say.", "en"),
        ("It begins like this, and then I lose the thread.", "en"),
        ("The exact figure is still to come.", "en"),
        ("Based on the keywords, it's about roses.", "en"),
        ("Please go on.", "en"),
        ("Ich habe erst die Hälfte gehört.", "de"),
        ("Deine Frage ist noch unvollständig.", "de"),
        ("Je n'ai entendu que le début.", "fr"),
        ("Ta question est incomplète.", "fr"),
        ("Solo he oído la primera parte.", "es"),
        ("Necesito más información para responder.", "es"),
        ("Я слышал только начало.", "ru"),
        ("Продолжайте, пожалуйста.", "ru"),
        ("我只听到了前半部分。", "zh"),
        ("你的问题还没说完。", "zh"),
        ("请继续。", "zh"),
        ("سمعت فقط جزء من السؤال", "ar"),
    ],
)
def test_talk_of_having_only_a_part_is_found(text: str, language: str) -> None:
    assert speaks_of_part(text, language)
    assert not speaks_of_part(text, language, text), "what the true turn says as well is no fault"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The rest of the water evaporates, so half of it is left.", "en"),
        ("Only half of the students passed, which is sixty.", "en"),
        ("The first half of the century saw two wars.", "en"),
        ("She has finished the rest of her homework.", "en"),
        ("It needs more energy, because the first part is slow.", "en"),
        ("An incomplete combustion makes carbon monoxide.", "en"),
        ("You finished the race in ten minutes.", "en"),
        ("If you continue the sequence, you get thirty-two.", "en"),
        ("So far north, the sun never sets in June.", "en"),
        ("Das ist nur ein Zehntel davon.", "de"),
        ("Il ne reste que la moitié de la pizza.", "fr"),
        ("只有一半的学生通过了考试。", "zh"),
    ],
)
def test_talk_of_parts_in_the_world_is_none(text: str, language: str) -> None:
    assert not speaks_of_part(text, language)
