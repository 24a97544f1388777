import numpy as np
import pytest
import soxr
import torch

from kame_data.speech.voices.base import Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.tandem.codecs import open_codec
from kame_data.tandem.frames import FRAME, RATE, SAMPLES
from kame_data.tandem.loudness import Loudness

TEXT = "Could you tell me how many legs three spiders and two cats have all together?"
SILENCE = int(0.8 / FRAME)


@pytest.fixture(scope="module")
def voice():
    """A spoken question between two silences, f32 (frames, 1920), and whether each frame lies within its words."""
    with EspeakSynthesizer(1) as espeak:
        (clip,) = espeak.synthesize([Utterance(TEXT, "en-us", words_per_minute=165)])
    sound = soxr.resample(np.asarray(clip.samples, np.float32) / 32768, clip.sample_rate, RATE)
    sound *= 10 ** (-20 / 20) / np.sqrt(np.mean(sound**2))
    count = len(sound) // SAMPLES
    frames = np.zeros((count + 2 * SILENCE, SAMPLES), np.float32)
    frames[SILENCE : SILENCE + count] = sound[: count * SAMPLES].reshape(count, SAMPLES)
    within = np.zeros(len(frames), bool)
    within[SILENCE + 2 : SILENCE + count - 4] = True
    return frames, within


def heard(frames, decibels=0.0, noise=-90.0, before=0):
    """The classes of the frames at another level, in noise of a level in dBFS, with some frames of noise before."""
    draw = np.random.default_rng(0)
    given = np.concatenate([np.zeros((before, SAMPLES), np.float32), frames * 10 ** (decibels / 20)])
    given = given + draw.normal(0, 10 ** (noise / 20), given.shape).astype(np.float32)
    codec, row = Loudness(1, "cpu"), torch.ones(1, dtype=torch.bool)
    found = [int(codec.hear(torch.from_numpy(frame)[None].float(), row)) for frame in given]
    return np.array(found[before:])


@pytest.mark.parametrize(("decibels", "noise"), [(-15, -90), (0, -90), (14, -90), (0, -50), (14, -40)])
def test_a_voice_is_heard_and_silence_is_not_at_any_usual_level(voice, decibels, noise):
    frames, within = voice
    classes = heard(frames, decibels, noise, before=100)
    assert set(classes) <= {0, 1, 2, 3}
    assert (classes[within] > 0).mean() > 0.75
    assert (classes[:SILENCE] == 0).mean() > 0.9 and (classes[-SILENCE + 1 :] == 0).mean() > 0.9
    # Within a sentence the voice is never away for as long as the small model waits at a turn's end.
    gone = longest = 0
    for loud in classes[within] > 0:
        gone = 0 if loud else gone + 1
        longest = max(longest, gone)
    assert longest < 4


def test_louder_sound_has_a_higher_class():
    classes = [
        heard(np.random.default_rng(0).normal(0, 10 ** (d / 20), (1, SAMPLES)).astype(np.float32))[0]
        for d in (-70, -50, -40, -30, -10)
    ]
    assert classes == sorted(classes) and classes[0] == 0 and classes[-1] == 3


def test_rows_are_each_as_if_alone_and_begin_anew(voice):
    frames, _ = voice
    both = torch.tensor([True, True])
    codec = Loudness(2, "cpu")
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.02, (len(frames), SAMPLES)).astype(np.float32))
    mine = [codec.hear(torch.stack([torch.from_numpy(a), b]), both)[:, 0] for a, b in zip(frames, noise, strict=True)]
    assert torch.stack(mine)[:, 0].tolist() == heard(frames, noise=-300).tolist()
    codec.reset(torch.tensor([False, True]))
    standing = torch.tensor([False, True])
    again = [
        codec.hear(torch.stack([b, torch.from_numpy(a)]), standing)[1, 0] for a, b in zip(frames, noise, strict=True)
    ]
    assert [int(c) for c in again] == heard(frames, noise=-300).tolist()


def test_it_is_a_codec_by_its_name_and_cannot_speak():
    codec = open_codec("loudness", 3, "cpu")
    rows = torch.ones(3, dtype=torch.bool)
    assert (codec.heard, codec.said, codec.card) == (1, 2, 512)
    assert codec.hear(torch.zeros(3, SAMPLES), rows).tolist() == [[0], [0], [0]]
    assert codec.say(torch.zeros(3, 2, dtype=torch.int64), rows) is None
    codec.close()
