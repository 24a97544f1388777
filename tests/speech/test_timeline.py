"""Where turns, pauses and back-channels lie, over drawn settings and dialogues, with a quick voice."""

import hashlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE, Dialogue, Role, Speech, Turn
from kame_data.settings.speech import PauseSettings, SoundSettings, SpeechSettings
from kame_data.speech.lines import MARGIN_S
from kame_data.speech.sound import decode_flac
from kame_data.speech.speak import speak_dialogues
from kame_data.speech.timeline import BREATH_MS, lay_out
from kame_data.text.words import join_words, split_words
from talking import CHINESE, DUPLEX, QUESTION, Hum, back_channel, dialogue_of, said, speak_dialogue

BREATH = BREATH_MS / 1000


def span(low: float, high: float, reach: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(st.floats(low, high), st.floats(0, reach)).map(lambda pair: (pair[0], pair[0] + pair[1]))


shares = st.sampled_from([0.0, 0.3, 1.0])
speech_settings = st.builds(
    SpeechSettings,
    lead_in=span(0, 1, 1),
    answer_gap=span(-1, 1, 1),
    user_gap=span(-5, 2, 2),
    tail=span(0, 1, 1),
    reaction=span(0, 0.25, 0.05),
    back_channel_delay=span(0, 0.5, 0.5),
    pauses=st.builds(
        PauseSettings,
        rate=shares,
        within=shares,
        length=span(0.02, 0.5, 1),
        hesitation=span(0, 0.5, 0.5),
        long_rate=shares,
        long_length=span(1, 1, 1),
    ),
    sound=st.builds(SoundSettings, background=shares, background_level=span(-30, -15, 5)),
)
WORDS = ("three", "plus", "it,", "um,", "I", "multiplication.", "uh,", "say", "four", "what?")


@st.composite
def dialogues(draw: st.DrawFn) -> Dialogue:
    """User and assistant by turns; longer turns may have back-channels, assistant turns may be interrupted."""
    chinese = draw(st.booleans())
    language = "zh" if chinese else "en"
    words = ("三", "加", "它，", "嗯，", "我。", "五？") if chinese else WORDS
    turns: list[Turn] = []
    count = draw(st.integers(1, 5))
    for number in range(count):
        role: Role = "assistant" if number % 2 else "user"
        spoken = draw(st.lists(st.sampled_from(words), min_size=1, max_size=14))
        intended = spoken
        if role == "assistant" and number + 1 < count and len(spoken) >= 8 and draw(st.booleans()):
            spoken = spoken[: draw(st.integers(6, len(spoken) - 1))]
        turns.append(Turn(role, join_words(spoken, language), join_words(intended, language)))
        if len(spoken) >= 6 and draw(st.booleans()):
            listener: Role = "user" if role == "assistant" else "assistant"
            turns.append(back_channel(listener, "嗯。" if chinese else "mm.", draw(st.integers(1, 3))))
    return replace(dialogue_of(*turns, language=language), id=f"d{draw(st.integers(0, 99))}")


def position(seconds: float) -> int:
    sample = seconds * SAMPLE_RATE
    assert sample == pytest.approx(round(sample), abs=1e-6)
    return round(sample)


def spans_of(speech: Speech) -> list[tuple[float, float]]:
    count = max(word.turn for word in speech.words) + 1
    own = [[word for word in speech.words if word.turn == number] for number in range(count)]
    return [(words[0].start, words[-1].end) for words in own]


def check(dialogue: Dialogue, speech: Speech, how: SpeechSettings) -> None:
    turns, spans, samples = dialogue.turns, spans_of(speech), decode_flac(speech.flac)
    # No word is lost, and each lies in sound of its own side.
    expected = [(n, t.role, w) for n, t in enumerate(turns) for w in split_words(t.text, dialogue.language)]
    assert [(w.turn, w.role, w.word) for w in speech.words] == expected
    silent = np.ones(samples.shape, bool)
    margin = round(MARGIN_S * SAMPLE_RATE)
    for number, (start, end) in enumerate(spans):
        words = [w for w in speech.words if w.turn == number]
        assert all(a.start < a.end <= b.start for a, b in pairwise(words))
        channel = 1 if turns[number].role == "user" else 0
        assert position(start) % 24 == 0
        for word in words:
            own = samples[position(word.start) : position(word.end), channel].astype(float)
            # Half of a word at the most is where a pause found its quietest place.
            assert len(own) and np.sqrt(np.mean(own**2)) > 50, word
        first, last = position(start) - margin, position(end) + (0 if turns[number].interrupted else margin)
        silent[max(0, first) : last, channel] = False
    if not any(s.kind == "background" for s in speech.situations):
        assert not np.any(samples[silent])
    assert not np.any(samples[silent[:, 0], 0])
    check_order(turns, spans, how, speech.duration)
    check_situations(dialogue, speech, spans, samples)


def check_order(
    turns: tuple[Turn, ...], spans: list[tuple[float, float]], how: SpeechSettings, duration: float
) -> None:
    starts = [start for start, _ in spans]
    assert starts == sorted(starts)
    for role in ("user", "assistant"):
        own = [span for turn, span in zip(turns, spans, strict=True) if turn.role == role]
        assert all(b[0] - a[1] > BREATH - 1e-6 for a, b in pairwise(own))
    assert how.lead_in.low - 0.001 < starts[0] < how.lead_in.high + 0.001
    assert how.tail.low - 0.001 < duration - max(end for _, end in spans) < how.tail.high + 0.002
    floor = [n for n, t in enumerate(turns) if t.kind == "speech"]
    for before, after in pairwise(floor):
        role, gap = turns[after].role, starts[after] - spans[before][1]
        ends = [end for turn, (_, end) in zip(turns[:after], spans, strict=False) if turn.role == role]
        if turns[before].interrupted:
            assert -0.301 < gap < 0
            continue
        bounds = how.answer_gap if role == "assistant" else how.user_gap
        assert gap > bounds.low - 0.001
        # Later than drawn only where something is in the way: one's own speech, the order, or what is to be cut.
        blocked = [starts[before], *(end + BREATH for end in ends)]
        late = gap > bounds.high + 0.002 and not turns[after].interrupted
        assert not late or starts[after] < max(blocked) + 0.002
    for number, turn in enumerate(turns):
        if turn.kind == "back_channel":
            host = max(n for n in floor if n < number)
            assert spans[host][0] <= starts[number]


def check_situations(
    dialogue: Dialogue, speech: Speech, spans: list[tuple[float, float]], samples: NDArray[np.int16]
) -> None:
    starts = [s.start for s in speech.situations]
    assert starts == sorted(starts)
    assert all(0 <= s.start < s.end <= speech.duration for s in speech.situations)
    kinds = [(s.kind, s.turn) for s in speech.situations]
    for number, turn in enumerate(dialogue.turns):
        assert (("back_channel", number) in kinds) == (turn.kind == "back_channel")
        assert (("barge_in", number) in kinds) == turn.interrupted
    for s in speech.situations:
        if s.kind == "barge_in":
            after = next(n for n in range(s.turn + 1, len(spans)) if dialogue.turns[n].kind == "speech")
            assert (s.start, s.end) == (spans[after][0], spans[s.turn][1])
            later = [span[0] for n, span in enumerate(spans) if n > s.turn and dialogue.turns[n].role == "assistant"]
            silent_until = position(min(later, default=speech.duration)) - round(MARGIN_S * SAMPLE_RATE)
            assert not np.any(samples[position(s.end) : silent_until, 0])
        if s.kind == "pause":
            words = [w for w in speech.words if w.turn == s.turn]
            assert any((a.end, b.start) == (s.start, s.end) for a, b in pairwise(words))
            assert dialogue.turns[s.turn].role == "user"
        if s.kind == "hesitation":
            (word,) = [w for w in speech.words if (w.start, w.end) == (s.start, s.end) and w.turn == s.turn]
            assert word.word.strip(",，").casefold() in ("um", "uh", "嗯", "呃")


@settings(max_examples=150, deadline=None)
@given(dialogues(), speech_settings, st.integers(0, 9))
def test_any_dialogue_under_any_settings(dialogue: Dialogue, how: SpeechSettings, seed: int) -> None:
    try:
        speech = speak_dialogue(dialogue, "train", Hum(), how, seed)
    except Refusal as refusal:
        # The one thing that may have no room: a back-channel of the side that is about to interrupt.
        assert refusal.reason == "timeline" and "no room" in refusal.detail
        assert any(t.interrupted for t in dialogue.turns) and any(t.kind == "back_channel" for t in dialogue.turns)
        return
    check(dialogue, speech, how)


@pytest.mark.parametrize("dialogue", [DUPLEX, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize("seed", range(8))
def test_the_duplex_dialogue(dialogue: Dialogue, seed: int) -> None:
    how = SpeechSettings(
        answer_gap=(-0.3, 0.5), pauses=PauseSettings(rate=0.5, within=0.1, long_rate=0.5), user_gap=(-1.0, 1.0)
    )
    check(dialogue, speak_dialogue(dialogue, "train", Hum(), how, seed), how)


def laid(*turns: Turn, **changes: object) -> tuple[int, ...]:
    """Starts, for turns of words that last 300 ms."""
    how = SpeechSettings(**{"lead_in": 0, "answer_gap": 0.2, "user_gap": 0.4, "tail": 0} | changes)  # type: ignore[arg-type]
    words = [[(7200 * at, 7200 * (at + 1)) for at in range(len(turn.text.split()))] for turn in turns]
    return lay_out(turns, words, how, 0, "x").starts


FIVE, SEVEN = "one two three four five", "one two three four five six seven"


def test_turns_follow_each_other_after_their_gaps() -> None:
    turns = (said("user", FIVE), said("assistant", FIVE), said("user", FIVE))
    assert laid(*turns) == (0, 1700, 3600)
    assert laid(*turns, answer_gap=-0.2, user_gap=-0.5) == (0, 1300, 2300)
    # Nobody speaks over themselves, and turns stay in order.
    assert laid(*turns, answer_gap=-1, user_gap=-5) == (0, 500, 1600)


def test_an_interruption_begins_before_the_end() -> None:
    turns = (said("user", FIVE), said("assistant", FIVE, SEVEN), said("user", FIVE))
    assert laid(*turns, reaction=0.25) == (0, 1700, 1700 + 1500 - 250)
    # Of a single word there is no more to interrupt than that word.
    turns = (said("user", FIVE), said("assistant", "one", SEVEN), said("user", FIVE))
    assert laid(*turns, reaction=0.5) == (0, 1700, 1700)
    # It waits for the user, who can interrupt only once he has ended.
    assert laid(*turns, reaction=0.25, answer_gap=-1) == (0, 1550, 1600)


def test_back_channels_answer_their_word_and_are_not_spoken_into() -> None:
    asked, answer = said("user", SEVEN), said("assistant", FIVE)
    right = back_channel("assistant", "right", 3)
    assert laid(asked, right, answer, back_channel_delay=0.1) == (0, 1000, 2300)
    # Two wait for each other; the answer waits for the last.
    late = back_channel("assistant", "yes", 6)
    close = back_channel("assistant", "yes", 3)
    assert laid(asked, right, close, late, answer, back_channel_delay=0.1, answer_gap=-0.3) == (
        0,
        1000,
        1400,
        1900,
        2300,
    )
    # Before an interruption a back-channel hurries.
    cut = said("assistant", FIVE, SEVEN)
    turns = (asked, cut, back_channel("user", "yes", 3), said("user", FIVE))
    assert laid(*turns, back_channel_delay=0.5, reaction=0.2) == (0, 2300, 3200, 3600)


@pytest.mark.parametrize(
    ("turns", "detail"),
    [
        ((back_channel("user", "yes", 1), QUESTION), "answers nothing"),
        ((QUESTION, back_channel("user", "yes", 1)), "answers no word of turn 0"),
        ((QUESTION, back_channel("assistant", "yes", 99)), "answers no word of turn 0"),
        ((QUESTION, said("assistant", "one", "one two")), "interrupted by nobody"),
        ((QUESTION, said("assistant", "one", "one two"), said("assistant", "three")), "by its own side"),
        ((QUESTION, said("assistant", "one", "one two"), back_channel("user", "yes", 1), QUESTION), "no room"),
    ],
)
def test_what_has_no_place_is_refused(turns: tuple[Turn, ...], detail: str) -> None:
    with pytest.raises(Refusal, match=f"timeline: .*{detail}"):
        speak_dialogue(dialogue_of(*turns), "train", Hum(), SpeechSettings(reaction=0.3), 0)


def test_what_is_said_is_a_beginning_of_what_was_meant() -> None:
    spoken = dialogue_of(QUESTION, said("assistant", "Two and", "One and two."), said("user", "Wait."))
    with pytest.raises(Refusal, match="no beginning"):
        speak_dialogue(spoken, "train", Hum(), SpeechSettings(), 0)


def test_draws_do_not_depend_on_each_other() -> None:
    def starts(seed: int, **changes: object) -> list[tuple[float, float]]:
        return spans_of(speak_dialogue(DUPLEX, "train", Hum(), SpeechSettings(**changes), seed))  # type: ignore[arg-type]

    assert starts(0) == starts(0) != starts(1)
    plain, lead = starts(0), starts(0, lead_in=(2.0, 2.0))
    shift = lead[0][0] - plain[0][0]
    assert [b[0] - a[0] for a, b in zip(plain, lead, strict=True)] == pytest.approx([shift] * len(plain))
    # The voice stays, whatever else is drawn.
    voices = {
        speak_dialogue(DUPLEX, "train", Hum(), how, 0).user_voice
        for how in (SpeechSettings(), SpeechSettings(sound=SoundSettings(background=1.0)), SpeechSettings(tail=0))
    }
    assert len(voices) == 1


def test_a_dialogue_does_not_depend_on_its_company() -> None:
    how = SpeechSettings(sound=SoundSettings(background=0.5), pauses=PauseSettings(rate=0.5))
    items = [(replace(DUPLEX, id=f"d{n}"), "train") for n in range(8)]
    digests = [hashlib.sha256(s.flac).hexdigest() for s in speak_dialogues(items, Hum(), how, 0)]  # type: ignore[union-attr, arg-type]
    alone = [hashlib.sha256(speak_dialogue(d, "train", Hum(), how, 0).flac).hexdigest() for d, _ in items]
    assert digests == alone and len(set(digests)) == 8


def test_background_speech_is_by_another_voice_of_the_split() -> None:
    heard: list[str] = []

    class Listening(Hum):
        def say(self, job):  # type: ignore[no-untyped-def]
            heard.append(job.voice)
            return super().say(job)

    how = SpeechSettings(sound=SoundSettings(background=1.0))
    for number in range(20):
        heard.clear()
        speech = speak_dialogue(replace(DUPLEX, id=f"d{number}"), "validation", Listening(), how, 0)
        behind = set(heard) - {speech.user_voice, speech.assistant_voice}
        assert len(behind) == 1 and behind < set(Hum().user_voices("validation"))
        assert not any(word.turn < 0 for word in speech.words)

    class Lone(Hum):
        def user_voices(self, split: str, language: str = "en") -> list[str]:
            return ["only"]

    with pytest.raises(Refusal, match="second user voice in train"):
        speak_dialogue(DUPLEX, "train", Lone(), how, 0)
    speak_dialogue(DUPLEX, "train", Lone(), SpeechSettings(), 0)


def test_overlaps_are_where_both_speak() -> None:
    how = SpeechSettings(answer_gap=-0.3, user_gap=2.0)
    spoken = dialogue_of(QUESTION, said("assistant", "That is fifteen."), said("user", "Thanks."))
    speech = speak_dialogue(spoken, "train", Hum(), how, 0)
    (found,) = [s for s in speech.situations if s.kind == "overlap"]
    asked, answer, _ = spans_of(speech)
    assert (found.turn, found.start, found.end) == (1, answer[0], asked[1])
    assert found.end - found.start == pytest.approx(0.3, abs=0.001)
