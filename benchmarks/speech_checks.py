"""How well the alignment score tells wrong sound from poor sound: by kind of damage, by length of the turn, by voice.

python benchmarks/speech_checks.py [TEXTS] [--turns N] [--calibration] [--plot]   (ROWS: folder of the sources' rows)

TEXTS sentences of real questions, then N turns as builds have them (by default 300), two thirds of them short. Without
--calibration the texts are those that no limit was chosen from. --plot writes two histograms of the first group.
"""

import argparse
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soxr
import speech_turns
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.errors import Refusal
from pipeline.speech import effects
from pipeline.speech.alignment import IMPOSSIBLE, LIMIT, score
from pipeline.speech.checks import check_clip
from pipeline.speech.espeak import EspeakSynthesizer
from pipeline.speech.settings import CheckSettings, SoundSettings
from pipeline.speech.sound import FULL_SCALE, SAMPLE_RATE, resample
from pipeline.speech.voices import Clip, Utterance
from pipeline.text.spoken import say
from pipeline.text.words import split_words

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
# Turns by their words; voices by the timbre.
LENGTHS = ((1, 1), (2, 2), (3, 3), (4, 6), (7, 12), (13, 1000))
TURNS, SHORT_SHARE = 300, 2 / 3
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


def voice_of(number: int) -> str:
    """The voice that a number draws, of all users' and the assistant's."""
    voices = [*espeak().user_voices("train"), *espeak().user_voices("validation"), espeak().assistant_voice()]
    return voices[number % len(voices)]


def speak(text: str, number: int, voice: str | None = None, language: str = "en") -> Clip:
    """A text in the voice that its number draws, or another, at 130 to 200 words a minute."""
    draws = random.Random(number)
    pace = draws.randint(130, 200)
    said = Utterance(text, voice or voice_of(number), language, pace, draws.uniform(-0.25, 0.25))
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


def wrong(kind: str, clip: Clip, text: str, more: str, number: int) -> tuple[Sound, list[str], bool] | None:
    """Sound and words that do not belong together, and whether they differ in tiny words alone; None: it cannot be.

    Sound is cut at the times of the words; `more` is a text from which other words are taken.
    """
    draws, words, sound, rate = random.Random(f"{kind} {number}"), split_words(text), clip.samples, clip.sample_rate
    spans = [(round(start * rate), round(end * rate)) for start, end in clip.words]
    other = split_words(more)
    if kind == "another sentence":
        return None if [*map(bare, other)] == [*map(bare, words)] else (sound, other, False)
    if kind == "another language's voice":
        language = draws.choice(("de", "fr", "es"))
        return speak(text, number, language, language).samples, words, False
    if len(words) == 1 and ("swapped" in kind or "less" in kind or "cut" in kind):
        return None
    k = draws.randrange(1, len(words)) if len(words) > 1 else 0
    if "swapped" in kind:
        pairs = [k for k in range(len(words) - 1) if bare(words[k]) != bare(words[k + 1])]
        if not pairs:
            return None
        k = draws.choice(pairs)
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
        found = [word for word in other if bare(word) != bare(words[k])]
        if not found:
            return None
        added = draws.choice(found)
        rest = words[k:] if "more" in kind else words[k + 1 :]
        tiny = bare(added) in TINY or ("another" in kind and bare(words[k]) in TINY)
        return sound, [*words[:k], added, *rest], tiny
    assert kind == "the last word cut off", kind
    return sound[: spans[-1][0]], words, False


def refused(clip: Clip, words: list[str]) -> bool:
    """Whether the checks that come before the score (the clip's edges) refuse a clip."""
    try:
        check_clip(clip, words, "en", CheckSettings())
    except Refusal:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Job:
    """A text to be spoken and damaged, another one whose words are put into it, and the number that draws its voice."""

    text: str
    other: str
    number: int
    voice: str | None = None
    poorly: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sound was given; None: it cannot be judged, or (`refused`) was refused before it got a score."""

    kind: str
    words: int
    timbre: str
    score: float | None
    refused: bool


def measure(job: Job) -> list[Outcome]:
    """The outcomes of one text in all its sounds."""
    clip, words, number = speak(job.text, job.number, job.voice), split_words(job.text), job.number
    timbre = (job.voice or voice_of(number)).partition("+")[2] or "plain"

    def outcome(kind: str, sound: Sound, rate: int, said: list[str], cut: bool = False) -> Outcome:
        found = None if cut else score(sound, rate, said, "en")
        value = found and found.score
        return Outcome(kind, len(words), timbre, value, cut or (value is not None and value < LIMIT))

    try:
        check_clip(clip, words, "en", CheckSettings())
    except Refusal as refusal:
        print(f"{refusal.reason}: {refusal.detail}", file=sys.stderr)
        return [Outcome("as it is", len(words), timbre, None, True)]
    found = [outcome(kind, *poor(kind, clip, number), words) for kind in (POOR if job.poorly else POOR[:1])]
    for kind in WRONG:
        made = wrong(kind, clip, job.text, job.other, number)
        if made is None:
            continue
        sound, said, tiny = made
        cut = kind == "the last word cut off" and refused(Clip(sound, clip.sample_rate, ()), said)
        found.append(outcome(f"{kind} (tiny words)" if tiny else kind, sound, clip.sample_rate, said, cut))
    return found


def question_jobs(first: int, count: int) -> list[Job]:
    """Sentences of real questions."""
    numbers = range(first, first + count)
    return [Job(texts()[n], texts()[(n + 7) % len(texts())], n) for n in numbers]


def turn_jobs(held_out: bool, count: int) -> list[Job]:
    """Turns as builds have them, every third in the assistant's voice; the other text is one of about that length."""
    short = round(count * SHORT_SHARE)
    found = speech_turns.turns(held_out, ROWS, short, count - short)
    by_length = sorted(range(len(found)), key=lambda n: speech_turns.length(found[n]))
    jobs = []
    for place, n in enumerate(by_length):
        other = found[by_length[place + 1 if place + 1 < len(found) else 0]]
        voice = espeak().assistant_voice() if n % 3 == 0 else None
        jobs.append(Job(found[n], other, 10_000 + n, voice, poorly=False))
    return sorted(jobs, key=lambda job: job.number)


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


def kinds_table(found: list[Outcome]) -> None:
    """By kind of sound: how many are refused, and where their scores lie."""
    print(f"{f'limit {LIMIT:g}':46s}clips  refused     1 %     5 %  median    95 %")
    for kind in (*POOR, *WRONG, *(f"{kind} (tiny words)" for kind in WRONG)):
        own = [outcome for outcome in found if outcome.kind == kind]
        if own:
            values = [IMPOSSIBLE if o.score is None and o.refused else o.score for o in own]
            spread = np.percentile([value for value in values if value is not None], [1, 5, 50, 95])
            print(f"{kind:45s}{len(own):6d}{share(own):8.1f}%" + "".join(f"{value:8.1f}" for value in spread))


def share(found: list[Outcome]) -> float:
    """What is refused, in per cent."""
    return 100.0 * float(np.mean([outcome.refused for outcome in found]))


def lengths_table(found: list[Outcome]) -> None:
    """By kind of sound and length of the turn: the share that is refused, and of how many."""
    print(
        f"{'refused, by words of the turn':36s}"
        + "".join(f"{f'{a}-{b}' if a < b else a:>15}" for a, b in LENGTHS[:-1]),
        end="",
    )
    print(f"{f'{LENGTHS[-1][0]}-':>15}")
    for kind in ("as it is", *WRONG):
        cells = []
        for least, most in LENGTHS:
            own = [o for o in found if o.kind == kind and least <= o.words <= most]
            cells.append(f"{share(own):.1f}% of {len(own)}" if own else "-")
        print(f"{kind:36s}" + "".join(f"{cell:>15}" for cell in cells))


def voices_table(found: list[Outcome]) -> None:
    """Right clips by timbre."""
    by: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in found:
        if outcome.kind == "as it is":
            by[outcome.timbre].append(outcome)
    told = (f"{timbre} {sum(o.refused for o in own)} of {len(own)}" for timbre, own in sorted(by.items()))
    print("right clips refused, by timbre: " + ", ".join(told))


def main() -> None:
    """Prints the tables; with --plot writes docs/speech_checks.svg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="?", type=int, default=300)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--plot", action="store_true")
    asked = parser.parse_args()
    questions = question_jobs(0 if asked.calibration else CALIBRATION, asked.texts)
    turns = turn_jobs(not asked.calibration, asked.turns)
    with ProcessPoolExecutor(2) as pool:
        groups = [
            [outcome for outcomes in pool.map(measure, jobs, chunksize=4) for outcome in outcomes]
            for jobs in (questions, turns)
        ]
    for name, found in zip(("sentences of questions", "turns of builds"), groups, strict=True):
        if found:
            print(f"\n{name}")
            kinds_table(found)
    both = [outcome for found in groups for outcome in found]
    print("\nall of them")
    lengths_table(both)
    right = [outcome for outcome in both if outcome.kind == "as it is"]
    short = [outcome for outcome in right if outcome.words <= speech_turns.LONGEST_SHORT]
    print(
        f"right clips: {share(right):.2f}% of {len(right)} refused, {share(short):.2f}% of the {len(short)} short ones"
    )
    voices_table(both)
    if asked.plot:
        values = {
            name: [o.score or 0.0 for o in groups[0] if o.kind in kinds] for name, kinds in (("r", POOR), ("w", WRONG))
        }
        HISTOGRAM.write_text(histogram(values["r"], values["w"]))


if __name__ == "__main__":
    main()
