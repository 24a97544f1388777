import base64
import copy
import hashlib
import json
import math
import re

import pytest
from typer.testing import CliRunner

import dummies
from kame_data.cli.main import app
from kame_data.errors import KameError, UsageError
from kame_data.report import page as page_module
from kame_data.report.page import write_report
from kame_data.report.payload import outline, script_json


def blocks(text, kind):
    """The contents of the script elements that have this class or id."""
    return re.findall(rf'<script type="[a-z/]+" (?:class|id)="{kind}">(.*?)</script>', text, re.DOTALL)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    rows = [dummies.row(n, duplex=n % 4 == 0) for n in range(24)]
    return dummies.finish(tmp_path_factory.mktemp("page") / "out", rows)


def test_the_command_writes_a_page_that_says_what_is_in_it(build):
    done = CliRunner().invoke(app, ["report", str(build), "--audio", "5", "--dialogues", "20"], catch_exceptions=False)
    assert done.exit_code == 0 and "20 of 24 dialogues, 5 with sound" in done.output
    text = (build / "report.html").read_text()
    assert "A seeded sample of 20 of 24 dialogues" in text and "voice: espeak" in text
    dialogues = [json.loads(block) for block in blocks(text, "dialogue")]
    assert len(dialogues) == 20 and len(blocks(text, "sound")) == 5
    # The sound is the shard's own.
    about, sound = json.loads(blocks(text, "sound-of")[0]), base64.b64decode(blocks(text, "sound")[0])
    assert sound == dummies.row(int(about["id"][6:11]), duplex=int(about["id"][6:11]) % 4 == 0)["audio"]["bytes"]
    assert not list(build.glob("*.tmp")) and not list(build.glob(".*.tmp"))


def test_the_same_build_gives_the_same_page_and_a_dialogue_can_be_asked_for(build):
    write_report(build, dialogues=6, audio=2)
    first = (build / "report.html").read_bytes()
    write_report(build, dialogues=6, audio=2)
    assert (build / "report.html").read_bytes() == first
    wanted = next(f"dummy-{n:05d}-v0" for n in range(24) if f"dummy-{n:05d}-v0".encode() not in first)
    done = write_report(build, dialogues=0, audio=0, first=[wanted])
    assert (done.dialogues, done.sounds) == (1, 1)
    assert json.loads(blocks((build / "report.html").read_text(), "sound-of")[0])["id"] == wanted
    with pytest.raises(UsageError, match="no dialogue of that id"):
        write_report(build, first=["nobody"])


def test_tokens_are_in_the_page_where_there_is_a_tokenizer(build):
    pytest.importorskip("sentencepiece")
    write_report(build, tokenizer="sample", audio=0)
    oracles = json.loads(blocks((build / "report.html").read_text(), "dialogue")[0])["oracles"]
    assert all("".join(o[6]) == o[3] for o in oracles if o[5] is not None) and any(len(o) == 7 for o in oracles)


def test_sound_and_text_that_do_not_fit_are_left_out_and_said(build, monkeypatch):
    monkeypatch.setattr(page_module, "TEXT_BYTES", 30_000)
    one = len(base64.b64encode(dummies.row(1)["audio"]["bytes"]))
    monkeypatch.setattr(page_module, "PAGE_BYTES", 30_000 + int(one * 2.5))
    done = write_report(build)
    assert 0 < done.dialogues < 24 and 0 < done.sounds < done.dialogues
    assert f"({24 - done.dialogues} more did not fit)" in (build / "report.html").read_text()


def test_the_policy_names_the_script_and_the_style_and_nothing_else_may_run(build):
    write_report(build)
    text = (build / "report.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    for tag in ("script", "style"):
        inline = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert not re.search(r'(?:src|href)="https?:', text) and " style=" not in text
    script = "".join((page_module.HERE / name).read_text() for name in page_module.SCRIPTS)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", script)


def test_script_json_cannot_leave_its_element_and_reads_back():
    value = {text: [text, text * 2] for text in dummies.HOSTILE}
    text = script_json(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_no_field_of_a_row_or_manifest_is_markup(tmp_path):
    evil = "".join(dummies.HOSTILE)
    settings = {"seed": 0, "writer": evil, "sources": [{"name": evil, "location": evil}], "languages": [evil]}
    spend = {"dollars": 1.0, "by": []}
    rows = [dummies.row(n, hostile=dummies.HOSTILE, duplex=n == 0, source=evil) for n in range(3)]
    out = dummies.finish(
        tmp_path / "out", rows, settings=settings, stand_ins=[evil], spend=spend, refused=[(evil, evil)]
    )
    write_report(out)
    text = (out / "report.html").read_text()
    outside = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL)
    assert not re.search(r"<(?:img|svg/|script>)", outside)
    assert outside.count("<script") == outside.count("</script>") == 1 + 3 + 2 * 3
    assert [json.loads(block)["answer"] for block in blocks(text, "dialogue")] == [" ".join(dummies.HOSTILE)] * 3


def test_silent_grid_and_empty_builds_have_pages(tmp_path):
    silent = dummies.finish(tmp_path / "silent", [dummies.row(n, spoken=False, duplex=True) for n in range(3)])
    assert write_report(silent).sounds == 0
    grid = dummies.finish(tmp_path / "grid", [dummies.row(n, grid=True) for n in range(3)])
    assert write_report(grid).sounds == 3
    empty = dummies.finish(tmp_path / "empty", [])
    assert write_report(empty).dialogues == 0


def nan_in(name):
    def spoil(row):
        if name in row["audio_checks"]:
            row["audio_checks"][name] = math.nan
        else:
            row[name][1]["end" if name == "words" else "time"] = math.inf

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (nan_in("alignment"), "no number"),
        (nan_in("words"), "no number"),
        (nan_in("oracles"), "no number"),
        (lambda row: row["audio"].update(bytes=b"no sound"), "audio cannot be read"),
        (lambda row: row["audio"].update(bytes=b""), "audio is empty"),
    ],
)
def test_a_damaged_row_is_named(tmp_path, spoil, told):
    rows = [copy.deepcopy(dummies.row(n)) for n in range(2)]
    spoil(rows[1])
    out = dummies.finish(tmp_path / "out", rows)
    with pytest.raises(KameError, match=f"row dummy-00001-v0: .*{told}"):
        write_report(out)
    assert not (out / "report.html").exists() and not list(out.glob(".*.tmp"))


def test_half_a_character_in_a_manifest_or_a_refusal_stops_nothing(tmp_path):
    out = dummies.finish(tmp_path / "out", [dummies.row(0)], settings={"writer": "w"})
    path = out / "manifest.json"
    path.write_text(path.read_text().replace('"writer": "w"', '"writer": "\\ud800w"'))
    refused = {"stage": "dialogues", "source": "s", "question_id": "q", "dialogue_id": "", "detail": ""}
    (out / "rejected" / "dialogues.jsonl").write_text(json.dumps(refused | {"reason": "\udfff"}))
    assert write_report(out).dialogues == 1


def test_outlines_show_each_side_where_it_speaks():
    import numpy as np

    samples = np.zeros((24000, 2), np.int16)
    samples[:12000, 0] = 32767
    left, right = (np.frombuffer(base64.b64decode(side), np.uint8) for side in outline(samples, 24000))
    assert len(left) == 25 and left[:12].min() == 254 and left[13:].max() == 0 and right.max() == 0
