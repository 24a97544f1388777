"""The words of the model, joined from its pieces, and the turns as a back end is told them."""

import pytest
from sentencepiece import SentencePieceTrainer

from kame_data.codec.tokenizer import Tokenizer
from kame_data.tandem.history import History, Said, Words, tokens_in
from tandem.telling import SAMPLE


def words_of(tokenizer, stream, language="en"):
    words = Words(tokenizer, language)
    found = [word for frame, token in enumerate(stream) for word in words.next(token, frame * 0.08)]
    return found + words.end()


def test_words_of_several_pieces_are_whole_with_the_frame_of_their_first():
    text = "Unbelievable antidisestablishmentarianism, said the three"
    tokens = SAMPLE.encode(text)
    assert len(tokens) > 2 * len(text.split())
    found = words_of(SAMPLE, tokens)
    assert [word.text for word in found] == text.split()
    pieces = [SAMPLE.model.id_to_piece(token) for token in tokens]
    starts = [frame * 0.08 for frame, piece in enumerate(pieces) if piece.startswith("▁")]
    assert [word.start for word in found] == pytest.approx(starts)


def test_padding_within_a_word_does_not_tear_it_and_a_pause_ends_it():
    one, two = SAMPLE.encode("unbelievable"), SAMPLE.encode("so")
    torn = [one[0], 3, *one[1:], 3, 3, 3, 3, 0, *two]
    assert [word.text for word in words_of(SAMPLE, torn)] == ["unbelievable", "so"]
    words = Words(SAMPLE, "en")
    for token in one:
        assert words.next(token, 0.0) == []
    assert [bool(words.next(3, 0.0)) for _ in range(4)] == [False, False, True, False]


def test_what_is_no_text_is_no_word():
    assert words_of(SAMPLE, [3, 0, 1, 2, -1, SAMPLE.text_card, 3, 3]) == []


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    SentencePieceTrainer.train(
        sentence_iterator=iter(["光的速度大约是每秒三十万公里", "答案是第二个"] * 30),
        model_prefix=str(folder / "zh"), vocab_size=300, hard_vocab_limit=False, model_type="bpe", byte_fallback=True,
        unk_id=0, bos_id=1, eos_id=2, pad_id=3, num_threads=1, minloglevel=2,
    )  # fmt: skip
    return Tokenizer.of(str(folder / "zh.model"))


def test_a_language_without_spaces_and_characters_in_bytes(chinese):
    text = "光的速度龘是龘答案"
    tokens = chinese.encode(text)
    found = words_of(chinese, tokens, "zh")
    assert "".join(word.text for word in found) == text and len(found) > 3
    history = History("zh", 1000)
    for word in found:
        history.said(word)
    assert history.context(99.0) == f"assistant: {text}"
    history.drop(2)
    heard = "".join(word.text for word in found[:-2])
    assert heard and history.context(99.0) == f"assistant: {heard}"


def test_turns_stand_in_the_order_in_which_they_began():
    history = History("en", 1000)
    history.heard(["how"], 1.0)
    history.heard(["how", "many?"], 1.0)
    history.user_ended()
    for place, word in enumerate(["two", "moons", "or"]):
        history.said(Said(word, 3.0 + place / 3))
    history.heard(["thank"], 3.5)  # the user interrupts
    history.said(Said("so", 4.0))
    history.heard(["thank", "you"], 3.5)
    history.user_ended()
    history.said(Said("welcome", 6.0))
    assert history.context(99.0).split("\n") == [
        "user: how many?", "assistant: two moons or so", "user: thank you", "assistant: welcome"
    ]  # fmt: skip
    assert history.context(3.5).split("\n") == ["user: how many?", "assistant: two moons or so"]


def test_an_answer_that_begins_while_the_user_speaks_is_a_turn_of_its_own():
    history = History("en", 1000)
    history.said(Said("hello", 0.0))
    history.heard(["how", "many"], 2.0)
    history.said(Said("two", 4.0))
    assert history.context(99.0).split("\n") == ["assistant: hello", "user: how many", "assistant: two"]
    assert history.context(2.0) == "assistant: hello"


def test_a_user_whose_words_are_taken_back_said_nothing():
    history = History("en", 1000)
    history.heard(["uh"], 0.0)
    history.heard([], 0.0)
    assert history.context(99.0) == ""
    history.user_ended()
    assert history.context(99.0) == ""


def test_what_was_never_heard_is_taken_back_over_turns():
    history = History("en", 1000)
    for place, word in enumerate(["one", "two", "three"]):
        history.said(Said(word, place / 2))
    history.drop(2)
    assert history.context(9.0) == "assistant: one"
    history.drop(5)
    assert history.context(9.0) == ""


def test_a_part_of_a_word_is_taken_back_alone():
    history = History("en", 1000)
    for word in (Said("un", 0.0), Said("usual", 1.0, glued=True), Said("ly", 2.0, glued=True)):
        history.said(word)
    assert history.context(9.0) == "assistant: unusually"
    history.drop(1)
    assert history.context(9.0) == "assistant: unusual"


def test_old_turns_go_whole_and_memory_does_not_grow():
    history = History("en", 60)
    for turn in range(300):
        history.heard([f"question{turn}"] * 5, turn * 10.0)
        history.user_ended()
        history.said(Said(f"answer{turn}", turn * 10.0 + 5))
    context = history.context(1e9)
    assert tokens_in(context) <= 60
    assert context.split("\n")[-1] == "assistant: answer299"
    assert all(line.count("question") in (0, 5) for line in context.split("\n"))
    assert len(history._turns) < 12


def test_a_turn_that_is_too_long_keeps_its_last_words():
    history = History("en", 60)
    for place in range(10_000):
        history.said(Said(f"w{place}", place / 3))
    context = history.context(1e9)
    assert context.startswith("assistant: ") and context.endswith("w9999") and 0 < tokens_in(context) <= 60
    assert len(history._turns[0].words) <= 2000
