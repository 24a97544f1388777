import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

import dummies
from kame_data.codec.token_manifest import made_from
from kame_data.codec.token_schema import TokenFacts
from kame_data.codec.token_shards import ROW_GROUP, table_of, write_token_shard
from kame_data.codec.tokenize import describe
from kame_data.errors import KameError, UsageError
from kame_data.finished.manifest import Manifest
from kame_data.settings.training import Augmentation
from kame_data.train.batches import Loader
from kame_data.train.data import TokenFiles, check_finished, token_files
from token_dummies import dummy_facts, write_dummy


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_dummy(tmp_path_factory.mktemp("dummy"), rows=300, validation=20, files=3, grid=True)


def same(one, other):
    return (
        one.ids == other.ids
        and one.repeated == other.repeated
        and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("codes", "oracle", "answer", "level"))
    )


def test_a_batch_holds_the_rows_of_the_shards(paths):
    rows = {r["id"]: r for p in paths["train"] for r in pq.read_table(p).to_pylist()}
    seen = []
    for batch in Loader(paths["train"], batch_size=16).epoch(0):
        assert batch.codes.dtype == batch.oracle.dtype == np.int32 and batch.level.dtype == np.int8
        assert batch.codes.shape == (len(batch.ids), 17, batch.frames.max())
        for i, name in enumerate(batch.ids):
            row, n = rows[name], int(batch.frames[i])
            assert n == row["frames"]
            assert batch.codes[i, 0, :n].tolist() == row["text"]
            assert batch.codes[i, 1:9, :n].ravel().tolist() == row["assistant_codes"]
            assert batch.codes[i, 9:, :n].ravel().tolist() == row["user_codes"]
            answers = zip(row["answer_start"], row["answer_end"], strict=True)
            assert np.flatnonzero(batch.answer[i]).tolist() == [t for a, b in answers for t in range(a, b)]
            for behind in (batch.codes[i, :, n:], batch.oracle[i, n:], batch.level[i, n:]):
                assert (behind == -1).all()
            assert (batch.oracle[i, :n] >= 3).all() and batch.oracle.max() == 64
        seen += batch.ids
    assert sorted(seen) == sorted(rows)


@pytest.mark.parametrize("limits", [{"batch_size": 8}, {"batch_frames": 1000}, {"batch_size": 64, "frame_multiple": 4}])
def test_batches_keep_their_limits_and_little_padding(paths, limits):
    batches = list(Loader(paths["train"], **limits).epoch(1))
    padding = 1 - sum(b.frames.sum() for b in batches) / sum(b.oracle.size for b in batches)
    assert padding < 0.1
    for batch in batches:
        assert 1 - batch.frames.sum() / (batch.frames.max() * len(batch.ids)) <= 0.1
        assert batch.oracle.shape[1] % limits.get("frame_multiple", 1) == 0
        assert len(batch.ids) <= limits.get("batch_size", 10**9)
        assert batch.oracle.size <= limits.get("batch_frames", 10**9)


def test_epochs_differ_and_come_again(paths):
    loader = Loader(paths["train"], batch_size=16, window=100)
    first, again, second = list(loader.epoch(0)), list(loader.epoch(0)), list(loader.epoch(1))
    assert all(map(same, first, again))
    assert [b.ids for b in first] != [b.ids for b in second]
    assert sorted(i for b in first for i in b.ids) == sorted(i for b in second for i in b.ids)
    other = list(Loader(paths["train"], batch_size=16, window=100, seed=1).epoch(0))
    assert [b.ids for b in first] != [b.ids for b in other]


def streams(batches):
    return {i: batch.oracle[n, : batch.frames[n]].tolist() for batch in batches for n, i in enumerate(batch.ids)}


def test_what_is_drawn_hangs_on_run_epoch_and_example_alone(paths):
    one = streams(Loader(paths["train"], batch_size=16).epoch(3))
    other = streams(Loader(paths["train"][::-1], batch_frames=700, shuffle=False, prefetch=0, window=1).epoch(3))
    assert one == other
    assert one != streams(Loader(paths["train"], batch_size=16).epoch(4))
    assert one != streams(Loader(paths["train"], batch_size=16, seed=7).epoch(3))


@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_ranks_share_the_batches_of_one(paths, world):
    alone = list(Loader(paths["train"], batch_size=16, window=100).epoch(2))
    shared = [
        list(Loader(paths["train"], batch_size=16, window=100, rank=r, world_size=world).epoch(2)) for r in range(world)
    ]
    assert len({len(some) for some in shared}) == 1
    turns = [batch for turn in zip(*shared, strict=True) for batch in turn]
    assert all(map(same, alone, turns))
    assert [b.repeated for b in turns] == [i >= len(alone) for i in range(len(turns))]


@pytest.mark.parametrize("prefetch", [0, 3])
def test_an_epoch_goes_on_from_any_batch(paths, prefetch):
    loader = Loader(paths["train"], batch_size=16, window=100, world_size=2, rank=1, prefetch=prefetch)
    whole = list(loader.epoch(5))
    for start in range(len(whole) + 1):
        assert all(map(same, loader.epoch(5, start), whole[start:]))
    assert len(whole) == loader.batches(5)


def test_a_small_window_reads_every_group_once_for_each_window(paths, monkeypatch):
    read = []
    block = TokenFiles.block
    monkeypatch.setattr(TokenFiles, "block", lambda self, group: read.append(group) or block(self, group))
    list(Loader(paths["train"], batch_size=16, window=100).epoch(0))
    assert sorted(read) == list(range(len(Loader(paths["train"], batch_size=1).files.groups)))


def test_true_shuffled_and_no_oracles_of_the_same_batches(paths):
    true = Loader(paths["validation"], batch_size=8, shuffle=False, augmentation=Augmentation.off())
    shuffled, none = true.with_(oracle="shuffled"), true.with_(oracle="none")
    for a, b, c in zip(true.epoch(0), shuffled.epoch(0), none.epoch(0), strict=True):
        assert a.ids == b.ids == c.ids and np.array_equal(a.codes, b.codes)
        assert np.array_equal(a.level, b.level) and np.array_equal(a.oracle == 64, b.oracle == 64)
        spoken = (a.oracle > 3) & (a.oracle < 64)
        assert spoken.any() and (a.oracle != b.oracle)[spoken].mean() > 0.8
        assert not (c.oracle > 3).any() and (c.level == -1).all()
        assert np.array_equal(c.oracle == -1, a.oracle == -1)


def test_a_grid_is_drawn_anew_and_by_the_cuts_without_augmentation(paths):
    loader = Loader(paths["train"], batch_size=300, max_padding=0.9)
    levels = [streams_of_level(loader.epoch(e)) for e in range(2)]
    assert levels[0] != levels[1]
    fixed = loader.with_(augmentation=Augmentation.off())
    assert streams_of_level(fixed.epoch(0)) == streams_of_level(fixed.epoch(1))


def streams_of_level(batches):
    return {i: batch.level[n, : batch.frames[n]].tolist() for batch in batches for n, i in enumerate(batch.ids)}


def test_codes_are_views_of_the_column(paths):
    block = TokenFiles(paths["train"]).block(0)
    assistant, user = block.codes(3)
    assert assistant.base is not None and not assistant.flags.owndata and not assistant.flags.writeable
    assert assistant.shape == user.shape == (8, block.frames[3])


def test_shards_of_several_codecs_or_tokenizers_do_not_go_together(paths, tmp_path):
    table = pq.read_table(paths["train"][0])
    for what, other in {
        "codec": TokenFacts("mimi x", "1" * 64, "dummy", "0" * 64, 64),
        "tokenizer": TokenFacts("untrained dummy", "0" * 64, "other", "1" * 64, 64),
    }.items():
        path = tmp_path / f"{what}.parquet"
        write_token_shard(path, [table], other)
        with pytest.raises(UsageError, match=f"its {what} is '.*'.*; train on shards of one {what}"):
            Loader([paths["train"][0], path], batch_size=1)


def test_what_cannot_be_is_said_in_a_line(paths, tmp_path):
    train = paths["train"]
    for wrong, said in (
        ({}, "give one of the two"),
        ({"batch_size": 2, "batch_frames": 100}, "give one of the two"),
        ({"batch_size": 0}, "give one of the two"),
        ({"batch_size": 2, "rank": 2, "world_size": 2}, "rank 2 of 2"),
        ({"batch_size": 2, "oracle": "some"}, "use true, shuffled or none"),
        ({"batch_frames": 70}, "frames long; give"),
    ):
        with pytest.raises(UsageError, match=said):
            Loader(train, **wrong)
    with pytest.raises(UsageError, match="cannot be read"):
        Loader([tmp_path / "none.parquet"], batch_size=1)
    with pytest.raises(UsageError, match="no token shards are given"):
        Loader([], batch_size=1)
    pq.write_table(pq.read_table(train[0]).replace_schema_metadata(), tmp_path / "strange.parquet")
    with pytest.raises(UsageError, match="is no token shard"):
        Loader([tmp_path / "strange.parquet"], batch_size=1)
    write_token_shard(tmp_path / "empty.parquet", [], dummy_facts())
    with pytest.raises(UsageError, match="holds no rows"):
        Loader([tmp_path / "empty.parquet"], batch_size=1)
    with pytest.raises(UsageError, match="holds no token shards of the split 'train'"):
        token_files(tmp_path, "train")


def test_one_question_alone_cannot_be_shuffled(tmp_path):
    paths = write_dummy(tmp_path, rows=1, validation=0)
    with pytest.raises(UsageError, match="its oracles cannot be shuffled"):
        list(Loader(paths["train"], batch_size=1, oracle="shuffled").epoch(0))


def test_a_missing_file_of_several_is_said(tmp_path):
    paths = write_dummy(tmp_path, rows=10, files=3)
    assert token_files(tmp_path, "train") == paths["train"]
    paths["train"][1].unlink()
    with pytest.raises(UsageError, match="holds 2 of 3 token shards"):
        token_files(tmp_path, "train")


def test_a_damaged_page_is_said_when_it_is_read(tmp_path):
    (path,) = write_dummy(tmp_path, rows=100)["train"]
    loader = Loader([path], batch_size=10)
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(1).column(file.schema_arrow.names.index("assistant_codes"))
        at = column.dictionary_page_offset
    data = bytearray(path.read_bytes())
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(KameError, match="row group 1 is damaged"):
        list(Loader([path], batch_size=10).epoch(0))
    assert loader.batches(0) >= 10


def test_a_loader_that_is_left_leaves_no_thread(paths):
    import threading

    before = threading.active_count()
    batches = Loader(paths["train"], batch_size=4).epoch(0)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_dummies_are_the_same_every_time_and_cut_into_groups(paths, tmp_path):
    again = write_dummy(tmp_path, rows=300, validation=20, files=3, grid=True)
    for split in paths:
        assert [p.read_bytes() for p in paths[split]] == [p.read_bytes() for p in again[split]]
    with pq.ParquetFile(paths["train"][0]) as file:
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert sizes == [ROW_GROUP, 100 - ROW_GROUP]


def test_a_row_group_of_one_question_takes_its_oracles_from_another(tmp_path):
    """Row 65 stands alone in the second row group; with the true oracle it says its own, shuffled another's."""
    path = write_dummy(tmp_path, rows=ROW_GROUP + 1)["train"]
    rows = {row["id"]: row for row in pq.read_table(path[0]).to_pylist()}
    quiet = {"batch_size": 1, "shuffle": False, "augmentation": Augmentation.off(), "prefetch": 0}
    alone = f"dummy-0-{ROW_GROUP}-v0"
    said = {}
    for mode in ("true", "shuffled"):
        (batch,) = [b for b in Loader(path, oracle=mode, **quiet).epoch(0) if b.ids == (alone,)]
        said[mode] = batch.oracle[0]
    assert np.array_equal(said["true"] == 64, said["shuffled"] == 64)
    last = rows["dummy-0-0-v0"]["oracle_tokens"][rows["dummy-0-0-v0"]["oracle_offsets"][-2] :]
    start = int(np.flatnonzero(said["shuffled"] == 64)[-1]) + 1
    assert said["shuffled"][start : start + len(last)].tolist() == last
    assert said["true"][start : start + len(last)].tolist() != last


def test_where_there_is_one_question_alone_oracles_cannot_be_shuffled(tmp_path):
    path = write_dummy(tmp_path, rows=1)["train"]
    assert not Loader(path, batch_size=1).shuffles_oracles
    with pytest.raises(UsageError, match="holds one question alone"):
        list(Loader(path, batch_size=1, oracle="shuffled").epoch(0))


def changed(path, **columns):
    """The shard with the values of some columns made others."""
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        row |= {name: [value] * len(row[name]) for name, value in columns.items()}
    write_token_shard(path, [table_of(rows)], dummy_facts())


@pytest.mark.parametrize(
    ("name", "value"),
    [("text", 64), ("text", -2), ("oracle_tokens", 64), ("user_codes", 2048), ("assistant_codes", 60000)],
)
def test_ids_that_no_table_holds_are_told_with_their_file(name, value, tmp_path):
    (path,) = write_dummy(tmp_path, rows=8)["train"]
    changed(path, **{name: value})
    with pytest.raises(KameError, match=f"{path}: row group 0 is damaged .{name} has an id outside 0 to"):
        list(Loader([path], batch_size=2).epoch(0))


def test_a_shard_that_cannot_be_read_or_lacks_a_column_is_named(tmp_path):
    (path,) = write_dummy(tmp_path, rows=8)["train"]
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(range(255, 5, -1)) * 4 + whole[1004:])
    with pytest.raises(KameError, match=f"{path}: row group 0 is damaged"):
        list(Loader([path], batch_size=2).epoch(0))
    path.write_bytes(whole)
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["oracle_level"]), path)
    with pytest.raises(UsageError, match=f"{path}: its columns are not those"):
        Loader([path], batch_size=2)


def test_token_shards_of_an_earlier_version_are_told_apart(tmp_path):
    (path,) = write_dummy(tmp_path, rows=8)["train"]
    table = pq.read_table(path)
    older = table.rename_columns({"oracle_answer": "oracle_turn"}).replace_schema_metadata(table.schema.metadata)
    pq.write_table(older, path)
    with pytest.raises(UsageError, match=f"{path}: was made by an earlier version; run `kame-data tokens` again"):
        Loader([path], batch_size=2)


def test_other_rows_have_another_digest(paths, tmp_path):
    one = TokenFiles(paths["train"]).digest()
    assert one == TokenFiles(list(paths["train"])).digest()
    assert one != TokenFiles(paths["train"][:2]).digest()


def test_tokens_that_are_not_finished_or_of_another_build_are_not_trained_on(tmp_path):
    """`kame-data tokens` removes its manifest before it writes shards; a build that grew has other shards."""
    (path,) = write_dummy(tmp_path, rows=8)["train"]
    dummies.finish(tmp_path, [dummies.row(0, spoken=False)])
    of = dummy_facts()
    sources = made_from(Manifest.read(tmp_path), of.codec_sha256, of.tokenizer_sha256)
    write_token_shard(
        path, [pq.read_table(path)], replace(of, fingerprint=sources["tokens/train-00000-of-00001.parquet"])
    )
    files = TokenFiles([path])
    with pytest.raises(UsageError, match="tokens: is not finished"):
        check_finished(tmp_path, files)
    made = tmp_path / "tokens" / "manifest.json"
    whole = describe(tmp_path, of, sources, []).content()
    made.write_text(json.dumps({"files": whole["files"]}))
    with pytest.raises(KameError, match=r"manifest.json: is damaged \(stand_ins is missing\); `kame-data tokens"):
        check_finished(tmp_path, files)
    made.write_text(json.dumps(whole))
    check_finished(tmp_path, files)
    made.write_text(json.dumps({name: value for name, value in whole.items() if name != "version"}))
    with pytest.raises(UsageError, match="tokens: was made by an earlier version"):
        check_finished(tmp_path, files)
    made.write_text(json.dumps(whole | {"made_from": {}}))
    with pytest.raises(UsageError, match="is not the one that the manifest beside it names"):
        check_finished(tmp_path, files)
    made.write_text(json.dumps(whole))
    dummies.finish(tmp_path, [dummies.row(1, spoken=False)])
    with pytest.raises(UsageError, match=r"was made of other shards than the build's; .* makes them anew"):
        check_finished(tmp_path, files)
