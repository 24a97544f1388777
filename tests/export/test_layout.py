"""A layout is one object in a list."""

import json

import pytest

from kame_data.errors import UsageError
from kame_data.export.layout import Layout
from kame_data.export.layouts import LAYOUTS
from kame_data.export.write_export import export


def test_a_layout_is_one_object(built, tmp_path, monkeypatch):
    def write(build, folder, oracles, tally):
        (folder / "count.json").write_text(json.dumps(len(build.manifest.shards)))
        tally.dialogues["train"] = 1

    with pytest.raises(UsageError, match="--to counted: no such layout; use kame-finetune, "):
        export(built, tmp_path / "x", "counted")
    monkeypatch.setitem(LAYOUTS, "counted", Layout("counted", write))
    done = export(built, tmp_path / "x", "counted")
    assert done.note["dialogues"] == {"train": 1} and int((done.folder / "count.json").read_text()) > 0
    with pytest.raises(UsageError, match="--level: counted has every oracle"):
        export(built, tmp_path / "y", "counted", level=3)
