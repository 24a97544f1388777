import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from kame_data.engine.sources import SOURCES, get_source
from kame_data.errors import UsageError
from kame_data.sources import reading as read

GSM8K = get_source("gsm8k")
ROWS = [{"question": f"How many is {n} and é?", "answer": f"#### {n}"} for n in range(150)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def _parquet(file: Path) -> None:
    parquet.write_table(pa.Table.from_pylist([row | {"extra": 1} for row in ROWS]), file)


def _csv(file: Path) -> None:
    file.write_text("answer,question\n" + "".join(f'{r["answer"]},"{r["question"]}"\n' for r in ROWS), "utf-8")


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": lambda file: file.write_text(LINES, "utf-8"),
    "blank lines.jsonl": lambda file: file.write_text(LINES.replace("\n", "\r\n\r\n"), "utf-8-sig"),
    "a.json": lambda file: file.write_text(json.dumps(ROWS, indent=1), "utf-8"),
    "lines.json": lambda file: file.write_text(LINES, "utf-8"),
    "a.csv": _csv,
    "a.parquet": _parquet,
    "A.JSONL.GZ": lambda file: file.write_bytes(gzip.compress(LINES.encode())),
    "a.json.gz": lambda file: file.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
}


def failure(location: str | None, source: Any = GSM8K) -> str:
    with pytest.raises(UsageError) as caught:
        list(read.rows(source, location))
    said = str(caught.value)
    assert "\n" not in said and f"source '{source.name}'" in said
    return said


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    rows = list(read.rows(GSM8K, str(tmp_path / name)))
    assert [{k: row.values[k] for k in ("question", "answer")} for row in rows] == ROWS
    assert rows[2].where == f"{name} row 3"


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "test-00000-of-00001.jsonl").write_text(LINES, "utf-8")
    _parquet(tmp_path / "a_train.parquet")
    (tmp_path / ".hidden.jsonl").write_text("not read", "utf-8")
    (tmp_path / "notes.txt").write_text("not read", "utf-8")
    rows = list(read.rows(GSM8K, str(tmp_path)))
    assert [row.values["question"] for row in rows] == [row["question"] for row in ROWS] * 2
    assert {row.split for row in rows[:150]} == {"train"} and {row.split for row in rows[150:]} == {"test"}
    assert rows[-1].where == "b/test-00000-of-00001.jsonl row 150"


def test_the_bundled_sample_by_name() -> None:
    for source in (source for source in SOURCES.values() if not source.whole):
        assert list(read.rows(source, "sample"))


def test_missing_things_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "./gsm8k.jsonl does not exist" in failure("./gsm8k.jsonl")
    assert "train.parquet does not exist" in failure("train.parquet")
    assert "s3://bucket/rows does not exist" in failure("s3://bucket/rows")
    assert "holds no .parquet, .jsonl" in failure(str(tmp_path))
    assert "nothing follows" in failure("")
    (tmp_path / "rows.xlsx").write_bytes(b"")
    assert "none of .parquet, .jsonl" in failure("rows.xlsx")
    assert "--source questions=FILE" in failure(None, get_source("questions"))
    with pytest.raises(UsageError, match="'mmlu' is unknown; use one of mmlu_pro, gsm8k, hssbench, questions"):
        get_source("mmlu")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    WRITERS[name](file)
    said = failure(str(file), get_source("mmlu_pro"))
    assert "question_id" in said and "options" in said and "'question'" not in said and name in said


EMPTY = [("a.jsonl", ""), ("a.json", "[]"), ("a.csv", ""), ("a.csv", "question,answer\n")]


@pytest.mark.parametrize(("name", "content"), EMPTY)
def test_an_empty_source(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert "holds no rows" in failure(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("a.jsonl", LINES.encode() + b'{"question": "cut off', "a.jsonl line 151"),
        ("a.jsonl", b'{"question": "\xff"}\n', "a.jsonl line 1"),
        ("a.json", b"[1, 2", "a.json"),
        ("a.json", b'{\n "question": 1\n}', "a.json line 1"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl line 1"),
        ("a.csv", b'question,answer\n"one', "a.csv after row 0"),
        ("a.parquet", b"PAR1 but not really PAR1", "a.parquet"),
        ("a.jsonl.gz", b"not zipped", "a.jsonl.gz line 1"),
        ("a.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)[:300], "a.jsonl.gz line"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, content: bytes, where: str) -> None:
    (tmp_path / name).write_bytes(content)
    said = failure(str(tmp_path / name))
    assert where in said and "mend or replace" in said


def test_rows_of_another_shape_pass_as_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(LINES + '["a list"]\n12\nnull\n{"question": "no answer"}\n', "utf-8")
    values = [row.values for row in read.rows(GSM8K, str(file))]
    assert values[150:] == [["a list"], 12, None, {"question": "no answer"}]
    file = tmp_path / "a.csv"
    file.write_text("question,answer\none,two,three\nfour\nfive,six\n", "utf-8")
    values = [row.values for row in read.rows(GSM8K, str(file))]
    assert [isinstance(value, dict) for value in values] == [False, False, True]


def test_a_file_or_folder_named_after_a_language(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "question": "Who?", "options": {"A": "I"}, "correct_answer": "A", "category": "Art"})
    (tmp_path / "hssbench_fr.jsonl").write_text(line + "\n", "utf-8")
    (row,) = read.rows(get_source("hssbench"), str(tmp_path))
    assert row.values["language"] == "fr"
    stems = {
        "Que montre la peinture qui est sur cette image ?": "fr",
        "What is the building that is in the picture?": "en",
    }
    rows = [json.loads(line) | {"question": stem} for stem in stems]
    (tmp_path / "hssbench_fr.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    source = get_source("hssbench")
    read_rows = list(read.rows(source, str(tmp_path)))
    assert [source.question(row.values, row.split).language for row in read_rows] == list(stems.values())
    (tmp_path / "questions_it.jsonl").write_text('{"question": "Who?", "answer": "I"}\n', "utf-8")
    (own,) = read.rows(get_source("questions"), str(tmp_path / "questions_it.jsonl"))
    assert "language" not in own.values


def test_a_fingerprint_follows_the_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text(LINES, "utf-8")
    other.write_text(LINES, "utf-8")
    first = read.fingerprint(GSM8K, str(one))
    assert first == read.fingerprint(GSM8K, str(other)) and first.startswith("sha256:")
    both = read.fingerprint(GSM8K, str(tmp_path))
    other.write_text(LINES[:-1], "utf-8")
    assert read.fingerprint(GSM8K, str(other)) != first
    assert read.fingerprint(GSM8K, str(tmp_path)) != both != first


def test_parquet_passes_row_by_row(tmp_path: Path) -> None:
    """The first row comes long before the last: of 20 MB of pictures only a few are held."""
    import tracemalloc

    source = get_source("hssbench")
    schema = pa.schema([("id", "string"), ("question", "string"), ("options", pa.map_("string", "string"))])
    for name in ("correct_answer", "category"):
        schema = schema.append(pa.field(name, pa.string()))
    schema = schema.append(pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])))
    with parquet.ParquetWriter(tmp_path / "a.parquet", schema, compression="none") as writer:
        for n in range(20):
            rows = [
                {"id": f"{n}-{m}", "question": "Who?", "options": [("A", "I"), ("B", "You")], "correct_answer": "A"}
                | {"category": "Art", "image": {"bytes": bytes([n]) * 20_000, "path": None}}
                for m in range(50)
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema))
    tracemalloc.start()
    count = 0
    for row in read.rows(source, str(tmp_path / "a.parquet")):
        picture = source.question(row.values, "").picture
        assert picture and picture.data and len(picture.data) == 20_000
        count += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1000
    assert peak < 6_000_000
