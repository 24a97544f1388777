import dummies
import pytest

from pipeline.errors import UsageError
from pipeline.quality import WORD_SECONDS
from pipeline.report.seen import Tokenizer, events, seen, timed, true_answers

TEXT = "one two three four five six seven"


@pytest.mark.parametrize(("seconds", "words"), [(0, 0), (0.1, 0), (0.16, 1), (0.24, 2), (0.8, 7), (60, 7)])
def test_words_are_seen_at_a_token_a_frame(seconds, words):
    found = seen(TEXT, seconds, "en")
    assert found.text.split() == TEXT.split()[:words]
    assert found.rest.split() == TEXT.split()[words:]


def test_real_tokens_are_counted_where_there_is_a_tokenizer(tmp_path):
    train = pytest.importorskip("sentencepiece").SentencePieceTrainer.train
    (tmp_path / "text").write_text("\n".join([TEXT, "a hall with twelve rows of nineteen seats"] * 20))
    train(input=str(tmp_path / "text"), model_prefix=str(tmp_path / "spm"), vocab_size=29, minloglevel=2)
    tokenizer = Tokenizer(tmp_path / "spm.model")
    pieces = tokenizer.pieces(TEXT)
    assert "".join(pieces) == TEXT and len(pieces) > 7
    found = seen(TEXT, 0.08 * 5, "en", tokenizer)
    assert found.text == "".join(pieces[:5]) and found.text + found.rest == TEXT
    with pytest.raises(UsageError, match="no SentencePiece model"):
        Tokenizer(tmp_path / "text")


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
