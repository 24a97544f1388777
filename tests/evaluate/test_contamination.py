"""What a model was trained on is searched where it is at hand; elsewhere nothing is called clean."""

import json

import dummies
from kame_data.codec.token_manifest import Named, NamedTokenizer, TokenManifest, made_from
from kame_data.codec.token_parts import TOKENS_VERSION
from kame_data.evaluate.contamination import check
from kame_data.evaluate.records import Item, ItemTurn
from kame_data.finished.manifest import Manifest
from kame_data.storage.paths import path_of

ASKED = " ".join(dummies.USER)


def item(own, *texts):
    return Item(own, "ours", "", "en", tuple(ItemTurn(text, text) for text in texts))


def build(folder, rows=20):
    """A finished build with a token manifest, and the facts that a model trained on it states."""
    out = dummies.finish(folder, [dummies.row(n, spoken=False) for n in range(rows)])
    sums = "1" * 64, "2" * 64
    made = made_from(Manifest.read(path_of(out)), *sums)
    TokenManifest(
        version=TOKENS_VERSION, stand_ins=(), codec=Named(name="c", sha256=sums[0]), rows=0, frames=0, refused={},
        tokenizer=NamedTokenizer(name="t", sha256=sums[1], text_card=9), made_from=made, files=(),
    ).write(path_of(out))  # fmt: skip
    return out, {"from": "untrained-tiny", "data": {"dialogues": {"questions": rows}, "tokens": {"made_from": made}}}


def model(folder, facts):
    folder.mkdir()
    (folder / "training.json").write_text(json.dumps(facts))
    return folder


ITEMS = [
    item("same", ASKED, "And how many of them are red?"),
    item("near", ASKED.replace("Tell me how", "So how").replace("seats", "seat") + "?"),
    item("later", "Which planet has the most moons?", ASKED),
    item("other", "Which river runs through the town of Ulm, and where does it end?"),
]


def test_what_stood_in_the_training_rows_is_found(tmp_path):
    out, facts = build(tmp_path / "out")
    found = check(model(tmp_path / "m", facts), ITEMS, [out])
    assert found.seen == ("same", "near") and found.in_part == ("later",) and not found.unknown and not found.clean
    assert "2 of 4 questions stood in the training data (out)" in found.statement()
    rows = {row["id"] for row in (dummies.row(n, spoken=False) for n in range(20)) if row["split"] == "train"}
    assert {met.row for met in found.meetings} <= rows
    assert check(tmp_path / "m", ITEMS[3:], [out]).clean


def test_unknown_is_not_clean(tmp_path):
    out, facts = build(tmp_path / "out")
    for number, (told, builds, why) in enumerate(
        [
            (facts, [], "(20 of questions) is not at hand"),
            (facts, [tmp_path / "nowhere"], "nowhere"),
            (facts | {"data": {}}, [out], "is not shown to be the build"),
            (facts | {"from": "kyutai/moshiko"}, [out], "it began with 'kyutai/moshiko'"),
            (facts | {"from": None}, [out], "does not name"),
            ([1], [out], "no JSON object"),
        ]
    ):
        found = check(model(tmp_path / f"m{number}", told), ITEMS[3:], builds)
        assert not found.clean and any(why in line for line in found.unknown), (number, found)
        assert "so it is not known whether the model has seen these questions" in found.statement()
    (tmp_path / "bare").mkdir()
    assert "has no training.json" in check(tmp_path / "bare", ITEMS, [out]).unknown[0]


def test_a_build_that_was_made_anew_since_is_not_the_one(tmp_path):
    out, facts = build(tmp_path / "out")
    dummies.finish(tmp_path / "other", [dummies.row(n, spoken=False) for n in range(30)])
    (out / "manifest.json").write_bytes((tmp_path / "other" / "manifest.json").read_bytes())
    found = check(model(tmp_path / "m", facts), ITEMS, [out])
    assert not found.searched and any("other shards" in line for line in found.unknown)
