"""What a preview prints of a duplex dialogue."""

import pytest

from duplex_samples import dialogue
from kame_data.cli.plan_commands import print_preview
from kame_data.oracles.simulate import DialogueOracles
from kame_data.records import Dialogue, Oracle, Turn


@pytest.mark.parametrize(
    ("language", "cut", "shown"),
    [
        ("en", "You ride for five", "assistant: You ride for five -- (cut off before: hours. One hundred"),
        ("zh", "三十减去", "assistant: 三十减去 -- (cut off before: 十二等于"),
    ],
)
def test_a_preview_shows_back_channels_and_cuts(capsys, language, cut, shown):
    user, assistant = dialogue(language).turns
    aside = Turn("assistant", "Right.", "Right.", "back_channel", 7)
    turns = (user, aside, Turn("assistant", cut, assistant.text), Turn("user", "Thanks.", "Thanks."))
    oracle = Oracle(0, 2, 0.1, 0, "Go on.", transcript="Mine")
    print_preview([(Dialogue("d-v0", "d", 0, language, turns, ""), DialogueOracles("d-v0", (oracle,)))])
    out = capsys.readouterr().out
    assert "\n    (assistant, after word 7: Right.)\n" in out
    assert shown in out and "user: Thanks." in out
    assert "... Mine" in out, "what was heard, not what was said"
