"""What the assistant answers: the right content in one to three sentences that say what it answers."""

import random
import re

from pipeline.llm.offline import grammar
from pipeline.llm.offline.asking import Asked
from pipeline.llm.offline.choosing import is_clause, with_article
from pipeline.llm.offline.grammar import word_set
from pipeline.llm.offline.turning import SLOT
from pipeline.llm.offline.working import Working
from pipeline.text.numerals import number_at, number_of

MAX_WORDS = 42
_LEADS = ("", "", "", "", "Sure.", "Okay.", "Let's see.", "Good question.", "Happy to help.", "Right.")
_NAMED = (
    "The answer is {}.", "That would be {}.", "The answer you're looking for is {}.", "The right answer here is {}.",
    "I'd say it's {}.", "To answer your question, that would be {}.", "The short answer is {}.",
    "The answer to that one is {}.",
)  # fmt: skip
_CLAUSE = ("The answer is that {}.", "The short answer is that {}.", "It's that {}.", "The main point is that {}.")
_REASON = ("It's because {}.", "That's because {}.", "The reason is that {}.")
_PREDICATE = ("It {}.", "The answer is that it {}.", "What's true is that it {}.")
_PREDICATES = ("They {}.", "The answer is that they {}.", "What's true is that they {}.")
_TO_DO = ("The answer is to {}.", "The right thing would be to {}.", "I'd say the answer is to {}.")
_NUMBER = (
    "That works out to {}.", "It comes out to {}.", "When you work it through, you get {}.",
    "If you run the numbers, it comes to {}.", "The answer works out to {}.", "Doing the math, I get {}.",
)  # fmt: skip
_TOTAL = ("That comes to {}.", "It works out to {}.", "The answer is {}.", "You end up with {}.", "You should get {}.")
_CHOSEN = (
    "Out of those, the answer is {}.", "The one you want is {}.", "I'd go with {}.", "The right one is {}.",
    "Of those, the answer is {}.", "From what you listed, I'd say {}.",
)  # fmt: skip
_CHOSEN_LONG = (
    "The right one is this: {}.", "I'd go with this one: {}.", "Of those, it's this one: {}.",
    "The answer is this one: {}.",
)  # fmt: skip
_CHOSEN_CLAUSE = (
    "The right one is that {}.", "I'd go with the idea that {}.", "Of those, the answer is that {}.",
    "The one that holds is that {}.",
)  # fmt: skip
_ODD_CLAUSE = ("Of those, the answer is that {}.", "The one to pick is that {}.", "Your answer there is that {}.")
_REST_ONE = ("The other one doesn't fit here.", "The other option isn't right.", "So you can rule out the other one.")
_REST = ("The others don't fit here.", "The other options aren't right.", "So you can rule out the rest.")
_FILL = ("The missing word is {}.", "What goes in the blank is {}.", "The blank should be {}.")
_FILL_LONG = ("What goes in the blank is {}.", "I'd fill it in with {}.")
_PIECES = re.compile(r"[^\W_]+")
_PLAIN_YES_NO = {
    "yes": ("Yes, that's right.", "Yes, it's so.", "Yes, that's correct.", "The answer to that is yes."),
    "no": ("No, that's not the case.", "No, that isn't so.", "The answer to that is no."),
    "true": ("That's true.", "Yes, that one is true.", "The statement is true."),
    "false": ("That's false.", "No, that one is false.", "The statement is false."),
}
_EXPLAINING = re.compile(r"^(?:yes|no|true|false)\b", re.I)


_CONTRACTED = ("it's", "that's", "what's", "there's", "he's", "she's")
_NEGATIVE = re.compile(r"\bnot\b|\bleast\b|\bincorrect|\bfalse\b|\bexcept|n't\b|\bwrong\b|\bunlikely\b", re.I)


def fill(sentence: str, answer: str) -> str:
    """The sentence with the answer in its slot, mending the seam ('a' before a vowel, a word said twice)."""
    before, _, after = sentence.partition(SLOT)
    last = before.rstrip().rsplit(" ", 1)[-1].casefold() if before.strip() else ""
    first = answer.split()[0].casefold()
    if last in ("a", "an"):
        if first in ("a", "an", "the", "his", "her", "their"):
            before = before.rstrip()[: -len(last)]
        else:
            article = "an" if first[:1] in "aeio" or re.match(r"u(?!ni|se|ti)", first) else "a"
            before = before.rstrip()[: -len(last)] + article + " "
    elif (
        last
        and last == first
        and last in ("the", "that", "to", "of", "is", "in", "by", "be", "are", "for", "on", "at", "as")
    ):
        before = before.rstrip()[: -len(last)]
    elif last.endswith(("'s", "s'")) and last not in _CONTRACTED and first in ("a", "an", "the"):
        answer = answer.split(" ", 1)[-1]
    elif last in ("the",) and first in ("a", "an", "their", "his", "her"):
        before = before.rstrip()[: -len(last)]
    return grammar.tidy(f"{before.rstrip()} {answer}{after if after[:1] in '.,?!;' else ' ' + after.strip()}")


def to_listener(text: str) -> str:
    """What the user said of himself, said to him: 'I have my book' to 'you have your book'."""
    if not re.search(r"\b(?:I|my|me|mine|we|our|us)\b", text):
        return text
    swaps = {"i": "you", "my": "your", "me": "you", "mine": "yours", "we": "you", "our": "your", "us": "you"}
    text = re.sub(r"\bI am\b", "you are", text)
    return grammar.tidy(
        re.sub(r"\b(?:I|my|me|mine|we|our|us|My|We|Our)\b", lambda m: swaps[m.group(0).casefold()], text)
    )


def worked(draws: random.Random, asked: Asked, claim: str, total: str, working: Working) -> str:
    """The answer to a word problem: what was asked with its number, and a step that leads there."""
    said = to_listener(claim)
    heard = f"{asked.context} {asked.direct}"
    lead = draws.choice(_LEADS)
    bare = fill(draws.choice(_TOTAL), total)
    reckoned = grammar.capitalise(f"{working.sum}.") if working.sum else ""
    closing = f"That's because {working.sum}." if working.sum else ""
    # A step that is only part of the way would seem to give the answer: the sum that does stands after it.
    step = working.steps[-1] if working.steps and reckoned else ""
    options = []
    for final in filter(None, (said, working.final)):
        options += [
            f"{lead} {final} {closing}",
            f"{reckoned} {_then(draws, final, bool(reckoned), heard)}",
            f"{step} {reckoned} {_then(draws, final, bool(reckoned), heard)}",
        ]
    if not options:
        options = [f"{lead} {bare} {closing}", f"{step} {reckoned} {bare}", f"{reckoned} {bare}"]
    fitting = [o for o in map(grammar.tidy, options) if len(o.split()) <= MAX_WORDS]
    solid = [o for o in fitting if len(o.split()) >= 7] or fitting
    return draws.choice(solid) if solid else grammar.tidy(said if 0 < len(said.split()) <= MAX_WORDS else bare)


def _then(draws: random.Random, final: str, follows: bool, heard: str) -> str:
    if not follows or re.match(
        r"(?:After|When|If|Since|Because|Although|As|Then|So|This|That|These|But|In the end)\b", final
    ):
        return final
    return f"{draws.choice(('So', 'That means', 'So in the end,'))} {_flow(final, heard)}"


def _flow(sentence: str, heard: str) -> str:
    """A sentence after 'so': its first letter small unless it is a name's."""
    first = sentence.split(" ", 1)[0].rstrip(",")
    start = first.casefold().split("-")[0]
    common = start in _COMMON or first.casefold().endswith("ly") or re.search(rf"\b{re.escape(start)}\b", heard)
    return sentence[:1].lower() + sentence[1:] if common else sentence


_COMMON = word_set(
    """the a an it he she they there this that these those his her their its each every both all you your
    we our in on at for to by of with after before when if one two three four five six seven eight nine
    ten eleven twelve twenty thirty thirty forty fifty sixty seventy eighty ninety without instead only
    neither either since because though although however from during together everyone everybody people
    some half"""
)


def shape(answer: str) -> str:
    """What an answer is like: yes_no, sentences, clause, verb, predicate, number, long or phrase."""
    words = answer.split()
    bare = all(number_of(part) is not None for part in words[0].split("-")) if "-" in words[0] else True
    if _EXPLAINING.match(answer):
        return "yes_no"
    if re.search(r"[.?!] [A-Z]", answer):
        return "sentences"
    if is_clause(answer):
        return "clause"
    if len(words) > 1 and grammar.verb_kind(words[0].casefold()) == "base" and words[1] not in grammar.AUXILIARIES:
        return "verb" if words[1] in _OBJECTS or len(words) > 4 else "phrase"
    acts = len(words) > 1 and words[1] in _OBJECTS and grammar.verb_kind(words[0]) == "third"
    if acts or (len(words) > 1 and words[0] in grammar.predicate_starts()):
        return "predicate"
    if (bare and number_of(answer) is not None) or (
        bare and (len(words) < 14 and number_at([w.casefold() for w in _PIECES.findall(answer)], 0)[0] is not None)
    ):
        return "number"
    return "long" if len(words) > 7 else "phrase"


_OBJECTS = word_set("the a an his her their its it them him all both no any that")


def stated(draws: random.Random, asked: Asked, answer: str, offered: int) -> str:
    """The answer to any other question; `offered` is how many choices were spoken (0 for none)."""
    kind = shape(answer)
    if (
        asked.form == "completion"
        and asked.claim
        and (not offered or kind not in ("phrase", "number") or draws.random() < 0.7)
    ):
        return grammar.tidy(fill(asked.claim, answer))
    lead = draws.choice(_LEADS) if asked.form in ("question", "command") else ""
    if answer.casefold() in _PLAIN_YES_NO:
        return draws.choice(_PLAIN_YES_NO[answer.casefold()])
    if kind == "sentences" or (kind in ("yes_no", "long") and not offered):
        return grammar.tidy(f"{lead if kind == 'sentences' else ''} {answer}.")
    named = with_article(answer) if asked.form in ("question", "command", "except") else answer
    unitless = "how much" in asked.direct.casefold() and _is_bare_number(answer)
    # 'Thirty-two per second residues': a measure where a count has its place.
    unitless = unitless or ("how many" in asked.direct.casefold() and not _is_bare_number(answer))
    unitless = unitless or ("how much" in asked.direct.casefold() and kind != "number")
    if kind in ("phrase", "long", "verb") and not offered and _HOW.match(asked.direct):
        return grammar.tidy(f"{lead} {answer}.")
    if offered and kind == "long" and (len(answer.split()) > 10 or not re.match(_DETERMINED, named)):
        return _whole(draws, f"{lead} {fill(draws.choice(_CHOSEN_LONG), named)}", asked, offered)
    if asked.claim and not unitless and kind in ("number", "phrase", "long") and (not offered or draws.random() < 0.6):
        return _whole(draws, f"{lead} {fill(asked.claim, named)}", asked, offered)
    if kind == "clause" and not offered and draws.random() < 0.4:
        return grammar.tidy(f"{lead} {answer}.")
    return _whole(draws, f"{lead} {fill(draws.choice(_pool(asked, kind, answer, offered)), named)}", asked, offered)


_HOW = re.compile(r"how (?:do|does|did|is|are|was|were|can|could|would|should|has|have)\b", re.I)
_DETERMINED = r"(?:the|a|an|by|to|in|for|because|from|with|only|no)\b"


def _is_bare_number(answer: str) -> bool:
    words = [w.casefold() for w in _PIECES.findall(answer)]
    value, after = number_at(words, 0)
    return value is not None and after == len(words)


def _pool(asked: Asked, kind: str, answer: str, offered: int) -> tuple[str, ...]:
    if kind == "yes_no":
        return ("{}.",)
    if re.match(r"why\b", asked.direct, re.I) and kind == "clause":
        return _REASON
    if kind == "clause" and offered and _NEGATIVE.search(asked.direct):
        return ("The exception is that {}.",) if asked.form == "except" else _ODD_CLAUSE
    if kind == "clause":
        return _CHOSEN_CLAUSE if offered else _CLAUSE
    if kind == "verb":
        return _TO_DO
    if kind == "predicate":
        return _PREDICATES if answer.split()[0] in ("are", "were", "have") else _PREDICATE
    if offered:
        return _CHOSEN
    if asked.form == "blank":
        return _FILL if len(answer.split()) == 1 else _FILL_LONG
    return _NUMBER if kind == "number" else _NAMED


def _whole(draws: random.Random, text: str, asked: Asked, offered: int) -> str:
    """With a word on the other choices where the answer alone would be thin."""
    text = grammar.tidy(text)
    if offered and len(text.split()) < 14 and not _NEGATIVE.search(asked.direct) and draws.random() < 0.5:
        return f"{text} {draws.choice(_REST_ONE if offered == 2 else _REST)}"
    return text
