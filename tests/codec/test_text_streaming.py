"""Text that comes in pieces has the tokens of the whole text, each given once and never taken back."""

import random

import pytest
from sentencepiece import SentencePieceTrainer

from kame_data.codec.text_streaming import StreamedText, TornText
from kame_data.codec.tokenizer import Tokenizer

TEXTS = [
    "The answer is forty two, because six times seven is forty two.",
    "It is 3.14159, or 22/7; in 1999 it cost $1,250.50!",
    "光的速度大约是每秒三十万公里，所以答案是第二个。我们可以这样想：12乘以4等于48。",
    "Мы знаем, что скорость света равна 300000 км/с.",
    "الجواب هو الخيار الثاني لأن الضوء أسرع",
    "Café, naïve, e\u0301tude, ﬁne, ½ cup, 한국어 텍스트, 각ᆨ, ｶﾞｷﾞ, Ａ１",
    "  spaces   in  odd\tplaces \n and at the end   ",
    "antidisestablishmentarianism unbelievablenesses xxxxxxxxxxxxxxxxxx",
    "Emoji 👩‍👩‍👧 and 🇩🇪 and \U0001f44d\U0001f3fd, then words.",
    "a",
    " ",
    "",
    "literal \u2581 marks \u2581\u2581 and <s> <0x41> <unk>",
]


@pytest.fixture(scope="module")
def normalising(tmp_path_factory):
    """A unigram model that normalises, with Chinese words and no boundary at spaces."""
    folder = tmp_path_factory.mktemp("tokenizer")
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_prefix=str(folder / "small"),
        vocab_size=600,
        hard_vocab_limit=False,
        model_type="unigram",
        byte_fallback=True,
        split_by_whitespace=False,
        normalization_rule_name="nmt_nfkc",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        num_threads=1,
        minloglevel=2,
    )
    return Tokenizer.of(str(folder / "small.model"))


def cut(text, draws):
    pieces, place = [], 0
    while place < len(text):
        size = draws.choice([1, 1, 2, 3, 5, 8, 20])
        pieces.append(text[place : place + size])
        place += size
    return pieces


def given(tokenizer, pieces):
    """The tokens that each piece brought, the end last."""
    streamed = StreamedText(tokenizer)
    return [*(streamed.add(piece) for piece in pieces), streamed.end()]


@pytest.fixture(params=["sample", "normalising"])
def tokenizer(request):
    return Tokenizer.of("sample") if request.param == "sample" else request.getfixturevalue("normalising")


def test_however_a_text_is_cut_its_tokens_are_those_of_the_whole(tokenizer):
    draws = random.Random(0)
    for number in range(2500):
        text = draws.choice(TEXTS)
        if number % 3 == 0:  # a text of pieces of others
            text = "".join(part[draws.randint(0, 5) : draws.randint(5, 30)] for part in draws.sample(TEXTS, 4))
        found = [token for tokens in given(tokenizer, cut(text, draws)) for token in tokens]
        assert found == [token for token in tokenizer.model.encode(text.strip()) if token not in (0, 3)], text


def test_words_come_as_soon_as_the_next_one_begins():
    tokenizer = Tokenizer.of("sample")
    pieces = ["The", " ans", "wer", " is", " for", "ty", " two", "."]
    sizes = [len(tokens) for tokens in given(tokenizer, pieces)]
    whole = len(tokenizer.encode("".join(pieces)))
    assert sum(sizes) == whole
    assert sum(sizes[:4]) >= len(tokenizer.encode("The answer"))
    assert sum(sizes[:-1]) >= len(tokenizer.encode("The answer is forty"))


def test_text_without_spaces_is_not_held_back_to_its_end():
    tokenizer = Tokenizer.of("sample")
    text = TEXTS[2]
    before_the_end = given(tokenizer, list(text))[:-1]
    assert sum(map(len, before_the_end)) > 0.9 * len(tokenizer.encode(text))


def test_piece_by_piece_a_word_in_two_pieces_is_torn():
    tokenizer = Tokenizer.of("sample")
    torn = TornText(tokenizer)
    pieces = [torn.add(piece) for piece in ("The", " ans", "wer")]
    assert pieces == [tokenizer.encode(text) for text in ("The", "ans", "wer")] and torn.end() == []
    assert tokenizer.decode([token for piece in pieces for token in piece]) == "The ans wer"
