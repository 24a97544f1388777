import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import dummies
from kame_data.cli.main import app
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.report.print_replay import moments
from kame_data.settings.tree import Settings


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    rows = [
        dummies.row(0, duplex=True),
        dummies.row(1, spoken=False),
        dummies.row(2, grid=True),
        dummies.row(3, hostile=dummies.HOSTILE),
    ]
    return dummies.finish(tmp_path_factory.mktemp("replay") / "out", rows)


def replay(build, name):
    done = CliRunner().invoke(app, ["replay", str(build), name], env={"COLUMNS": "160"}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_second_by_second(build):
    row = dummies.row(0, duplex=True)
    found = moments(Row.of(row), Reckoner.of(Settings()))
    assert len(found) == 14
    said = " ".join(m.user for m in found if m.user)
    assert said == " ".join([*dummies.USER, *dummies.AGAIN])
    arrived = [(r.time, r.level) for m in found for r in m.readings if r.arrived]
    assert arrived == sorted((o["time"], o["level"]) for o in row["oracles"] if o["time"] is not None)
    for moment in found:
        for reading in moment.readings:
            assert reading.arrived == (moment.start <= reading.time < moment.start + 1)
    assert found[1].situations == ("background", "pause")
    # The first oracle is there from 2.17 to 2.77 s, frames 27 to 33: the start id and six tokens, which are four words.
    first, second = found[2].readings
    assert first.seen.text.split() == row["oracles"][0]["text"].split()[:4] and first.heard == ""
    assert second.heard == "Tell me how mini"


def test_the_command_shows_all_of_it(build):
    text = replay(build, "dummy-00000-v0")
    assert "true answer: 228" in text and "barge-in" in text and "reckoned" in text
    assert re.search(r"> 2\.\d\d level 0: Perhaps", text) and "Mm-hm." in text
    assert 'heard as "Tell me how mini"' in " ".join(text.split())
    assert "never spoken" in replay(build, "dummy-00001-v0")
    assert text.count("level 5:") and "level 3:" in replay(build, "dummy-00002-v0")


def test_markup_in_a_row_is_shown_and_not_read(build):
    name = dummies.row(3, hostile=dummies.HOSTILE)["id"]
    assert "<img" in replay(build, name)


def test_an_unknown_id_is_one_line_that_names_near_ones(build):
    command = [sys.executable, "-m", "kame_data.cli", "replay", str(build), "dummy-00001"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "dummy-00001-v0" in done.stderr
