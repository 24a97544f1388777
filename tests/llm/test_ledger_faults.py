"""The ledger when something goes wrong: kills, full and read-only disks, damage anywhere, files of other versions."""

import contextlib
import logging
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kame_data.errors import KameError
from kame_data.llm import ledger_file, ledger_lines
from kame_data.llm.ledger import Ledger
from kame_data.llm.ledger_file import Reader
from kame_data.llm.ledger_tools import check, export, import_, stats
from llm.ledgers import fill, key, old_line, old_segment

Mount = Callable[[int], Path]
TESTS = Path(__file__).resolve().parents[1]
HERE = {"cwd": TESTS}
IMPORTS = (
    # Said whole, for a process that begins with a safe path does not look in its folder.
    f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
    "import signal, resource; from pathlib import Path; from kame_data.llm.ledger import Ledger\n"
    "from kame_data.errors import KameError; from kame_data.llm import ledger_lines; from llm.ledgers import key\n"
)


def start(code: str, *args: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", IMPORTS + code, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **HERE)


def whole(folder: Path, count: int) -> bool:
    """True where every answer of `fill` is found, False where one is missing; a wrong one fails."""
    with Ledger(folder) as ledger:
        found = [ledger.get(key(n)) for n in range(count)]
    assert all(entry is None or entry.raw == f"raw {n} é\n" for n, entry in enumerate(found))
    return None not in found


# Kills


def test_two_processes_with_the_same_keys_are_killed_again_and_again(tmp_path: Path) -> None:
    """Each says a number once its answer is kept. What was said is there, and one answer holds for both."""
    code = (
        "own = sys.argv[2]\n"
        "with Ledger(Path(sys.argv[1])) as ledger:\n"
        "    for n in range(int(sys.argv[3]), 100_000):\n"
        "        if key(n) not in ledger: ledger.put_now(key(n), f'{own} {n}', {})\n"
        "        print(n, ledger.get(key(n)).raw, flush=True)\n"
    )
    draw, at = random.Random(5), 0
    for _ in range(4):
        two = [start(code, tmp_path, own, at) for own in ("a", "b")]
        said = []
        for process in two:
            assert process.stdout is not None
            said += [process.stdout.readline() for _ in range(draw.randrange(1, 30))]
        for process in two:
            process.kill()
            time.sleep(draw.random() * 0.02)
        # A last line may be cut.
        said += [line for process in two for line in process.communicate()[0].split("\n")[1:-1]]
        with Ledger(tmp_path) as ledger:
            for number, raw in (line.strip().split(" ", 1) for line in said):
                entry = ledger.get(key(number))
                assert entry is not None and entry.raw == raw
                at = max(at, int(number))
        assert not check(tmp_path).damaged
    assert at > 50


def test_what_a_killed_process_left_in_the_wal_is_found_and_goes_into_the_file(tmp_path: Path) -> None:
    code = (
        "import os; from kame_data.llm import ledger_file\n"
        "from kame_data.llm.ledger_file import add, row_of, writable\n"
        "with writable(Path(sys.argv[1])) as database:\n"
        "    add(database, [row_of('A', bytes.fromhex(key(n)), b'{\"raw\": \"kept\"}') for n in range(9)])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert start(code, tmp_path).wait() == -signal.SIGKILL
    wal = tmp_path / ledger_file.WAL
    assert wal.stat().st_size > 0
    assert check(tmp_path).answers == 9
    with Ledger(tmp_path) as ledger:
        assert key(8) in ledger
        ledger.put_now(key(9), "x", {})
    assert not wal.exists() or wal.stat().st_size == 0
    assert check(tmp_path).answers == 10


# Disks


def test_a_full_disk_is_one_line_and_goes_on_once_there_is_room(mount: Mount) -> None:
    disk = mount(600)
    filler = disk / "other"
    filler.write_bytes(b"x" * 200_000)
    with Ledger(disk / "ledger") as ledger:
        kept = 0
        with pytest.raises(KameError, match=r"No space left on device; .*make room") as caught:
            while True:
                ledger.put_now(key(kept), f"raw {kept} é\n", {"filler": "x" * 900})
                kept += 1
        assert "\n" not in str(caught.value) and str(disk) in str(caught.value)
        assert kept > 20 and whole(disk / "ledger", kept), "a full disk is read"
        filler.unlink()
        ledger.put_now(key(kept), f"raw {kept} é\n", {})
    assert whole(disk / "ledger", kept + 1) and not check(disk / "ledger").damaged


def test_a_write_that_is_cut_short_leaves_nothing_half(tmp_path: Path) -> None:
    """A limit on the size of files, which takes no root."""
    code = (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "ledger = Ledger(Path(sys.argv[1])); n = 0\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    while True: ledger.put_now(key(n), 'x' * 300, {}); n += 1\n"
        "except KameError as error: print(n); print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "ledger.put_now(key(n), 'room again', {}); ledger.close()\n"
    )
    process = start(code, tmp_path)
    count, message = process.communicate(timeout=60)[0].strip().split("\n")
    assert process.returncode == 0 and "make room" in message and str(tmp_path) in message
    found = check(tmp_path)
    assert not found.damaged and found.answers == int(count) + 1 > 5


def test_a_ledger_that_was_opened_on_a_full_disk_shows_what_is_kept_later(mount: Mount) -> None:
    disk = mount(200)
    fill(disk / "ledger", range(30))
    for left in (disk / "ledger").glob("ledger.sqlite-*"):
        left.unlink()
    filler = disk / "other"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    with Ledger(disk / "ledger") as ledger:
        assert key(29) in ledger
        with pytest.raises(KameError, match="make room"):
            ledger.put_now(key(30), "x", {})
        filler.unlink()
        ledger.put_now(key(30), "raw 30 é\n", {})
        assert key(30) in ledger
    assert whole(disk / "ledger", 31)


def test_a_folder_of_several_users_is_written_by_all_of_them(tmp_path: Path) -> None:
    for mode, expected in ((0o775, 0o664), (0o700, 0o600), (0o755, 0o644)):
        folder = tmp_path / oct(mode)
        folder.mkdir()
        folder.chmod(mode)
        fill(folder, range(1))
        assert key(0) in Ledger(folder)
        found = {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}
        assert set(found.values()) == {oct(expected)} and len(found) > 2, found


def test_a_read_only_disk_is_read_and_a_write_is_one_line(mount: Mount, tmp_path: Path) -> None:
    disk = mount(2048)
    fill(disk / "ledger", range(30))
    for left in (disk / "ledger").glob("ledger.sqlite-*"):
        left.unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert whole(disk / "ledger", 30) and check(disk / "ledger").answers == 30
    assert export(disk / "ledger", str(tmp_path / "all.jsonl")) == 30
    with Ledger(disk / "ledger") as ledger, pytest.raises(KameError, match=r"Read-only file system; .*kept"):
        ledger.put_now(key(99), "x", {})


@pytest.mark.parametrize("shm", [True, False])
def test_answers_left_in_a_wal_on_a_read_only_disk_are_never_read_in_part(mount: Mount, shm: bool) -> None:
    disk = mount(2048)
    fill(disk, range(30))
    held = sqlite3.connect(disk / ledger_file.NAME)
    held.execute("PRAGMA wal_autocheckpoint = 0")
    fill_with = ledger_file.row_of("A", bytes.fromhex(key(30)), '{"raw": "raw 30 é\\n"}'.encode())
    ledger_file.add(held, [fill_with])
    copy = mount(2049)
    for name in (ledger_file.NAME, ledger_file.WAL, f"{ledger_file.NAME}-shm")[: 2 + shm]:
        shutil.copy(disk / name, copy)
    held.close()
    subprocess.run(["mount", "-o", "remount,ro", str(copy)], check=True)
    try:
        assert whole(copy, 31)
    except KameError as error:
        assert "answers are left in ledger.sqlite-wal" in str(error) and "\n" not in str(error)


def test_a_disk_of_a_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    home = tmp_path / "my home"
    for kind, refused in (("nfs4", True), ("ext4", False)):
        mounts.write_text(f"/dev/a / ext4 rw 0 0\nhost:/x {str(home).replace(' ', chr(92) + '040')} {kind} rw 0 0\n")
        monkeypatch.setattr(ledger_file, "MOUNTS", mounts)
        fill(tmp_path / "near", range(1))
        if refused:
            with pytest.raises(KameError, match=r"network .nfs4 at .*--ledger or KAME_DATA_LEDGER"):
                Ledger(home / "ledger")
            assert not home.exists()
        else:
            fill(home / "ledger", range(1))


def test_a_lock_that_is_never_given_back_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, range(1))
    code = "from filelock import FileLock\nwith FileLock(sys.argv[1]): print('held', flush=True); sys.stdin.read()\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", IMPORTS + code, str(tmp_path / ledger_file.LOCK)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **HERE,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    monkeypatch.setattr(ledger_file, "PATIENCE", 0.2)
    with Ledger(tmp_path) as ledger:
        assert key(0) in ledger, "reading takes no lock"
        with pytest.raises(KameError, match=r"another process has held ledger.lock"):
            ledger.put_now(key(1), "x", {})
        holder.communicate("")
        ledger.put_now(key(1), "raw 1 é\n", {})
    assert whole(tmp_path, 2)


# Damage


@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.slow)])
def test_a_changed_byte_anywhere_changes_nothing_or_is_named(tmp_path: Path, share: float) -> None:
    """Whatever byte of the file changes: no answer is wrong, and where one is missing, the check says so."""
    count = 60
    fill(tmp_path / "one", range(count))
    data = (tmp_path / "one" / ledger_file.NAME).read_bytes()
    other, draw, outcomes = tmp_path / "other", random.Random(1), {"same": 0, "named": 0, "refused": 0}
    other.mkdir()
    logging.disable(logging.WARNING)
    # All of the header and of the first bytes of each page, and some of the others.
    places = [at for at in range(len(data)) if at < 110 or at % 4096 < 24 or draw.random() < 0.01]
    places = draw.sample(places, int(share * len(places)))
    try:
        for at in places:
            flipped = bytearray(data)
            flipped[at] ^= 1 << draw.randrange(8)
            (other / ledger_file.NAME).write_bytes(flipped)
            for left in ("-wal", "-shm"):
                (other / f"{ledger_file.NAME}{left}").unlink(missing_ok=True)
            try:
                found = check(other)
                sound, complete = not found.damaged, whole(other, count)
            except KameError as error:
                assert str(other) in str(error) and "\n" not in str(error)
                outcomes["refused"] += 1
                continue
            assert complete or not sound, f"byte {at}: an answer is missing, and the check says nothing"
            outcomes["same" if sound else "named"] += 1
    finally:
        logging.disable(logging.NOTSET)
    assert all(outcomes.values()), outcomes


def test_a_changed_answer_is_named_when_it_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, range(5))
    file = tmp_path / ledger_file.NAME
    file.write_bytes(file.read_bytes().replace(b"raw 2", b"raw 7"))
    with Ledger(tmp_path) as ledger:
        assert [key(n) in ledger for n in range(5)] == [True, True, False, True, True]
        assert "row 3 is damaged" in caplog.text
        ledger.put_now(key(2), "again", {})
        assert ledger.get(key(2)).raw == "again"  # type: ignore[union-attr]
    assert check(tmp_path).damaged == ["row 3 is not what was written"]


def test_a_file_that_was_cut_is_named_wherever_it_was(tmp_path: Path) -> None:
    fill(tmp_path / "one", range(40))
    data = (tmp_path / "one" / ledger_file.NAME).read_bytes()
    for size in (0, 1, 99, 100, 4095, 4096, len(data) // 2, len(data) - 4096, len(data) - 1):
        other = tmp_path / str(size)
        other.mkdir()
        (other / ledger_file.NAME).write_bytes(data[:size])
        try:
            assert check(other).damaged
        except KameError as error:
            assert str(other) in str(error) and ("damaged" in str(error) or "cut off" in str(error))
        with contextlib.suppress(KameError):
            assert not whole(other, 40)


def test_what_is_not_on_a_damaged_page_is_taken_into_a_new_ledger(tmp_path: Path) -> None:
    fill(tmp_path / "one", range(400))
    file = tmp_path / "one" / ledger_file.NAME
    data = bytearray(file.read_bytes())
    page = data.index(b"raw 200") // 4096 * 4096
    data[page : page + 100] = b"\xff" * 100
    file.write_bytes(data)
    with Ledger(tmp_path / "one") as ledger, pytest.raises(KameError, match=r"damaged .*import"):
        _ = key(200) in ledger
    found = check(tmp_path / "one")
    assert re.fullmatch(r"rows (1[89]\d) to (2[01]\d) cannot be read", found.damaged[0]) and len(found.damaged) == 2
    done = import_(tmp_path / "two", str(tmp_path / "one"))
    assert done.damaged and 360 < done.added == found.answers < 400
    assert not check(tmp_path / "two").damaged and not whole(tmp_path / "two", 400)
    assert export(tmp_path / "one", str(tmp_path / "all.jsonl")) == done.added


def test_files_of_others_are_told_apart(tmp_path: Path) -> None:
    fill(tmp_path, range(1))
    for change, words in (
        (f"PRAGMA user_version = {ledger_file.FORMAT + 1}", "of format 2, and this version of kame-data reads 1"),
        ("PRAGMA application_id = 7", "of another program"),
    ):
        folder = tmp_path / str(len(words))
        folder.mkdir()
        shutil.copy(tmp_path / ledger_file.NAME, folder)
        with sqlite3.connect(folder / ledger_file.NAME) as database:
            database.execute(change)
        database.close()
        before = (folder / ledger_file.NAME).read_bytes()
        for look in (check, stats, lambda folder: export(folder, str(tmp_path / "x.jsonl"))):
            with pytest.raises(KameError, match=words):
                look(folder)
        assert (folder / ledger_file.NAME).read_bytes() == before
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / ledger_file.NAME).write_text("no database at all\n" * 100)
    with pytest.raises(KameError, match="not a database"):
        Ledger(tmp_path / "text")


def test_a_wal_without_its_file_is_not_laid_over_a_new_one(tmp_path: Path) -> None:
    (tmp_path / ledger_file.WAL).write_bytes(b"x" * 5000)
    with Ledger(tmp_path) as ledger, pytest.raises(KameError, match=r"is gone, and ledger.sqlite-wal is left"):
        ledger.put_now(key(1), "x", {})
    assert not (tmp_path / ledger_file.NAME).exists()


# Ledgers of earlier versions


def test_an_old_ledger_is_taken_over_once_and_its_first_answers_hold(tmp_path: Path) -> None:
    old_segment(tmp_path, 1, old_line(1, "first") + old_line("job", "note", "B") + old_line(3, "", "W"))
    second = old_segment(tmp_path, 2, old_line(1, "second") + old_line(2, "two é\n"))
    for _ in range(3):
        with Ledger(tmp_path) as ledger:
            assert [entry.raw for entry in ledger.entries(key(1))] == ["first", "second"]
            assert ledger.get(key(2)).raw == "two é\n"  # type: ignore[union-attr]
    found = stats(tmp_path)
    assert (found.answers, found.repeated, found.wasted, found.total.cost) == (2, 1, 1, 1.0)
    assert check(tmp_path).lines == 5 and len(list(tmp_path.glob("*.jsonl"))) == 2
    with second.open("ab") as file:
        file.write(old_line(4, "of a process of the earlier version that was still at work"))
    with Ledger(tmp_path) as ledger:
        assert key(4) in ledger
    for path in tmp_path.glob("*.jsonl"):
        path.unlink()
    assert check(tmp_path).answers == 3


def test_an_old_segment_that_is_torn_or_damaged_costs_that_line_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = old_line(0, "a") + old_line(1, "b") + old_line(2, "c")
    last = len(data) - len(old_line(2, "c"))
    for cut in range(last, len(data), 11):
        folder = tmp_path / str(cut)
        old_segment(folder, 1, data[:cut])
        with Ledger(folder) as ledger:
            assert [key(n) in ledger for n in range(3)] == [True, True, False]
    assert "damaged" not in caplog.text
    flipped = bytearray(data)
    flipped[last - 20] ^= 1
    old_segment(tmp_path / "flipped", 1, bytes(flipped))
    with Ledger(tmp_path / "flipped") as ledger:
        assert [key(n) in ledger for n in range(3)] == [True, False, True]
    assert "1 damaged line(s) left out" in caplog.text


@pytest.mark.slow
def test_a_take_over_is_killed_again_and_again_and_loses_and_doubles_nothing(tmp_path: Path) -> None:
    count = 3000
    for n in range(3):
        old_segment(tmp_path, n, b"".join(old_line(i, f"raw {i} é\n") for i in range(n * 1000, n * 1000 + 1000)))
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    # Small pieces, so that a fast machine is not through before the kill.
    code = "ledger_lines.PIECE = 400\nprint('on', flush=True)\nLedger(Path(sys.argv[1])).close()\n"
    draw, kills = random.Random(3), 0
    while True:
        two = [start(code, tmp_path) for _ in range(2)]
        for process in two:
            assert process.stdout is not None and process.stdout.readline() == "on\n"
        time.sleep(draw.random() * 0.05 * (kills + 1))
        for process in two:
            process.send_signal(signal.SIGKILL) if kills < 8 else None
            process.communicate()
        if all(process.returncode == 0 for process in two):
            break
        kills += 1
    assert kills > 2
    assert whole(tmp_path, count)
    found = check(tmp_path)
    assert (found.lines, found.answers, found.damaged) == (count, count, [])
    assert before == {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}


def test_an_old_ledger_on_a_full_or_read_only_disk_is_one_line_that_tells_the_way(mount: Mount, tmp_path: Path) -> None:
    disk = mount(300)
    old_segment(disk, 1, b"".join(old_line(n, f"raw {n} é\n") for n in range(1000)))
    for how in ("", "remount,ro"):
        if how:
            subprocess.run(["mount", "-o", how, str(disk)], check=True)
        with pytest.raises(KameError, match=r"kame-data ledger --ledger NEW import .* takes"):
            stats(disk)
    assert import_(tmp_path / "new", str(disk)).added == 1000
    subprocess.run(["mount", "-o", "remount,rw,size=4m", str(disk)], check=True)
    assert whole(disk, 1000) and whole(tmp_path / "new", 1000)


def test_an_export_that_lies_in_the_ledgers_own_folder_doubles_nothing(tmp_path: Path) -> None:
    fill(tmp_path, range(20))
    assert export(tmp_path, str(tmp_path / "backup.jsonl")) == 20
    assert check(tmp_path).lines == 20
    assert ledger_lines.segments(tmp_path)
    assert len(list(Reader(tmp_path).scan([]))) == 20
