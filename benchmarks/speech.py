"""How fast dialogues are spoken: seconds of audio made per second and core, from text to FLAC, checks included.

python benchmarks/speech.py [DIALOGUES]
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

import numpy as np

from kame_data.records import Dialogue, Rejected, Split, Turn
from kame_data.seeds import rng
from kame_data.settings.tree import SpeechSettings
from kame_data.speech import sound
from kame_data.speech.speak import speak_dialogues
from kame_data.speech.timing import alignment
from kame_data.speech.timing.pronunciation import speller
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.engines import open_synthesizer
from kame_data.text.words import split_words

PEOPLE = ("Anna", "Ben", "my sister", "a farmer", "the baker", "our teacher")
THINGS = ("apples", "books", "bottles of water", "pencils", "tickets", "loaves of bread")
NUMBERS = ("three", "twelve", "forty-five", "two hundred", "seventeen", "ninety")
EFFECTS = {"sound": {"room": 1.0, "noise": 1.0, "telephone": 1.0}}


def dialogues(count: int) -> Iterator[tuple[Dialogue, Split]]:
    """Dialogues of some 45 + 15 words, no two the same."""
    for number in range(count):
        draw = rng(0, "benchmark", number)
        person, thing, few, many = draw.choice(PEOPLE), draw.choice(THINGS), draw.choice(NUMBERS), draw.choice(NUMBERS)
        asked = (
            f"Hi, I have a question about {person}. On Monday {person} bought {few} {thing} at the market, and on the "
            f"day after that {many} more. If half of the {thing} were then given away to friends, how many {thing} "
            "would be left at the end of the week?"
        )
        answered = f"Good question. Add {few} and {many}, take half of that, and you have the {thing} that are left."
        turns = (Turn("user", asked, asked), Turn("assistant", answered, answered))
        yield Dialogue(f"benchmark-{number}-v0", f"benchmark-{number}", 0, "en", turns, "half"), "train"


class Measured:
    """A synthesizer whose clips have their alignment score, as a build's have."""

    def __init__(self, synthesizer: object) -> None:
        self.synthesizer = synthesizer

    def __getattr__(self, name: str) -> object:
        return getattr(self.synthesizer, name)

    def synthesize(self, jobs: Iterator[Utterance]) -> Iterator[object]:
        said: list[Utterance] = []

        def noted() -> Iterator[Utterance]:
            for job in jobs:
                said.append(job)
                yield job

        for clip in self.synthesizer.synthesize(noted()):  # type: ignore[attr-defined]
            job = said.pop(0)
            if isinstance(clip, Clip):
                clip = replace(clip, alignment=alignment.AlignmentMeasure().measure(clip, job))
            yield clip


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def whole(helpers: int, count: int, scored: bool, settings: dict[str, object]) -> tuple[float, float, float, float]:
    """Seconds of audio, wall and CPU seconds, MiB at the peak, of the stage in a process of its own."""
    start, cpu, audio = time.perf_counter(), cpu_seconds(), 0.0
    with open_synthesizer("espeak", helpers) as synthesizer:
        voices = Measured(synthesizer) if scored else synthesizer
        for speech in speak_dialogues(dialogues(count), voices, SpeechSettings.model_validate(settings), 0):  # type: ignore[arg-type]
            if isinstance(speech, Rejected):
                raise SystemExit(f"{speech.dialogue_id}: {speech.reason}: {speech.detail}")
            audio += speech.duration
    wall = time.perf_counter() - start
    if scored:
        speller().close()
    return audio, wall, cpu_seconds() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def voice_alone(count: int) -> tuple[float, float, float, float]:
    """The same of espeak, with the times of its words, and nothing else."""
    start, cpu, audio = time.perf_counter(), cpu_seconds(), 0.0
    jobs = [Utterance(turn.text, "en-us") for dialogue, _ in dialogues(count) for turn in dialogue.turns]
    with open_synthesizer("espeak", 1) as synthesizer:
        for clip in synthesizer.synthesize(jobs):
            assert isinstance(clip, Clip)
            audio += clip.duration
    wall = time.perf_counter() - start
    return audio, wall, cpu_seconds() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def steps(count: int) -> list[tuple[str, float]]:
    """CPU milliseconds a second of audio of each step in this process, on the clips of `count` dialogues."""
    jobs = [Utterance(turn.text, "en-us") for dialogue, _ in dialogues(count) for turn in dialogue.turns]
    with open_synthesizer("espeak", 1) as synthesizer:
        clips = [clip for clip in synthesizer.synthesize(jobs) if isinstance(clip, Clip)]
    words = [split_words(job.text) for job in jobs]
    lines = [sound.resample(clip.samples, clip.sample_rate) for clip in clips]
    seconds = sum(clip.duration for clip in clips)
    mixed = [sound.mix([(0, 200, line), (1, 400, line)], len(line) // 24 + 800) for line in lines]

    def timed(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return 1000.0 * (time.process_time() - start) / seconds

    def scored() -> None:
        for clip, said in zip(clips, words, strict=True):
            alignment.score(clip.samples, clip.sample_rate, said, "en")

    def mixing() -> None:
        for line in lines:
            sound.mix([(0, 200, line), (1, 400, line)], len(line) // 24 + 800)

    alignment.score(clips[0].samples, clips[0].sample_rate, words[0], "en")  # the model is loaded once
    sound.loudness(lines[0])
    return [
        ("alignment score", timed(scored)),
        ("resampling to 24 kHz", timed(lambda: [sound.resample(c.samples, c.sample_rate) for c in clips])),
        ("loudness, once", timed(lambda: [sound.loudness(line) for line in lines])),
        ("mixing, two channels", timed(mixing)),
        ("FLAC, two channels", timed(lambda: [sound.encode_flac(np.ascontiguousarray(m)) for m in mixed])),
    ]


def main() -> None:
    """Prints two tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rows: list[tuple[str, Callable[..., tuple[float, float, float, float]], tuple[object, ...]]] = [
        ("espeak and word times alone", voice_alone, (count,)),
        ("whole stage, no score", whole, (1, count, False, {})),
        ("whole stage", whole, (1, count, True, {})),
        ("whole stage, 2 helpers", whole, (2, count, True, {})),
        ("whole stage, a tenth of it", whole, (1, max(1, count // 10), True, {})),
        ("whole stage, all effects", whole, (1, count, True, EFFECTS)),
    ]
    print("                                audio s  wall s  x real time  x per core  peak MiB")
    for name, work, arguments in rows:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            audio, wall, cpu, peak = pool.apply(work, arguments)
        print(f"{name:30s}{audio:9.0f}{wall:8.2f}{audio / wall:13.0f}{audio / cpu:12.0f}{peak:10.0f}", flush=True)
    print("\nstep                       ms a second of audio")
    for name, cost in steps(min(count, 20)):
        print(f"{name:27s}{cost:8.2f}")


if __name__ == "__main__":
    main()
