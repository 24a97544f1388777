"""The speech stage: dialogues become sound.

Voices are drawn, turns spoken and laid on a timeline, both sides mixed into two channels, and what was made is checked.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from kame_data.errors import Refusal
from kame_data.oracles.simulate import schedule_key
from kame_data.records import SAMPLE_RATE, Dialogue, Rejected, Role, Situation, Speech, Split, Turn
from kame_data.seeds import rng
from kame_data.settings.speech import SpeechSettings
from kame_data.settings.tree import Settings
from kame_data.speech import effects, sound
from kame_data.speech.background import Placed, background_of, level_background, place_background
from kame_data.speech.checks import check_clip, check_loudness, check_said, check_speech, measure
from kame_data.speech.early_places import BackEndPlan, EarlyPlaces
from kame_data.speech.hearing import WerMeasure
from kame_data.speech.lines import Line, line_of
from kame_data.speech.pauses import choice_pauses, draw_pauses
from kame_data.speech.sound import SAMPLES_PER_MS
from kame_data.speech.studio import measures_of, open_studio
from kame_data.speech.timeline import Timeline, lay_out, place_words, situations_of
from kame_data.speech.voices.base import Clip, Synthesizer, Utterance
from kame_data.speech.voices.cast import SPLITS, VoicePool
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.stage import Inputs, Stage
from kame_data.text.words import split_words

# How far a user's pitch may lie from the middle of the voice's own range, in [0, 1].
PITCH_REACH = 0.25


@dataclass(slots=True)
class _Plan:
    """A dialogue on its way: what is to be said (the turns, then the background), the clips that have come so far, and
    why it fails if it does."""

    dialogue: Dialogue
    user_voice: str = ""
    assistant_voice: str = ""
    utterances: list[Utterance] = field(default_factory=list)
    clips: list[Clip | Refusal] = field(default_factory=list)
    refusal: Refusal | None = None


def speak_dialogues(
    items: Iterable[tuple[Dialogue, Split]],
    synthesizer: Synthesizer,
    settings: SpeechSettings,
    seed: int,
    back_end: BackEndPlan | None = None,
) -> Iterator[Speech | Rejected]:
    """The speech of every dialogue, or why there is none, in the order of `items`; reads only a little ahead in them.

    The result depends on the dialogue, its split, the settings and the seed alone; where an answer starts early, on the
    back end too, which such dialogues need. Raises KameError where the synthesizer itself fails.
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
            yield _finish(waiting.popleft(), settings, seed, back_end)

    for clip in synthesizer.synthesize(utterances()):
        yield from finished()  # what was refused without a clip of its own
        waiting[0].clips.append(clip)
        yield from finished()
    yield from finished()


def _plan(dialogue: Dialogue, split: Split, pool: VoicePool, settings: SpeechSettings, seed: int) -> _Plan:
    language = dialogue.language
    draw = rng(seed, "voice", dialogue.id)
    try:
        voices = pool.user_voices(split, language)
        (user_voice,) = draw.choices([voice for voice, _ in voices], [weight for _, weight in voices])
        assistant_voice = pool.assistant_voice(language)
        background = background_of(dialogue.id, language, split, user_voice, pool, settings, seed)
    except Refusal as refusal:
        return _Plan(dialogue, refusal=refusal)
    slowest, fastest = settings.words_per_minute
    user_pace = draw.randint(slowest, fastest)
    user_pitch = draw.uniform(-PITCH_REACH, PITCH_REACH)
    plan = _Plan(dialogue, user_voice, assistant_voice)
    for turn in dialogue.turns:
        if turn.role == "user":
            said = Utterance(_whole_text(turn), user_voice, language, user_pace, user_pitch)
        else:
            said = Utterance(_whole_text(turn), assistant_voice, language, (slowest + fastest) // 2)
        plan.utterances.append(said)
    plan.utterances += background
    return plan


def _whole_text(turn: Turn) -> str:
    """The words that the voice says: a turn that is interrupted is spoken as it was meant, and cut, so that it sounds
    broken off and not finished."""
    return turn.intended_text if turn.interrupted else turn.text


def _finish(plan: _Plan, settings: SpeechSettings, seed: int, back_end: BackEndPlan | None) -> Speech | Rejected:
    dialogue = plan.dialogue
    try:
        if plan.refusal:
            raise plan.refusal
        return _assemble(plan, settings, seed, back_end)
    except Refusal as refusal:
        source = dialogue.question_id.split("-")[0]
        return Rejected("speech", source, dialogue.question_id, dialogue.id, refusal.reason, refusal.detail)


def _assemble(plan: _Plan, settings: SpeechSettings, seed: int, back_end: BackEndPlan | None) -> Speech:
    """Raises Refusal for a clip that is missing or sound that fails a check, ValueError for an early start without a
    back end."""
    dialogue, turns = plan.dialogue, plan.dialogue.turns
    if not turns:
        raise Refusal("empty_text", "a dialogue without turns")
    clips = [_present(*pair, settings) for pair in zip(plan.utterances, plan.clips, strict=True)]
    lines = [_line(dialogue, number, clips[number], settings, seed) for number in range(len(turns))]
    if dialogue.starts and back_end is None:
        raise ValueError(f"{dialogue.id}: an answer begins early, and no back end is given")
    places = EarlyPlaces(dialogue, lines, back_end, seed) if dialogue.starts and back_end else None
    timeline = lay_out(turns, [line.words for line in lines], settings, seed, dialogue.id, places)
    _level(dialogue, lines, settings, seed)
    words = tuple(place_words(dialogue, lines, timeline.starts))
    situations = situations_of(dialogue, [line.pauses for line in lines], words)
    background = _background(plan, clips[len(turns) :], lines, timeline, settings, seed)
    if background:
        span = (background.start / SAMPLE_RATE, background.end / SAMPLE_RATE)
        situations.append(Situation("background", -1, *span))
    user = _channel("user", turns, lines, timeline, background)
    heard = effects.apply(user, _spans(turns, lines, timeline), settings.sound, seed, dialogue.id)
    assistant = _channel("assistant", turns, lines, timeline)
    samples = sound.mix([(sound.ASSISTANT, 0, assistant), (sound.USER, 0, heard)], timeline.duration)
    check_speech(samples, words, dialogue.language, user_alone=background is None and heard is user)
    checks = measure(clips[: len(turns)], samples, words)
    if checks.alignment is not None:
        check_said(samples, words, dialogue.language, settings.checks)
    check_loudness(checks, settings.sound, effects.user_level(settings.sound, seed, dialogue.id))
    return Speech(
        dialogue_id=dialogue.id,
        flac=sound.encode_flac(samples),
        duration=len(samples) / SAMPLE_RATE,
        words=words,
        user_voice=plan.user_voice,
        assistant_voice=plan.assistant_voice,
        word_times=", ".join(sorted({clip.word_times for clip in clips[: len(turns)]})),
        situations=tuple(sorted(situations, key=lambda situation: situation.start)),
        checks=checks,
    )


def _present(said: Utterance, clip: Clip | Refusal, settings: SpeechSettings) -> Clip:
    """The clip, with a time for every word of its utterance, and without fault. Raises Refusal."""
    if isinstance(clip, Refusal):
        raise clip
    words = split_words(said.text, said.language)
    if len(clip.words) != len(words):
        raise Refusal("word_times", f"times for {len(clip.words)} of {len(words)} words of '{said.text[:80]}'")
    check_clip(clip, words, said.language, settings.checks)
    return clip


def _line(dialogue: Dialogue, number: int, clip: Clip, settings: SpeechSettings, seed: int) -> Line:
    """A turn's line: cut where it is interrupted; a user's pauses are in it, and those between choices."""
    turn = dialogue.turns[number]
    words = split_words(turn.text, dialogue.language)
    meant = turn.text if any(start.turn == number for start in dialogue.starts) else turn.intended_text
    if words != split_words(meant, dialogue.language)[: len(words)]:
        raise Refusal("word_times", f"'{turn.text[:80]}' is no beginning of '{turn.intended_text[:80]}'")
    pauses: dict[int, float] = {}
    if turn.kind == "speech":
        pauses = choice_pauses(words, dialogue, settings.pauses, seed, number)
        if turn.role == "user":
            drawn = draw_pauses(words, dialogue.language, settings.pauses, seed, dialogue.id, number)
            pauses = {at: max(pauses.get(at, 0.0), drawn.get(at, 0.0)) for at in sorted(pauses | drawn)}
    return line_of(clip, len(words), pauses)


def _background(
    plan: _Plan, clips: Sequence[Clip], lines: Sequence[Line], timeline: Timeline, settings: SpeechSettings, seed: int
) -> Placed | None:
    if not clips:
        return None
    dialogue = plan.dialogue
    talk = [line_of(clip, len(clip.words), {}) for clip in clips]
    user = [line for line, turn in zip(lines, dialogue.turns, strict=True) if turn.role == "user"]
    level_background(talk, user, settings.sound.background_level.draw(rng(seed, "background level", dialogue.id)))
    draw = rng(seed, "background place", dialogue.id)
    return place_background(talk, timeline.duration * SAMPLES_PER_MS, draw)


def _level(dialogue: Dialogue, lines: Sequence[Line], settings: SpeechSettings, seed: int) -> None:
    """Brings both sides to their loudness, in place."""
    for role in ("user", "assistant"):
        own = [line for line, turn in zip(lines, dialogue.turns, strict=True) if turn.role == role]
        if own:
            factor = sound.loudness_gain([line.spoken for line in own], settings.sound.lufs)
            if role == "user":
                factor *= effects.user_gain(settings.sound, seed, dialogue.id)
            for line in own:
                line.samples = line.samples * np.float32(factor)


def _channel(
    role: Role, turns: Sequence[Turn], lines: Sequence[Line], timeline: Timeline, background: Placed | None = None
) -> sound.Mono:
    """One side's sound, float32 (n,)."""
    channel = np.zeros(timeline.duration * SAMPLES_PER_MS, np.float32)
    for turn, line, start in zip(turns, lines, timeline.starts, strict=True):
        if turn.role == role:
            _add(channel, line.samples, start * SAMPLES_PER_MS - line.lead)
    if background:
        _add(channel, background.samples, background.start)
    return channel


def _spans(turns: Sequence[Turn], lines: Sequence[Line], timeline: Timeline) -> list[tuple[int, int]]:
    """The samples in which the user speaks, without pauses."""
    own = [
        (line, start * SAMPLES_PER_MS)
        for turn, line, start in zip(turns, lines, timeline.starts, strict=True)
        if turn.role == "user"
    ]
    return [(origin + start, origin + end) for line, origin in own for start, end in line.words]


def _add(channel: sound.Mono, samples: sound.Mono, start: int) -> None:
    """Lays sound into a channel from sample `start` on; what lies outside (the margin of a line) is left out."""
    first, last = max(0, start), min(len(channel), start + len(samples))
    channel[first:last] += samples[first - start : last - start]


@cache
def synthesizer_of(spec: str, batch: int = 0) -> Synthesizer:
    """The synthesizer that `--tts` names, not yet started."""
    return open_synthesizer(spec, batch=batch)


@cache
def _pool_of(speech: SpeechSettings) -> VoicePool:
    return VoicePool(synthesizer_of(speech.tts, speech.batch), speech)


def check_voices(settings: Settings) -> None:
    """Raise UsageError where a voice or recogniser is named that there is not, or that does not know a language, or a
    split is left without a voice; loads the voice's model."""
    if settings.speech.checks.asr is not None:
        WerMeasure(settings.speech.checks.asr).check(settings.languages)
    splits = SPLITS if settings.validation_share else SPLITS[:1]
    _pool_of(settings.speech).check(settings.languages, splits)


def _stage_key(settings: Settings) -> dict[str, Any]:
    # Models and recordings count by what they are, not by where they lie.
    speech = settings.speech.model_dump(mode="json", exclude={"tts", "user_voices", "assistant_voice"})
    version = synthesizer_of(settings.speech.tts, settings.speech.batch).version
    measures = [measure.version("en") for measure in measures_of(settings.speech)]
    voices = _pool_of(settings.speech).facts()
    found = {"version": version, "seed": settings.seed, "voices": voices, "measures": measures, **speech}
    if settings.duplex.early.wanted:
        # Where the loop lets an oracle come decides where an answer stands.
        found["early"] = settings.latency.model_dump(mode="json") | schedule_key(settings)
    return found


def _run_stage(settings: Settings, inputs: Inputs) -> Iterator[Speech | Rejected]:
    split_of = {q.id: split for q, split in zip(inputs.questions, inputs.splits, strict=True)}
    items = ((dialogue, split_of[dialogue.question_id]) for dialogue in inputs.dialogues)
    with closing(open_studio(settings.speech, settings.out / "parts" / "clips" if inputs.keep else None)) as studio:
        back_end = BackEndPlan(settings.level_schedule(), settings.latency)
        yield from speak_dialogues(items, studio, settings.speech, settings.seed, back_end)


SPEECH_STAGE = Stage("speech", 5, "dialogues", Speech, _stage_key, _run_stage, wants_splits=True)
