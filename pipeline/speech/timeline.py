"""Dialogues become sound: voices are drawn, turns laid on a timeline, both sides mixed into two channels.

Starts and gaps are whole milliseconds (24 samples), so that a word's time is the exact position of its first sample.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.errors import Refusal
from pipeline.records import AudioChecks, Dialogue, Rejected, Speech, Split, Word
from pipeline.seeds import rng
from pipeline.speech import sound
from pipeline.speech.checks import check_speech
from pipeline.speech.pool import VoicePool
from pipeline.speech.settings import SpeechSettings
from pipeline.speech.sound import SAMPLE_RATE, SAMPLES_PER_MS
from pipeline.speech.voices import Clip, Synthesizer, Utterance
from pipeline.text.words import split_words

# How far a user's pitch may lie from the middle of the voice's own range, in [0, 1].
PITCH_REACH = 0.25


@dataclass(slots=True)
class _Plan:
    """A dialogue on its way: what is to be said, the clips that have come so far, and why it fails if it does."""

    dialogue: Dialogue
    user_voice: str = ""
    assistant_voice: str = ""
    utterances: list[Utterance] = field(default_factory=list)
    clips: list[Clip | Refusal] = field(default_factory=list)
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Line:
    """A turn's sound at 24 kHz, from the first sample of its first word to the last of its last; words in samples."""

    samples: sound.Mono
    words: list[tuple[int, int]]


def speak_dialogues(
    items: Iterable[tuple[Dialogue, Split]], synthesizer: Synthesizer, settings: SpeechSettings, seed: int
) -> Iterator[Speech | Rejected]:
    """The speech of every dialogue, or why there is none, in the order of `items`; reads only a little ahead in them.

    The result depends on the dialogue, its split, the settings and the seed alone. Raises KameError where the
    synthesizer itself fails.
    """
    waiting: deque[_Plan] = deque()
    pool = VoicePool(synthesizer, settings)

    def utterances() -> Iterator[Utterance]:
        for dialogue, split in items:
            plan = _plan(dialogue, split, pool, settings, seed)
            waiting.append(plan)
            yield from plan.utterances

    def finished() -> Iterator[Speech | Rejected]:
        while waiting and len(waiting[0].clips) == len(waiting[0].utterances):
            yield _finish(waiting.popleft(), settings, seed)

    for clip in synthesizer.synthesize(utterances()):
        yield from finished()  # what was refused without a clip of its own
        waiting[0].clips.append(clip)
        yield from finished()
    yield from finished()


def speak_dialogue(
    dialogue: Dialogue, split: Split, synthesizer: Synthesizer, settings: SpeechSettings, seed: int
) -> Speech:
    """The speech of one dialogue. Raises Refusal."""
    (speech,) = speak_dialogues([(dialogue, split)], synthesizer, settings, seed)
    if isinstance(speech, Rejected):
        raise Refusal(speech.reason, speech.detail)
    return speech


def _plan(dialogue: Dialogue, split: Split, pool: VoicePool, settings: SpeechSettings, seed: int) -> _Plan:
    try:
        voices = pool.user_voices(split, dialogue.language)
        assistant_voice = pool.assistant_voice(dialogue.language)
    except Refusal as refusal:
        return _Plan(dialogue, refusal=refusal)
    draw = rng(seed, "voice", dialogue.id)
    (user_voice,) = draw.choices([voice for voice, _ in voices], [weight for _, weight in voices])
    slowest, fastest = settings.words_per_minute
    user_pace = draw.randint(slowest, fastest)
    user_pitch = draw.uniform(-PITCH_REACH, PITCH_REACH)
    plan = _Plan(dialogue, user_voice, assistant_voice)
    for turn in dialogue.turns:
        if turn.role == "user":
            said = Utterance(turn.text, user_voice, dialogue.language, user_pace, user_pitch)
        else:
            said = Utterance(turn.text, assistant_voice, dialogue.language, (slowest + fastest) // 2)
        plan.utterances.append(said)
    return plan


def _finish(plan: _Plan, settings: SpeechSettings, seed: int) -> Speech | Rejected:
    dialogue = plan.dialogue
    try:
        if plan.refusal:
            raise plan.refusal
        return _assemble(plan, settings, seed)
    except Refusal as refusal:
        source = dialogue.question_id.split("-")[0]
        return Rejected("speech", source, dialogue.question_id, dialogue.id, refusal.reason, refusal.detail)


def _assemble(plan: _Plan, settings: SpeechSettings, seed: int) -> Speech:
    """Raises Refusal for a clip that is missing or sound that fails a check."""
    dialogue = plan.dialogue
    if not dialogue.turns:
        raise Refusal("empty_text", "a dialogue without turns")
    lines = []
    methods: set[str] = set()
    for turn, clip in zip(dialogue.turns, plan.clips, strict=True):
        if isinstance(clip, Refusal):
            raise clip
        expected = len(split_words(turn.text, dialogue.language))
        if len(clip.words) != expected:
            raise Refusal("word_times", f"times for {len(clip.words)} of {expected} words of '{turn.text[:80]}'")
        methods.add(clip.word_times)
        lines.append(_line(clip))
    starts_ms, duration_ms = lay_out(
        [turn.role for turn in dialogue.turns], [len(line.samples) for line in lines], settings, seed, dialogue.id
    )
    _level(dialogue, lines)
    placed = [
        (sound.USER if turn.role == "user" else sound.ASSISTANT, start_ms, line.samples)
        for turn, start_ms, line in zip(dialogue.turns, starts_ms, lines, strict=True)
    ]
    samples = sound.mix(placed, duration_ms)
    words = tuple(_words(dialogue, lines, starts_ms))
    check_speech(samples, words, dialogue.language)
    return Speech(
        dialogue_id=dialogue.id,
        flac=sound.encode_flac(samples),
        duration=len(samples) / SAMPLE_RATE,
        words=words,
        user_voice=plan.user_voice,
        assistant_voice=plan.assistant_voice,
        word_times=", ".join(sorted(methods)),
        situations=(),
        checks=AudioChecks(None, None, None, None),
    )


def lay_out(
    roles: list[str], lengths: list[int], settings: SpeechSettings, seed: int, dialogue_id: str
) -> tuple[list[int], int]:
    """Where each turn of `lengths` samples starts, and how long all of it is, in ms.

    A turn starts a drawn gap after the end of the one before; the gap is negative where they overlap, but nobody
    speaks over themselves.
    """
    draw = rng(seed, "gaps", dialogue_id)
    ends = {"user": 0, "assistant": 0}
    starts: list[int] = []
    end = 0
    for role, length in zip(roles, lengths, strict=True):
        bounds = settings.lead_in if not starts else settings.answer_gap if role == "assistant" else settings.user_gap
        starts.append(max(end + _ms(bounds.draw(draw)), ends[role]))
        end = ends[role] = starts[-1] + math.ceil(length / SAMPLES_PER_MS)
    return starts, max(ends.values()) + _ms(settings.tail.draw(draw))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _line(clip: Clip) -> _Line:
    """The clip at 24 kHz without the silence before its first word and after its last."""
    rate = clip.sample_rate
    first, last = round(clip.words[0][0] * rate), round(clip.words[-1][1] * rate)
    samples = sound.resample(clip.samples[first:last], rate)
    scale = SAMPLE_RATE / rate
    words = [
        (round((start * rate - first) * scale), min(round((end * rate - first) * scale), len(samples)))
        for start, end in clip.words
    ]
    return _Line(samples, words)


def _level(dialogue: Dialogue, lines: list[_Line]) -> None:
    for role in ("user", "assistant"):
        own = [line for line, turn in zip(lines, dialogue.turns, strict=True) if turn.role == role]
        if own:
            factor = sound.gain([line.samples for line in own])
            for line in own:
                line.samples = line.samples * factor


def _words(dialogue: Dialogue, lines: list[_Line], starts_ms: list[int]) -> Iterator[Word]:
    for number, (turn, line, start_ms) in enumerate(zip(dialogue.turns, lines, starts_ms, strict=True)):
        origin = start_ms * SAMPLES_PER_MS
        texts = split_words(turn.text, dialogue.language)
        for text, (start, end) in zip(texts, line.words, strict=True):
            yield Word(number, turn.role, text, (origin + start) / SAMPLE_RATE, (origin + end) / SAMPLE_RATE)
