"""What the model has read of an oracle is one figure: in `quality`, in the report, in `replay` and on the page."""

import json
import shutil
import subprocess
from collections import defaultdict

import pytest
from typer.testing import CliRunner

from building import build, settings_of
from kame_data.cli.main import app
from kame_data.codec.tokenizer import Tokenizer, pieces_of
from kame_data.finished.level_figures import LevelCurve, measure
from kame_data.finished.reader import Finished
from kame_data.finished.seen import TOKENS_PER_WORD
from kame_data.records import FRAME
from kame_data.report import page
from kame_data.report.page import write_report
from kame_data.report.payload import dialogue
from kame_data.report.print_replay import moments
from kame_data.storage.local import LocalPath
from kame_data.text.chrf import chrf
from kame_data.text.words import IDEOGRAPH, UNSPACED

NODE = shutil.which("node")
READ = """
const row = new Dialogue(JSON.parse(process.argv[1])), found = [];
for (const { until, oracles } of row.events) for (const oracle of oracles) found.push(row.reading(oracle, until).seen);
process.stdout.write(JSON.stringify(found));
"""


@pytest.fixture(scope="module", params=["words", "tokens"])
def tokenizer(request):
    """The tokenizer that counts what is read; None: words do."""
    if request.param == "words":
        return None
    pytest.importorskip("sentencepiece")
    return "sample"


@pytest.fixture(scope="module", params=["silent", "spoken"])
def built(request, tmp_path_factory):
    """A small build, once without speech and once with; its settings."""
    duplex = {"user_back_channel": 0.5, "assistant_back_channel": 0.5, "barge_in": 0.5}
    settings = settings_of(
        tmp_path_factory.mktemp(request.param) / "out",
        speak=request.param == "spoken",
        limit=2,
        duplex=duplex,
        stt={"noise": 0.05},
    )
    build(settings)
    return settings


def test_quality_and_the_report_say_the_same(built, tokenizer, monkeypatch):
    curves = []
    monkeypatch.setattr(page, "LevelCurve", lambda *told: curves.append(LevelCurve(*told)) or curves[-1])
    pieces = pieces_of(tokenizer, LocalPath(built.out))
    write_report(LocalPath(built.out), tokenizer=tokenizer)
    [reported] = curves
    measured = measure(Finished.open(built.out), pieces)
    assert reported.spoken == measured.spoken == built.speak
    for level, figures in measured.levels.items():
        assert (figures.mean_consumed, figures.mean_whole) == (
            reported.levels[level].mean_consumed,
            reported.levels[level].mean_whole,
        )
        assert figures.mean_consumed > 0
    if tokenizer is not None:  # `quality` has that of OUT/tokens alone
        (built.out / "tokens").mkdir(exist_ok=True)
        shutil.copy(Tokenizer.of(tokenizer).path, built.out / "tokens" / "tokenizer.model")
    told = json.loads(CliRunner().invoke(app, ["quality", str(built.out), "--json"]).stdout)
    assert [level["chrf_consumed"] for level in told["levels"]] == [
        figures.mean_consumed for _, figures in sorted(reported.levels.items())
    ]
    shutil.rmtree(built.out / "tokens", ignore_errors=True)


def test_replay_and_the_figures_saw_the_same_of_an_oracle(built, tokenizer):
    finished, pieces = Finished.open(built.out), pieces_of(tokenizer, LocalPath(built.out))
    reckoner = finished.reckoner
    compared = 0
    for row in finished.rows():
        timed = reckoner.timed(row)
        curve = LevelCurve(reckoner, pieces)
        curve.add(row)
        # The last second in which an oracle is there says how far it was read; what comes after the end is not read.
        replayed = replayed_of(row, reckoner, pieces)
        by_level: dict[int, list[float]] = {}
        for oracle in timed.oracles:
            if oracle.time is not None and oracle.turn in timed.truths:
                read = replayed[oracle.time, oracle.level]
                by_level.setdefault(oracle.level, []).append(chrf(read, timed.truths[oracle.turn]))
        assert {level: list(found.consumed) for level, found in curve.levels.items() if found.consumed} == by_level
        compared += sum(map(len, by_level.values()))
    assert compared > 20


@pytest.mark.skipif(NODE is None, reason="needs node, which runs the page's own script")
def test_the_page_saw_the_same_as_replay(built, tokenizer):
    finished, pieces = Finished.open(built.out), pieces_of(tokenizer, LocalPath(built.out))
    reckoner = finished.reckoner
    for row in finished.rows():
        timed, replayed = reckoner.timed(row), replayed_of(row, reckoner, pieces)
        seen = [replayed[a.time, timed.oracles[n].level] for a in timed.arrivals for n in a.oracles]
        assert read_by_page(dialogue(row, reckoner, pieces)) == seen


def replayed_of(row, reckoner, pieces):
    """What `replay` shows of each oracle by the last second that has it, by (time, level)."""
    found = defaultdict(str)
    return found | {(r.time, r.level): r.seen.text for m in moments(row, reckoner, pieces) for r in m.readings}


def read_by_page(payload):
    """What the page's own script says was read of each oracle that arrived, by the time the next one did."""
    constants = {
        "frame": FRAME,
        "tokensPerWord": TOKENS_PER_WORD,
        "unspaced": sorted(UNSPACED),
        "ideograph": IDEOGRAPH,
    }
    stub = f"const document = {{getElementById: () => ({{textContent: {json.dumps(json.dumps(constants))}}})}};"
    script = stub + (page.HERE / "data.js").read_text("utf-8") + READ
    done = subprocess.run([NODE, "-e", script, json.dumps(payload)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
