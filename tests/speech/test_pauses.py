"""Where a user pauses, drawn from words."""

from hypothesis import given
from hypothesis import strategies as st

from kame_data.records import Dialogue
from kame_data.settings.speech import PauseSettings
from kame_data.speech.pauses import choice_pauses, draw_pauses
from kame_data.text.words import split_words

EN = "Hi there, um, I have three boxes, and each of them holds five pens. How many pens is that?"
ZH = "嗯，一个长方形的长是十二厘米，宽是，呃，五厘米，面积是多少？"
ALL = PauseSettings(rate=1.0, within=1.0, length=0.5, hesitation=0.2)


def places(text: str, language: str, settings: PauseSettings, name: str = "d", turn: int = 0) -> dict[int, float]:
    return draw_pauses(split_words(text, language), language, settings, 0, name, turn)


def test_nothing_pauses_by_itself_but_a_hesitation() -> None:
    assert places("What is two plus two?", "en", PauseSettings()) == {}
    assert list(places(EN, "en", PauseSettings())) == [3]


def test_each_kind_of_place_has_its_own_share() -> None:
    words = split_words(EN)
    clauses = [at for at in range(1, len(words)) if words[at - 1][-1] in ",.?"]
    assert list(places(EN, "en", PauseSettings(rate=1.0))) == clauses == [2, 3, 7, 14]
    within = places(EN, "en", PauseSettings(within=1.0))
    assert set(within) == set(range(1, len(words))) - set(clauses) | {3}
    lengths = places(EN, "en", ALL)
    assert lengths[3] == 0.2 and lengths[2] == lengths[4] == 0.5


def test_chinese_pauses_at_punctuation_alone() -> None:
    words = split_words(ZH, "zh")
    found = places(ZH, "zh", PauseSettings(rate=1.0, within=1.0, long_rate=1.0))
    assert found and all(words[at - 1][-1] in "，。" for at in found)
    assert places("面积是多少？", "zh", ALL.model_copy(update={"long_rate": 1.0})) == {}


def test_nobody_pauses_within_a_number_or_a_name() -> None:
    found = places("Did Mary Ann Miller pay two hundred five dollars for it?", "en", PauseSettings(within=1.0))
    assert list(found) == [1, 4, 5, 8, 9, 10]


def test_one_long_pause_in_a_share_of_turns() -> None:
    settings = PauseSettings(long_rate=0.3, long_length=(2.0, 3.0))
    found = [places(EN, "en", settings, f"d{number}") for number in range(400)]
    long = [[at for at, length in each.items() if length >= 2.0] for each in found]
    assert all(len(each) <= 1 for each in long)
    # 0.3 of 400, give or take four standard deviations.
    assert 84 <= sum(map(len, long)) <= 156
    assert {at for each in long for at in each} == {2, 3, 7, 14}
    # Where no clause ends it may lie anywhere.
    anywhere = {at for n in range(100) for at in places("what is two plus two", "en", settings, f"d{n}")}
    assert anywhere == {1, 2, 3, 4}


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 50))
def test_a_higher_rate_adds_pauses_and_moves_none(low: float, high: float, number: int) -> None:
    low, high = sorted((low, high))
    few, many = (places(EN, "en", PauseSettings(rate=r, within=r), f"d{number}") for r in (low, high))
    assert few.items() <= many.items()


def test_rates_are_shares() -> None:
    total = sum(len(places(EN, "en", PauseSettings(rate=0.25, hesitation=0.0), f"d{n}", n)) for n in range(300))
    # The hesitation's own place, and a quarter of three others; four standard deviations.
    assert 300 + 173 <= total <= 300 + 277


def choices(text: str, *named: str, language: str = "en", name: str = "d") -> dict[int, float]:
    dialogue = Dialogue(name, "q", 0, language, (), named[0], named)
    return choice_pauses(split_words(text, language), dialogue, PauseSettings(), 0, 0)


def test_choices_are_told_apart_by_pauses() -> None:
    text = "Which organ makes bile? The liver, the um, small intestine, or the kidneys? I forgot."
    found = choices(text, "the liver", "the small intestine", "the kidneys")
    words = split_words(text)
    assert [words[at] for at in found] == ["The", "the", "or"]
    assert all(0.25 <= length <= 0.45 for length in found.values())
    assert found == choices(text, "the kidneys", "the liver", "the small intestine"), "whatever their order"
    assert found != choices(text, "the liver", "the small intestine", "the kidneys", name="another")


def test_no_pause_where_a_turn_names_no_list() -> None:
    assert choices("What is two plus two?", "four", "five") == {}
    assert choices("I would say the liver.", "the liver", "the kidneys") == {}
    apart = "It is the liver that makes bile, and of course not the kidneys."
    assert choices(apart, "the liver", "the kidneys") == {}


def test_choices_that_hold_one_another_are_each_found_once() -> None:
    text = "Is it twenty, twenty four, or four?"
    words = split_words(text)
    assert [words[at] for at in choices(text, "four", "twenty four", "twenty")] == ["twenty", "or"]


def test_choices_in_chinese_are_told_apart_at_punctuation_alone() -> None:
    text = "是肝脏，肾脏，还是胃？"
    assert [split_words(text, "zh")[at] for at in choices(text, "肝脏", "肾脏", "胃", language="zh")] == ["肾", "还"]
