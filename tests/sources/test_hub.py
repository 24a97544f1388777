"""The Hub's path for real: `datasets` and `huggingface_hub` against a local server that speaks their protocol."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from pipeline.resources import bundled

NOWHERE = "http://127.0.0.1:9"

GSM8K = """
from pipeline.errors import UsageError
from pipeline.sources import get_source, read
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
from pipeline.questions import pull
from pipeline.sources import get_source
with pull(get_source("hssbench"), None, languages=("en",), sees_pictures=True) as found:
    refused = [r.question_id for r in found.rejected if r.reason == "language"]
    print(found.rows, len(refused), all(name.endswith("-fr") for name in refused))
    print(all(q.picture is None or q.picture.data is None for q in found.accepted))
    print(all(q.picture.data == b"a picture of " + q.id.removeprefix("hssbench-").encode() for q in found.questions()))
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
        row["image"] = {"bytes": b"a picture of " + row["id"].encode(), "path": row.pop("pic_path")}
        row["original_id"] = str(row["original_id"])
    table = pa.Table.from_pylist(rows)
    features: dict[str, Any] = {name: {"dtype": "string", "_type": "Value"} for name in table.column_names}
    features |= {"image": {"_type": "Image"}, "type": {"feature": features["id"], "_type": "List"}}
    features["options"] = dict.fromkeys(rows[0]["options"], features["id"])
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    parquet.write_table(table, file)
    files = {
        "README.md": _card(en="en/test.parquet", fr="fr/test.parquet"),
        "en/test.parquet": file.getvalue(),
        "fr/test.parquet": file.getvalue(),
    }
    tiny_hub.hold("dozo/HSSBench", files)
    said = with_hub(HSSBENCH, tiny_hub.url).splitlines()
    # One row of the sample names two answers, and has no language to be refused for.
    assert said == [f"{2 * len(rows)} {len(rows) - 1} True", "True", "True", "True {('en', 'test')}"]
