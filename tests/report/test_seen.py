import shutil

import dummies
import pytest

from pipeline.errors import UsageError
from pipeline.quality import WORD_SECONDS
from pipeline.report.seen import events, open_tokenizer, pieces, seen, timed, true_answers

TEXT = "one two three four five six seven"


@pytest.mark.parametrize(("seconds", "words"), [(0, 0), (0.1, 0), (0.16, 1), (0.24, 2), (0.8, 7), (60, 7)])
def test_words_are_seen_at_a_token_a_frame(seconds, words):
    found = seen(TEXT, seconds, "en")
    assert found.text.split() == TEXT.split()[:words]
    assert found.rest.split() == TEXT.split()[words:]


def test_real_tokens_are_counted_where_there_is_a_tokenizer(tmp_path):
    pytest.importorskip("sentencepiece")
    text = "Extraordinarily many zebras gallop through Winchester."
    assert open_tokenizer(None, tmp_path) is None
    tokenizer = open_tokenizer("sample", tmp_path)
    found = pieces(text, tokenizer)
    assert "".join(found) == text and len(found) == len(tokenizer.encode(text)) > 8
    part = seen(text, 0.08 * 5, "en", tokenizer)
    assert part.text == "".join(found[:5]) and part.text + part.rest == text
    # A build's own tokens name the tokenizer that it is read with.
    (tmp_path / "tokens").mkdir()
    shutil.copy(tokenizer.path, tmp_path / "tokens" / "tokenizer.model")
    assert pieces(text, open_tokenizer(None, tmp_path)) == found
    with pytest.raises(UsageError, match="no such file"):
        open_tokenizer(str(tmp_path / "nix"), tmp_path)


def test_silent_rows_get_reckoned_times():
    spoken, silent = dummies.row(1), dummies.row(1, spoken=False, duplex=True)
    assert timed(spoken) == spoken
    filled = timed(silent)
    assert filled["duration"] == pytest.approx(len(silent["words"]) * WORD_SECONDS)
    first = filled["oracles"][0]
    assert first["time"] == pytest.approx(first["prefix_words"] * WORD_SECONDS)
    assert all(w["end"] is not None for w in filled["words"])
    assert all(t["end"] > t["start"] for t in filled["turns"])
    assert next(s for s in filled["situations"] if s["kind"] == "background")["start"] is None


def test_the_true_answer_passes_back_channels_and_goes_to_its_end():
    row = dummies.row(1, duplex=True)
    assert true_answers(row) == {0: " ".join(dummies.BACK), 3: " ".join(dummies.LAST)}
    assert true_answers(row | {"turns": row["turns"][:4]}) == {0: " ".join(dummies.BACK)}


def test_a_grids_levels_arrive_together():
    arrived = events(dummies.row(1, grid=True)["oracles"])
    assert [time for time, _ in arrived] == sorted(time for time, _ in arrived)
    assert len(arrived[0][1]) == 6
