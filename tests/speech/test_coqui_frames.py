"""Whether a VITS model's durations are where its sound is: what is silenced in a word's frames is so at its times."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
import numpy as np
from kame_data.speech.voices.coqui_helper import Voice

files = {"path": f"{sys.argv[1]}/model.pth", "config": f"{sys.argv[1]}/config.json"}
voice = Voice({"model": "", "device": "cpu", "batch": 1, **files})
item = {"id": 0, "sentences": [["one", "well-known", "word,", "and", "another."]], "joiner": " ", "language": "en",
        "speaker": "", "reference": "", "pace": 1.0, "seed": 5}
samples, spans = voice._alone(item, 0)
frames = voice.recorder.frames()
assert frames.sum() * 256 == len(samples), (frames.sum(), len(samples))
decode = voice.model.waveform_decoder.forward
for place, (start, end) in enumerate(spans):
    def silenced(z, g=None, start=start, end=end):
        z = z.clone()
        z[:, :, round(start / 256) : round(end / 256)] = 0
        return decode(z, g=g)
    voice.model.waveform_decoder.forward = silenced
    changed, again = voice._alone(item, 0)
    voice.model.waveform_decoder.forward = decode
    assert len(changed) == len(samples)
    apart = np.flatnonzero(np.abs(changed - samples) > 1e-3)
    # The decoder hears some four frames to either side.
    reach = round(0.06 * 22050)
    assert start - reach <= apart[0] <= start + reach, (place, start, apart)
    assert end - reach <= apart[-1] <= end + reach, (place, end, apart)
    assert np.abs(changed[start + reach : end - reach]).max(initial=0) < 0.2 * np.abs(samples).max()
print("done")
"""


def test_words_sound_where_their_frames_are(tiny: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tiny / "one")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.stdout.strip() == "done", told.stderr
