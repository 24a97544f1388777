"""How well the alignment score tells wrong sound from poor sound: a table by kind of damage, and two histograms.

python benchmarks/speech_checks.py OUT [CLIPS]   (OUT: the folder of a build, whose turns are spoken; text is enough)
"""

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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.speech import effects
from pipeline.speech.alignment import LIMIT, score
from pipeline.speech.espeak import EspeakSynthesizer
from pipeline.speech.settings import SoundSettings
from pipeline.speech.sound import FULL_SCALE, SAMPLE_RATE, resample
from pipeline.speech.voices import Clip, Utterance
from pipeline.text.words import split_words

ROOT = Path(__file__).resolve().parents[1]
Sound = NDArray[np.int16]
POOR = ("as it is", "slow", "fast", "noise 20 dB", "noise 10 dB", "telephone", "room", "quiet", "resampled 8 kHz")
WRONG = (
    "two words swapped",
    "a word missing",
    "a long word missing",
    "a word added",
    "the last word cut off",
    "the last 15 % cut off",
    "another sentence",
    "German voice",
    "French sentence",
)
FRENCH = "Je voudrais savoir combien de personnes habitent dans cette ville et ce qu'elles font pendant l'été."
SLOW, FAST = 110, 230
LONG = 6
HISTOGRAM = ROOT / "docs" / "speech_checks.svg"


def texts(out: Path) -> list[str]:
    """The turns of a build's dialogues, mixed."""
    found = []
    for path in sorted((out / "shards").glob("*.parquet")):
        for turns in pq.read_table(path, columns=["turns"]).column("turns").to_pylist():
            found += [turn["text"] for turn in turns]
    random.Random(0).shuffle(found)
    return [text for text in found if len(split_words(text)) >= 4]


@cache
def espeak() -> EspeakSynthesizer:
    """One of each process."""
    return EspeakSynthesizer(1)


def speak(text: str, number: int, pace: int | None = None, voice: str | None = None, language: str = "en") -> Clip:
    """A text in the voice that its number draws, of all users' and the assistant's."""
    voices = [*espeak().user_voices("train"), *espeak().user_voices("validation"), espeak().assistant_voice()]
    draws = random.Random(number)
    drawn, own_pace = voices[number % len(voices)], draws.randint(150, 185)
    said = Utterance(text, voice or drawn, language, pace or own_pace, draws.uniform(-0.25, 0.25))
    (clip,) = espeak().synthesize([said])
    if not isinstance(clip, Clip):
        raise clip
    return clip


def degraded(clip: Clip, number: int, **settings: object) -> tuple[Sound, int]:
    """A clip through the user's microphone and line."""
    sound = resample(clip.samples, clip.sample_rate)
    heard = effects.apply(sound, [(0, len(sound))], SoundSettings.model_validate(settings), number, "benchmark")
    return np.clip(heard * FULL_SCALE, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), SAMPLE_RATE


def poor(kind: str, text: str, number: int) -> tuple[Sound, int]:
    """The right words, spoken or heard badly."""
    clip = speak(text, number, {"slow": SLOW, "fast": FAST}.get(kind))
    if kind.startswith("noise"):
        return degraded(clip, number, noise=1, snr=float(kind.split()[1]))
    if kind in ("telephone", "room"):
        return degraded(clip, number, **{kind: 1})
    if kind == "quiet":
        return (clip.samples // 30).astype(np.int16), clip.sample_rate
    if kind == "resampled 8 kHz":
        return soxr.resample(clip.samples, clip.sample_rate, 8_000), 8_000
    return clip.samples, clip.sample_rate


def wrong(kind: str, text: str, other: str, number: int) -> tuple[Sound, int]:
    """Sound that does not hold the words of `text`, cut from real clips at the times of their words."""
    draws = random.Random(f"{kind} {number}")
    if kind == "German voice":
        clip = speak(text, number, voice="de", language="de")
        return clip.samples, clip.sample_rate
    if kind == "French sentence":
        clip = speak(FRENCH, number, voice="fr", language="fr")
        return clip.samples, clip.sample_rate
    clip, words = speak(text, number), split_words(text)
    sound, rate = clip.samples, clip.sample_rate
    spans = [(round(start * rate), round(end * rate)) for start, end in clip.words]
    if kind == "another sentence":
        return speak(other, number).samples, rate
    if kind == "two words swapped":
        pairs = [k for k in range(len(words) - 1) if words[k].lower() != words[k + 1].lower()]
        (a, b), (c, d) = (spans[k + draws_at] for k in [draws.choice(pairs)] for draws_at in (0, 1))
        return np.concatenate([sound[:a], sound[c:d], sound[b:c], sound[a:b], sound[d:]]), rate
    if kind == "a word added":
        more = speak(other, number)
        long = [s for s, w in zip(more.words, split_words(other), strict=True) if len(w) >= 4] or [more.words[0]]
        first, last = (round(at * rate) for at in draws.choice(long))
        at = spans[draws.randrange(1, len(words))][0]
        return np.concatenate([sound[:at], more.samples[first:last], sound[at:]]), rate
    if kind.startswith("the last"):
        return sound[: spans[-1 if "word" in kind else int(len(words) * 0.85)][0]], rate
    long_words = [k for k, word in enumerate(words) if len(word) >= LONG]
    k = draws.choice(long_words) if "long" in kind and long_words else draws.randrange(len(words))
    return np.concatenate([sound[: spans[k][0]], sound[spans[k][1] :]]), rate


def measure(job: tuple[str, str, str, int]) -> tuple[str, float]:
    """The kind and the score of one clip."""
    kind, text, other, number = job
    sound, rate = poor(kind, text, number) if kind in POOR else wrong(kind, text, other, number)
    found = score(sound, rate, split_words(text), "en")
    assert found is not None
    return kind, found.score


def jobs(out: Path, clips: int) -> Iterator[tuple[str, str, str, int]]:
    """Every kind on the same clips; kinds with less to learn from have fewer."""
    said = texts(out)
    for number in range(clips):
        for kind in (*POOR, *WRONG):
            if kind in ("as it is", "two words swapped", "a word missing") or number % 2 == 0:
                yield kind, said[number % len(said)], said[(number + 1) % len(said)], number


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
        f'<text x="40" y="42" fill="#48a">right words, well or poorly spoken or heard ({len(right)} clips)</text>'
        f'<text x="{width - 160}" y="{height + 54}">alignment score, nats</text></svg>\n'
    )
    return "".join(parts)


def main() -> None:
    """Prints the table and writes docs/speech_checks.svg."""
    out, clips = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    found: dict[str, list[float]] = {kind: [] for kind in (*POOR, *WRONG)}
    with ProcessPoolExecutor() as pool:
        for kind, value in pool.map(measure, jobs(out, clips), chunksize=8):
            found[kind].append(value)
    print(f"limit {LIMIT:g}            clips  refused     min     1 %     5 %  median    95 %")
    for kind, values in found.items():
        low, one, five, middle, most = np.percentile(values, [0, 1, 5, 50, 95])
        refused = 100.0 * float(np.mean(np.array(values) < LIMIT))
        spread = "".join(f"{value:8.1f}" for value in (low, one, five, middle, most))
        print(f"{kind:22s}{len(values):6d}{refused:8.1f}%{spread}")
    HISTOGRAM.write_text(
        histogram([v for kind in POOR for v in found[kind]], [v for kind in WRONG for v in found[kind]])
    )


if __name__ == "__main__":
    main()
