"""A conversation as it is heard: when each answer begins and ends, its words with their times, and how they differ from
the system's own text."""

from collections.abc import Sequence

import numpy as np

from kame_data.errors import Refusal
from kame_data.evaluate.hearing.content import first_content
from kame_data.evaluate.hearing.voiced import Sound, Stretch, overlap, stretches, within
from kame_data.evaluate.records import Answered, Conversation, Heard, HeardTurn, SpokenWord
from kame_data.records import SAMPLE_RATE
from kame_data.speech.hearing import recognise, word_error_rate
from kame_data.speech.sound import to_int16
from kame_data.speech.timing.sphinx import SphinxAligner
from kame_data.text.words import split_words

VERSION = 1
"""Rises when the same sound would be heard or measured in another way."""
MARGIN_S = 0.15
"""Seconds around an answer that the recogniser gets too."""
REPLY_S = 1.0
"""A stretch that is shorter and ends while the user still speaks is a back-channel, and no answer."""


def listen(conversation: Conversation, sound: Sound, language: str, recogniser: str) -> Heard:
    """The conversation as the recogniser, of `--asr`'s form, hears the system in f32 (n, 2), the system left.

    Without sound the answers are their texts. Raises KameError where a package or model is missing.
    """
    if not len(sound):
        return Heard(conversation.id, tuple(HeardTurn("") for _ in conversation.turns))
    system, user = (np.ascontiguousarray(side) for side in sound.T)
    spoken, asked = stretches(system), stretches(user)
    ends = [*(turn.start for turn in conversation.turns[1:]), len(system) / SAMPLE_RATE]
    turns = []
    for turn, end in zip(conversation.turns, ends, strict=True):
        # What goes on when the next turn begins still belongs to this answer.
        ours = [s for s in spoken if turn.start <= s.start < end]
        both = overlap(within(spoken, turn.start, end), within(asked, turn.start, turn.end))
        turns.append(_heard(turn, ours, both, system, language, recogniser))
    return Heard(conversation.id, tuple(turns))


def _heard(
    turn: Answered, spoken: Sequence[Stretch], both: float, system: Sound, language: str, recogniser: str
) -> HeardTurn:
    answer = [s for s in spoken if s.seconds >= REPLY_S or s.end > turn.end]
    if not answer:
        return HeardTurn("", overlap=round(both, 3), errors=1.0 if turn.text.strip() else None)
    onset, end = answer[0].start, answer[-1].end
    transcript, words = _words(system, onset, end, language, recogniser)
    content = first_content([w.word for w in words], language)
    return HeardTurn(
        transcript,
        words,
        onset=round(onset, 3),
        content=words[content].start if content is not None else None,
        end=round(end, 3),
        latency=round(onset - turn.end, 3),
        overlap=round(both, 3),
        errors=round(word_error_rate(turn.text, transcript, language), 4) if turn.text.strip() else None,
    )


def _words(
    system: Sound, onset: float, end: float, language: str, recogniser: str
) -> tuple[str, tuple[SpokenWord, ...]]:
    """The transcript of the answer, and its words with their times in the conversation."""
    first = max(0, round((onset - MARGIN_S) * SAMPLE_RATE))
    samples = to_int16(np.ascontiguousarray(system[first : round((end + MARGIN_S) * SAMPLE_RATE)]))
    transcript = recognise(recogniser, samples, SAMPLE_RATE, language)
    words = split_words(transcript, language)
    if not words:
        return "", ()
    begin = first / SAMPLE_RATE
    spans = [(begin + a, begin + b) for a, b in _aligned(words, samples, language)] or _spread(words, onset, end)
    timed = [SpokenWord(w, round(a, 3), round(b, 3)) for w, (a, b) in zip(words, spans, strict=True)]
    # The aligner's first frame may lie in the margin; nobody is heard before the onset.
    timed[0] = SpokenWord(timed[0].word, round(max(onset, timed[0].start), 3), max(timed[0].end, round(onset, 3)))
    return transcript, tuple(timed)


def _aligned(words: Sequence[str], samples: np.ndarray, language: str) -> list[tuple[float, float]]:  # type: ignore[type-arg]
    """Times of the words within the samples; empty where no aligner finds them or speaks the language."""
    if language.split("-")[0] != "en":
        return []
    try:
        return _ALIGNER.align(words, samples, SAMPLE_RATE)
    except Refusal:
        return []


def _spread(words: Sequence[str], onset: float, end: float) -> list[tuple[float, float]]:
    """Times of words by their letters alone."""
    edges = np.concatenate([[0], np.cumsum([len(word) + 1 for word in words])])
    places = onset + (end - onset) * edges / edges[-1]
    return list(zip(places[:-1].tolist(), places[1:].tolist(), strict=True))


_ALIGNER = SphinxAligner()
