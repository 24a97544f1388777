"""The figures of voices: how fast each speaks, and how well a recogniser hears it."""

from dummies import row, silent
from kame_data.finished.row import Row
from kame_data.finished.voices import Voices


def heard(number: int, rate: float | None) -> Row:
    found = row(number)
    found["audio_checks"]["user_wer"] = rate
    return Row.of(found)


def test_a_voices_rate_is_over_all_words_that_were_heard() -> None:
    rows = [heard(1, 0.1), heard(2, 0.5), heard(3, None)]
    voices = Voices(rows)
    user, assistant = voices.figures()
    assert (user["side"], user["voice"], user["dialogues"], user["heard"]) == ("user", "user-1", 3, 2)
    counts = [sum(word.role == "user" for word in row.words) for row in rows]
    expected = (0.1 * counts[0] + 0.5 * counts[1]) / (counts[0] + counts[1])
    assert abs(user["word_error_rate"] - expected) < 1e-9
    assert assistant["heard"] == 0 and assistant["word_error_rate"] is None and voices.heard
    assert 50 < user["words_per_minute"] < 400
    assert voices.table()[2][-1] == "-"


def test_rows_without_speech_have_no_voices() -> None:
    voices = Voices([Row.of(silent(row(1)))])
    assert voices.figures() == [] and not voices.heard
