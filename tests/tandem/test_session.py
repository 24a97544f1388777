"""A session: what it asks and gives up, what the oracle stream holds, and what its log says."""

import random

import pytest
from sentencepiece import SentencePieceTrainer

from kame_data.codec.tokenizer import Tokenizer
from kame_data.tandem.parts import BackEndRequest
from kame_data.tandem.session import Cancel
from tandem.telling import LOUD, SAMPLE, SILENCE, Told

START = SAMPLE.text_card
ANSWERS = [
    "Forty two, because six times seven is forty two.",
    "It is 3.14159, or 22/7; in 1999 it cost $1,250.50!",
    "The capital of Australia is Canberra, not Sydney.",
    "antidisestablishmentarianism unbelievablenesses",
    "  Café, naïve:  e\u0301tude, ﬁne ½ cup   ",
]


def questions(told):
    return [order for order in told.orders if isinstance(order, BackEndRequest)]


@pytest.mark.parametrize("answer", ANSWERS)
def test_however_an_answer_is_cut_the_model_reads_the_tokens_of_the_whole_each_once(answer):
    whole = [token for token in SAMPLE.model.encode(answer.strip()) if token not in (0, 3)]
    cuts = [[answer], list(answer)] + [[answer[:n], answer[n:]] for n in range(1, len(answer))]
    draws = random.Random(1)
    for _ in range(60):
        places = sorted(draws.sample(range(1, len(answer)), 4))
        cuts.append([answer[a:b] for a, b in zip([0, *places], [*places, len(answer)], strict=True)])
    for cut in cuts:
        told = Told()
        told.hear("end", "a question")
        read = []
        for piece in cut:
            told.delta(0, piece)
            read += [told.frame() for _ in range(draws.randint(0, 3))]
        told.end(0)
        read += [told.frame() for _ in range(len(whole) + 3)]
        assert [token for token in read if token != 3] == [START, *whole], cut
        assert told.of("oracle")[0].tokens == tuple(whole)
        assert told.of("oracle")[0].text.strip() == answer.strip()
        assert [t for event in told.of("oracle_delta") for t in event.tokens] == whole
        assert [event.read for event in told.of("oracle_read")] == list(range(len(whole) + 1))


def test_a_turn_from_its_first_word_to_the_answer_that_is_read():
    told = Told(loop={"min_growth": 2, "poll": 0.0})
    told.hear("start")
    told.frame()
    told.hear("interim", "how")
    assert not told.orders, "one word is too few"
    told.hear("interim", "how many moons", stable=8)
    assert questions(told) == [BackEndRequest(0, 0, 3, "how many moons", "", "en")]
    told.delta(0, "Two")
    told.delta(0, " moons")
    assert [told.frame(), told.frame()] == [START, SAMPLE.encode("Two")[0]]
    told.hear("interim", "how many moons has")
    assert len(told.orders) == 1, "it has grown by one word"
    told.hear("interim", "how many moons has Mars", stable=13)
    assert told.orders[1:] == [Cancel(0), BackEndRequest(1, 0, 5, "how many moons has Mars", "", "en")]
    told.delta(0, " or three")
    told.end(0)
    assert len(told.of("oracle")) == 1 and told.of("oracle")[0].finish == "cancelled"
    told.hear("end", "How many moons has Mars?")
    assert len(questions(told)) == 2, "nothing but the case and a mark has changed"
    told.end(1)
    assert told.of("no_answer")[0].id == 1 and told.of("no_answer")[0].text == ""
    told.session.close(told.now, "over")
    partials = [(event.text, event.stable) for event in told.of("user_partial")]
    assert partials[1:] == [
        ("how many moons", 2), ("how many moons has", 0), ("how many moons has Mars", 2)
    ]  # fmt: skip
    assert told.of("user_final")[0].ended and told.kinds()[-1] == "closed"


def test_words_that_the_recogniser_takes_back_are_asked_for_again():
    told = Told(loop={"min_growth": 2, "poll": 0.0})
    told.hear("interim", "I scream for ice")
    told.hear("interim", "ice cream for rice")
    assert [question.heard for question in questions(told)] == ["I scream for ice", "ice cream for rice"]


def test_the_first_token_of_a_newer_oracle_drops_the_older_one():
    told = Told("overlap", loop={"start_interval": 0.0, "min_growth": 1})
    told.hear("interim", "one two")
    told.hear("interim", "one two three")
    told.delta(0, "Forty two is the answer")
    assert told.frame() == START
    told.delta(1, "No")
    assert told.orders[-1] == Cancel(0)
    assert told.frame() == START
    told.delta(0, " and more")
    told.end(0)
    told.end(1)
    tokens = SAMPLE.encode("No")
    assert [told.frame() for _ in range(len(tokens) + 1)] == [*tokens, 3]


def test_an_older_answer_that_comes_late_is_never_read():
    told = Told("overlap", loop={"start_interval": 0.0, "min_growth": 1})
    for text in ("one two", "one two three"):
        told.hear("interim", text)
    told.delta(1, "Yes ")
    told.delta(0, "Wrong ")
    told.end(1)
    assert [event.id for event in told.of("first_token")] == [1]
    assert told.frame() == START and told.frame() == SAMPLE.encode("Yes")[0]


def test_by_position_loses_what_comes_late_and_the_contract_does_not():
    lost = {}
    for by_position in (False, True):
        told = Told(by_position=by_position)
        told.hear("end", "a question")
        for word in ANSWERS[0].split():
            told.delta(0, word + " ")
            for _ in range(6):
                told.frame()
        told.end(0)
        for _ in range(60):
            told.frame()
        lost[by_position] = len(told.of("oracle")[0].tokens) - told.of("oracle_read")[-1].read
    assert lost[False] == 0 and lost[True] > 5


@pytest.fixture(scope="module")
def english_only(tmp_path_factory):
    """A tokenizer that has no token, bytes either, for what is not in English."""
    folder = tmp_path_factory.mktemp("tokenizer")
    SentencePieceTrainer.train(
        sentence_iterator=iter(["Yes it is so because the answer is in the question."] * 20),
        model_prefix=str(folder / "en"), vocab_size=60, hard_vocab_limit=False, model_type="bpe", unk_id=0, bos_id=1,
        eos_id=2, pad_id=3, num_threads=1, minloglevel=2,
    )  # fmt: skip
    return Tokenizer.of(str(folder / "en.model"))


def test_an_answer_that_the_model_cannot_say_leaves_the_one_before(english_only):
    told = Told(tokenizer=english_only)
    told.hear("end", "a question")
    told.delta(0, "Yes it is so")
    read = [told.frame()]
    told.hear("end", "another one")
    told.delta(1, "答案")
    told.delta(1, "是第二个")
    read += [told.frame() for _ in range(3)]
    assert read == [english_only.text_card, *english_only.encode("Yes it is so")[:3]]
    told.end(1)
    assert told.of("no_answer")[0].text == "答案是第二个"
    assert [event.id for event in told.of("first_token")] == [0]


def test_what_of_an_answer_the_model_cannot_say_is_counted(english_only):
    told = Told(tokenizer=english_only)
    told.hear("end", "a question")
    told.delta(0, "it is 答案 so")
    told.end(0)
    oracle = told.of("oracle")[0]
    assert (
        oracle.unsayable == 1
        and 0 not in oracle.tokens
        and english_only.decode(oracle.tokens).split() == ["it", "is", "so"]
    )


def test_a_failed_answer_is_told_and_the_next_one_is_asked():
    told = Told()
    told.hear("end", "a question")
    told.delta(0, "Half an answer is")
    told.take(told.session.answer_failed(told.now, 0, "the server\nhung up"))
    assert told.of("error")[0].message == "the server hung up" and told.of("oracle")[0].finish == "error"
    told.hear("end", "another one")
    assert len(questions(told)) == 2


def test_a_spent_budget_ends_the_asking_and_is_told_once():
    told = Told("overlap", loop={"start_interval": 0.0, "min_growth": 1})
    told.hear("interim", "one two")
    told.hear("interim", "one two three")
    told.take(told.session.answer_failed(told.now, 0, "$1 are spent", spent=True))
    told.take(told.session.answer_failed(told.now, 1, "$1 are spent", spent=True))
    told.hear("end", "one two three four five")
    told.hear("end", "and on and on")
    assert [event.part for event in told.of("error")] == ["budget"]
    assert len(questions(told)) == 2
    told.say("it goes on")


def test_policy_none_asks_nothing_and_final_asks_once_a_turn():
    for policy, count in (("none", 0), ("final", 2)):
        told = Told(policy)
        for text in ("how", "how many", "how many moons"):
            told.hear("interim", text)
        told.hear("end", "how many moons")
        told.hear("interim", "and")
        told.hear("end", "and of Venus")
        assert len(questions(told)) == count


def test_the_back_end_is_told_what_was_said_before_the_turn():
    told = Told("final")
    told.hear("start")
    told.hear("end", "How many moons has Mars?")
    told.say("Two moons", pause=4)
    told.hear("start")
    told.say("of course", pause=4)
    told.hear("end", "And Venus?")
    context = questions(told)[1].context
    assert context == "user: How many moons has Mars?\nassistant: Two moons of course"


def test_words_that_were_never_heard_are_not_in_the_history():
    told = Told("final")
    told.hear("end", "Say something.")
    told.say("one two three four", pause=4)
    told.frame(dropped=2)
    told.hear("end", "Stop.")
    assert questions(told)[1].context.endswith("\nassistant: one two")
    assert told.of("words_dropped")[0].count == 2


def test_speech_of_both_sides_stands_in_the_log():
    told = Told(hears=False)
    for sound in [SILENCE, *[LOUD] * 5, *[SILENCE] * 10]:
        told.session.frame(told.now, sound)
        told.session.said(told.now, 3)
        told.session.sounded(told.now, sound)
    spans = [(event.kind, event.side, event.at) for event in told.events if "speech" in event.kind]
    assert spans == [
        ("speech_start", "user", 0.08), ("speech_start", "assistant", 0.08),
        ("speech_end", "user", 0.48), ("speech_end", "assistant", 0.48),
    ]  # fmt: skip


def test_frames_that_are_skipped_move_the_time_of_the_log():
    told = Told()
    told.frame()
    told.session.late(told.now, 5)
    told.say("word")
    told.session.close(told.now, "over")
    assert told.of("late_frame")[0].total == 5
    assert told.of("word")[0].at == 0.48 and told.of("closed")[0].frames == 6 + len(SAMPLE.encode("word"))


def test_a_new_session_has_nothing_of_the_one_before():
    told = Told()
    told.hear("end", "a question")
    told.delta(0, "An answer that is long")
    told.frame()
    told.session.close(told.now, "over")
    told.session.close(told.now, "again")
    assert told.kinds().count("closed") == 1 and told.of("oracle")[0].finish == "closed"
    other = Told()
    assert [other.frame() for _ in range(5)] == [3] * 5
    other.hear("end", "a question")
    assert questions(other)[0].number == 0 and questions(other)[0].context == ""


def test_an_answer_without_end_is_cut_and_has_no_hole():
    told = Told("final")
    told.hear("end", "Say much.")
    for piece in ("begins ", "word " * 10_000, "goes on"):
        told.delta(0, piece)
    told.end(0)
    text = told.of("oracle")[0].text
    assert text == ("begins " + "word " * 10_000)[:20_000]


def test_of_a_turn_without_end_the_back_end_is_told_the_last_words():
    told = Told("final")
    told.hear("end", " ".join(f"word{n}" for n in range(3000)))
    heard = questions(told)[0].heard.split()
    assert len(heard) == 1000 and heard[-1] == "word2999"
    assert told.of("user_final")[0].text.startswith("word0 ")
