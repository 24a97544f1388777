"""Answers that begin before the true answer is known, in time: what is said had come."""

from statistics import median

import pytest

from early_rows import DUPLEX, dialogues, rows
from kame_data.errors import Refusal
from kame_data.finished.early_figures import EarlyFigures, faults
from kame_data.levels import HOLDING, LevelSchedule
from kame_data.oracles.early_arrivals import ATTEMPTS, early_arrivals, planned_prefixes
from kame_data.oracles.replay import planned_arrivals
from kame_data.records import Word
from kame_data.settings.latency import LatencySettings
from kame_data.settings.layers import load
from kame_data.settings.tree import Settings
from kame_data.speech.speak import speak_dialogues
from kame_data.text.hesitations import clause_end
from kame_data.text.words import split_words
from talking import Hum

EARLY = {**DUPLEX, "early": {"share": 1.0, "filler": 0.5}}
BACK_ENDS = {
    "typical": {},
    "fast": {"preset": "fast"},
    "slow": {"preset": "slow"},
    "ideal": {"preset": "ideal"},
    "overlap": {"policy": "overlap"},
    "slow overlap": {"preset": "slow", "policy": "overlap"},
}


FEW, MANY = 30, 160
"""Questions for tests that are quick, and for those that look at many rows."""


def made(name, count=FEW):
    return rows(Settings(duplex=EARLY, latency=BACK_ENDS[name], stt={"noise": 0.03}).model_dump_json(), count)


@pytest.mark.parametrize(
    ("name", "count"), [("typical", FEW), *(pytest.param(name, MANY, marks=pytest.mark.slow) for name in BACK_ENDS)]
)
def test_what_is_said_had_come_in_every_row(name, count):
    early = fillers = 0
    for row in made(name, count):
        assert list(faults(row)) == []
        for start in row.starts:
            said, answer = row.words_by_turn[start.turn], row.turns[start.turn]
            of_turn = [o for o in row.oracles if o.turn == start.asked]
            after = said[start.words].start if start.words < len(said) else answer.end
            if start.kind == "filler":
                fillers += 1
                assert of_turn[-1].time is not None and of_turn[-1].time < after
                assert row.turns[start.asked].end < answer.start
                continue
            early += 1
            (oracle,) = [o for o in of_turn if o.prefix_words == start.prefix_words]
            assert oracle.time is not None and oracle.time < answer.start, "it had come before its words were said"
            good = [o.time for o in of_turn if o.time is not None and o.level >= HOLDING]
            assert min(good) < after, "what mends it had come before that was said"
    assert early > 0.6 * count and fillers


def test_an_early_start_says_the_newest_oracle_before_the_users_end():
    figures = EarlyFigures()
    for row in made("typical"):
        figures.add(row)
    assert figures.newest > 0.95 * figures.taken_back > 0
    assert figures.before_end is not None and figures.before_end > 0.5 and 0 < median(figures.ahead) < 2
    assert max(figures.ahead) < 5.0, "nobody talks over a user for so long"
    assert median(figures.silences) < 1.5


def test_an_early_start_over_the_users_words_is_an_overlap():
    for row in made("typical"):
        for start in row.starts:
            situations = [s for s in row.situations if s.turn == start.turn]
            (own,) = [s for s in situations if s.kind in ("early_start", "filler")]
            assert own.start == row.turns[start.turn].start
            assert own.end == row.words_by_turn[start.turn][start.words - 1].end
            last = row.words_by_turn[start.asked][-1]
            if last.start < own.start < last.end - 0.05:
                assert any(s.kind == "overlap" for s in situations)


def test_later_turns_change_nothing_of_what_placed_an_answer():
    """The shard replays all turns, the speech stage those up to the answer."""
    settings = Settings(duplex=EARLY, stt={"noise": 0.03})
    by_id = {one.id: one for one in dialogues(settings, FEW)}
    looked_at = 0
    for row in made("typical"):
        one = by_id[row.id]
        planned = planned_prefixes(one, settings.level_schedule())
        for start in one.starts:
            until = {turn: counts for turn, counts in planned.items() if turn <= start.asked}
            words = [Word(*word) for word in row.words if word.turn in until]
            found = early_arrivals(one, until, words, settings.latency, settings.seed)
            for oracle in row.oracles:
                if oracle.turn == start.asked:
                    assert found[oracle.turn, oracle.prefix_words] == (oracle.heard, oracle.time)
                    looked_at += 1
    assert looked_at > 200


def test_no_later_turn_comes_before_the_truth_of_an_early_one():
    for row in made("slow"):
        for start in row.starts:
            whole = [o for o in row.oracles if o.turn == start.asked][-1]
            truth = min(
                o.time for o in row.oracles
                if o.turn == start.asked and o.time is not None and (o.level >= HOLDING or o == whole)
            )  # fmt: skip
            assert all(turn.start >= truth for n, turn in enumerate(row.turns) if n > start.turn and n in row.floor)


def test_where_the_loop_cancels_the_oracle_its_delays_are_drawn_again():
    """A slow back end answers few prefixes within a turn: most of the early ones come only in a later draw."""
    settings = Settings(duplex=EARLY, latency=BACK_ENDS["slow"], stt={"noise": 0.03})
    by_id, again = {one.id: one for one in dialogues(settings, FEW)}, 0
    for row in made("slow"):
        planned = planned_prefixes(by_id[row.id], settings.level_schedule())
        first = planned_arrivals(row.id, planned, [Word(*word) for word in row.words], settings.latency, settings.seed)
        again += any(first[s.asked, s.prefix_words].time is None for s in row.starts if s.kind == "early")
    assert again > 5


def test_an_oracle_that_never_comes_is_a_refusal_of_the_row():
    settings = Settings(duplex={"early": {"share": 1.0}})
    one = next(one for one in dialogues(settings, 20) if one.starts)
    (start,) = one.starts
    spoken = [Word(start.asked, "user", w, n, n + 1.0) for n, w in enumerate(split_words(one.turns[start.asked].text))]
    planned = {start.asked: planned_prefixes(one, LevelSchedule())[start.asked]}
    never = LatencySettings(policy="final")
    with pytest.raises(Refusal, match=f"in {ATTEMPTS} draws"):
        early_arrivals(one, planned, spoken, never, 0)


def test_dialogues_with_early_starts_need_a_back_end():
    settings = Settings(duplex={"early": {"share": 1.0}})
    one = next(one for one in dialogues(settings, 20) if one.starts)
    with pytest.raises(ValueError, match="no back end is given"):
        list(speak_dialogues([(one, "train")], Hum(), settings.speech, 0))


@pytest.mark.slow
def test_the_tandem_recipe_has_all_of_it():
    recipe = load(Settings, "tandem", {})
    found = rows(recipe.model_dump_json(), 120)
    kinds = {situation.kind for row in found for situation in row.situations}
    assert {"early_start", "filler", "hesitation", "back_channel", "barge_in", "overlap", "pause"} <= kinds
    assert not [fault for row in found for fault in faults(row)]
    shares = [
        sum(any(s.kind == kind for s in row.starts) for row in found) / len(found) for kind in ("early", "filler")
    ]
    assert 0.08 < shares[0] < 0.3 and 0.08 < shares[1] < 0.4


def test_an_early_start_that_was_right_goes_on_in_one_breath():
    settings = Settings(duplex={"early": {"share": 1.0}}, levels=(3, 4, 5))
    right = 0
    for row in rows(settings.model_dump_json(), FEW):
        assert list(faults(row)) == []
        for start in (start for start in row.starts if not start.mend):
            words = row.words_by_turn[start.turn]
            if start.words < len(words) and not clause_end(words[start.words - 1].word):
                assert words[start.words].start == pytest.approx(words[start.words - 1].end, abs=0.01)
                right += 1
    assert right > 3
