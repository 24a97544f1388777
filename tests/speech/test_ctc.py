"""Alignment in any language: the real CTC code on a tiny model of the same interface, whose weights are made here."""

import subprocess
import sys
from pathlib import Path

import pytest

from kame_data.speech.voices.aligned import romanise

ROOT = Path(__file__).resolve().parents[2]


def test_words_are_found_where_the_model_hears_their_letters() -> None:
    pytest.importorskip("torchaudio")
    script = """
import numpy as np, torch
from torch import nn
from kame_data.speech.timing.ctc import STAR, CtcAligner

LETTERS = {"-": 0, **{c: n for n, c in enumerate("abcdefghijklmnopqrstuvwxyz'", 1)}, STAR: 28}
RATE, HOP = 16_000, 320


class Tones(nn.Module):
    # As torchaudio's: (batch, samples) to (batch, frames, letters) and None. A letter is a tone of its own.
    def forward(self, waves):
        frames = waves.unfold(1, HOP, HOP)
        times = torch.arange(HOP) / RATE
        tones = torch.stack([torch.sin(2 * np.pi * (200 + 50 * n) * times) for n in range(29)])
        heard = (frames @ tones.T).abs() / HOP
        heard[..., 0] = 0.05 + 0.05 * (frames.abs().amax(-1) < 0.01)
        heard[..., 28] = 0.02
        return 200 * heard, None


def load(device):
    torch.manual_seed(0)
    return Tones().to(device).eval(), LETTERS, RATE


def tone(letter, seconds, rate):
    times = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * (200 + 50 * LETTERS[letter]) * times)


for rate in (16_000, 22_050):
    sound, truth = [np.zeros(rate // 5)], []
    for word in ("abc", "'", "xyz", "mn"):
        start = sum(map(len, sound))
        for letter in word:
            sound.append(tone(letter, 0.1, rate))
        truth.append((start / rate, sum(map(len, sound)) / rate))
        sound.append(np.zeros(rate // 10))
    samples = np.concatenate(sound).astype(np.float32)
    spans = CtcAligner("cpu", load).align(["Abc", "'", "x-yz", "mn"], samples, rate)
    assert len(spans) == 4
    for (start, end), (begin, stop) in zip(spans, truth):
        assert abs(start / rate - begin) < 0.04 and abs(end / rate - stop) < 0.04, (spans, truth)
    spans = CtcAligner("cpu", load).align(["abc", "", "xyz", "mn"], samples, rate)
    assert len(spans) == 4 and all(a < b for a, b in spans)
    try:
        CtcAligner("cpu", load).align(["abc" * 100], samples, rate)
    except ValueError as error:
        assert "too few" in str(error)
    else:
        raise AssertionError("aligned what cannot be")
print("done")
"""
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.stdout.strip() == "done", told.stderr


@pytest.mark.parametrize(
    ("word", "language", "letters"),
    [
        ("L'été,", "fr", "l'ete"),
        ("Straße", "de", "strasse"),
        ("方", "zh", "fang"),
        ("мир", "ru", "mir"),
        ("21", "fr", "vingtetun"),
        ("—", "fr", ""),
    ],
)
def test_words_are_romanised(word: str, language: str, letters: str) -> None:
    pytest.importorskip("anyascii")
    assert romanise(word, language) == letters
