"""What a model says, without what models put around it."""

import json
import time

import pytest

from kame_data.errors import Refusal
from kame_data.llm.reply_text import MOST_CHARACTERS, json_in, without_thoughts
from kame_data.llm.request import Answer
from kame_data.llm.spoken_answer import spoken_answer

WHOLE = {"exchanges": [{"user": "a", "answer": "b", "assistant": "c {d}"}], "choices": []}
TEXT = json.dumps(WHOLE)


@pytest.mark.parametrize(
    "reply",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"<think>The schema is {{}}, so I write {{\"choices\": 1}}.</think>\n{TEXT}",
        f"I think about {{it}}.</think>{TEXT}",
        f"Here is the dialogue:\n\n{TEXT}\n\nI hope that it helps {{you}}!",
        f"Of the form {{\"user\": \"...\"}}, here it is:\n```\n{TEXT}\n```\nDone.",
        f"<THINKING>one</THINKING> <think>two</think> {TEXT}",
    ],
)  # fmt: skip
def test_the_value_is_found_whatever_stands_around_it(reply: str) -> None:
    assert json_in(reply) == WHOLE
    assert Answer(reply, "").data() == WHOLE


@pytest.mark.parametrize(
    "reply",
    [
        "", "I cannot do that.", TEXT[:-9].replace("{", "("), "<think>" + TEXT, "{" * 100_000, "[" * 100_000,
        "x" * (MOST_CHARACTERS + 1), '{"a": ' + "9" * 5000 + "}", '{"a": ' * 5000,
    ],
    ids=lambda reply: reply[:9] + str(len(reply)),
)  # fmt: skip
def test_what_holds_none_is_refused_in_no_time(reply: str) -> None:
    began = time.monotonic()
    with pytest.raises(Refusal, match="llm_bad_json"):
        Answer(reply, "").data()
    assert time.monotonic() - began < 5


def test_thoughts_are_no_speech() -> None:
    assert spoken_answer("<think>It may be 7.</think>\nIt is eight.", "en") == "It is eight."
    assert without_thoughts("<think>It goes on and on") == ""
    assert without_thoughts("It is what you think.") == "It is what you think."
