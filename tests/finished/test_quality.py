"""What `kame-data quality` measures, and when it fails."""

import subprocess
import sys
from dataclasses import replace

import pytest

from building import build, settings_of
from kame_data.engine import stages
from kame_data.errors import UsageError
from kame_data.finished.level_figures import measure
from kame_data.finished.reader import Finished
from kame_data.oracles.simulate import DialogueOracles


def flattened(settings, inputs, run=stages.STAGES["oracles"].run):
    """The real stage, but oracles of level 3 say what those of level 0 do: nothing."""
    for item in run(settings, inputs):
        if isinstance(item, DialogueOracles):
            flat = [replace(o, text="Let me think about it.") if o.level == 3 else o for o in item.oracles]
            item = replace(item, oracles=tuple(flat))
        yield item


def test_the_offline_oracles_rise_and_the_figures_are_theirs(tmp_path):
    manifest, _ = build(settings_of(tmp_path / "out"))
    found = measure(Finished.open(tmp_path / "out"))
    assert {str(level): q.count for level, q in found.levels.items()} == manifest["oracles"]
    assert not found.falls() and not found.spoken
    assert found.levels[5].mean_whole == pytest.approx(100)
    for q in found.levels.values():
        assert 0 < q.mean_consumed <= 100 and 1 <= q.mean_words <= 45
    assert found.levels[0].holds < found.levels[4].holds <= 1


def test_back_channels_and_cuts_do_not_mix_up_what_answers_what(tmp_path):
    duplex = {"hesitation": 0.3, "user_back_channel": 1.0, "assistant_back_channel": 1.0, "barge_in": 1.0}
    settings = settings_of(tmp_path / "out", duplex=duplex, stt={"noise": 0.05})
    build(settings)
    found = measure(Finished.open(settings.out))
    assert found.levels[5].mean_whole == pytest.approx(100), "the truth is what would have been said"
    assert not found.falls()


def test_the_command_fails_where_a_level_does_not_rise(tmp_path, monkeypatch):
    stage = stages.STAGES["oracles"]
    monkeypatch.setitem(stages.STAGES, "oracles", replace(stage, run=flattened))
    build(settings_of(tmp_path / "out"))
    done = subprocess.run(
        [sys.executable, "-m", "kame_data.cli", "quality", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "level 3 do not say more of the answer than those of level 2" in done.stderr
    assert "right consumed" in done.stdout and "share of the turn heard" in done.stdout


def test_an_unfinished_build_is_not_measured(tmp_path):
    with pytest.raises(UsageError, match="holds no finished build"):
        Finished.open(tmp_path / "out")
