"""The wheel, away from the checkout, in a folder that has a `pipeline` and `flows` of its own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_builds_the_demo_elsewhere(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    made = subprocess.run(build, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    for name in ("kame_data", "kame_flows", "pipeline", "flows"):
        (tmp_path / "work" / name).mkdir(parents=True)
        (tmp_path / "work" / name / "__init__.py").write_text("raise SystemExit('this is the folder of a stranger')")
    # As the installed command is started: its own folder first on the path, not the one that the user stands in.
    command = [sys.executable, "-P", "-c", "from kame_data.cli.main import main; main()"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed"), "PREFECT_HOME": str(tmp_path / "prefect")}
    for arguments in (["build", "--config", "demo", "--limit", "2", "--out", "out"], ["report", "out"]):
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path / "work",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "work" / "out" / "shards").glob("*.parquet"))) >= 1
    assert "6 with sound" in done.stdout and (tmp_path / "work" / "out" / "report.html").stat().st_size > 100_000
