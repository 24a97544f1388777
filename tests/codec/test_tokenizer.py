import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceTrainer

from kame_data.codec import tokenizer as module
from kame_data.codec.tokenizer import Tokenizer
from kame_data.errors import Refusal, UsageError
from kame_data.text.words import join_words, split_words


@pytest.fixture(scope="module")
def sample():
    return Tokenizer.of("sample")


def trained(folder, lines, **options):
    """A small model of its own, by its path."""
    defaults = {"vocab_size": 60, "hard_vocab_limit": False, "unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": 3}
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(folder / "m"), minloglevel=2, **defaults | options
    )
    return folder / "m.model"


def test_the_bundled_one_keeps_0_and_3_for_padding(sample):
    assert sample.text_card == 2000
    assert sample.model.is_unknown(0) and sample.model.is_control(3)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="▁"), min_size=1))
def test_no_word_is_ever_unknown_to_the_bundled_one(word):
    tokenizer = Tokenizer.of("sample")
    tokens = tokenizer.encode(word)
    assert not {0, 3} & set(tokens)
    assert tokenizer.decode(tokens) == word.strip()


@given(
    st.lists(st.sampled_from(["I'd", "go", "mitochondrion.", "é", "你好", "a", "-", "forty-five,", "🙂!"]), min_size=1)
)
def test_every_word_has_its_own_tokens(words):
    tokenizer = Tokenizer.of("sample")
    tokens, lengths = tokenizer.encode_words(words, "en")
    assert tokens == tokenizer.encode(" ".join(words))
    place = 0
    for word, n in zip(words, lengths, strict=True):
        assert tokenizer.decode(tokens[place : place + n]) == word
        place += n
    assert place == len(tokens)


def test_the_parts_of_a_text_are_the_text_also_where_a_character_has_no_piece(tmp_path, sample):
    narrow = Tokenizer("m", trained(tmp_path, ["one two three four five"] * 20, byte_fallback=False), "")
    text = "one twö 你好 three ß"
    assert 0 in narrow.model.encode(text)
    for tokenizer in (narrow, sample):
        found = tokenizer.cut(f" {text} ")
        assert "".join(found) == text and len(found) == len(tokenizer.model.encode(text))
    assert sample.cut("") == []


def test_an_answer_said_is_the_tokens_of_its_oracle(sample):
    text = "Sure. The first emperor of Rome was Augustus."
    assert sample.encode_words(text.split(), "en")[0] == sample.encode(text) == sample.encode(f"  {text} ")


def test_a_language_without_spaces(sample):
    text = "你好，世界 abc。"
    words = split_words(text, "zh")
    tokens, lengths = sample.encode_words(words, "zh")
    assert sample.decode(tokens) == join_words(words, "zh") == text
    assert lengths.sum() == len(tokens) and (lengths > 0).all()


@pytest.mark.parametrize(("text", "language"), [("一年有，十二个月？", "zh"), ("ﬁve ½ cups", "en")])
def test_a_model_that_rewrites_characters_cuts_the_whole_text_all_the_same(text, language, tmp_path):
    """NFKC, which SentencePiece does unless told otherwise; an answer said stays the tokens of its oracle."""
    options = {"vocab_size": 320, "byte_fallback": True, "normalization_rule_name": "nmt_nfkc"}
    tokenizer = Tokenizer.of(str(trained(tmp_path, ["一年有 five cups"] * 5, **options)))
    words = split_words(text, language)
    tokens, lengths = tokenizer.encode_words(words, language)
    assert tokens == tokenizer.encode(text)
    assert lengths.sum() == len(tokens) and (lengths > 0).all()


def test_a_model_that_rewrites_its_text_is_asked_word_by_word(tmp_path):
    model = trained(tmp_path, ["ein fluss und noch ein fluss"] * 5, normalization_rule_name="nmt_nfkc_cf")
    tokens, lengths = Tokenizer.of(str(model)).encode_words(["Ein", "FLUSS"], "de")
    assert Tokenizer.of(str(model)).decode(tokens) == "ein fluss"
    assert lengths.sum() == len(tokens) and (lengths > 0).all()


def test_what_a_model_cannot_write_is_refused(tmp_path):
    model = Tokenizer.of(str(trained(tmp_path, ["abc abd acd"] * 5)))
    with pytest.raises(Refusal, match="cannot write 'xyz'"):
        model.encode("xyz")


def test_a_model_whose_3_is_text_is_refused(tmp_path):
    model = trained(tmp_path, ["abc abd acd"] * 5, pad_id=-1)
    with pytest.raises(UsageError, match=r"its id 3 stands for '.*keeps 0 and 3 for padding"):
        Tokenizer.of(str(model))


def test_what_is_no_model_is_said(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        Tokenizer.of(str(tmp_path / "none.model"))
    (tmp_path / "no.model").write_bytes(b"no model")
    with pytest.raises(UsageError, match="is no SentencePiece model"):
        Tokenizer.of(str(tmp_path / "no.model"))


def test_without_the_hub_the_way_out_is_named(monkeypatch, tmp_path):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*args):
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(UsageError, match=r"the Hub \(it cannot be reached\); give --tokenizer FILE, or sample"):
        Tokenizer.of("kyutai")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *a: module.bundled("data/tokenizers/sample.model"))
    assert Tokenizer.of("kyutai").sha256 == Tokenizer.of("sample").sha256
