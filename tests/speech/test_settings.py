"""Settings of speech that cannot be meant are refused when they are read, not after hours of work."""

import pytest
from pydantic import ValidationError

from kame_data.settings.speech import SpeechSettings


@pytest.mark.parametrize(
    "values",
    [
        {"user_voices": [{"voice": "en-us+m1", "weight": float("inf")}]},
        {"user_voices": [{"voice": "en-us+m1", "weight": 0}]},
        {"words_per_minute": (60, 100_000)},
        {"words_per_minute": (200, 100)},
        {"tail": 1e9},
        {"lead_in": -0.1},
        {"answer_gap": (200, 700)},
        {"answer_gap": -1.1},
        {"user_gap": -5.1},
        {"pauses": {"length": (-1, 1)}},
        {"pauses": {"long_length": 1e9}},
        {"pauses": {"rate": -0.1}},
        {"sound": {"rt60": (-1, 0)}},
        {"sound": {"rt60": 1e9}},
        {"sound": {"user_level": (200, 300)}},
        {"sound": {"snr": -200}},
        {"sound": {"background_level": 200}},
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SpeechSettings.model_validate(values)
