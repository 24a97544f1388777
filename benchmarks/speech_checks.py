"""How well the alignment score tells wrong sound from poor sound: a table by kind of damage, and two histograms.

python benchmarks/speech_checks.py [TEXTS] [--calibration] [--plot]   (ROWS: the folder of the sources' rows)

Without --calibration the texts are those that no limit was chosen from.
"""

import json
import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soxr
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from kame_data.errors import Refusal
from kame_data.records import SAMPLE_RATE
from kame_data.settings.speech import CheckSettings, SoundSettings
from kame_data.speech import effects
from kame_data.speech.checks import check_clip
from kame_data.speech.sound import FULL_SCALE, resample
from kame_data.speech.timing.alignment import LIMIT, score
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.spoken import say
from kame_data.text.words import split_words

ROOT = Path(__file__).resolve().parents[1]
ROWS = Path(os.environ.get("ROWS", ROOT.parent / "shared" / "data"))
SOURCES = {"g": "gsm8k/train.parquet", "m": "mmlu_pro/test.parquet", "h": "hssbench/data-open.jsonl"}
A_SOURCE, CALIBRATION = 800, 1000
Sound = NDArray[np.int16]
POOR = ("as it is", "noise 20 dB", "noise 10 dB", "telephone", "room", "quiet", "resampled 8 kHz")
WRONG = (
    "two words swapped in the sound",
    "two words swapped in the text",
    "a word cut out of the sound",
    "a word more in the text",
    "a word more in the sound",
    "a word less in the text",
    "another word in the text",
    "the last word cut off",
    "another sentence",
    "another language's voice",
)
HESITATIONS = ("um,", "uh,", "er,", "hmm,")
# Words that are so short that a swap of two of them, or one more or less, hardly changes the sound.
TINY = frozenset(
    ("a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "and", "or", "if", "is", "it", "as", "be", "he", "i",
     "um", "uh", "er", "hmm", "are", "was", "that", "its", "has", "had")
)  # fmt: skip
HISTOGRAM = ROOT / "docs" / "speech_checks.svg"


@cache
def texts() -> list[str]:
    """Turns of one to three sentences of real questions, as they are said, some with a hesitation word."""
    found = []
    for seed, name in SOURCES.items():
        draws, count = random.Random(seed), 0
        questions = list(_questions(ROWS / name))
        draws.shuffle(questions)
        for question in questions:
            try:
                said = " ".join(say(question).split())
            except Refusal:
                continue
            if not said.isascii():
                continue
            parts = said.replace("? ", "?|").replace(". ", ".|").split("|")
            first = draws.randrange(len(parts))
            words = " ".join(parts[first : first + draws.choice([1, 1, 2, 3])]).split()
            if not 5 <= len(words) <= 50:
                continue
            if draws.random() < 0.3:
                words.insert(draws.randrange(len(words)), draws.choice(HESITATIONS))
            found.append(" ".join(words))
            count += 1
            if count == A_SOURCE:
                break
    random.Random(7).shuffle(found)
    return found


def _questions(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        yield from pq.read_table(path, columns=["question"]).column("question").to_pylist()
    else:
        yield from (json.loads(line)["question"] for line in path.open())


@cache
def espeak() -> EspeakSynthesizer:
    """One of each process."""
    return EspeakSynthesizer(1)


def speak(text: str, number: int, voice: str | None = None, language: str = "en") -> Clip:
    """A text in the voice that its number draws, of all users' and the assistant's, at 150 to 180 words a minute."""
    voices = [*espeak().user_voices("train"), *espeak().user_voices("validation"), espeak().assistant_voice()]
    draws = random.Random(number)
    pace = draws.randint(150, 180)
    said = Utterance(text, voice or voices[number % len(voices)], language, pace, draws.uniform(-0.25, 0.25))
    (clip,) = espeak().synthesize([said])
    if not isinstance(clip, Clip):
        raise clip
    return clip


def degraded(clip: Clip, number: int, **settings: object) -> tuple[Sound, int]:
    """A clip through the user's microphone and line."""
    sound = resample(clip.samples, clip.sample_rate)
    heard = effects.apply(sound, [(0, len(sound))], SoundSettings.model_validate(settings), number, "benchmark")
    return np.clip(heard * FULL_SCALE, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), SAMPLE_RATE


def poor(kind: str, clip: Clip, number: int) -> tuple[Sound, int]:
    """The right words, heard badly."""
    if kind.startswith("noise"):
        return degraded(clip, number, noise=1, snr=float(kind.split()[1]))
    if kind in ("telephone", "room"):
        return degraded(clip, number, **{kind: 1})
    if kind == "quiet":
        return (clip.samples // 30).astype(np.int16), clip.sample_rate
    if kind == "resampled 8 kHz":
        return soxr.resample(clip.samples, clip.sample_rate, 8_000), 8_000
    return clip.samples, clip.sample_rate


def bare(word: str) -> str:
    """Without case and punctuation."""
    return word.lower().strip(".,;:!?\"'")


def wrong(kind: str, clip: Clip, text: str, number: int) -> tuple[Sound, list[str], bool]:
    """Sound and words that do not belong together, and whether they differ in tiny words alone.

    Sound is cut at the times of the words.
    """
    draws, words, sound, rate = random.Random(f"{kind} {number}"), split_words(text), clip.samples, clip.sample_rate
    spans = [(round(start * rate), round(end * rate)) for start, end in clip.words]
    other = split_words(texts()[(number + 7) % len(texts())])
    k = draws.randrange(1, len(words))
    if "swapped" in kind:
        k = draws.choice([k for k in range(len(words) - 1) if bare(words[k]) != bare(words[k + 1])])
        tiny = bare(words[k]) in TINY and bare(words[k + 1]) in TINY
        if "text" in kind:
            return sound, [*words[:k], words[k + 1], words[k], *words[k + 2 :]], tiny
        (a, b), (c, d) = spans[k], spans[k + 1]
        return np.concatenate([sound[:a], sound[c:d], sound[b:c], sound[a:b], sound[d:]]), words, tiny
    if kind == "a word cut out of the sound":
        return np.concatenate([sound[: spans[k][0]], sound[spans[k][1] :]]), words, bare(words[k]) in TINY
    if kind == "a word less in the text":
        return sound, [*words[:k], *words[k + 1 :]], bare(words[k]) in TINY
    if kind == "a word more in the sound":
        first, last = spans[j := draws.randrange(len(words))]
        return (
            np.concatenate([sound[: spans[k][0]], sound[first:last], sound[spans[k][0] :]]),
            words,
            bare(words[j]) in TINY,
        )
    if kind in ("a word more in the text", "another word in the text"):
        more = draws.choice([word for word in other if bare(word) != bare(words[k])])
        rest = words[k:] if "more" in kind else words[k + 1 :]
        return sound, [*words[:k], more, *rest], bare(more) in TINY or ("another" in kind and bare(words[k]) in TINY)
    if kind == "the last word cut off":
        return sound[: spans[-1][0]], words, False
    if kind == "another sentence":
        return sound, other, False
    language = draws.choice(("de", "fr", "es"))
    return speak(text, number, language, language).samples, words, False


def refused(clip: Clip, words: list[str]) -> bool:
    """Whether the checks that come before the score (the clip's edges) refuse a clip."""
    try:
        check_clip(clip, words, "en", CheckSettings())
    except Refusal:
        return True
    return False


def measure(number: int) -> list[tuple[str, float | None, float]]:
    """The kinds and the scores of one text in all its sounds, and how long each clip is; None: refused without one."""
    text = texts()[number]
    clip, words, found = speak(text, number), split_words(text), []
    try:
        check_clip(clip, words, "en", CheckSettings())
    except Refusal as refusal:
        print(f"{refusal.reason}: {refusal.detail}", file=sys.stderr)
        return [("as it is", None, clip.duration)]
    for kind in POOR:
        alignment = score(*poor(kind, clip, number), words, "en")
        assert alignment is not None
        found.append((kind, alignment.score, clip.duration))
    for kind in WRONG:
        sound, said, tiny = wrong(kind, clip, text, number)
        alignment = score(sound, clip.sample_rate, said, "en")
        assert alignment is not None
        cut = kind == "the last word cut off" and refused(Clip(sound, clip.sample_rate, ()), said)
        found.append((f"{kind} (tiny words)" if tiny else kind, None if cut else alignment.score, clip.duration))
    return found


def histogram(right: list[float], bad: list[float]) -> str:
    """Both distributions as an SVG."""
    low, high, step, width, height = -150, 60, 5, 720, 220
    bins = np.arange(low, high + step, step)
    scale = width / (high - low)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 60} {height + 60}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for values, colour in ((bad, "#c44"), (right, "#48a")):
        shares = np.histogram(np.clip(values, low, high - 1e-6), bins)[0] / max(1, len(values))
        for left, share in zip(bins, shares, strict=False):
            tall = share * height * 3
            parts.append(
                f'<rect x="{30 + (left - low) * scale:.1f}" y="{20 + height - min(tall, height):.1f}" '
                f'width="{step * scale:.1f}" height="{min(tall, height):.1f}" fill="{colour}" fill-opacity="0.6"/>'
            )
    at = 30 + (LIMIT - low) * scale
    parts.append(f'<line x1="{at}" x2="{at}" y1="10" y2="{20 + height}" stroke="black" stroke-dasharray="4 3"/>')
    for value in range(low, high + 1, 30):
        parts.append(f'<text x="{30 + (value - low) * scale:.1f}" y="{height + 36}">{value}</text>')
    parts.append(
        f'<text x="40" y="24" fill="#c44">wrong sound ({len(bad)} clips)</text>'
        f'<text x="40" y="42" fill="#48a">right words, well or poorly heard ({len(right)} clips)</text>'
        f'<text x="{width - 160}" y="{height + 54}">alignment score, nats</text></svg>\n'
    )
    return "".join(parts)


def main() -> None:
    """Prints the table; with --plot writes docs/speech_checks.svg."""
    counts = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    first = 0 if "--calibration" in sys.argv else CALIBRATION
    tiny = [f"{kind} (tiny words)" for kind in WRONG]
    found: dict[str, list[float]] = {kind: [] for kind in (*POOR, *WRONG, *tiny)}
    texts()
    with ProcessPoolExecutor(2) as pool:
        numbers = range(first, first + (counts[0] if counts else 300))
        for outcomes in pool.map(measure, numbers, chunksize=4):
            for kind, value, _ in outcomes:
                found[kind].append(-1000.0 if value is None else value)
    print(f"{f'limit {LIMIT:g}':46s}clips  refused     min     1 %     5 %  median    95 %")
    for kind, values in found.items():
        if values:
            spread = "".join(f"{value:8.1f}" for value in np.percentile(values, [0, 1, 5, 50, 95]))
            print(f"{kind:45s}{len(values):6d}{100.0 * np.mean(np.array(values) < LIMIT):8.1f}%{spread}")
    if "--plot" in sys.argv:
        right = [value for kind in POOR for value in found[kind]]
        HISTOGRAM.write_text(histogram(right, [value for kind in WRONG for value in found[kind]]))


if __name__ == "__main__":
    main()
