"""Nothing of the folder that the user stands in is ever run, by the command or by a process that it starts."""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from checkout import ROOT, SOURCE_ROOTS
from kame_data import safe_path

STRANGER = "import os\nopen(os.environ['RAN'], 'a').write(__file__ + '\\n')\nraise SystemExit('a stranger was run')\n"
NAMES = ("pipeline", "flows", "kame_flows", "records", "settings", "queue", "prefect", "torch", "espeakng_loader")
COMMAND = [str(Path(sys.executable).with_name("kame-data"))]
MODULE = [sys.executable, "-m", "kame_data.cli"]
SMALL = ["--init=untrained-tiny", "--device=cpu", "--steps=2", "--set=optimizer.warmup=1", "--set=tensorboard=false"]


def strangers(folder: Path, kind: str) -> Path:
    """A folder of files with the names of our modules; `kind`: with a `kame_data.py`, with another checkout's package
    in its place, or with neither."""
    folder.mkdir()
    for name in NAMES:
        if kind == "file" or name != "kame_flows":
            (folder / f"{name}.py").write_text(STRANGER)
    (folder / "storage").mkdir()
    (folder / "storage" / "__init__.py").write_text(STRANGER)
    shutil.copytree(ROOT / "pipeline", folder / "checkout" / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    if kind == "file":
        (folder / "kame_data.py").write_text(STRANGER)
    if kind == "package":
        shutil.copytree(ROOT / "pipeline" / "kame_data", folder / "kame_data")
        with (folder / "kame_data" / "oracles" / "simulate.py").open("a") as file:
            file.write("\n" + STRANGER)
    return folder


def environment(ran: Path) -> dict[str, str]:
    """As a user's: the packages are installed, or found by an absolute path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PREFECT"))}
    return kept | {
        "PYTHONPATH": os.pathsep.join(SOURCE_ROOTS), "PREFECT_HOME": str(ran.parent / "prefect"), "RAN": str(ran),
        "OMP_NUM_THREADS": "1", "NO_TORCH_COMPILE": "1",
    }  # fmt: skip


def made_in(folder: Path, command: list[str], ran: Path, *, train: bool = True) -> dict[str, str]:
    """Build, speak, tokenize and train in the folder; the digest of every file that came out."""
    steps = [
        ["build", "--config", "demo", "--limit", "2", "--workers", "2", "--out", "out"],
        ["tokens", "out", "--codec", "untrained-small", "--tokenizer", "sample", "--workers", "2"],
        *([["train", "out", "--run", "run", *SMALL]] if train else []),
    ]
    for step in steps:
        done = subprocess.run(
            [*command, *step], cwd=folder, env=environment(ran), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    files = [
        *folder.glob("out/shards/*"),
        *folder.glob("out/tokens/*.parquet"),
        *folder.glob("run/export/*.safetensors"),
    ]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_strangers_in_the_folder_are_never_run(tmp_path: Path) -> None:
    pytest.importorskip("moshi")
    ran = tmp_path / "ran"
    (tmp_path / "clean").mkdir()
    clean = made_in(tmp_path / "clean", COMMAND, ran)
    assert sum(name.endswith(".parquet") for name in clean) == 4 and sum("export" in name for name in clean) >= 1
    assert made_in(strangers(tmp_path / "file", "file"), COMMAND, ran) == clean
    texts = {name: digest for name, digest in clean.items() if not name.startswith("run")}
    assert made_in(strangers(tmp_path / "package", "package"), COMMAND, ran, train=False) == texts
    # `python -m` finds our package by the path; what else lies in the folder is never looked at.
    assert made_in(strangers(tmp_path / "neither", "neither"), MODULE, ran, train=False) == texts
    assert not ran.exists()


def test_a_process_of_the_pool_imports_no_stranger(tmp_path: Path) -> None:
    """The fork server imports what its processes need before they begin, by a path of its own."""
    folder, ran = strangers(tmp_path / "folder", "file"), tmp_path / "ran"
    code = (
        "import sys\nfrom kame_data.engine.pool import context\nimport kame_data.safe_path\n"
        "if __name__ == '__main__':\n"
        "    with context(['kame_data.engine.worker']).Pool(1) as pool:\n"
        "        print(pool.apply(kame_data.safe_path.code_digest))\n"
    )
    (tmp_path / "script.py").write_text(code)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], cwd=folder, env=environment(ran), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == safe_path.code_digest() and not ran.exists()


def test_a_child_has_a_safe_path_and_what_the_user_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "mine", *SOURCE_ROOTS]))
    found = safe_path.environment()
    assert found["PYTHONSAFEPATH"] == "1"
    assert str(tmp_path / "mine") in found["PYTHONPATH"].split(os.pathsep)
    assert not {"", ".", str(tmp_path)} & set(found["PYTHONPATH"].split(os.pathsep))
    with safe_path.safely():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ["PYTHONPATH"].startswith(os.pathsep)


def test_another_line_of_code_is_another_digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = safe_path.code_digest()
    assert safe_path.code_digest.__wrapped__() == before
    copy = shutil.copytree(ROOT / "pipeline" / "kame_data", tmp_path / "kame_data")
    monkeypatch.setattr(safe_path.kame_data, "__file__", str(copy / "__init__.py"))
    assert safe_path.code_digest.__wrapped__() == before
    with (copy / "records.py").open("a") as file:
        file.write("# changed\n")
    assert safe_path.code_digest.__wrapped__() != before


def test_a_folder_that_is_deleted_under_the_user_is_no_fault(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os\nos.rmdir(os.getcwd())\nimport sys\nsys.argv[1:] = ['--version']\n"
    code += "from kame_data.cli.main import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], cwd=gone, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("kame-data "), done.stderr
