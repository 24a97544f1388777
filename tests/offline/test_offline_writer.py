"""The offline writer: what holds for all that it writes of bundled and real rows, and what becomes of one question."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from kame_data.dialogues.follow_ups import check_follow_ups
from kame_data.dialogues.write import write_dialogues
from kame_data.errors import Refusal
from kame_data.offline.asking import LEADS, OFFERS
from kame_data.offline.wording import number_words, quantities, sentences
from kame_data.offline.working import reckoned
from kame_data.offline.writer import OfflineWriter
from kame_data.records import Dialogue, Question
from kame_data.text.answers import key, tells
from kame_data.text.askable import needs_choices
from kame_data.text.casing import lower
from kame_data.text.spoken import say
from offline.rows import questions

VARIANTS = 3


@pytest.fixture(scope="module")
def written() -> list[tuple[Question, Dialogue]]:
    writer, asked = OfflineWriter(3), questions()
    outcomes = [(q, d) for v in range(VARIANTS) for q, d in zip(asked, write_dialogues(asked, v, writer), strict=True)]
    return [(q, d) for q, d in outcomes if isinstance(d, Dialogue)]


def sums(text: str) -> list[tuple[str, bool]]:
    """The sums that a text says, each with whether it is right: 'two plus three is five', 'twice four is eight'."""
    found = []
    for clause in re.split(r", since |(?<=[.?!]) | and (?=[\w-]+ (?:plus|minus|times|divided))|, by ", text):
        if not re.search(r"\b(?:plus|minus|times|divided by|twice)\b", clause, re.I) or " is " not in clause:
            continue
        left, _, right = clause.rstrip(".").rpartition(" is ")
        left = re.sub(r"^twice ", "two times ", left.casefold())
        signs = re.findall(r"\b(plus|minus|times|divided by)\b", left)
        terms = [
            value for part in re.split(r" (?:plus|minus|times|divided by) ", left) for *_, value in quantities(part)
        ]
        result = [value for *_, value in quantities(right)]
        if len(terms) != len(signs) + 1 or len(result) != 1:
            continue
        value = Fraction(terms[0])
        for sign, term in zip(signs, terms[1:], strict=True):
            value = {"plus": value + term, "minus": value - term, "times": value * term}.get(sign, value / (term or 1))
        found.append((clause, value == result[0]))
    return found


def test_nearly_all_questions_are_written(written: list[tuple[Question, Dialogue]]) -> None:
    kept = {d.question_id for _, d in written if d.variant == 0}
    for source in ("gsm8k", "mmlu_pro", "hssbench"):
        asked = [q.id for q in questions() if q.source == source]
        assert sum(q in kept for q in asked) / len(asked) > 0.85, source


def test_the_question_is_read_out_as_it_stands(written: list[tuple[Question, Dialogue]]) -> None:
    for question, dialogue in written:
        if not re.search(r"_{2,}|\[blank\]", question.stem, re.I):
            assert key(say(question.stem)) in key(dialogue.turns[0].text)


def test_choices_are_said_in_their_order_where_the_question_needs_them(
    written: list[tuple[Question, Dialogue]],
) -> None:
    places = set()
    for question, dialogue in written:
        if not dialogue.choices:
            continue
        said = [key(say(choice)) for choice in question.choices]
        places.add(dialogue.choices.index(dialogue.answer))
        assert 2 <= len(dialogue.choices) <= 5
        at = [
            next(n for n, s in enumerate(said) if s == key(choice))
            for choice in dialogue.choices
            if key(choice) in said
        ]
        assert at == sorted(set(at)), dialogue.turns[0].text
        offered = max(dialogue.turns[0].text.rfind(offer.rstrip(":")) for offer in OFFERS)
        assert offered > 0 and all(key(c) in key(dialogue.turns[0].text[offered:]) for c in dialogue.choices)
    assert len(places) > 2, "the right one stands anywhere"
    needing = [(q, d) for q, d in written if needs_choices(q)]
    assert needing and sum(bool(d.choices) for _, d in needing) / len(needing) > 0.9


def test_each_answer_comes_first_and_is_claimed(written: list[tuple[Question, Dialogue]]) -> None:
    for _, dialogue in written:
        for turn in dialogue.turns[1::2]:
            assert tells(sentences(turn.text)[0], turn.claim) or len(sentences(turn.claim)) > 1, turn
            assert not turn.claim.endswith(".")
        assert dialogue.turns[1].claim == dialogue.answer


def test_all_arithmetic_is_right(written: list[tuple[Question, Dialogue]]) -> None:
    found = [s for _, d in written if d.question_id.startswith("gsm8k") for t in d.turns[1::2] for s in sums(t.text)]
    assert len(found) > 100
    assert [clause for clause, right in found if not right] == []


def test_word_problems_are_answered_with_a_reason_and_lengths_vary(
    written: list[tuple[Question, Dialogue]],
) -> None:
    answers = [d.turns[1].text for q, d in written if q.source == "gsm8k"]
    lengths = sorted(len(answer.split()) for answer in answers)
    assert sum(len(sentences(a)) > 1 or " since " in a for a in answers) / len(answers) > 0.95
    assert lengths[0] < 15 and lengths[-1] > 55 and lengths[-1] <= 80


def test_lines_are_tidy(written: list[tuple[Question, Dialogue]]) -> None:
    for turn in (t for _, d in written for t in d.turns):
        assert turn.text == turn.intended_text
        assert turn.text[0] == turn.text[0].upper()
        assert re.search(r"[^\s.,?!;:][.?!]$", turn.text), turn.text
        assert not re.search(r"\s\s|\s[.,?!;:]|[.,?!;:][.,?!;:]|[_()\[\]<>=*/\d{}]", turn.text), turn.text


def test_further_exchanges_need_the_first_and_are_right(written: list[tuple[Question, Dialogue]]) -> None:
    further = [(d, n) for _, d in written for n in range(2, len(d.turns), 2)]
    assert 0.2 < len({d.id for d, _ in further}) / len(written) < 0.7
    for dialogue, n in further:
        check_follow_ups(dialogue)
        asked, said = dialogue.turns[n].text, dialogue.turns[n + 1].text
        if more := re.match(r"(Yes|No), (.+) is (more|less) than (.+), by (.+)\.", said):
            value, other, by = (next(v for *_, v in quantities(more[i])) for i in (2, 4, 5))
            assert (more[1] == "Yes") == (more[3] == "more") == (value > other) and abs(value - other) == by
        elif place := re.match(r"(Yes|No), the (\w+) one, ", said):
            at = ["first", "second", "third", "fourth", "fifth"].index(place[2])
            assert dialogue.choices[at] == dialogue.answer
            assert (place[1] == "Yes") == (f"the {place[2]} one" in asked)
        elif dialogue.turns[n + 1].claim == dialogue.answer:
            assert tells(said, dialogue.answer) and not re.search(r"\bthank|\bwelcome\b", said)
        else:
            assert dialogue.turns[n + 1].claim and all(right for _, right in sums(said)), said


def test_variants_differ_and_depend_on_seed_and_question_alone(written: list[tuple[Question, Dialogue]]) -> None:
    said: dict[str, set[str]] = {}
    for _, dialogue in written:
        said.setdefault(dialogue.question_id, set()).add(dialogue.turns[0].text)
    assert sum(len(texts) for texts in said.values()) == len(written)
    some = questions()[::9]
    forwards = list(write_dialogues(some, 2, OfflineWriter(9)))
    assert forwards == list(write_dialogues(some[::-1], 2, OfflineWriter(9)))[::-1]
    assert forwards != list(write_dialogues(some, 2, OfflineWriter(10)))


PROBLEM = Question(
    id="gsm8k-1",
    source="gsm8k",
    stem="A farm has 48 hens in April, and buys half as many again in May. How many hens does it have then?",
    answer="72",
    working="The farm buys 48/2 = <<48/2=24>>24 hens in May.\nSo it has 48 + 24 = <<48+24=72>>72 hens then.",
    category="math",
)


def write(stem: str, answer: str, *others: str, seed: int = 1, working: str = "") -> Dialogue:
    choices = (answer, *others) if others else ()
    question = Question("mmlu_pro-1", "mmlu_pro", stem, answer, choices, working, "biology")
    (found,) = write_dialogues([question], 0, OfflineWriter(seed))
    assert isinstance(found, Dialogue), found
    return found


def test_a_working_is_said_in_steps() -> None:
    steps = reckoned(PROBLEM.working, "72")
    assert [step.said() for step in steps] == [
        "The farm buys twenty-four hens in May, since forty-eight divided by two is twenty-four.",
        "It has seventy-two hens then, since forty-eight plus twenty-four is seventy-two.",
    ]
    texts = {OfflineWriter(seed).write(PROBLEM, 0).turns[1].text for seed in range(20)}
    assert "It has seventy-two hens then. Forty-eight plus twenty-four is seventy-two." in texts
    assert any("buys twenty-four hens" in text for text in texts)


@pytest.mark.parametrize(
    ("line", "statement"),
    [
        ("So, he has 89 - 45 = <<89-45=44>>44 stickers left.", "He has forty-four stickers left."),
        ("It took 40 minutes * 3 minutes = <<40*3=120>>120 minutes", "It took one hundred twenty minutes."),
        ("He gets 6 cars because 30 / 5 = <<30/5=6>>6", "He gets six cars."),
        ("First find the total weight: 15 * 5 = <<15*5=75>>75 pounds", "The total weight is seventy-five pounds."),
        ("Last year she had 10 + 2 = <<10+2=12>>12 cats", "Last year she had twelve cats."),
        ("Let x = 3 and 5x = <<5*3=15>>15", ""),
    ],
)
def test_a_line_of_a_working_becomes_a_sentence(line: str, statement: str) -> None:
    value = re.findall(r"=(\d+)>>", line)[-1]
    assert reckoned(line, value)[-1].statement == statement


@pytest.mark.parametrize(
    ("working", "answer"),
    [
        ("She has 8 + 5 = <<8+5=12>>12 eggs.", "12"),
        ("She has 8 + 5 = <<8+5=13>>13 eggs.\nHalf are brown.", "6"),
        ("Let x be her age.\n3x = 12\nx = 4", "4"),
    ],
)
def test_a_working_that_is_wrong_or_cannot_be_said_is_refused(working: str, answer: str) -> None:
    with pytest.raises(Refusal) as refusal:
        OfflineWriter(0).write(replace(PROBLEM, working=working, answer=answer), 0)
    assert refusal.value.reason == "working"


def test_sentences_are_finished_and_blanks_filled() -> None:
    finished = write("The study of fungi is called:", "Mycology")
    assert re.search(r"[?.] The study of fungi is called\.$", finished.turns[0].text)
    assert finished.turns[1].text == "The study of fungi is called mycology."
    filled = write("The capital of France is ____ on the Seine.", "Paris")
    assert "The capital of France is blank on the Seine." in filled.turns[0].text
    assert filled.turns[1].text.startswith("The capital of France is Paris on the Seine.")


def test_a_reason_of_the_source_is_told_and_none_invented() -> None:
    reason = "Fungi feed on other living or dead things."
    told = write("What do fungi feed on?", "Other living or dead things", "Light", working=f"{reason} So it is (B).")
    assert told.turns[1].text.endswith(reason)
    untold = write("Which gas do plants take in?", "Carbon dioxide", "Oxygen", "Argon")
    assert re.search(r"carbon dioxide.* Not (?:oxygen|argon)", untold.turns[1].text, re.I), untold.turns[1].text


def test_short_choices_are_a_list_and_long_ones_sentences() -> None:
    short = write("Which of the following is a mammal?", "Whale", "Shark", "Trout", "Salmon", "Eel")
    assert re.search(rf"mammal\? (?:{'|'.join(OFFERS)}) [\w, ]+ or \w+\.$", short.turns[0].text)
    long = write(
        "Which of the following is true?",
        "Bats hunt moths by night with their ears",
        "Whales breathe with gills in deep water",
        "Horses sleep through the whole long winter",
    )
    assert re.search(r"true\? [^.]+\. [^.]+\. .*Or: [^.]+\.$", long.turns[0].text), long.turns[0].text


@pytest.mark.parametrize(
    ("stem", "answer", "others", "reason"),
    [
        ("The cell divides. It then rests.", "mitosis", (), "no_question"),
        ("Which of the following is right?", "The first", ("All of the above", "Both of these"), "choices"),
        ("Which of the following is right?", "It is " + "so " * 40 + "long", ("Short",), "choices"),
    ],
)
def test_what_cannot_be_put_plainly_is_refused(stem: str, answer: str, others: tuple[str, ...], reason: str) -> None:
    question = Question("q-1", "mmlu_pro", stem, answer, (answer, *others) if others else ())
    with pytest.raises(Refusal) as refusal:
        OfflineWriter(0).write(question, 0)
    assert refusal.value.reason == reason


def test_other_languages_and_more_variants_than_there_are_get_refused() -> None:
    with pytest.raises(Refusal, match="'fr'"):
        OfflineWriter(0).write(replace(PROBLEM, language="fr"), 0)
    with pytest.raises(Refusal, match=f"{len(LEADS)} ways"):
        OfflineWriter(0).write(PROBLEM, len(LEADS))


@pytest.mark.parametrize(
    ("text", "about", "small"),
    [
        ("The heart", "", "the heart"),
        ("Resistance to change", "", "resistance to change"),
        ("Paris", "What is the capital of France?", "Paris"),
        ("Roman law", "", "Roman law"),
        ("DNA", "", "DNA"),
        ("Cu", "", "Cu"),
        ("Seventy-two clips", "", "seventy-two clips"),
    ],
)
def test_first_letters_within_a_sentence(text: str, about: str, small: str) -> None:
    assert lower(text, about) == small


def test_words_without_letters_hold_no_number() -> None:
    assert [value for *_, value in quantities("' - , two and a half dozen '")] == [30]


def test_numbers_are_found_and_said() -> None:
    found = [
        (*place, value) for *place, value in quantities("It has one hundred two sheep, three point five or twenty-one.")
    ]
    assert found == [(2, 5, 102), (6, 9, Fraction(7, 2)), (10, 11, 21)]
    assert [number_words(Fraction(v)) for v in (12, "2.5", "-3", Fraction(1, 3))] == [
        "twelve", "two point five", "minus three", "",
    ]  # fmt: skip


def test_cents_are_said_as_money_where_the_working_names_dollars() -> None:
    working = "He pays 5*2.5=$<<5*2.5=12.5>>12.50\n#### 12.50"
    dialogue = write("A pen costs $2.50. What do 5 pens cost?", "12.50", working=working)
    assert dialogue.answer == "twelve dollars and fifty cents"
    assert "twelve dollars and fifty cents" in dialogue.turns[1].text
    assert write("How many miles is it?", "12.50").answer == "twelve point five zero"


def test_a_sentence_that_breaks_off_behind_a_question_is_completed() -> None:
    stem = "Counsel asked: did you see it? The other side objected. The judge should rule that the question is"
    dialogue = write(stem, "proper", "improper")
    assert "The judge should rule that the question is proper." in dialogue.turns[1].text


def test_a_clause_is_an_answer_by_itself() -> None:
    stem = "Which of the following is a feature of perfect competition?"
    dialogue = write(stem, "Firms sell a homogeneous good", "Firms are few in number", "Entry is barred by law")
    assert dialogue.turns[1].text.startswith("Firms sell a homogeneous good.")


def test_the_unit_of_an_answer_is_what_the_last_number_counts() -> None:
    working = "He drinks 28/2=<<28/2=14>>14\nAfter 4 weeks, he will have 18-14=<<18-14=4>>4 bottles left\n#### 4"
    said = write("How many bottles of 18 will he have left after 4 weeks?", "4", working=working).turns[1].text
    assert "four weeks." not in said and "four bottles" in said


def test_a_line_whose_sum_is_none_makes_no_sentence() -> None:
    steps = reckoned(
        "The gold is worth %20*50=$<<20*50=1000>>1000 per ounce\nSo it costs 1000 + 5 = <<1000+5=1005>>1005", "1005"
    )
    assert [step.statement for step in steps] == ["", "It costs one thousand five."]
    with pytest.raises(Refusal):
        reckoned("Dividing both sides by 2, we get X = $477.", "477")
