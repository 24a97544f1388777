"""Checks that every example's sound must pass before it becomes a row; sound that fails is refused with a reason.

A clip is checked when it is there (`check_clip`): whether its words are in it, whether it is whole. A row is checked
when it is mixed (`check_speech`, `check_loudness`): whether each side is in its channel, at its times, and as loud as
settings say.
"""

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE, AudioChecks, Role, Word
from kame_data.settings.speech import CheckSettings, SoundSettings
from kame_data.speech.sound import ASSISTANT, FULL_SCALE, USER, amplitude, loudness
from kame_data.speech.timing import alignment
from kame_data.speech.voices.base import Clip

# A turn quieter than this is not speech; what leaks into the other channel must stay below LEAK.
SPEECH_DBFS, LEAK_DBFS, WORD_DBFS = -40.0, -60.0, -60.0
# What is heard around a word, in seconds.
REACH_S = 0.1
# Sound that is this long before or after a side's turns, in windows of `STRAY_S`, is not its turns' sound.
STRAY_REACH_S, STRAY_S = 0.15, 0.05
# So many samples at full scale are clipping rather than one loud moment.
CLIPPED_SAMPLES = 8
# A crest of four samples in a row at the top (or bottom) of a clip was cut off; one of five, or two of four, are heard.
# Below a tenth of full scale a crest may be as flat by its own shape. No clip of a voice of ours has one.
FLAT_SAMPLES, FLAT_LEVEL, FLAT_PLACES = 4, 0.1, 2
# The same value for so long within a word is a hole: espeak is silent for 84 ms at the most before a plosive, never
# beyond a word's end, and never over two words. A word that is so much quieter than its clip (in dB) is not there; the
# quietest of 78 clips' words had -5. That is English; words of other languages are given more room.
HOLE_S, HOLE_AT_END_S, HOLE_PART_S, OTHER_HOLE_S, WORD_DB = 0.097, 0.03, 0.005, 0.2, -30.0
# Speech ends before its clip does. Decibels of the clip's edge over the whole clip; of 708 clips by all espeak voices
# none came above -3 and -19. It catches some two thirds of the ends that are cut within a word, less of the starts:
# the alignment score is for the rest.
START_S, START_DB, END_S, END_DB = 0.001, 0.0, 0.005, -15.0
# Of a turn in a row, so many words are listened to; another dialogue's have a mean likeness (nats) below the least.
SAID_WORDS, SAID_LEAST = 12, -10.0
# Letters (ideographs for Chinese) a second of a turn's words; Arabic writes no short vowels.
RATES: dict[str, tuple[float, float]] = {"ar": (2.5, 16.0), "zh": (1.5, 9.0)}
OTHER_RATE = (5.0, 24.0)
# A turn of a few letters says too little about its rate.
RATE_LETTERS = 12
# A clip, with all its pauses, may take so long, in seconds and in seconds a letter: more is a voice that rambles on.
LONGEST_S, LONGEST_S_A_LETTER = 4.0, {"zh": 0.8}
OTHER_LONGEST_S_A_LETTER = 0.3
# Loudness over what was asked for, in LU; an effect changes what of the user's channel is measured.
TOLERANCE_LU, USER_TOLERANCE_LU = 1.5, 4.0


def check_clip(clip: Clip, words: Sequence[str], language: str, settings: CheckSettings) -> None:
    """Checks a clip, as its voice made it, against its words (`split_words` of its text).

    Raises Refusal (`silence`, `clipping`, `truncated`, `silent_word`, `hole`, `duration`, `alignment`, `wer`).
    """
    said = " ".join(words)[:80]
    if not np.any(clip.samples):
        raise Refusal("silence", f"no sound for '{said}'")
    _check_crests(clip.samples, said)
    _check_edges(clip, said)
    _check_holes(clip, words, language, said)
    letters = sum(character.isalnum() for word in words for character in word)
    longest = LONGEST_S + letters * LONGEST_S_A_LETTER.get(language.split("-")[0], OTHER_LONGEST_S_A_LETTER)
    if clip.duration > longest:
        raise Refusal("duration", f"{clip.duration:.1f} s for {letters} letters of '{said}'")
    least = alignment.LIMIT if settings.alignment is None else settings.alignment
    if clip.alignment is not None and clip.alignment < least:
        raise Refusal("alignment", f"score {clip.alignment:.1f}, below {least:g}: '{said}' is not all in the sound")
    if clip.wer is not None and clip.wer > settings.wer:
        raise Refusal("wer", f"word error rate {clip.wer:.2f}, above {settings.wer:g}, of '{said}'")


def _check_crests(samples: NDArray[np.int16], said: str) -> None:
    heard = samples.astype(np.int32)
    for side in (heard, -heard):
        top = int(side.max())
        if top < FLAT_LEVEL * FULL_SCALE:
            continue
        flat = np.convolve(side >= top - 1, np.ones(FLAT_SAMPLES, np.int64), "valid") == FLAT_SAMPLES
        if np.count_nonzero(flat) >= FLAT_PLACES:
            raise Refusal("clipping", f"crests of '{said}' are cut off at {top / FULL_SCALE:.0%} of full scale")


def _check_edges(clip: Clip, said: str) -> None:
    power = np.square(clip.samples.astype(np.float64))
    start, end = power[: round(START_S * clip.sample_rate)], power[-round(END_S * clip.sample_rate) :]
    for edge, most, name in ((start, START_DB, "start"), (end, END_DB, "end")):
        over = 10.0 * math.log10(max(1e-12, float(edge.mean() / power.mean())))
        if over > most:
            raise Refusal("truncated", f"the {name} of '{said}' is cut off within speech ({over:.0f} dB at its edge)")


def _check_holes(clip: Clip, words: Sequence[str], language: str, said: str) -> None:
    """No word is silent, and none has a hole in it; silence between words is a pause."""
    rate, power = clip.sample_rate, np.square(clip.samples.astype(np.float64))
    spans = [(round(start * rate), round(end * rate)) for start, end in clip.words]
    least = float(power.mean()) * 10.0 ** (WORD_DB / 10.0)
    for word, (start, end) in zip(words, spans, strict=False):
        if any(character.isalnum() for character in word) and power[start:end].sum() < least * (end - start):
            raise Refusal("silent_word", f"no sound for '{word}' of '{said}'")
    inner = np.flatnonzero(clip.samples[1:] != clip.samples[:-1]) + 1
    changes = np.concatenate([[0], inner, [len(clip.samples)]])
    for k in np.flatnonzero(np.diff(changes) >= HOLE_AT_END_S * rate):
        if _is_hole(changes[k] / rate, changes[k + 1] / rate, clip.words, language):
            first, last = changes[k] / rate, changes[k + 1] / rate
            raise Refusal("hole", f"{last - first:.2f} s of nothing at {first:.2f} s of '{said}'")


def _is_hole(first: float, last: float, words: Sequence[tuple[float, float]], language: str) -> bool:
    """True where silence from `first` to `last` stands where speech should be."""
    parts = [(min(last, end) - max(first, start), end) for start, end in words if start < last and end > first]
    parts = [(part, end) for part, end in parts if part >= HOLE_PART_S]
    if not language.startswith("en"):
        return any(part >= OTHER_HOLE_S for part, _ in parts)
    at_end = any(part >= HOLE_AT_END_S and last > end + HOLE_PART_S for part, end in parts)
    return at_end or len(parts) > 1 or any(part >= HOLE_S for part, _ in parts)


def check_speech(samples: NDArray[np.int16], words: Sequence[Word], language: str, user_alone: bool = True) -> None:
    """Checks int16 (n, 2) at 24 kHz against its words; without `user_alone` the user's channel holds other sound too.

    Raises Refusal (`word_times`, `clipping`, `silent_channel`, `channel_swap`, `channel_leak`, `silent_word`,
    `stray_sound`, `rate`).
    """
    _check_words(words, len(samples) / SAMPLE_RATE)
    clipped = int(np.count_nonzero((samples == 32767) | (samples == -32768)))
    if clipped >= CLIPPED_SAMPLES:
        raise Refusal("clipping", f"{clipped} samples at full scale")
    energy = _energy(samples)
    turns = [list(group) for _, group in groupby(words, key=lambda word: word.turn)]
    for turn in turns:
        _check_channels(energy, turn, words, user_alone)
        _check_rate(turn, language)
    # A user's channel that holds an echo, noise or another voice may have sound anywhere.
    for channel in (ASSISTANT, USER) if user_alone else (ASSISTANT,):
        _check_stray(energy, [turn for turn in turns if _channel(turn[0]) == channel], channel)
    for word in words:
        heard = _rms(energy, word.start, word.end, _channel(word))
        if heard < amplitude(WORD_DBFS) and any(character.isalnum() for character in word.word):
            raise Refusal("silent_word", f"no sound for '{word.word}' at {word.start:.2f} s")


def check_said(samples: NDArray[np.int16], words: Sequence[Word], language: str, settings: CheckSettings) -> None:
    """Checks that each channel of int16 (n, 2) at 24 kHz holds its side's words and not those of another dialogue.

    One turn of each side decides: its first of some length, of which `SAID_WORDS` words are checked. Another limit of
    the clips' scores moves this one as much. Raises Refusal (`alignment`).
    """
    least = SAID_LEAST + (0.0 if settings.alignment is None else settings.alignment - alignment.LIMIT)
    for role in ("user", "assistant"):
        own = [list(turn) for _, turn in groupby((w for w in words if w.role == role), key=lambda word: word.turn)]
        if not own:
            continue
        turn = next((turn for turn in own if len(turn) >= SAID_WORDS), max(own, key=len))[:SAID_WORDS]
        heard = samples[_at(max(0.0, turn[0].start - REACH_S / 2)) : _at(turn[-1].end + REACH_S / 2), _channel(turn[0])]
        found = alignment.likeness(heard, SAMPLE_RATE, [word.word for word in turn], language)
        if found is not None and found < least:
            said = " ".join(word.word for word in turn)[:80]
            raise Refusal("alignment", f"the {role}'s channel does not hold '{said}'")


def measure(clips: Sequence[Clip], samples: NDArray[np.int16], words: Sequence[Word]) -> AudioChecks:
    """The measures noted for a row: the worst alignment of its turns' `clips`, in order of turn, and each side's word
    error rate and loudness in int16 (n, 2) at 24 kHz."""
    scores = [clip.alignment for clip in clips if clip.alignment is not None]
    return AudioChecks(
        min(scores, default=None),
        _error_rate(clips, words, "user"),
        _error_rate(clips, words, "assistant"),
        _loudness(samples, words, "user"),
        _loudness(samples, words, "assistant"),
    )


def _error_rate(clips: Sequence[Clip], words: Sequence[Word], role: Role) -> float | None:
    """The word error rate of a side's clips, each counting by its words; None where none was heard."""
    own = sorted({word.turn for word in words if word.role == role}) if clips else []
    heard = [(clips[turn].wer, len(clips[turn].words)) for turn in own]
    rates = [(rate, count) for rate, count in heard if rate is not None]
    total = sum(count for _, count in rates)
    return round(sum(rate * count for rate, count in rates) / total, 4) if total else None


def check_loudness(found: AudioChecks, settings: SoundSettings, user_level: float = 0.0) -> None:
    """Checks both sides against `settings.lufs`, the user's `user_level` dB above. Raises Refusal (`loudness`)."""
    sides = (
        ("user", found.user_lufs, settings.lufs + user_level, USER_TOLERANCE_LU),
        ("assistant", found.assistant_lufs, settings.lufs, TOLERANCE_LU),
    )
    for role, lufs, wanted, tolerance in sides:
        if lufs is not None and abs(lufs - wanted) > tolerance:
            raise Refusal("loudness", f"the {role} has {lufs:.1f} LUFS, not {wanted:.1f}")


def _loudness(samples: NDArray[np.int16], words: Sequence[Word], role: Role) -> float | None:
    """Loudness of a side's words, one after the other; None where they are silent or there are none."""
    channel = USER if role == "user" else ASSISTANT
    turns = [list(group) for _, group in groupby((w for w in words if w.role == role), key=lambda word: word.turn)]
    spoken = [samples[_at(word.start) : _at(word.end), channel] for turn in turns for word in turn]
    if not spoken:
        return None
    found = loudness(np.concatenate(spoken).astype(np.float32) * np.float32(1.0 / FULL_SCALE))
    return None if found is None else round(found, 2)


def _check_words(words: Sequence[Word], duration: float) -> None:
    if not words:
        raise Refusal("word_times", "no words")
    for word in words:
        if not 0.0 <= word.start < word.end <= duration:
            raise Refusal(
                "word_times", f"'{word.word}' at {word.start:.3f} to {word.end:.3f} s in {duration:.3f} s of sound"
            )
    for before, after in pairwise(words):
        if before.turn > after.turn or (before.turn == after.turn and before.end > after.start):
            raise Refusal("word_times", f"'{after.word}' at {after.start:.3f} s starts within '{before.word}'")
    for role in ("user", "assistant"):
        own = sorted((word for word in words if word.role == role), key=lambda word: word.start)
        for before, after in pairwise(own):
            if before.end > after.start:
                raise Refusal("word_times", f"the {role} says '{after.word}' at {after.start:.3f} s over themselves")


def _check_channels(energy: NDArray[np.float64], turn: Sequence[Word], words: Sequence[Word], user_alone: bool) -> None:
    """The speaker's channel has speech; the other one has none, save for what its side says at the same time."""
    own, other = _channel(turn[0]), 1 - _channel(turn[0])
    start, end = turn[0].start, turn[-1].end
    others = [w for w in words if w.role != turn[0].role and w.start - REACH_S < end and w.end + REACH_S > start]
    heard, leaked = _rms(energy, start, end, own), 0.0 if others else _rms(energy, start, end, other)
    if leaked >= amplitude(SPEECH_DBFS) > heard:
        raise Refusal("channel_swap", f"turn {turn[0].turn} of the {turn[0].role} is in the other channel")
    if heard < amplitude(SPEECH_DBFS):
        raise Refusal("silent_channel", f"turn {turn[0].turn} of the {turn[0].role} is silent")
    if not user_alone and other == USER:
        return  # it may hold noise, an echo, another voice
    # Where the other side speaks too, those words alone are looked at during which it does not.
    alone = [w for w in turn if not any(_near(w, o) for o in others)] if others else []
    leaked = max([leaked, *(_rms(energy, w.start, w.end, other) for w in alone)])
    if leaked > amplitude(LEAK_DBFS):
        raise Refusal("channel_leak", f"turn {turn[0].turn} of the {turn[0].role} is in both channels")


def _check_stray(energy: NDArray[np.float64], turns: Sequence[Sequence[Word]], channel: int) -> None:
    """A side says nothing besides its turns: another row's sound in its channel starts or ends elsewhere."""
    if not turns:
        return
    step, reach = round(STRAY_S * SAMPLE_RATE), STRAY_REACH_S
    marks = np.arange(0, len(energy), step)
    levels = np.sqrt(np.maximum(0.0, np.diff(energy[marks, channel])) / step)
    outside = np.ones(len(levels), bool)
    for turn in turns:
        first, last = _at(turn[0].start - reach) // step, -(-_at(turn[-1].end + reach) // step)
        outside[max(0, first) : last] = False
    found = np.flatnonzero(outside & (levels > amplitude(SPEECH_DBFS)))
    if len(found):
        role = turns[0][0].role
        raise Refusal(
            "stray_sound", f"the {role}'s channel has speech at {found[0] * STRAY_S:.2f} s, outside its turns"
        )


def _near(word: Word, other: Word) -> bool:
    """True where two words meet, when each is widened by what is heard around it."""
    return other.start - REACH_S < word.end and other.end + REACH_S > word.start


def _check_rate(turn: Sequence[Word], language: str) -> None:
    letters = sum(character.isalnum() for word in turn for character in word.word)
    # Pauses between words are no slowness of speech.
    seconds = sum(word.end - word.start for word in turn)
    slowest, fastest = RATES.get(language.split("-")[0], OTHER_RATE)
    rate = letters / seconds
    if letters >= RATE_LETTERS and not slowest <= rate <= fastest:
        raise Refusal("rate", f"turn {turn[0].turn}: {rate:.1f} letters a second, not {slowest} to {fastest}")


def _channel(word: Word) -> int:
    return USER if word.role == "user" else ASSISTANT


def _at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def _energy(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """(n + 1, 2): the energy of all samples before each."""
    energy = np.zeros((len(samples) + 1, 2))
    for channel in (ASSISTANT, USER):
        power = np.square(samples[:, channel].astype(np.float32) * np.float32(1.0 / FULL_SCALE))
        np.cumsum(power, dtype=np.float64, out=energy[1:, channel])
    return energy


def _rms(energy: NDArray[np.float64], start: float, end: float, channel: int) -> float:
    first, last = _at(start), _at(end)
    total = float(energy[last, channel] - energy[first, channel])
    return math.sqrt(max(0.0, total) / max(1, last - first))
