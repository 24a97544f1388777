"""How far a night goes: what of a source may change, and what published builds it may go on from."""

import json

import pytest

import dummies
from building import build, rows_of, settings_of, shard_bytes
from kame_data.engine.build import Build
from kame_data.engine.note import Note
from kame_data.engine.outcome import refused_questions
from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Manifest
from kame_data.publish.dataset import build_digest
from kame_data.publish.hub_errors import Target
from kame_data.publish.publish import Publication, last_published, write
from kame_data.publish.upload_files import File, with_listing
from kame_data.workflows.night_goal import goal_of, take_in_new_rows
from nights import QUESTIONS, write_questions


@pytest.fixture
def rows(tmp_path):
    return tmp_path / "rows.jsonl"


def settings(rows, **changes):
    return settings_of(**{"out": rows.parent / "out", "sources": (f"questions={rows}",)} | changes)


def test_rows_that_came_and_went_again_are_missed(rows):
    write_questions(rows, 3)
    build(settings(rows))
    write_questions(rows, len(QUESTIONS))
    assert take_in_new_rows(Build(settings(rows)))[1] == ["questions"]
    note = (rows.parent / "out" / "build.json").read_bytes()
    write_questions(rows, 3)  # of which the questions are there from the first build
    with pytest.raises(UsageError, match="is gone or has changed since the build began"):
        take_in_new_rows(Build(settings(rows)))
    assert (rows.parent / "out" / "build.json").read_bytes() == note
    write_questions(rows, len(QUESTIONS))
    assert take_in_new_rows(Build(settings(rows)))[1] == []


def test_new_rows_wait_while_the_order_of_the_old_ones_is_lost(rows):
    write_questions(rows, 3)
    build(settings(rows, limit=3))
    first = set(rows_of(rows.parent / "out"))
    (part,) = (rows.parent / "out" / "parts" / "questions").glob("*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 4
    part.write_bytes(data)
    write_questions(rows, len(QUESTIONS))
    with pytest.raises(KameError, match="the order of those before is lost"):
        take_in_new_rows(Build(settings(rows)))
    write_questions(rows, 3)
    build(settings(rows, limit=3))
    write_questions(rows, len(QUESTIONS))
    assert take_in_new_rows(Build(settings(rows)))[1] == ["questions"]
    build(settings(rows, limit=4))
    assert first < set(rows_of(rows.parent / "out"))


def test_a_new_row_that_contradicts_an_old_one_is_refused_and_the_old_one_stays(rows):
    write_questions(rows, 4)
    build(settings(rows))
    first, parts = rows_of(rows.parent / "out"), set((rows.parent / "out" / "parts" / "dialogues").iterdir())
    more = [{"id": "new", "question": QUESTIONS[1][0], "answer": "5"}]
    more += [{"id": "other", "question": QUESTIONS[4][0], "answer": "71"}]
    write_questions(rows, 5)
    with rows.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in more)
    found, taken = take_in_new_rows(Build(settings(rows)))
    assert taken == ["questions"]
    assert [r.question_id for r in refused_questions(found)] == ["questions-q4", "questions-new", "questions-other"]
    build(settings(rows))
    assert rows_of(rows.parent / "out") == first
    assert set((rows.parent / "out" / "parts" / "dialogues").iterdir()) == parts


def test_a_target_that_refusals_keep_out_of_reach_is_the_most(tmp_path):
    hard = {
        "id": "hard",
        "question": "How many legs have a cat and a hen?",
        "answer": "6",
        "working": "<<4+2=7>>7, or 6",
    }
    rows = tmp_path / "rows.jsonl"
    write_questions(rows, 6)
    with rows.open("a") as file:
        file.write(json.dumps(hard) + "\n")
    told = {"target": 7, "max_variants": 1, "max_refused": 0.5}
    with pytest.raises(KameError, match="--target 7: only 6 dialogues were accepted of the 7"):
        build(settings(rows, **told))
    manifest, _ = build(settings(rows, **told), accept_fewer=True)
    assert manifest["dialogues"]["asked_for"] == manifest["settings"]["target"] == 6
    assert Note.read(tmp_path / "out").settings["target"] == 6
    whole, _ = build(settings(rows, **told | {"target": 6, "out": tmp_path / "whole"}))
    assert whole == manifest and shard_bytes(tmp_path / "out") == shard_bytes(tmp_path / "whole")


def test_the_order_of_what_is_published_is_not_taken_from_another_out(rows, tmp_path):
    write_questions(rows, 3)
    first = settings(rows, limit=2)
    build(first)

    def published(built):
        told = json.loads((built.out / "manifest.json").read_text())
        return {name: told[name] for name in ("settings", "sources", "dialogues")}

    before, elsewhere = published(first), settings(rows, limit=6, out=tmp_path / "new")
    assert goal_of(Build(elsewhere), before, 1).to == 3  # the same rows, in the same order
    write_questions(rows, len(QUESTIONS))
    with pytest.raises(UsageError, match="source questions: has got new rows since"):
        goal_of(Build(elsewhere), before, 1)
    take_in_new_rows(Build(first))
    grown = settings(rows, limit=4)
    assert goal_of(Build(grown), before, 1).to == 3
    build(grown)
    with pytest.raises(UsageError, match="is not the build that knows which came first"):
        goal_of(Build(elsewhere), published(grown), 1)
    assert goal_of(Build(settings(rows, limit=6)), published(grown), 1).to == 5


def listing(**changes):
    told = {"seed": 0, "languages": ["en"], "validation_share": 0.2, "limit": 2, "sources": [{"name": "questions"}]}
    return {"dialogues": {"by_source": {"questions": 2}}, "settings": told | changes}


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (listing(seed=1), "a build with seed 1, not 0; publish to another --repo"),
        (listing(sources=[{"name": "gsm8k"}]), r"sources \['gsm8k'\], not \['questions'\]"),
        (listing(languages=["de"]), r"languages \['de'\], not \['en'\]"),
        ({"files": {}}, "does not say what it was built from"),
        (listing() | {"settings": []}, "does not say what it was built from"),
        (listing() | {"dialogues": 3}, "does not say what it was built from"),
    ],
)
def test_another_build_that_is_published_is_not_grown_over(rows, published, said):
    write_questions(rows, 4)
    with pytest.raises(UsageError, match=said):
        goal_of(Build(settings(rows)), published, 1)


def test_it_grows_from_the_same_build(rows):
    write_questions(rows, 4)
    assert goal_of(Build(settings(rows)), listing(), 1).to == 3


def test_with_audio_is_something_new_after_none(tmp_path):
    manifest = Manifest.read(dummies.finish(tmp_path, [dummies.row(0)]))
    assert build_digest(manifest, None, audio=True) != build_digest(manifest, None, audio=False)


def test_a_file_that_is_gone_from_what_was_published_is_published_again(tmp_path):
    files = with_listing("dataset", [File.of("text/a.parquet", b"one")], {"build": "b"})
    write(tmp_path / "dry", files, "dataset")
    request, target = Publication(repo="ORG/NAME", dry_run=tmp_path / "dry"), Target.of("dataset", "ORG/NAME")
    assert last_published(request, target, None)["build"] == "b"
    for spoil in (lambda path: path.write_bytes(b"two"), lambda path: path.unlink()):
        spoil(tmp_path / "dry" / "text" / "a.parquet")
        assert last_published(request, target, None)["build"] is None
