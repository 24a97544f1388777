import pytest

import dummies
from kame_data.finished.level_figures import LevelCurve
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.report import figures
from kame_data.report.figures import bins, spread
from kame_data.report.plots import draw
from kame_data.settings.tree import Settings


def gather(rows, compare=()):
    """The figures of rows as a shard has them."""
    return figures.gather(map(Row.of, rows), LevelCurve(Reckoner.of(Settings())), compare)


def test_counts_rates_gaps_and_situations():
    rows = [dummies.row(n, duplex=n == 0, pace=0.3) for n in range(3)]
    found = gather(rows, {rows[1]["id"]})
    assert found.by_source == {("mmlu_pro", "train"): 1, ("gsm8k", "train"): 1, ("hssbench", "train"): 1}
    assert (found.dialogues, found.spoken, found.compared) == (3, 3, 1)
    # A word each 0.3 s is 200 a minute; a back-channel is no turn.
    assert len(found.rates["user"]) == 4
    assert found.rates["user"] == pytest.approx([200] * 4)
    assert sorted(found.gaps["assistant"]) == pytest.approx([0.3, 0.4, 0.4, 0.4])
    assert found.gaps["user"] == pytest.approx([-0.3])  # the barge-in
    assert {kind: len(lengths) for kind, lengths in found.situations.items()} == dict.fromkeys(found.situations, 1)
    assert found.situations["background"][0] == pytest.approx(rows[0]["duration"] - 0.1)
    assert found.delays and all(delay == pytest.approx(0.4) for delay in found.delays)


def test_levels_are_compared_with_the_answer_on_the_sample_alone():
    row = dummies.row(1, answer="228")
    for oracle in row["oracles"]:
        oracle["text"] = " ".join(dummies.BACK) if oracle["level"] == 5 else "nothing of the kind"
    found = gather([row, dummies.row(2)], {row["id"]})
    top, low = found.levels[5], found.levels[0]
    assert list(top.whole) == pytest.approx([100] * len(top.whole)) and top.holds == 1
    assert max(low.whole) < 30 and low.holds == 0
    assert len(top.whole) * 2 == top.count  # of two rows alike, one
    assert min(top.consumed) < 100  # the next oracle came before it was read


def test_without_a_right_answer_no_oracle_holds_or_lacks_it():
    found = gather([dummies.row(1, answer="")], {"dummy-00001-v0"})
    assert found.levels[5].whole and found.levels[5].holds is None
    titles = {plot.title for plot in draw(found, [], [])}
    assert "Likeness to the true answer" in titles
    assert not {"Oracles that hold the right answer", "Right guesses"} & titles


def test_right_answers_are_shown_by_level_and_right_guesses_by_what_was_heard():
    row = dummies.row(1, answer="228")
    for oracle in row["oracles"]:
        if oracle["level"] in (0, 3):
            oracle["text"] = "Two hundred twenty-eight seats in all."
    plots = {plot.title: plot for plot in draw(gather([row], {"dummy-00001-v0"}), [], [])}
    shown = {int(line[0]): line[2] for line in plots["Oracles that hold the right answer"].lines}
    assert shown[0] == shown[3] == "100%" and shown[1] == "0%"
    assert {line[2] for line in plots["Right guesses"].lines} == {"100%"}


def test_oracles_are_as_long_as_their_language_counts():
    row = dummies.row(0, language="zh")
    for oracle in row["oracles"]:
        oracle["text"] = "\u4e00\u5171\u4e8c\u767e\u3002"
    assert gather([row]).levels[0].mean_words == 4


def test_silent_rows_have_levels_and_no_times():
    found = gather([dummies.row(n, spoken=False, duplex=True) for n in range(2)], {"dummy-00001-v0"})
    assert (found.spoken, found.durations, found.delays) == (0, [], [])
    assert found.situations["pause"] == [None, None]
    assert found.levels[0].arrived == 0 and found.levels[0].whole


def test_bins_are_round_and_hold_everything():
    rows = bins({"a": [0.0, 0.1, 9.9], "b": [-3.0], "c": []})
    assert sum(row["count"] for row in rows) == 4
    assert {round(row["high"] - row["low"], 9) for row in rows} == {1.0}
    assert all(row["low"] <= row["high"] for row in rows) and bins({"a": []}) == []
    assert sum(row["count"] for row in bins({"a": [5.0] * 7})) == 7
    assert spread({1: 1, 3: 2}) == (2, 3, 3)


def test_plots_are_small_name_what_they_show_and_leave_colours_to_the_page():
    gathered = gather([dummies.row(n, duplex=n == 0) for n in range(8)], {"dummy-00001-v0"})
    counts = dict.fromkeys(("asked", "hits", "calls", "input", "output"), 4)
    spend = [{"model": "openai:x", "stage": "oracles", "level": 1, "cost": 0.5, "lost": 0.1} | counts]
    plots = {
        plot.title: plot for plot in draw(gathered, [{"stage": "speech", "reason": "too_long", "count": 2}], spend)
    }
    assert list(plots) == [
        "Dialogues by source", "Dialogues by category", "Oracles by level", "Likeness to the true answer",
        "Oracles that hold the right answer", "Right guesses", "Length of oracles", "Durations", "Speaking rates",
        "Gaps between turns", "From heard to arrived", "Alignment",
        "Loudness", "Situations", "Refusals", "Spend",
    ]  # fmt: skip
    assert all(
        len(plot.svg) < 40_000 and "var(--ink)" in plot.svg and "#c0ffe" not in plot.svg for plot in plots.values()
    )
    assert all("style=" not in plot.svg for plot in plots.values())  # the page's policy would not have it
    assert 'aria-label="' in plots["Refusals"].svg and ("speech", "too long", "2") not in plots["Refusals"].lines
    assert plots["Refusals"].lines == (("speech", "too_long", "2"),)
    assert plots["Spend"].lines[0][-1] == "0.6000"


def test_hostile_labels_are_drawn_as_text():
    rows = [dummies.row(n, hostile=(text,), spoken=False) for n, text in enumerate(dummies.HOSTILE)]
    plots = draw(gather(rows), [{"stage": text, "reason": text, "count": 1} for text in dummies.HOSTILE], [])
    for plot in plots:
        assert "<script" not in plot.svg and "<img" not in plot.svg and "\u2028" not in plot.svg
        assert not any(line.startswith(" on") for line in plot.svg.split("<")[1:])
