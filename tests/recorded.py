"""Folders of recordings for the tests of import."""

import json

import numpy as np
import soundfile

from kame_data.settings.tree import Settings

RATE = 24000
USER = ["how", "many", "seats", "are", "there", "in", "twelve", "rows", "of", "nineteen"]
ASSISTANT = ["two", "hundred", "twenty", "eight", "in", "all"]


def words_of(*turns, pace=0.3):
    """Words of turns (speaker, words, start)."""
    return [
        {
            "speaker": speaker,
            "word": word,
            "start": round(start + n * pace, 3),
            "end": round(start + n * pace + 0.27, 3),
        }
        for speaker, words, start in turns
        for n, word in enumerate(words)
    ]


def plain():
    """A question and its answer."""
    return words_of(("B", USER, 0.5), ("A", ASSISTANT, 4.0))


def sound(words, duration=None, rate=RATE):
    """Stereo sound, (n, 2), that hums where a word is, A left."""
    duration = duration or max(w["end"] for w in words) + 0.5
    found = np.zeros((round(duration * rate), 2))
    for word in words:
        place = slice(round(word["start"] * rate), round(word["end"] * rate))
        t = np.arange(place.stop - place.start) / rate
        found[place, "AB".index(word["speaker"])] = 0.3 * np.sin(2 * np.pi * 200 * t) * np.hanning(len(t))
    return found


def put(folder, name, words=None, samples=None, rate=RATE, subtype="PCM_16", text=None):
    """Write a dialogue; `text` instead of the words' JSON."""
    for room in ("audio", "text"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    words = plain() if words is None else words
    samples = sound(words, rate=rate) if samples is None else samples
    soundfile.write(folder / "audio" / f"{name}.wav", samples, rate, subtype=subtype)
    data = json.dumps(words).encode() if text is None else text
    (folder / "text" / f"{name}.json").write_bytes(data)
    return folder


def settings_of(folder, out, **changes):
    """A build of the recordings in a folder."""
    return Settings(out=out, sources=({"name": "imported", "location": str(folder)},), **changes)
