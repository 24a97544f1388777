"""Answers of the scripted server that pass acceptance: it reads question, answer and hint out of the prompt."""

import json
import re
from typing import Any

from llm.server import prompt

from pipeline.errors import Refusal
from pipeline.text.spoken import say

OPENERS = ("Well,", "So,", "Right,", "Okay,", "Hm,")


def reply(body: dict[str, Any]) -> str:
    """A dialogue for the writer's prompt, an oracle for the simulator's; the same body gets the same answer."""
    text = prompt(body)
    return dialogue(text) if "Manner of the user:" in text else oracle(text)


def section(text: str, start: str, stop: str = r"\n\n|\Z") -> str:
    """The text between a heading and the next blank line or heading."""
    found = re.search(rf"{start}\n(.*?)(?:{stop})", text, re.DOTALL)
    return found[1].strip() if found else ""


def spoken(text: str) -> str:
    try:
        return say(text)
    except Refusal:
        return text


def dialogue(text: str) -> str:
    headings = r"\nChoices:|\nRight answer:|\nHow it is found:|\Z"
    question = spoken(section(text, "Question:", headings))
    answer = spoken(section(text, "Right answer:", headings)).strip(" .")
    choices = [spoken(line[2:]).strip(" .") for line in section(text, "Choices:", headings).splitlines()]
    user = question if not choices else f"{question} Is it {', or '.join(choices)}?"
    said = f"That comes to {answer}, as you will find when you take the steps one after the other."
    whole = {"exchanges": [{"user": user, "assistant": said}], "answer": answer, "choices": choices}
    return json.dumps(whole)


def oracle(text: str) -> str:
    heard = section(text, "What the person has said of this turn so far:")
    opener = OPENERS[len(heard) % len(OPENERS)]
    if hint := section(text, "The right answer, to be kept almost as it stands:"):
        return f"{opener} {hint}"
    if hint := section(text, "The right answer:"):
        words = hint.split()
        return f"{opener} I believe {' '.join(words[: max(3, len(words) * 3 // 4)]).rstrip(',.')}."
    if hint := section(text, "Important words, in order:") or section(text, "Keywords:"):
        return f"{opener} it has to do with {hint}."
    return f"{opener} let us look at what is known and what is wanted here."
