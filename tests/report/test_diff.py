import copy

import pytest
from typer.testing import CliRunner

import dummies
from kame_data.cli.main import app
from kame_data.errors import UsageError
from kame_data.report.diff import compare
from kame_data.storage.local import LocalPath


def show(first, second):
    done = CliRunner().invoke(app, ["diff", str(first), str(second)], env={"COLUMNS": "180"}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_what_changed_and_nothing_else(tmp_path):
    rows = [dummies.row(n) for n in range(6)]
    changed = copy.deepcopy(rows)
    changed[0]["turns"][0]["text"] = changed[0]["turns"][0]["intended_text"] = "Something else"
    changed[1]["oracles"][0]["text"] = "[bold]A better guess[/bold]"
    changed[2]["audio"]["bytes"] = dummies.flac(((0, 0.0, 0.2),), 3.0)
    changed[3]["oracles"][1]["time"] = 9.0
    changed[4]["provenance"]["simulator"] = "openai:other"
    changed[5] = dummies.row(77)
    first = dummies.finish(tmp_path / "a", rows, settings={"seed": 0, "writer": "x"}, refused=[("speech", "clipped")])
    spend = {"dollars": 1.5, "by": []}
    second = dummies.finish(
        tmp_path / "b", changed, settings={"seed": 1, "writer": "x", "shards": {"rows": 2}}, spend=spend
    )
    found = compare(first, second)
    assert found.settings == [("seed", "0", "1"), ("shards.rows", "2000", "2")]
    assert found.only == (["dummy-00005-v0"], ["dummy-00077-v0"])
    assert (found.common, found.same) == (5, 0)
    assert found.differs == {"dialogue": 1, "oracles": 1, "speech": 1, "arrivals": 1, "provenance": 1}
    (oracle,) = found.examples["oracles"]
    assert (oracle.id, oracle.after) == ("dummy-00001-v0", "[bold]A better guess[/bold]")
    assert found.examples["speech"][0].where == "sound"
    assert found.examples["arrivals"][0].after == "9.0 s"
    text = show(first, second)
    assert "[bold]A better guess[/bold]" in text and "speech: clipped" in text and "only in B" in text
    assert "1.5000" in text and "chrF A" in text and "consumed A" in text


def test_a_build_is_the_same_as_itself_and_a_better_simulator_shows_in_the_curve(tmp_path):
    rows = [dummies.row(n) for n in range(4)]
    first = dummies.finish(tmp_path / "a", rows)
    found = compare(first, first)
    assert (found.same, found.settings, found.examples) == (4, [], {})
    assert "settings are the same" in show(first, first)
    better = copy.deepcopy(rows)
    for row in better:
        for oracle in row["oracles"]:
            oracle["text"] = row["turns"][1]["text"]
    found = compare(first, dummies.finish(tmp_path / "b", better))
    means = [sum(f.levels[0].whole) / len(f.levels[0].whole) for f in found.figures]
    assert means[0] < 40 and means[1] == 100 and found.differs == {"oracles": 4}
    consumed = [f"{f.levels[0].mean_consumed:.1f}" for f in found.figures]
    line = next(line.split() for line in show(first, tmp_path / "b").splitlines() if line.startswith("0 "))
    assert [line[8], line[9]] == consumed and float(line[10]) == pytest.approx(
        float(consumed[1]) - float(consumed[0]), abs=0.11
    )


def test_a_tokenizer_beside_the_tokens_that_is_none_names_the_way_out(tmp_path):
    pytest.importorskip("sentencepiece")
    out = dummies.finish(tmp_path / "out", [dummies.row(0)])
    (out / "tokens").mkdir()
    (out / "tokens" / "tokenizer.model").write_bytes(b"no model")
    with pytest.raises(UsageError, match=r"^/.*tokenizer.model: is damaged; `kame-data tokens .*out` makes it again"):
        compare(LocalPath(out), LocalPath(out))


def test_an_example_shows_a_place_that_both_have(tmp_path):
    row = dummies.row(1)
    changed = copy.deepcopy(row)
    del changed["oracles"][0]
    changed["oracles"][2]["text"] = "Another guess."
    found = compare(dummies.finish(tmp_path / "a", [row]), dummies.finish(tmp_path / "b", [changed]))
    (example,) = found.examples["oracles"]
    assert (example.where, example.after) == ("turn 1, 8 words, level 2", "Another guess.")


def test_silent_against_spoken(tmp_path):
    first = dummies.finish(tmp_path / "a", [dummies.row(n, spoken=False) for n in range(3)])
    second = dummies.finish(tmp_path / "b", [dummies.row(n) for n in range(3)])
    found = compare(first, second)
    assert found.differs == {"speech": 3, "arrivals": 3, "provenance": 3}
    assert found.examples["speech"][0].before == "never spoken"
    assert "median duration" in show(first, second)
