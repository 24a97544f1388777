import pytest
from hypothesis import given
from hypothesis import strategies as st

from kame_data.errors import UsageError
from kame_data.levels import LevelSchedule, parse_levels


@pytest.mark.parametrize(
    ("text", "levels"),
    [("0-5", (0, 1, 2, 3, 4, 5)), ("0,3,5", (0, 3, 5)), ("5", (5,)), ("0-1, 4-5", (0, 1, 4, 5)), ("3,3", (3,))],
)
def test_levels_are_parsed(text, levels):
    assert parse_levels(text) == levels


@pytest.mark.parametrize("text", ["", "0-9", "5-0", "a", "-1", "0-", "1..3", "0,,5", "²"])
def test_other_levels_are_one_clear_line(text):
    with pytest.raises(UsageError, match="use 0 to 5") as caught:
        parse_levels(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "total", "level"),
    [(1, 2, 0), (13, 20, 1), (4, 5, 2), (19, 20, 3), (99, 100, 4), (20, 20, 5), (1, 1, 5), (51, 100, 1), (39, 40, 4)],
)
def test_shares_are_compared_as_integers(words, total, level):
    assert LevelSchedule().level(words, total) == level


def test_forty_words_make_every_level_and_at_most_twenty_calls():
    prefixes = LevelSchedule().prefixes(0, 40)
    assert [p.words for p in prefixes] == [*range(2, 40, 2), 39, 40]
    assert {p.level for p in prefixes} == {0, 1, 2, 3, 4, 5}
    assert sum(p.level < 5 for p in prefixes) <= 20


def test_the_last_word_but_one_comes_only_for_a_level_that_is_missing():
    assert [p.words for p in LevelSchedule().prefixes(0, 10)] == [2, 4, 6, 8, 9, 10]  # 0.9 is level 3
    assert [p.words for p in LevelSchedule().prefixes(0, 9)] == [2, 4, 6, 8, 9]
    assert [p.words for p in LevelSchedule().prefixes(0, 7)] == [2, 4, 6, 7]
    assert 29 in [p.words for p in LevelSchedule().prefixes(0, 30)]
    assert 29 not in [p.words for p in LevelSchedule(levels=(0, 3, 5)).prefixes(0, 30)]


def test_progressive_takes_the_highest_allowed_level_below_or_none():
    schedule = LevelSchedule(levels=(3, 5))
    assert [(p.words, p.level) for p in schedule.prefixes(0, 10)] == [(9, 3), (10, 5)]
    assert [(p.words, p.level) for p in schedule.prefixes(0, 4)] == [(4, 5)]
    assert {p.level for p in schedule.prefixes(0, 40)} == {3, 5}


def test_grid_gives_every_prefix_every_level():
    prefixes = LevelSchedule(levels=(0, 3, 5), schedule="grid").prefixes(2, 6)
    assert [(p.turn, p.words, p.level) for p in prefixes] == [(2, w, level) for w in (2, 4, 6) for level in (0, 3, 5)]


@given(st.integers(0, 300), st.integers(1, 7), st.sets(st.integers(0, 5), min_size=1))
def test_prefixes_rise_and_end_with_the_whole_turn(total, every, levels):
    schedule = LevelSchedule(levels, "progressive", every)
    counts = schedule.counts(total)
    assert counts == sorted(set(counts))
    assert (counts[-1] == total) if total else counts == []
    found = [p.level for p in schedule.prefixes(0, total)]
    assert found == sorted(found)
    assert set(found) <= levels


@pytest.mark.parametrize(
    "settings",
    [{"cuts": (0.5, 0.4, 0.8, 0.95, 0.99)}, {"cuts": (0.5,)}, {"every": 0}, {"schedule": "both"}, {"levels": ()}],
)
def test_bad_schedules_are_refused(settings):
    with pytest.raises(UsageError):
        LevelSchedule(**settings)
