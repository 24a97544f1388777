"""How true word times are: those of a voice against pocketsphinx's forced alignment, on sentences of real questions.

python benchmarks/alignment.py [SENTENCES] [VOICE]... (espeak's voices; more words about the worst with --worst)
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

import numpy as np
import pyarrow.parquet as pq

from kame_data.errors import Refusal
from kame_data.seeds import rng
from kame_data.speech.timing.sphinx import SphinxAligner
from kame_data.speech.voices.base import Clip, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# Beside the sentences of the data, in which numbers and hyphens are rare once they are put into words.
HARD = (
    "In 1984 Dr. Smith paid $20 for 3.5 pounds of it.",
    "A well-known, twenty-one-year-old state-of-the-art X-ray machine.",
    "Mr. Jones and Mrs. O'Neil live at 221 Baker St. in London.",
    "The naïve café owner said au revoir to Xuan and Przemysław.",
    "NASA and the FBI use H2O, not CO2, at 100 degrees.",
)


def sentences(count: int) -> list[str]:
    """Sentences of 5 to 30 words from real questions and answers, as they stand, and the hard ones."""
    found = sorted(set(_texts()))
    rng(0, "sentences").shuffle(found)
    return [*HARD, *found[: count - len(HARD)]]


def _texts() -> Iterator[str]:
    from kame_data.text.spoken import say

    for path in sorted(DATA.rglob("*.parquet")):
        columns = pq.read_schema(path).names
        name = next((n for n in ("question", "Question") if n in columns), None)
        if name is None:
            continue
        for text in pq.read_table(path, columns=[name]).column(name).to_pylist()[:600]:
            for sentence in str(text).replace("? ", "?|").replace(". ", ".|").split("|"):
                try:
                    said = say(sentence)
                except Refusal:
                    continue
                if 5 <= len(said.split()) <= 30 and said[-1:] in ".?":
                    yield sentence.strip() if sentence.strip().replace(",", "").replace("-", "").isascii() else said


def kind(word: str) -> str:
    """The class of a word in the table."""
    core = word.strip(".,;:?!'\"()").lower()
    if any(c.isdigit() for c in core):
        return "numbers"
    if "-" in core:
        return "hyphens"
    if core.endswith(".") or (len(core) > 1 and word.strip(".,;:?!").isupper()):
        return "abbreviations"
    return "function words" if core in FUNCTION else "other words"


FUNCTION = {
    *("a", "an", "the", "of", "in", "on", "at", "to", "for", "by", "and", "or", "if", "is", "it", "was", "are", "be"),
    *("as", "he", "she", "they", "i", "you", "that", "this", "with"),
}


def main() -> None:
    """Prints a table a voice."""
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    count = int(arguments[0]) if arguments else 100
    aligner = SphinxAligner()
    with EspeakSynthesizer(2) as espeak:
        voices = arguments[1:] or ["en-us", "en-gb+f2", "en-us+m3"]
        for voice in voices:
            print(f"\n{voice}: {count} sentences; error of a word's start and end in ms")
            print("words            count   median    95 %   within 80 ms")
            errors: dict[str, list[float]] = {}
            worst = []
            texts, refused = sentences(count), 0
            for text, clip in zip(texts, espeak.synthesize(Utterance(t, voice) for t in texts), strict=True):
                words = split_words(text)
                if not isinstance(clip, Clip):
                    refused += 1
                    continue
                try:
                    heard = aligner.align(words, clip.samples, clip.sample_rate)
                except Refusal:
                    refused += 1
                    continue
                for word, ours, theirs in zip(words, clip.words, heard, strict=True):
                    pair = [abs(ours[0] - theirs[0]) * 1000, abs(ours[1] - theirs[1]) * 1000]
                    errors.setdefault(kind(word), []).extend(pair)
                    worst.append((max(pair), word, ours[0] - theirs[0], ours[1] - theirs[1], text))
            everything = [e for some in errors.values() for e in some]
            for name, some in [*sorted(errors.items()), ("all", everything)]:
                within = np.mean(np.array(some) <= 80)
                figures = f"{np.median(some):8.0f}  {np.percentile(some, 95):6.0f}  {within:12.1%}"
                print(f"{name:15}  {len(some) // 2:5d} {figures}")
            print(f"not aligned: {refused}")
            if "--worst" in sys.argv:
                for error, word, start, end, text in sorted(worst, reverse=True)[:25]:
                    print(f"  {error:4.0f} ms  {word:14} {start * 1000:+5.0f} {end * 1000:+5.0f}   {text[:90]}")


if __name__ == "__main__":
    main()
