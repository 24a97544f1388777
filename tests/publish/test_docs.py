"""The commands of docs/PUBLISH.md, as they stand there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kame_data.cli.main import app

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["docs/PUBLISH.md"])
def test_the_commands_of_the_page_run(page, spoken, run, site, tmp_path, monkeypatch):
    shutil.copytree(spoken, tmp_path / "out" / "first")
    shutil.copytree(run, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    commands = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    assert len(commands) == 5
    for command, *arguments in commands:
        assert command == "kame-data"
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    datasets = {("dataset", f"ORG/{name}") for name in ("first", "first-text", "first-own")}
    assert set(site.repos) == datasets | {("model", "ORG/moshi-first")}
    assert site.repos["dataset", "ORG/first-own"].private and (tmp_path / "dry" / "first" / "README.md").is_file()
