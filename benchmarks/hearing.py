"""How well, how fast and at what cost recognisers hear while somebody speaks.

python benchmarks/hearing.py [SPEC] [--sound reading|questions] [--sessions N] [--questions N] [--unpaced]

Sound is pushed at real time in frames of 80 ms, or more at once where the recogniser is behind, as a conversation does.
With `--unpaced` frame by frame with no waiting, and computing counts as if it took no time: the lag that is left is the
recogniser's own, on a machine that has nothing else to do. `reading` is the sample that comes with moonshine, read by a
person; `questions` are bundled ones in espeak's voices.

Printed: word error rate of the whole; seconds from a word's end until the transcript has that word, of words that it
ever has; from the end of the last word until the turn's end is told; CPU time for a second of sound of one
conversation; the largest process; and the longest call.
"""

import argparse
import json
import math
import resource
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from kame_data.errors import Refusal
from kame_data.resources import bundled
from kame_data.speech.hearing import normalise, word_error_rate
from kame_data.speech.timing.sphinx import SphinxAligner
from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.tandem.frames import RATE, SAMPLES
from kame_data.tandem.streaming_recognisers import streaming_recogniser
from kame_data.text.spoken import say

READING = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it "
    "was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
    "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing "
    "before us, we were all going direct to Heaven, we were all going direct the other way, in short, the period was "
    "so far like the present period, that some of its noisiest authorities insisted on its being received, for good "
    "or for evil, in the superlative degree of comparison only."
)
VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m2")
SILENCE = np.zeros(2 * RATE, np.float32)


@dataclass
class Said:
    """What is said: its sound at 24 kHz, its words, and the end of each in seconds."""

    text: str
    sound: np.ndarray
    ends: list[float]


@dataclass
class Figures:
    """Figures of one conversation, in seconds."""

    rates: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    longest: float = 0.0
    seconds: float = 0.0


def reading() -> Said:
    import moonshine_voice

    path = Path(moonshine_voice.__file__).parent / "assets" / "two_cities.wav"
    sound, rate = soundfile.read(str(path), dtype="int16", always_2d=True)
    spans = SphinxAligner().align(READING.split(), sound[:, 0], rate)
    heard = soxr.resample(sound[:, 0].astype(np.float32) / 32_768, rate, RATE)
    return Said(READING, np.asarray(heard, np.float32), [end for _, end in spans])


def questions(count: int) -> list[Said]:
    texts = []
    for name in ("questions", "gsm8k", "mmlu_pro"):
        for line in bundled(f"data/samples/{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            if row.get("language", "en") == "en" and len(row["question"]) < 200 and row["question"].isascii():
                with suppress(Refusal):
                    texts.append(say(row["question"]))
    said = []
    with open_synthesizer("espeak") as synthesizer:
        wanted = [Utterance(text, VOICES[n % len(VOICES)]) for n, text in enumerate(texts[:count])]
        for utterance, clip in zip(wanted, synthesizer.synthesize(wanted), strict=True):
            if isinstance(clip, Refusal):
                raise clip
            sound = soxr.resample(clip.samples.astype(np.float32) / 32_768, clip.sample_rate, RATE)
            said.append(Said(utterance.text, np.asarray(sound, np.float32), [end for _, end in clip.words]))
    return said


def converse(recogniser, said: list[Said], figures: Figures, paced: bool) -> None:
    """One conversation, in which all is said, two seconds apart."""
    stream = recogniser.open("en")
    sound = np.concatenate([piece for one in said for piece in (one.sound, SILENCE)])
    events, sent, begin = [], 0, time.monotonic()

    def now() -> float:
        return time.monotonic() - begin if paced else sent / RATE

    while sent < len(sound):
        passed = int(now() * RATE) // SAMPLES * SAMPLES if paced else sent + SAMPLES
        due = min(len(sound), passed)
        if due <= sent:
            time.sleep(0.01)
            continue
        called = time.monotonic()
        told = stream.push(sound[sent : min(due, sent + 5 * RATE)])
        sent = min(due, sent + 5 * RATE)
        figures.longest = max(figures.longest, time.monotonic() - called)
        events += [(now(), event) for event in told]
    events += [(now(), event) for event in stream.close()]
    figures.seconds = len(sound) / RATE
    start = 0.0
    for one in said:
        stop = start + (len(one.sound) + len(SILENCE)) / RATE
        judge(one, [(at - start, e) for at, e in events if start <= e.time < stop], figures)
        start = stop


def judge(one: Said, events: list, figures: Figures) -> None:
    """Count what was heard of one saying; times are from its beginning on."""
    expected, there = normalise(one.text), [math.inf] * len(one.text.split())
    owner = [n for n, word in enumerate(one.text.split()) for _ in normalise(word)]
    if len(owner) != len(expected):
        owner = []  # words that are read together, as numbers: no lags of this one
    done: list[str] = []
    for at, event in events:
        heard = normalise(" ".join([*done, event.text]))
        for block in SequenceMatcher(None, expected, heard, autojunk=False).get_matching_blocks() if owner else ():
            for word in owner[block.a : block.a + block.size]:
                # What is guessed before it is said does not count.
                if at >= one.ends[word] - 0.1:
                    there[word] = min(there[word], at)
        if event.kind == "end":
            done.append(event.text)
    figures.rates.append(word_error_rate(one.text, " ".join(done)))
    figures.lags += [at - end for at, end in zip(there, one.ends, strict=True) if math.isfinite(at)]
    figures.ends += [at - one.ends[-1] for at, event in events if event.kind == "end"][-1:]


def spread(values: list[float]) -> str:
    if not values:
        return "none"
    middle, most = np.percentile(values, [50, 90])
    return f"{middle:.2f} s (90 %: {most:.2f})"


def used() -> float:
    return sum(
        u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="moonshine")
    parser.add_argument("--sound", choices=("reading", "questions"), default="reading")
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--unpaced", action="store_true")
    options = parser.parse_args()
    said = [reading()] if options.sound == "reading" else questions(options.questions)
    recogniser = streaming_recogniser(options.spec)
    if recogniser is None:
        parser.error("none hears nothing")
    figures = [Figures() for _ in range(options.sessions)]
    before = used()
    threads = [threading.Thread(target=converse, args=(recogniser, said, one, not options.unpaced)) for one in figures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = sum(one.seconds for one in figures)
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    words = sum(len(one.text.split()) for one in said)
    print(f"{options.spec}, {options.sound}, {words} words, {options.sessions} at once")
    print(f"word error rate     {100 * np.mean([rate for one in figures for rate in one.rates]):.0f} %")
    print(f"word in transcript  {spread([lag for one in figures for lag in one.lags])} behind its end")
    print(f"end of turn         {spread([lag for one in figures for lag in one.ends])} behind the last word")
    print(f"CPU                 {(used() - before) / seconds:.2f} s for a second of sound")
    print(f"largest process     {largest / 1024:.0f} MiB")
    print(f"longest call        {max(one.longest for one in figures):.2f} s")


if __name__ == "__main__":
    main()
