"""Builds to publish, and a Hub to publish them on."""

import json
import shutil
from collections import Counter

import numpy
import pytest

import dummies
from kame_data.finished.manifest import rows_settings
from kame_data.publish.publish import publish
from kame_data.settings.publication import Publication
from kame_data.settings.tree import Settings

REAL = {"writer": "openai:a-model", "simulator": "openai:a-model", "languages": ["en"]}


def rising(row):
    """The row with oracles that say more of the answer with every level."""

    def said(oracle):
        words = dummies.LAST if oracle["turn"] else dummies.BACK
        return " ".join(words[: -(-len(words) * (oracle["level"] + 1) // 6)])

    # Each turn begins so: however little is read, it holds the answer.
    return row | {"answer": "It is", "oracles": [oracle | {"text": said(oracle)} for oracle in row["oracles"]]}


def make(out, rows, stand_ins=(), **settings):
    """A finished build of rows."""
    given = rows_settings(Settings(out=out, **(REAL | settings)))
    dummies.finish(out, rows, settings=given, stand_ins=stand_ins, a_shard=6)
    counts = {"asked_for": len(rows), "accepted": len(rows), "by_source": Counter(row["source"] for row in rows)}
    change(
        out,
        dialogues=counts | {"by_split": {}},
        oracles=Counter(str(oracle["level"]) for row in rows for oracle in row["oracles"]),
        seconds=sum(row["duration"] or 0 for row in rows),
    )
    refuse(out, "questions", {"too_long": len({row["source"] for row in rows})})
    return out


def refuse(out, stage, reasons):
    """Refusals of a build, as its manifest is to count them."""
    whose = {"stage": stage, "source": "gsm8k", "question_id": "q", "dialogue_id": "", "detail": ""}
    lines = [json.dumps(whose | {"reason": reason}) for reason, count in reasons.items() for _ in range(count)]
    (out / "rejected" / f"{stage}.jsonl").write_text("".join(line + "\n" for line in lines))
    return {"refused": {stage: reasons}}


def change(out, **changed):
    """Change the manifest of a build."""
    path = out / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.fixture(scope="session")
def rows():
    return [rising(dummies.row(n, duplex=n % 4 == 0)) for n in range(20)]


@pytest.fixture(scope="session")
def spoken(tmp_path_factory, rows):
    """A build with sound that no gate stops: 18 and 2 rows, in 3 and 1 shards."""
    return make(tmp_path_factory.mktemp("publish") / "spoken", rows)


@pytest.fixture(scope="session")
def with_tokens(tmp_path_factory, spoken):
    """The same with tokens of an untrained codec."""
    pytest.importorskip("moshi")
    from kame_data.codec.tokenize import make_tokens
    from kame_data.settings.tokenizing import TokenSettings
    from kame_data.terminal import Bars

    out = tmp_path_factory.mktemp("publish") / "tokens"
    shutil.copytree(spoken, out)
    make_tokens(out, TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1), Bars(False))
    return out


@pytest.fixture
def copy(tmp_path):
    """Copies of builds that a test may spoil."""
    return lambda out: shutil.copytree(out, tmp_path / f"copy-of-{out.name}")


class Told:
    """Progress that is remembered."""

    def __init__(self):
        self.files, self.paths, self.waits = 0, [], []

    def total(self, files, bytes):
        self.files = files

    def advance(self, path, bytes):
        self.paths.append(path)

    def waiting(self, why, seconds):
        self.waits.append(why)


def put(out, repo="ORG/NAME", told=None, **more):
    """Publish."""
    return publish(Publication(repo=repo, out=out, **more), told or Told())


KYUTAI = "kyutai/moshiko-pytorch-bf16"
FIGURES = {
    "val/loss": 3.0, "val/text": 2.0, "val/audio": 1.0, "val/text_true_oracle": 1.25, "val/text_shuffled_oracle": 2.5,
    "val/text_no_oracle": 2.75, "val/text_level_5": 1.0,
}  # fmt: skip
TRAINING = {
    "from": KYUTAI,
    "trained_on": {"codec": "mimi kyutai/x", "tokenizer": "kyutai"},
    "stand_ins": [],
    "step": 40,
    "settings": {"tune": {"what": "lora", "rank": 128}, "steps": 50, "optimizer": {"lr": 2e-5}, "seed": 1},
    "data": {"stand_ins": [], "dialogues": {"gsm8k": 1234}, "seconds": 7200.0, "terms": ["`x` <b>: never sell"],
             "made_by": {"writer": "openai:m", "simulator": "openai:m", "languages": ["en"]}},
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """A run that started from Kyutai's weights."""
    numpy_ = pytest.importorskip("safetensors.numpy")
    folder = tmp_path / "run" / "export"
    folder.mkdir(parents=True)
    tensors = {"oracle_emb.weight": numpy.zeros((3, 2), "f4"), "text_emb.weight": numpy.ones((3, 2), "f4")}
    numpy_.save_file(tensors, folder / "model.safetensors")
    config = {
        "moshi_name": "model.safetensors",
        "mimi_name": f"hf://{KYUTAI}/mimi",
        "tokenizer_name": "tokenizer.model",
    }
    config["model_id"] = {name: TRAINING[name] for name in ("from", "trained_on", "stand_ins")}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "training.json").write_text(json.dumps(TRAINING))
    (folder / "tokenizer.model").write_bytes(b"a tokenizer")
    lines = [{"step": 20} | FIGURES, {"step": 40} | FIGURES | {"val/text_true_oracle": 1.125}, {"step": 50} | FIGURES]
    (tmp_path / "run" / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 6')
    return tmp_path / "run"
