import random
import shutil

import numpy as np
import pytest

import dummies
from kame_data.codec.token_schema import frame_at
from kame_data.codec.tokenizer import Tokenizer, pieces_of
from kame_data.errors import KameError, UsageError
from kame_data.finished.reckoned import WORD_SECONDS, Reckoner
from kame_data.finished.row import Row
from kame_data.finished.seen import frame_of, seen, tokens_read
from kame_data.settings.tree import Settings
from kame_data.storage.local import LocalPath

TEXT = "one two three four five six seven"


@pytest.mark.parametrize(("seconds", "words"), [(0, 0), (0.1, 0), (0.16, 0), (0.24, 1), (0.32, 2), (0.88, 7), (60, 7)])
def test_words_are_seen_at_a_token_a_frame_behind_the_start_id(seconds, words):
    found = seen(TEXT, 0.0, seconds, "en")
    assert found.text.split() == TEXT.split()[:words]
    assert found.rest.split() == TEXT.split()[words:]


def test_n_frames_give_n_minus_one_tokens_by_the_frames_of_the_token_shards():
    draw = random.Random(1)
    for _ in range(500):
        arrived, until = sorted((round(draw.uniform(0, 30), 3), round(draw.uniform(0, 30), 3)))
        first, last = frame_at(np.array([arrived, until]))
        assert (frame_of(arrived), frame_of(until)) == (first, last)
        assert tokens_read(arrived, until) == max(0, last - first - 1)
    assert tokens_read(0.24, 0.24) == tokens_read(0.24, 0.32) == 0 and tokens_read(0.24, 0.4) == 1


def test_real_tokens_are_counted_where_there_is_a_tokenizer(tmp_path):
    pytest.importorskip("sentencepiece")
    text = "Extraordinarily many zebras gallop through Winchester."
    assert pieces_of(None, LocalPath(tmp_path)) is None
    tokenizer = Tokenizer.of("sample")
    found = pieces_of("sample", LocalPath(tmp_path))(text)
    assert "".join(found) == text and len(found) == len(tokenizer.encode(text)) > 8
    part = seen(text, 0.0, 0.08 * 6, "en", tokenizer.cut)
    assert part.text == "".join(found[:5]) and part.text + part.rest == text
    # A build's own tokens name the tokenizer that it is read with.
    (LocalPath(tmp_path) / "tokens").mkdir()
    shutil.copy(tokenizer.path, LocalPath(tmp_path) / "tokens" / "tokenizer.model")
    assert pieces_of(None, LocalPath(tmp_path))(text) == found
    with pytest.raises(UsageError, match="no such file"):
        pieces_of(str(LocalPath(tmp_path) / "nix"), LocalPath(tmp_path))


def test_silent_rows_get_reckoned_times():
    reckoner = Reckoner.of(Settings(seed=3))
    spoken, silent = Row.of(dummies.row(1)), Row.of(dummies.row(1, spoken=False, duplex=True))
    assert reckoner.timed(spoken) is spoken
    filled = reckoner.timed(silent)
    floor = sum(len(words) for turn, words in silent.words_by_turn.items() if turn not in silent.back_channels)
    assert filled.duration == pytest.approx(floor * WORD_SECONDS), "a back-channel takes no time of its own"
    first = filled.oracles[0]
    assert first.heard > first.prefix_words * WORD_SECONDS, "the recogniser lags"
    assert filled.arrivals and all(o.time is None or o.time > o.heard for o in filled.oracles)
    assert filled == reckoner.timed(silent) and filled != Reckoner.of(Settings(seed=4)).timed(silent)
    assert all(w.end is not None for w in filled.words)
    assert all(t.end > t.start for t in filled.turns)
    assert [t.start for t in filled.turns] == sorted(t.start for t in filled.turns)
    assert next(s for s in filled.situations if s.kind == "background").start is None


def test_an_oracle_of_words_that_nobody_says_is_named():
    row = dummies.row(1, spoken=False)
    row["oracles"][-1]["prefix_words"] = 99
    with pytest.raises(KameError, match=r"row dummy-00001-v0: .*build it again"):
        Reckoner.of(Settings()).timed(Row.of(row))


def test_the_true_answer_passes_back_channels_and_goes_to_its_end():
    row = Row.of(dummies.row(1, duplex=True))
    assert row.truths == {0: " ".join(dummies.BACK), 3: " ".join(dummies.LAST)}
    assert row.answered_by == {0: 2, 3: 4} and row.answers == [2, 4] and row.back_channels == {1}
    assert row.having(turns=row.turns[:4]).truths == {0: " ".join(dummies.BACK)}


def test_a_grids_levels_arrive_together():
    arrived = Row.of(dummies.row(1, grid=True)).arrivals
    assert [a.time for a in arrived] == sorted(a.time for a in arrived)
    assert len(arrived[0].oracles) == 6 and arrived[0].until == arrived[1].time


def test_a_row_holds_what_was_read_and_nothing_else():
    told = dummies.row(1, duplex=True)
    row = Row.of({name: told[name] for name in ("id", "turns")})
    assert [t._asdict() for t in row.turns] == told["turns"]
    with pytest.raises(AttributeError, match="words"):
        _ = row.words
