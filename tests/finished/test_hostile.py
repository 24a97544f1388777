"""Shards that another version made, or that hold what a row never may: read right, or refused in one line."""

import json
import math
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dummies
from kame_data.codec.tokenize import make_tokens
from kame_data.errors import KameError
from kame_data.export.write_export import export
from kame_data.finished.level_figures import LevelCurve
from kame_data.finished.reader import NEW_COLUMNS, Finished
from kame_data.finished.reckoned import Reckoner
from kame_data.finished.row import Row
from kame_data.report import print_replay
from kame_data.report.page import write_report
from kame_data.settings.latency import LatencySettings
from kame_data.settings.tokenizing import TokenSettings
from kame_data.shards.schema import EARLY
from kame_data.storage.local import LocalPath
from kame_data.terminal import Bars
from kame_data.verify.check_build import verify


def spoilt(out, change):
    """The build with shards that hold what `change` makes of their tables, as its manifest says."""
    manifest = json.loads((out / "manifest.json").read_text())
    for shard in manifest["shards"]:
        path = out / shard["path"]
        pq.write_table(change(pq.read_table(path)), path)
        shard |= {"sha256": sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    (out / "manifest.json").write_text(json.dumps(manifest))
    return LocalPath(out)


def rowwise(change):
    """A change of the rows of a table; its schema stays."""

    def changed(table):
        rows = table.to_pylist()
        for row in rows:
            change(row)
        return pa.Table.from_pylist(rows, schema=table.schema)

    return changed


def with_fields(group, choose):
    """A change of the fields of a list of structs: those that `choose` makes of their names, in that order."""

    def changed(table):
        place = table.schema.get_field_index(group)
        fields = {field.name: field for field in table.schema.field(group).type.value_type}
        kind = pa.list_(pa.struct([fields[name] for name in choose(list(fields))]))
        rows = [[{n: item[n] for n in choose(list(fields))} for item in row] for row in table[group].to_pylist()]
        return table.set_column(place, pa.field(group, kind), pa.array(rows, kind))

    return changed


def finished(tmp_path, name="out", count=4, **more):
    return dummies.finish(tmp_path / name, [dummies.row(n, duplex=n % 2 == 1, **more) for n in range(count)])


# A shard without an early start has no column of them, in this version too.
@pytest.mark.parametrize("name", [name for name in NEW_COLUMNS if name != EARLY])
def test_a_column_that_earlier_versions_lack_is_empty_for_every_reader(tmp_path, name):
    pytest.importorskip("moshi")
    kept = [dummies.row(n) | {name: NEW_COLUMNS[name]} for n in range(3)]
    tokens = TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1)
    old = spoilt(dummies.finish(tmp_path / "old", kept), lambda table: table.drop_columns([name]))
    new = LocalPath(dummies.finish(tmp_path / "new", kept))
    assert list(Finished.open(old).rows()) == list(Finished.open(new).rows())
    made = [make_tokens(out, tokens, Bars(False)) for out in (old, new)]
    assert made[0].rows == made[1].rows == 3
    shards = [[pq.read_table(path) for path in sorted((out / "tokens").glob("*.parquet"))] for out in (old, new)]
    assert shards[0] == shards[1]


def test_any_other_column_that_is_missing_is_named(tmp_path):
    out = spoilt(finished(tmp_path), lambda table: table.drop_columns(["words"]))
    with pytest.raises(KameError, match=r"parquet: has no column words; another version made it: build again"):
        list(Finished.open(out).rows())
    tokens = TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1)
    with pytest.raises(KameError, match=r"has no column words"):
        make_tokens(out, tokens, Bars(False))


@pytest.mark.parametrize("group", ["turns", "claims", "words", "oracles", "transcripts", "situations"])
def test_fields_are_read_by_their_names_in_whatever_order(tmp_path, group):
    as_written, other = LocalPath(finished(tmp_path, "a")), finished(tmp_path, "b")
    other = spoilt(other, with_fields(group, lambda names: names[::-1]))
    assert list(Finished.open(other).rows()) == list(Finished.open(as_written).rows())
    folders = [tmp_path / "to-a", tmp_path / "to-b"]
    for out, folder in zip((as_written, other), folders, strict=True):
        export(out, folder, "moshi-finetune")
    texts = [sorted((p.name, p.read_bytes()) for p in folder.rglob("audio/*.json")) for folder in folders]
    assert len(texts[0]) == 4 and texts[0] == texts[1]


@pytest.mark.parametrize("group", ["turns", "words", "oracles", "situations"])
def test_a_field_that_is_missing_is_named(tmp_path, group):
    out = spoilt(finished(tmp_path), with_fields(group, lambda names: names[:-1]))
    with pytest.raises(KameError, match=rf"has no column {group}\.(end|time); another version made it"):
        list(Finished.open(out).rows())


@pytest.mark.parametrize("spoken", [True, False])
def test_words_of_a_turn_that_there_is_not_are_named(tmp_path, spoken):
    out = spoilt(finished(tmp_path, spoken=spoken), rowwise(lambda row: row["words"][-1].update(turn=9)))
    row = next(Finished.open(out).rows())
    said = rf"row {row.id}: has words of a turn 9, which there is not; build it again"
    for read in (lambda: row.words_of("user"), lambda: Finished.open(out).reckoner.timed(row).words_by_turn):
        with pytest.raises(KameError, match=said):
            read()


HOLES = [
    (lambda row: row["words"].__setitem__(3, None), "words[3]"),
    (lambda row: row["turns"].__setitem__(1, None), "turns[1]"),
    (lambda row: row["oracles"].__setitem__(2, None), "oracles[2]"),
    (lambda row: row["words"][3].update(word=None), "words[3].word"),
    (lambda row: row["turns"][0].update(intended_text=None), "turns[0].intended_text"),
    (lambda row: row["oracles"][1].update(text=None), "oracles[1].text"),
    (lambda row: row["oracles"][1].update(level=None), "oracles[1].level"),
    (lambda row: row["oracles"][1].update(ratio=math.nan), "oracles[1].ratio"),
    (lambda row: row.update(language=None), "language"),
    (lambda row: row.update(provenance=None), "provenance"),
    (lambda row: row.update(choices=[None]), "choices[0]"),
]
SPOKEN_HOLES = [
    (lambda row: row["oracles"][1].update(heard=None), "oracles[1].heard"),
    (lambda row: row["oracles"][1].update(time=math.inf), "oracles[1].time"),
    (lambda row: row["words"][2].update(end=None), "words[2].end"),
    (lambda row: row["turns"][0].update(start=math.nan), "turns[0].start"),
    (lambda row: row.update(duration=math.inf), "duration"),
]


@pytest.mark.parametrize(
    ("change", "name", "spoken"),
    [(*hole, spoken) for hole in HOLES for spoken in (True, False)] + [(*hole, True) for hole in SPOKEN_HOLES],
)
def test_a_hole_in_a_row_is_one_line_for_a_reader_and_verify_names_all(tmp_path, change, name, spoken):
    out = spoilt(finished(tmp_path, spoken=spoken), rowwise(change))
    build = Finished.open(out)
    read = [
        lambda: list(build.rows()),
        lambda: write_report(out),
        lambda: print_replay.moments(next(build.rows()), build.reckoner),
    ]
    for reader in read:
        with pytest.raises(KameError) as error:
            reader()
        assert str(error.value) == f"row dummy-00000-v0: {name} is null or no number; build it again"
    found = [problem for check in verify(out) for problem in check.problems]
    assert [f"row dummy-{n:05d}-v0: {name} is null or no number" in " ".join(found) for n in range(4)] == [True] * 4


def test_times_are_null_in_silence_alone(tmp_path):
    assert len(list(Finished.open(finished(tmp_path, spoken=False)).rows())) == 4
    mixed = dummies.finish(tmp_path / "mixed", [dummies.row(0), dummies.row(1, spoken=False)])
    assert [row.spoken for row in Finished.open(mixed).rows()] == [True, False]


def test_rows_of_the_same_columns_are_the_same_and_say_what_was_read():
    told = dummies.row(1)
    part, same, other = ({n: told[n] for n in names} for names in (("id", "turns"), ("id", "turns"), ("id", "words")))
    assert Row.of(part) == Row.of(same) != Row.of(other)
    assert "id='dummy-00001-v0'" in repr(Row.of(part)) and "words" not in repr(Row.of(part))


def test_a_level_without_anything_compared_falls_from_nothing():
    curve = LevelCurve(Reckoner(LatencySettings(), 0))
    row = Row.of(dummies.row(1))
    rising = {level: " ".join(dummies.BACK[: 3 * level + 1]) for level in range(6)}
    curve.add(row.having(oracles=tuple(o._replace(text=rising[o.level]) for o in row.oracles if o.level != 3)))
    curve.add_again({"oracles, level 3": {"too_long": 2}})
    assert curve.levels[3].count == 0 and curve.falls() == []
    assert [curve.asked_again(level) for level in (2, 3, 5)] == [0.0, None, None]
    assert [line[-1] for line in curve.table()][-1] == "-"


def test_a_silent_row_is_replayed_once_for_the_figures_and_the_page(tmp_path, monkeypatch):
    from kame_data.finished import reckoned

    replayed = []
    replay = reckoned.replay
    monkeypatch.setattr(reckoned, "replay", lambda name, *told: replayed.append(name) or replay(name, *told))
    write_report(LocalPath(finished(tmp_path, spoken=False)))
    assert sorted(replayed) == [f"dummy-{n:05d}-v0" for n in range(4)]
