"""How fast dialogues are spoken: seconds of audio made per second and core, FLAC and checks included.

python benchmarks/speech.py [DIALOGUES]
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.config import SpeechSettings
from pipeline.records import Dialogue, Rejected, Split, Turn
from pipeline.seeds import rng
from pipeline.speech.speak import speak_dialogues
from pipeline.speech.voices import open_synthesizer

PEOPLE = ("Anna", "Ben", "my sister", "a farmer", "the baker", "our teacher")
THINGS = ("apples", "books", "bottles of water", "pencils", "tickets", "loaves of bread")
NUMBERS = ("three", "twelve", "forty-five", "two hundred", "seventeen", "ninety")


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


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(helpers: int, count: int) -> tuple[int, float, float, float, float]:
    """Bytes, seconds of audio, wall and CPU seconds, MiB at the peak, in a process of its own."""
    start, cpu = time.perf_counter(), cpu_seconds()
    size, audio = 0, 0.0
    with open_synthesizer("espeak", helpers) as synthesizer:
        for speech in speak_dialogues(dialogues(count), synthesizer, SpeechSettings(), 0):
            if isinstance(speech, Rejected):
                raise SystemExit(f"{speech.dialogue_id}: {speech.reason}: {speech.detail}")
            size += len(speech.flac)
            audio += speech.duration
    wall = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return size, audio, wall, cpu_seconds() - cpu, peak


def main() -> None:
    """Prints a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print("dialogues  helpers  audio s      MB   wall s  x real time  x per core  peak MiB")
    for helpers in (1, 2):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            size, audio, wall, cpu, peak = pool.apply(measure, (helpers, count))
        speeds = f"{audio / wall:11.0f}  {audio / cpu:10.0f}"
        print(f"{count:9d}  {helpers:7d}  {audio:7.0f}  {size / 1e6:6.1f}  {wall:7.2f}  {speeds}  {peak:8.0f}")


if __name__ == "__main__":
    main()
