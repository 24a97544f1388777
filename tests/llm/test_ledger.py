"""The ledger: durable, found again, never trusting what is torn or flipped."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.errors import KameError, UsageError
from pipeline.llm import ledger as ledger_module
from pipeline.llm.ledger import Ledger, default_folder
from pipeline.llm.ledger_tools import check, export, import_, stats
from pipeline.llm.segments import JOB, segments
from pipeline.seeds import digest

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
        assert len(ledger) == 20


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


def test_the_index_is_kept_and_can_be_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "CACHE_FROM", 10)
    fill(tmp_path, range(30))
    fill(tmp_path, range(30, 45))
    cache = tmp_path / "index.npz"
    assert cache.exists()
    for spoil in (lambda: None, lambda: cache.write_bytes(b"junk"), cache.unlink):
        spoil()
        with Ledger(tmp_path) as ledger:
            assert [ledger.get(key(n)).raw for n in range(45)] == [f"raw {n} é\n" for n in range(45)]  # type: ignore[union-attr]
            assert ledger.get(key(99)) is None
            assert len(ledger) == 45


def test_the_index_takes_over_while_answers_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "CACHE_FROM", 3)
    with Ledger(tmp_path) as ledger:
        for n in range(50):
            ledger.put_now(key(n), f"raw {n}", {})
        assert len(ledger) == 50 and len(ledger._new) < 15
        assert all(ledger.get(key(n)).raw == f"raw {n}" for n in range(50))  # type: ignore[union-attr]
    fill(tmp_path, range(40, 60))
    with Ledger(tmp_path) as ledger:
        assert ledger.get(key(45)).raw == "raw 45"  # type: ignore[union-attr]
        assert key(59) in ledger


def test_an_index_of_a_segment_that_is_gone_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "CACHE_FROM", 1)
    fill(tmp_path, range(3))
    segments(tmp_path)[0].unlink()
    fill(tmp_path, range(3, 5))
    with Ledger(tmp_path) as ledger:
        assert [key(n) in ledger for n in range(5)] == [False] * 3 + [True] * 2


def test_a_torn_tail_at_any_byte_costs_only_the_last_line(tmp_path: Path) -> None:
    fill(tmp_path / "whole", range(3))
    data = segments(tmp_path / "whole")[0].read_bytes()
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(data)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "20260101T000000.000000-h-1-aa.jsonl").write_bytes(data[:cut])
        with Ledger(folder) as ledger:
            assert [key(n) in ledger for n in range(3)] == [True, True, False]
            ledger.put_now(key(2), "again", {})
            assert ledger.get(key(2)).raw == "again"  # type: ignore[union-attr]
        with Ledger(folder) as ledger:
            assert ledger.get(key(2)).raw == "again"  # type: ignore[union-attr]
        assert check(folder).sound


def test_a_flipped_bit_is_found_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, range(5))
    path = segments(tmp_path)[0]
    data = path.read_bytes()
    lines = data.split(b"\n")
    start = sum(len(line) + 1 for line in lines[:2])
    for offset in range(0, len(lines[2]), 7):
        for bit in (0, 6):
            flipped = bytearray(data)
            flipped[start + offset] ^= 1 << bit
            path.write_bytes(bytes(flipped))
            with Ledger(tmp_path) as ledger:
                assert [key(n) in ledger for n in range(5)].count(False) >= 1
                assert ledger.get(key(2)) is None
                assert ledger.get(key(0)) and ledger.get(key(1)) and ledger.get(key(4))
            assert not check(tmp_path).sound
    assert "damaged" in caplog.text


def test_a_bit_that_flips_after_opening_is_found_when_read(tmp_path: Path) -> None:
    fill(tmp_path, range(2))
    with Ledger(tmp_path) as ledger:
        path = segments(tmp_path)[0]
        data = bytearray(path.read_bytes())
        data[120] ^= 1
        path.write_bytes(bytes(data))
        assert ledger.get(key(0)) is None
        assert ledger.get(key(1)) is not None
        assert ledger.damaged == 1


def test_many_threads_and_loops_share_one_segment(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:

        async def some(first: int) -> None:
            await asyncio.gather(*(ledger.put(key(n), f"r{n}", {}) for n in range(first, first + 50)))

        threads = [threading.Thread(target=lambda i=i: asyncio.run(some(i * 50))) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(ledger.get(key(n)).raw == f"r{n}" for n in range(200))  # type: ignore[union-attr]
    assert len(segments(tmp_path)) == 1
    assert check(tmp_path).lines == 200


def test_processes_write_side_by_side_and_see_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from pipeline.llm.ledger import Ledger; from pipeline.seeds import digest\n"
        "l = Ledger(Path(sys.argv[1])); a = int(sys.argv[2])\n"
        "for n in range(a, a + 40): l.put_now(digest('test', n), f'p{n}', {})\n"
    )
    with Ledger(tmp_path) as early:
        runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(i * 40)], cwd=ROOT) for i in range(3)]
        early.put_now(key("own"), "own", {})
        assert [run.wait(60) for run in runs] == [0, 0, 0]
        assert early.refresh() == 120
        assert early.get(key(100)).raw == "p100"  # type: ignore[union-attr]
        assert early.refresh() == 0
    with Ledger(tmp_path) as late:
        assert len(late) == 121


def test_the_segment_begun_first_holds_for_everyone(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    first.put_now(key("other"), "opens the first segment", {})
    second.put_now(key(1), "second", {})
    first.put_now(key(1), "first", {})
    for ledger in (first, second, Ledger(tmp_path)):
        ledger.refresh()
        assert ledger.get(key(1)).raw == "first"  # type: ignore[union-attr]
        ledger.close()


def test_waste_is_counted_and_never_given_out(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.put_now(key(1), "", dict(ABOUT), waste=True)
        assert ledger.get(key(1)) is None
    found = stats(tmp_path)
    assert (found.wasted, found.answers, found.total.cost) == (1, 0, 0.25)


def test_a_full_disk_is_said_and_nothing_torn_is_left(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the full disk: a write is cut short, the next one refused."""
    code = (
        "import sys, signal, resource; from pathlib import Path; from pipeline.llm.ledger import Ledger\n"
        "from pipeline.seeds import digest; from pipeline.errors import KameError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "l = Ledger(Path(sys.argv[1])); n = 0\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    while True: l.put_now(digest('test', n), 'x' * 300, {}); n += 1\n"
        "except KameError as e: print(n); print(e)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "l.put_now(digest('test', n), 'room again', {}); l.close()\n"
    )
    assert hasattr(resource, "RLIMIT_FSIZE")
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    count, message = run.stdout.strip().split("\n")
    assert "make room" in message and str(tmp_path) in message
    found = check(tmp_path)
    assert found.sound and not found.torn and found.answers == int(count) + 1
    with Ledger(tmp_path) as ledger:
        assert ledger.get(key(int(count))).raw == "room again"  # type: ignore[union-attr]


def test_a_folder_that_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    ledger = Ledger(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KameError, match="No space left on device"):
        asyncio.run(ledger.put(key(1), "x", {}))
    monkeypatch.undo()
    assert ledger.get(key(1)) is None
    ledger.close()
    with Ledger(tmp_path) as again:
        assert again.get(key(1)) is None


def test_too_little_room_is_said_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "not" / "yet")
    ledger.check_room()
    monkeypatch.setattr(ledger_module, "ROOM", 2**60)
    with pytest.raises(KameError, match="MiB free"):
        ledger.check_room()


def test_notes_of_jobs_the_last_one_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "CACHE_FROM", 5)
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
    with pytest.raises(UsageError, match="no segments"):
        import_(tmp_path / "ledger", str(tmp_path / "empty"))


def test_figures(tmp_path: Path) -> None:
    fill(tmp_path, range(4))
    fill(tmp_path, range(3, 5))
    with Ledger(tmp_path) as ledger:
        ledger.put_now(key("u"), "r", {**ABOUT, "cost": None, "level": 3})
    found = stats(tmp_path)
    assert (found.answers, found.repeated, found.segments) == (6, 1, 3)
    assert found.total.cost == pytest.approx(1.5) and found.total.unpriced == 1
    assert found.spend[("openai:m", "oracles", 2)].cached == 24
    assert found.hit_rate is None


def test_a_forked_child_writes_its_own_segment(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.put_now(key(0), "parent", {})
    code_ok = 0
    child = os.fork()
    if child == 0:
        try:
            ledger.put_now(key(1), "child", {})
        except BaseException:
            code_ok = 1
        os._exit(code_ok)
    assert os.waitpid(child, 0)[1] == 0
    assert len(segments(tmp_path)) == 2
    ledger.refresh()
    assert ledger.get(key(1)).raw == "child"  # type: ignore[union-attr]
    ledger.close()
