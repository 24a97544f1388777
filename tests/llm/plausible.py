"""Answers of the scripted server that pass acceptance; it reads language, question, answer and hint in the prompt."""

import json
import re
from dataclasses import dataclass
from typing import Any

from kame_data.errors import Refusal
from kame_data.text.spoken import say
from kame_data.text.words import length_in_words
from llm.server import prompt

LONGEST = 25
"""Words of an answer that an oracle says, at the most: an answer may be longer than an oracle."""


@dataclass(frozen=True)
class Phrases:
    """How a language puts it; `{}` is the answer, or the hint."""

    code: str
    openers: tuple[str, ...]
    choices: str
    join: str
    answer: str
    step: str
    goes_on: str
    asks_on: tuple[str, str, str]
    claim: str
    believe: str
    about: str
    guess: str


PHRASES = {
    "English": Phrases(
        "en",
        ("Well,", "So,", "Right,", "Okay,", "Hm,"),
        "Is it {}?",
        ", or ",
        "That comes to {}, as you see.",
        "One step gives {}.",
        "You find it by taking the steps in their order, one at a time.",
        ("And what would come of it if that were otherwise?", "Why is that?", "Does this hold for a larger one?"),
        "what was said before holds for the most part",
        "I believe {}.",
        "it has to do with {}.",
        "let us look at what is known and what is wanted here.",
    ),
    "French": Phrases(
        "fr",
        ("Alors,", "Eh bien,", "Voyons,", "Bon,", "D'accord,"),
        "Est-ce {} ?",
        " ou bien ",
        "La réponse, c'est {}, vous voyez.",
        "Une étape donne {}.",
        "Vous la trouvez en reprenant les étapes dans l'ordre, l'une après l'autre.",
        ("Et qu'est-ce que cela donnerait autrement ?", "Et pourquoi ?", "Est-ce que ça vaut pour un plus grand ?"),
        "ce que nous avons dit reste vrai pour l'essentiel",
        "je crois que {}.",
        "cela a à voir avec {}.",
        "regardons d'abord ce que l'on sait et ce que l'on cherche.",
    ),
    "Chinese": Phrases(
        "zh",
        ("那么，", "好的，", "这样，", "其实，", "对，"),
        "是{}？",
        "，还是",
        "答案是{}。",
        "有一步得{}。",
        "你把前面说的条件一步一步地看下来，就会明白为什么是这样。",
        ("那如果换一个条件会怎么样呢？", "这是为什么呢？", "它大一点也一样吗？"),
        "前面说的话大体上还是对的",
        "我想{}。",
        "这跟{}有关系。",
        "先看看已经知道什么，再看看要找的是什么。",
    ),
}


def reply(body: dict[str, Any]) -> str:
    """A dialogue for the writer's prompt, a guess for the back end's, oracles for the simulator's.

    The same body gets the same answer.
    """
    text = prompt(body).replace("[picture]", "")
    found = re.search(r"^Language: (\w+)$", f"{system(body)}\n{text}", re.MULTILINE)
    phrases = PHRASES[found[1]] if found else PHRASES["English"]
    if system(body).startswith("You are a voice assistant"):
        return opener(phrases, len(text)) + phrases.guess
    return dialogue(text, phrases) if "Manner of the user:" in text else oracle(text, phrases)


def system(body: dict[str, Any]) -> str:
    """The system prompt, in either provider's form; "" without one."""
    first = body["messages"][0]
    return str(first["content"] if first["role"] == "system" else body.get("system") or "")


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
    headings, code = r"\nChoices:|\nRight answer:|\nHow it is found:|\nA dialogue that you wrote|\Z", phrases.code
    question = spoken(section(text, "(?:Question|The matter):", headings), code)
    answer = spoken(section(text, "Right answer:", headings), code).strip(" .。")
    listed = re.findall(r"^\* (.+)$", section(text, "Choices:", headings), re.MULTILINE)
    choices = [spoken(choice, code).strip(" .。") for choice in listed]
    space = "" if code == "zh" else " "
    lengths = [(int(a), int(b)) for a, b in re.findall(r"[Aa]nswer: (\d+) to (\d+) words", text)]
    if "What the user wants:" in text:
        # An open question about the matter, whose claim is the source's answer in a sentence of its own.
        user, choices, first = question, [], phrases.claim
    else:
        user = question if not choices else f"{question}{space}{phrases.choices.format(phrases.join.join(choices))}"
        first = answer
    # The first result on the way to the answer, where the working has one.
    found = re.findall(r"= ?[$]?(\d+(?:\.\d+)?)", section(text, "How it is found:", headings))
    steps = [step for step in (spoken(one, code) for one in found) if step != answer] if first == answer else []
    exchanges = []
    for number, (_, most) in enumerate(lengths):
        claim = phrases.claim if number else first
        said = phrases.answer.format(claim)
        if steps and not number:
            said += f"{space}{phrases.step.format(steps[0])}"
        while length_in_words(f"{said}{space}{phrases.goes_on}", code) <= most:
            said += space + phrases.goes_on
        exchanges.append({"user": phrases.asks_on[number - 1] if number else user, "answer": claim, "assistant": said})
    return json.dumps({"exchanges": exchanges, "choices": choices})


def oracle(text: str, phrases: Phrases = PHRASES["English"]) -> str:
    """JSON of a line for each piece."""
    pieces = section(text, "The turn, piece by piece:").splitlines()
    lines = {}
    for number, piece in enumerate(pieces, 1):
        start = opener(phrases, len(piece) + number)
        if hint := told(text, "The right answer"):
            result = told(text, "Its result")
            line = hint if "almost as it stands" in text else phrases.believe.format((result or hint).rstrip(",.，。"))
        else:
            hint = told(text, "Keywords around the right answer") or told(text, "Keywords of the right answer")
            hint = "、".join(hint.split(", ")) if phrases.code == "zh" else hint
            line = phrases.about.format(hint) if hint != "none" else phrases.guess
            if result := told(text, "The result itself"):
                start, line = "", result + ("，" if phrases.code == "zh" else ", ") + line
        lines[str(number)] = (start + line).strip()
    return json.dumps(lines, ensure_ascii=False)


def opener(phrases: Phrases, draw: int) -> str:
    return phrases.openers[draw % len(phrases.openers)] + ("" if phrases.code == "zh" else " ")


def told(text: str, name: str) -> str:
    """What stands behind a name on its line, "" without it."""
    found = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""
