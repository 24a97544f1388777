"""Answers of the scripted server that pass acceptance; it reads language, question, answer and hint in the prompt."""

import json
import re
from dataclasses import dataclass
from typing import Any

from llm.server import prompt

from pipeline.errors import Refusal
from pipeline.text.spoken import say


@dataclass(frozen=True)
class Phrases:
    """How a language puts it; `{}` is the answer, or the hint."""

    code: str
    openers: tuple[str, ...]
    choices: str
    join: str
    answer: str
    believe: str
    about: str
    guess: str


PHRASES = {
    "English": Phrases(
        "en",
        ("Well,", "So,", "Right,", "Okay,", "Hm,"),
        "Is it {}?",
        ", or ",
        "That comes to {}, as you will find when you take the steps one after the other.",
        "I believe {}.",
        "it has to do with {}.",
        "let us look at what is known and what is wanted here.",
    ),
    "French": Phrases(
        "fr",
        ("Alors,", "Eh bien,", "Voyons,", "Bon,", "D'accord,"),
        "Est-ce {} ?",
        " ou bien ",
        "La réponse, c'est {}, et vous le verrez en reprenant les étapes dans l'ordre, l'une après l'autre.",
        "je crois que {}.",
        "cela a à voir avec {}.",
        "regardons d'abord ce que l'on sait et ce que l'on cherche.",
    ),
    "Chinese": Phrases(
        "zh",
        ("那么，", "好的，", "这样，", "其实，", "对，"),
        "是{}？",
        "，还是",
        "答案是{}，你把前面说的条件一步一步地看下来，就会明白为什么是这样。",
        "我想{}。",
        "这跟{}有关系。",
        "先看看已经知道什么，再看看要找的是什么。",
    ),
}


def reply(body: dict[str, Any]) -> str:
    """A dialogue for the writer's prompt, an oracle for the simulator's; the same body gets the same answer."""
    text = prompt(body).replace("[picture]", "")
    found = re.search(r"^Language: (\w+)$", text, re.MULTILINE)
    phrases = PHRASES[found[1]] if found else PHRASES["English"]
    return dialogue(text, phrases) if "Manner of the user:" in text else oracle(text, phrases)


def section(text: str, start: str, stop: str = r"\n\n|\Z") -> str:
    """The text between a heading and the next blank line or heading."""
    found = re.search(rf"{start}\n(.*?)(?:{stop})", text, re.DOTALL)
    return found[1].strip() if found else ""


def spoken(text: str, language: str = "en") -> str:
    try:
        return say(text, language)
    except Refusal:
        return text


def dialogue(text: str, phrases: Phrases = PHRASES["English"]) -> str:
    headings, code = r"\nChoices:|\nRight answer:|\nHow it is found:|\Z", phrases.code
    question = spoken(section(text, "Question:", headings), code)
    answer = spoken(section(text, "Right answer:", headings), code).strip(" .。")
    listed = section(text, "Choices:", headings).splitlines()
    choices = [spoken(line[2:], code).strip(" .。") for line in listed]
    space = "" if code == "zh" else " "
    user = question if not choices else f"{question}{space}{phrases.choices.format(phrases.join.join(choices))}"
    exchange = {"user": user, "assistant": phrases.answer.format(answer)}
    return json.dumps({"exchanges": [exchange], "answer": answer, "choices": choices})


def oracle(text: str, phrases: Phrases = PHRASES["English"]) -> str:
    heard = section(text, "What the person has said of this turn so far:")
    opener = phrases.openers[len(heard) % len(phrases.openers)] + ("" if phrases.code == "zh" else " ")
    if hint := section(text, "The right answer, to be kept almost as it stands:"):
        return opener + hint
    if hint := section(text, "The right answer:"):
        words = list(hint) if phrases.code == "zh" else hint.split()
        kept = ("" if phrases.code == "zh" else " ").join(words[: max(3, len(words) * 3 // 4)])
        return opener + phrases.believe.format(kept.rstrip(",.，。"))
    if hint := section(text, "Important words, in order:") or section(text, "Keywords:"):
        return opener + phrases.about.format(hint if phrases.code != "zh" else hint.replace(", ", "、"))
    return opener + phrases.guess
