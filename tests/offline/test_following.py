"""Further turns: `that` is the answer until an exchange brings another number."""

import pytest

from kame_data.errors import Refusal
from kame_data.offline.following import _BEFORE, _MULTIPLE
from kame_data.offline.writer import OfflineWriter
from offline.rows import questions

MOVING = [*_BEFORE, *(form.partition("{}")[0] for form in _MULTIPLE)]


def moves(text: str) -> bool:
    """True for a question that is answered by another number than the dialogue's answer."""
    return any(text.startswith(form) for form in MOVING) or text.endswith(("more?", "as much?", "that be?"))


@pytest.mark.parametrize("seed", range(4))
def test_what_brings_another_number_ends_the_dialogue(seed):
    writer, seen = OfflineWriter(seed), 0
    for question in questions():
        try:
            turns = writer.write(question, 0).turns
        except Refusal:
            continue
        asked = [turn.text for turn in turns if turn.role == "user"][1:]
        assert not any(map(moves, asked[:-1])), asked
        seen += any(map(moves, asked))
    assert seen
