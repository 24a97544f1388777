"""What is found out about sources and settings is found out before Prefect is imported, let alone a server started."""

import json
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from building import Silent, build, settings_of
from kame_data.engine.build import Build
from kame_data.engine.run import pull
from kame_data.engine.status import stage_table
from kame_data.errors import Interrupted, KameError
from kame_data.settings.tree import Settings
from kame_data.storage.paths import path_of

COMMAND = """
import atexit, sys
atexit.register(lambda: print("imported:", sorted({"prefect", "kame_flows"} & set(sys.modules))))
from kame_data.cli.main import main
main()
"""


def said(*args, code):
    """The last line of what a command says that ends with `code` and has not imported Prefect."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, args)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "imported: []"
    return (done.stderr or done.stdout).splitlines()[-1]


def empty_lines(folder):
    (folder / "rows.jsonl").touch()
    return folder / "rows.jsonl"


def empty_table(folder):
    columns = {name: pa.array([], pa.string()) for name in ("question", "answer")}
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    return folder / "rows.parquet"


def of_another_kind(folder):
    (folder / "rows.txt").write_text("hello\n")
    return folder / "rows.txt"


def empty_folder(folder):
    (folder / "rows").mkdir()
    return folder / "rows"


def folder_without_rows(folder):
    empty_lines(empty_folder(folder))
    return folder / "rows"


def broken_at_its_end(folder):
    rows = [json.dumps({"id": n, "question": f"How many is {n} and {n}?", "answer": str(2 * n)}) for n in range(40)]
    (folder / "rows.jsonl").write_text("\n".join([*rows, '{"id":']))
    return folder / "rows.jsonl"


def all_refused(folder):
    (folder / "rows.jsonl").write_text('{"id": 1, "question": "", "answer": "2"}\n' * 3)
    return folder / "rows.jsonl"


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (empty_lines, 2, "holds no rows"),
        (empty_table, 2, "holds no rows"),
        (of_another_kind, 2, "rename or convert it"),
        (empty_folder, 2, "holds no .parquet, .jsonl, .json or .csv file"),
        (folder_without_rows, 2, "holds no rows"),
        (broken_at_its_end, 2, "line 41 cannot be read"),
        (all_refused, 1, "no dialogue was accepted: 3 of 3 refused for 'bad_row'"),
    ],
)
def test_a_source_that_gives_nothing(tmp_path, make, code, words):
    source = make(tmp_path)
    assert words in said("build", "--source", f"questions={source}", "--out", tmp_path / "out", code=code)


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--tts", "espeak:nonsense"], 2, "nonsense"),
        (["--tts", "nobody"], 2, "nobody"),
        (["--llm", "nobody:m"], 2, "nobody"),
        (["--llm", "openai:gpt-4.1-nano"], 2, "OPENAI_API_KEY"),
        (["--runner", "dask", "--address", "tcp://127.0.0.1:1"], 1, "nothing answers there"),
        (["--runner", "dask", "--address", "tcp://h/path"], 2, "no address of a cluster"),
        (["--target", "100000"], 2, "give"),
        (["--source", "gsm8k=no/such/file.jsonl"], 2, "does not exist"),
    ],
)
def test_a_setting_that_will_not_do(tmp_path, monkeypatch, flags, code, words):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert words in said("build", "--config", "demo", *flags, "--out", tmp_path / "out", code=code)


def test_a_voice_that_there_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("KAME_DATA_SPEECH__USER_VOICES", '[{"voice": "nonsense"}]')
    assert "nonsense" in said("build", "--config", "demo", "--out", tmp_path / "out", code=2)


def test_a_folder_that_is_something_else(tmp_path):
    (tmp_path / "thesis.txt").touch()
    assert "holds something else than a build" in said("build", "--config", "demo", "--out", tmp_path, code=2)
    assert "is a file" in said("build", "--config", "demo", "--out", tmp_path / "thesis.txt", code=2)


def test_a_build_that_has_nothing_to_do(tmp_path):
    settings = settings_of(tmp_path / "out", sources=("gsm8k=sample",), limit=2)
    build(settings)
    flags = ["--source", "gsm8k=sample", "--limit", "2", "--no-speech", "--config", tmp_path / "build.yaml"]
    (tmp_path / "build.yaml").write_text("part_size: 4\nvalidation_share: 0.2\n")
    said("build", *flags, "--out", tmp_path / "out", code=0)
    said("pull", *flags, "--out", tmp_path / "out", code=0)


@pytest.mark.parametrize("command", [["nightly"], ["serve", "--interval", "60"]])
@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--llm", "nobody:m"], 2, "LLM 'nobody:m'"),
        ([], 1, "stand-ins"),
        (["--more", "0"], 2, "more 0: "),
        (["--set", "publish.audio=maybe"], 2, "publish.audio 'maybe': "),
        (["--allow-stand-ins", "--report-url", "http://u:hidden@h/"], 2, "holds a user or a password (not shown here)"),
    ],
)
def test_a_night_that_could_publish_nothing(tmp_path, command, flags, code, words):
    common = ["--repo", "ORG/NAME", "--source", "gsm8k=sample", "--dry-run", "dry", "--out", tmp_path / "out"]
    line = said(*command, *common, *flags, code=code)
    assert words in line and "hidden@" not in line


def test_a_bad_source_does_not_wait_for_the_others(tmp_path):
    """What is wrong with one source is said while another is still being read."""
    good = tmp_path / "many.jsonl"
    rows = [{"question": f"How many is {n} and {n}?", "answer": str(2 * n)} for n in range(200)]
    good.write_text("\n".join(map(json.dumps, rows)))
    settings = Settings(
        out=path_of(tmp_path / "out"), sources=(f"questions={good}", f"gsm8k={empty_lines(tmp_path)}"), speak=False
    )
    found, read = Build(settings), []
    check_stop = found.questions._check_stop

    def slowly():
        read.append(time.sleep(0.05))
        check_stop()

    found.questions._check_stop = slowly
    with pytest.raises(KameError, match="gsm8k"):
        pull(found, Silent())
    assert len(read) < 100


def test_a_stop_that_comes_while_sources_are_read_is_kept(tmp_path):
    found = Build(Settings(out=path_of(tmp_path / "out"), sources=("gsm8k=sample",), speak=False))
    advance = Silent().advance

    class Stops(Silent):
        def advance(self, stage, rows, refused):
            advance(stage, rows, refused)
            found.stop.set()

    with pytest.raises(Interrupted):
        pull(found, Stops())


def test_rows_that_cannot_be_read_are_no_questions_of_the_status(tmp_path):
    rows = [{"question": "How many is one and one?", "answer": "2"}, *[{"question": 7}] * 3]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    settings = Settings(out=path_of(tmp_path / "out"), sources=(f"questions={tmp_path / 'rows.jsonl'}",), speak=False)
    pull(Build(settings), Silent())
    (line, *_) = stage_table(Build(settings))
    assert (line.rows, line.refused) == (1, 3)
