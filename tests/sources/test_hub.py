"""The Hub's path for real: `datasets` and `huggingface_hub` against a local server that speaks their protocol."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from drawn import drawn
from hub_faults import answering, cutting
from kame_data.resources import bundled

NOWHERE = "http://127.0.0.1:9"

GSM8K = """
from kame_data.errors import UsageError
from kame_data.sources import reading as read
from kame_data.engine.sources import get_source
source = get_source("gsm8k")
try:
    rows = list(read.rows(source, LOCATION))
    print(read.fingerprint(source, LOCATION))
    print(len(rows), rows[0].where, rows[0].split, sorted(rows[0].values), sep="|")
except UsageError as error:
    print(error)
"""

HSSBENCH = """
from collections import Counter
from kame_data.sources.pull import pull
from kame_data.engine.sources import get_source
from io import BytesIO
from PIL import Image
with pull(get_source("hssbench"), None, languages=("en",), sees_pictures=True) as found:
    refused = [r.question_id for r in found.rejected if r.reason == "language"]
    print(found.rows, len(refused), all(name.endswith("-fr") for name in refused))
    print(all(q.picture is None or q.picture.data is None for q in found.accepted))
    print(all(Image.open(BytesIO(q.picture.data)).width == len(q.stem) for q in found.questions()))
    print(len(found.accepted) > 0, {(q.language, q.source_split) for q in found.accepted})
"""


def _card(**paths: str) -> bytes:
    """A data card whose configurations each have one file."""
    lines = ["---", "configs:"]
    for name, path in paths.items():
        lines += [f"- config_name: {name}", "  data_files:", f"  - split: {Path(path).stem}", f"    path: {path}"]
    return "\n".join([*lines, "---", ""]).encode()


def _gsm8k(server: Any) -> str:
    files = {
        "README.md": _card(main="main/train.jsonl", socratic="socratic/train.jsonl"),
        "main/train.jsonl": bundled("data/samples/gsm8k.jsonl").read_bytes(),
        "socratic/train.jsonl": b'{"question": "not this one", "answer": "#### 0"}\n',
    }
    server.hold("openai/gsm8k", files)
    return server.url


def test_a_data_set_comes_from_the_hub_and_again_without_it(tiny_hub: Any, with_hub: Any) -> None:
    count = len(bundled("data/samples/gsm8k.jsonl").read_text("utf-8").splitlines())
    url = _gsm8k(tiny_hub)
    commit = tiny_hub.repos["dataset", "openai/gsm8k"].at("main")[0]
    expected = f"hub:openai/gsm8k:main@{commit}\n{count}|openai/gsm8k train row 1|train|['answer', 'question']\n"
    code = GSM8K.replace("LOCATION", "None")
    assert with_hub(code, url) == expected
    assert with_hub(code, NOWHERE) == expected


def test_a_hub_out_of_reach_is_one_line_with_the_way_out(with_hub: Any) -> None:
    said = with_hub(GSM8K.replace("LOCATION", "None"), NOWHERE)
    assert said.count("\n") == 1
    assert "openai/gsm8k" in said and "network" in said and "--source gsm8k=FILE" in said


def test_an_unknown_data_set_is_told_apart_from_a_dead_network(tiny_hub: Any, with_hub: Any) -> None:
    said = with_hub(GSM8K.replace("LOCATION", "'nobody/nothing'"), _gsm8k(tiny_hub))
    assert said.count("\n") == 1
    assert "no data set 'nobody/nothing'" in said and "network" not in said


def test_configurations_name_languages_and_pictures_come_as_bytes(tiny_hub: Any, with_hub: Any) -> None:
    lines = bundled("data/samples/hssbench.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if "équateur" not in line]
    for row in rows:
        row["image"] = {"bytes": drawn(size=(len(row["question"].strip()), 5)), "path": row.pop("pic_path")}
        row["original_id"] = str(row["original_id"])
    french = [
        row | {"question": f"Que montre la peinture {n} du musée, et qui l'a faite ?"} for n, row in enumerate(rows)
    ]
    features: dict[str, Any] = {name: {"dtype": "string", "_type": "Value"} for name in rows[0]}
    features |= {"image": {"_type": "Image"}, "type": {"feature": features["id"], "_type": "List"}}
    features["options"] = dict.fromkeys(rows[0]["options"], features["id"])

    def file(rows: list[dict[str, Any]]) -> bytes:
        written = io.BytesIO()
        info = {"huggingface": json.dumps({"info": {"features": features}})}
        parquet.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(info), written)
        return written.getvalue()

    files = {
        "README.md": _card(en="en/test.parquet", fr="fr/test.parquet"),
        "en/test.parquet": file(rows),
        "fr/test.parquet": file(french),
    }
    tiny_hub.hold("dozo/HSSBench", files)
    said = with_hub(HSSBENCH, tiny_hub.url).splitlines()
    # One row of the sample names two answers, and has no language to be refused for.
    assert said == [f"{2 * len(rows)} {len(rows) - 1} True", "True", "True", "True {('en', 'test')}"]


def _pictured(*names: str) -> bytes:
    """Rows in the shape that HSSBench is published in, each with the path of its picture."""
    rows = [
        {
            "id": str(n), "pic_path": name, "question": f"What are the {n + 2} people in the picture carrying?",
            "options": {"A": "A boat", "B": "A drum"}, "correct_answer": "A", "category": "Art", "is_open": "1",
        }
        for n, name in enumerate(names)
    ]  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"pics/{name}.png", data)
    return file.getvalue()


PICTURED = """
from kame_data.errors import UsageError
from kame_data.sources.pull import pull
from kame_data.engine.sources import get_source
try:
    with pull(get_source("hssbench"), LOCATION, sees_pictures=SEES) as found:
        print(found.rows, *sorted(f"{q.id}:{len(q.picture.data)}" for q in found.questions()))
        print(*(f"{r.reason}: {r.detail}" for r in found.rejected), sep="\\n")
except UsageError as error:
    print(error)
"""


def _pictured_hub(server: Any, **more: bytes) -> tuple[str, str]:
    """Holds a repository with rows and archives, and a file that nobody asks for; the questions that are expected."""
    one, two, three = drawn(1, size=(20, 20)), drawn(2, size=(90, 30)), drawn(3, size=(200, 200))
    files = {
        "data-open.jsonl": _pictured("a.png", "b.png", "c.png", "d.png"),
        "pictures_x.zip": _zip(a=one),
        "more/anything.zip": _zip(b=two),
        "loose/c.png": three,
        "loose/unwanted.png": drawn(9),
        "weights.bin": b"0" * 1000,
    }
    server.hold("dozo/HSSBench", files | more)
    sizes = (len(data) for data in (one, two, three))
    return server.url, f"4 {' '.join(f'hssbench-{n}:{size}' for n, size in enumerate(sizes))}"


def test_pictures_lie_in_archives_beside_the_rows_of_the_hub(tiny_hub: Any, with_hub: Any) -> None:
    url, expected = _pictured_hub(tiny_hub)
    tiny_hub.page = 2  # the list of files comes in pages
    seeing = PICTURED.replace("LOCATION", "None").replace("SEES", "True")
    lost = "needs_picture: dozo/HSSBench data-open.jsonl row 4: in the picture; d.png is found nowhere beside the rows"
    assert with_hub(seeing, url).splitlines() == [expected, lost]
    assert tiny_hub.count("GET", r"\.zip$") == 2
    assert not tiny_hub.count("GET", "unwanted|weights"), "only what rows name is fetched, and archives"
    assert with_hub(seeing, url).splitlines() == [expected, lost]
    assert with_hub(seeing, NOWHERE).splitlines() == [expected, lost]
    assert tiny_hub.count("GET", r"\.zip$|c\.png$") == 3, "each is fetched once"


def test_a_writer_without_eyes_fetches_no_pictures(tiny_hub: Any, with_hub: Any) -> None:
    url, _ = _pictured_hub(tiny_hub)
    said = with_hub(PICTURED.replace("LOCATION", "None").replace("SEES", "False"), url).splitlines()
    assert said[0] == "4" and len(said) == 5 and all(line.startswith("needs_picture: ") for line in said[1:])
    assert not tiny_hub.count("GET", r"\.zip$|\.png$")


def test_an_archive_that_the_hub_does_not_give_ends_the_reading_in_one_line(tiny_hub: Any, with_hub: Any) -> None:
    url, expected = _pictured_hub(tiny_hub)
    seeing = PICTURED.replace("LOCATION", "None").replace("SEES", "True")
    fault = answering(403, "GET", r"pictures_x\.zip$", times=9)
    tiny_hub.faults.append(fault)
    said = with_hub(seeing, url)
    assert said.count("\n") == 1 and "dozo/HSSBench/pictures_x.zip cannot be had from the Hub" in said
    tiny_hub.faults.clear()
    tiny_hub.faults.append(cutting("GET", r"anything\.zip$", times=1))
    assert with_hub(seeing, url).splitlines()[0] == expected, "what broke off is fetched again"


def test_a_broken_archive_on_the_hub_is_named_by_each_row_that_lacks_its_picture(tiny_hub: Any, with_hub: Any) -> None:
    url, _ = _pictured_hub(tiny_hub, **{"pictures_x.zip": _zip(a=drawn(1))[:50]})
    said = with_hub(PICTURED.replace("LOCATION", "None").replace("SEES", "True"), url).splitlines()
    assert len(said[0].split()) == 3
    broken = "is found nowhere, and archive pictures_x.zip cannot be read (File is not a zip file)"
    assert [line.split(": ", 2)[0] for line in said[1:]] == ["bad_picture"] * 2
    assert all(broken in line for line in said[1:])
