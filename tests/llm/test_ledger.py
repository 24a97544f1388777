"""The ledger: durable, found again, shared by threads and processes. What can go wrong: test_ledger_faults.py."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kame_data.errors import KameError, UsageError
from kame_data.llm import ledger as ledger_module
from kame_data.llm.ledger import Ledger, default_folder
from kame_data.llm.ledger_file import JOB
from kame_data.llm.ledger_tools import check, export, import_, stats
from kame_data.seeds import digest

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {
    "provider": "openai",
    "model": "m",
    "stage": "oracles",
    "level": 2,
    "input": 10,
    "output": 5,
    "cached": 4,
    "cost": 0.25,
}


def key(n: object) -> str:
    return digest("test", n)


def fill(folder: Path, numbers: range, raw: str = "raw") -> None:
    with Ledger(folder) as ledger:
        ledger.put_many([(key(n), f"{raw} {n} é\n", dict(ABOUT)) for n in numbers])


def test_what_was_put_is_found_by_a_new_opening(tmp_path: Path) -> None:
    fill(tmp_path, range(20))
    with Ledger(tmp_path) as ledger:
        entry = ledger.get(key(7))
        assert entry is not None and entry.raw == "raw 7 é\n"
        assert entry.about["level"] == 2 and entry.about["at"].endswith("Z")
        assert ledger.get(key(20)) is None
    assert check(tmp_path).answers == 20


def test_default_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAME_DATA_LEDGER", str(tmp_path / "x"))
    assert default_folder() == tmp_path / "x"
    monkeypatch.delenv("KAME_DATA_LEDGER")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if sys.platform != "darwin":
        assert default_folder() == tmp_path / "kame-data" / "ledger"


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(KameError, match="is a file"):
        Ledger(tmp_path / "f")


def test_many_threads_and_loops_share_one_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:

        async def some(first: int) -> None:
            await asyncio.gather(*(ledger.put(key(n), f"r{n}", {}) for n in range(first, first + 50)))

        threads = [threading.Thread(target=lambda i=i: asyncio.run(some(i * 50))) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(ledger.get(key(n)).raw == f"r{n}" for n in range(200))  # type: ignore[union-attr]
    assert check(tmp_path).lines == 200


def test_processes_write_side_by_side_and_see_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from kame_data.llm.ledger import Ledger; from kame_data.seeds import digest\n"
        "l = Ledger(Path(sys.argv[1])); a = int(sys.argv[2])\n"
        "for n in range(a, a + 40): l.put_now(digest('test', n), f'p{n}', {})\n"
    )
    with Ledger(tmp_path) as early:
        runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(i * 40)], cwd=ROOT) for i in range(3)]
        early.put_now(key("own"), "own", {})
        assert [run.wait(60) for run in runs] == [0, 0, 0]
        assert all(early.get(key(n)).raw == f"p{n}" for n in range(120))  # type: ignore[union-attr]
    found = check(tmp_path)
    assert (found.answers, found.damaged) == (121, [])


def test_the_answer_that_was_kept_first_holds_for_everyone(tmp_path: Path) -> None:
    one, two = Ledger(tmp_path), Ledger(tmp_path)
    two.put_now(key(1), "first", {})
    one.put_now(key(1), "second", {})
    for ledger in (one, two, Ledger(tmp_path)):
        assert ledger.get(key(1)).raw == "first"  # type: ignore[union-attr]
        assert [entry.raw for entry in ledger.entries(key(1))] == ["first", "second"]
        ledger.close()


def test_nothing_is_made_before_the_first_write_and_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    with Ledger(tmp_path / "new") as ledger:
        assert key(1) not in ledger and ledger.jobs() == {}
        assert (check(tmp_path / "new").lines, stats(tmp_path / "new").answers) == (0, 0)
    assert not (tmp_path / "new").exists()
    with pytest.raises(KameError, match="closed"):
        ledger.put_now(key(1), "x", {})


def test_at_rest_all_answers_are_in_one_file(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.put_now(key(1), "one", {})
        assert ledger.get(key(1)) is not None
        ledger.put_now(key(2), "two", {})
    wal = tmp_path / "ledger.sqlite-wal"
    assert not wal.exists() or wal.stat().st_size == 0
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "ledger.sqlite", tmp_path / "copy")
    assert check(tmp_path / "copy").answers == 2


def test_whoever_gave_up_waiting_has_kept_the_answer(tmp_path: Path) -> None:
    async def work(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(ledger.put(key(n), f"r{n}", {})) for n in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with Ledger(tmp_path) as ledger:
        asyncio.run(work(ledger))
    assert check(tmp_path).answers == 20


def test_waste_is_counted_and_never_given_out(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.put_now(key(1), "", dict(ABOUT), waste=True)
        assert ledger.get(key(1)) is None
    found = stats(tmp_path)
    assert (found.wasted, found.answers, found.total.cost) == (1, 0, 0.25)


def test_too_little_room_is_said_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "not" / "yet")
    ledger.check_space()
    monkeypatch.setattr(ledger_module, "SPACE", 2**60)
    with pytest.raises(KameError, match="MiB free"):
        ledger.check_space()


def test_notes_of_jobs_the_last_one_holds(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.note(JOB, "j1/0", {"job": "j1", "seq": 0, "state": "sent"})
        ledger.note(JOB, "j2/0", {"job": "j2", "seq": 0, "state": "sent"})
        ledger.note(JOB, "j1/1", {"job": "j1", "seq": 1, "state": "done"})
        ledger.put_many([(key(n), "r", {}) for n in range(9)])
    with Ledger(tmp_path) as ledger:
        assert {name: note["state"] for name, note in ledger.jobs().items()} == {"j1": "done", "j2": "sent"}


def test_export_is_the_same_for_the_same_answers_and_import_merges(tmp_path: Path) -> None:
    fill(tmp_path / "a", range(10))
    fill(tmp_path / "a", range(5, 15))
    fill(tmp_path / "b", range(12, 20))
    assert export(tmp_path / "a", str(tmp_path / "a.jsonl.gz")) == 15
    assert import_(tmp_path / "b", str(tmp_path / "a.jsonl.gz")).added == 12
    again = import_(tmp_path / "b", str(tmp_path / "a.jsonl.gz"))
    assert (again.added, again.known, again.damaged) == (0, 15, 0)
    assert import_(tmp_path / "c", str(tmp_path / "b")).added == 20
    with Ledger(tmp_path / "c") as ledger:
        assert all(key(n) in ledger for n in range(20))
    export(tmp_path / "b", str(tmp_path / "b.jsonl"))
    export(tmp_path / "c", str(tmp_path / "c.jsonl"))
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "c.jsonl").read_bytes()


def test_import_of_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps({"a": 1}) + "\n")
    for source in ("x.jsonl", "absent.jsonl"):
        with pytest.raises(UsageError):
            import_(tmp_path / "ledger", str(tmp_path / source))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no ledger"):
        import_(tmp_path / "ledger", str(tmp_path / "empty"))


def test_figures(tmp_path: Path) -> None:
    fill(tmp_path, range(4))
    fill(tmp_path, range(3, 5))
    with Ledger(tmp_path) as ledger:
        ledger.put_now(key("u"), "r", {**ABOUT, "cost": None, "level": 3})
    found = stats(tmp_path)
    assert (found.answers, found.repeated) == (6, 1) and found.bytes > 4096
    assert found.total.cost == pytest.approx(1.5) and found.total.unpriced == 1
    assert found.spend[("openai:m", "oracles", 2)].cached == 24
    assert found.hit_rate is None


def test_a_forked_child_writes_too_and_leaves_its_parents_connection_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.put_now(key(0), "parent", {})
    assert key(0) in ledger, "a connection is open"
    for n in range(1, 6):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                ledger.put_now(key(n), "child", {})
                code = 0 if key(0) in ledger and key(n) in ledger else 2
                ledger.close()
            finally:
                os._exit(code)
        ledger.put_now(key(n + 100), "parent", {})
        assert os.waitpid(child, 0)[1] == 0
    assert all(key(n) in ledger for n in (*range(6), *range(101, 106)))
    ledger.close()
    assert check(tmp_path).damaged == []
