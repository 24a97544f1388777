"""What the assistant answers: the right content in one to three sentences that say what it answers."""

import random
import re

from pipeline.llm.offline import grammar
from pipeline.llm.offline.asking import SLOT, Asked
from pipeline.llm.offline.choosing import is_clause, with_article
from pipeline.llm.offline.working import Working
from pipeline.text.numerals import number_of

MAX_WORDS = 42
_LEADS = ("", "", "", "", "Sure.", "Okay.", "Let's see.", "Good question.", "Happy to help.", "Right.")
_NAMED = ("The answer is {}.", "That would be {}.", "The answer you're looking for is {}.", "The right answer here is {}.", "I'd say it's {}.", "What you're looking for is {}.")
_CLAUSE = ("The answer is that {}.", "The short answer is that {}.", "What's right here is that {}.", "The best answer is that {}.")
_NUMBER = ("That works out to {}.", "It comes out to {}.", "When you work it through, you get {}.", "If you run the numbers, it comes to {}.", "The answer works out to {}.")
_TOTAL = ("That comes to {}.", "It works out to {}.", "The answer is {}.", "You end up with {}.", "You should get {}.")
_CHOSEN = ("Out of those, it's {}.", "It's {} that fits.", "The one you want is {}.", "I'd go with {}.", "The right one is {}.", "Of those, the answer is {}.")
_CHOSEN_CLAUSE = ("The right one is that {}.", "I'd go with the idea that {}.", "Of those, the answer is that {}.", "The one that holds is that {}.")
_REST_ONE = ("The other one doesn't fit here.", "The other option isn't right.", "So you can rule out the other one.")
_REST = ("The others don't fit here.", "The other options aren't right.", "So you can rule out the rest.")
_FINISH = ("I'd finish it with {}.", "It should end with {}.", "The way to finish it is {}.")
_FILL = ("The missing word is {}.", "What goes in the blank is {}.", "The blank should be {}.")
_FILL_LONG = ("What goes in the blank is {}.", "I'd fill it in with {}.")
_EXPLAINING = re.compile(r"^(?:yes|no|true|false)\b", re.I)


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
    elif last and last == first and last in ("the", "that", "to", "of", "is", "in", "by", "be", "are", "for", "on", "at", "as"):
        before = before.rstrip()[: -len(last)]
    elif last in ("the",) and first in ("a", "an", "their", "his", "her"):
        before = before.rstrip()[: -len(last)]
    return grammar.tidy(f"{before.rstrip()} {answer}{after if after[:1] in '.,?!;' else ' ' + after.strip()}")


def to_listener(text: str) -> str:
    """What the user said of himself, said to him: 'I have my book' to 'you have your book'."""
    if not re.search(r"\b(?:I|my|me|mine|we|our|us)\b", text):
        return text
    swaps = {"i": "you", "my": "your", "me": "you", "mine": "yours", "we": "you", "our": "your", "us": "you"}
    text = re.sub(r"\bI am\b", "you are", text)
    return grammar.tidy(re.sub(r"\b(?:I|my|me|mine|we|our|us|My|We|Our)\b", lambda m: swaps[m.group(0).casefold()], text))


def worked(draws: random.Random, asked: Asked, claim: str, total: str, working: Working) -> str:
    """The answer to a word problem: what was asked with its number, and a step that leads there."""
    said = to_listener(claim)
    step = working.steps[-1] if working.steps else ""
    if len(working.steps) > 1 and draws.random() < 0.4:
        step = draws.choice(working.steps[:-1])
    lead = draws.choice(_LEADS)
    options = [f"{lead} {said} {step}"] if said else []
    if said and step and not re.match(r"(?:After|When|If|Then|This|That|These)\b", said):
        options.append(f"{step} So {_flow(said)}")
    if working.final:
        options += [f"{lead} {working.final} {step if not said else ''}", f"{step} {_then(draws, working.final)}"]
    if said and not step:
        options.append(f"{fill(draws.choice(_TOTAL), total)} {said}" if draws.random() < 0.3 else said)
    if not said and not working.final:
        options += [f"{lead} {fill(draws.choice(_TOTAL), total)} {step}", f"{step} {fill(draws.choice(_TOTAL), total)}"]
    fitting = [o for o in map(grammar.tidy, options) if len(o.split()) <= MAX_WORDS]
    plain = said or fill(draws.choice(_NUMBER), total)
    return draws.choice(fitting) if fitting else grammar.tidy(plain)


def _then(draws: random.Random, final: str) -> str:
    return f"{draws.choice(('So', 'That means', 'So in the end,'))} {_flow(final)}"


def _flow(sentence: str) -> str:
    """A sentence after 'so': its first letter small unless it is a name's."""
    first = sentence.split(" ", 1)[0].rstrip(",")
    common = first.casefold() in _COMMON or first.casefold().endswith("ly")
    return sentence[:1].lower() + sentence[1:] if common else sentence


_COMMON = frozenset(
    "the a an it he she they there this that these those his her their its each every both all you your we our in on at "
    "for to by of with after before when if one two three four five six seven eight nine ten eleven twelve twenty thirty "
    "forty fifty sixty seventy eighty ninety from during together everyone everybody people some half".split()
)


def stated(draws: random.Random, asked: Asked, answer: str, offered: int) -> str:
    """The answer to any other question; `offered` is how many choices were spoken (0 for none)."""
    if _EXPLAINING.match(answer) and not offered:
        return grammar.tidy(f"{answer}.")
    lead = draws.choice(_LEADS) if asked.form in ("question", "command") else ""
    clause = is_clause(answer)
    if asked.claim and not (clause and asked.form in ("question", "command", "except")):
        if not offered or draws.random() < 0.6:
            return _whole(draws, f"{lead} {fill(asked.claim, _spot(asked, answer))}", offered)
    if asked.claim and clause and (asked.which or re.search(r"\b(?:is|are|was|were) \{\}\.$", asked.claim)):
        return grammar.tidy(f"{lead} {fill(asked.claim.replace(SLOT, 'that ' + SLOT), answer)}")
    return _whole(draws, f"{lead} {fill(draws.choice(_pool(asked, answer, clause, offered)), with_article(answer))}", offered)


def _spot(asked: Asked, answer: str) -> str:
    return with_article(answer) if asked.form in ("question", "command", "except") else answer


def _pool(asked: Asked, answer: str, clause: bool, offered: int) -> tuple[str, ...]:
    if offered:
        return _CHOSEN_CLAUSE if clause else _CHOSEN
    if asked.form == "completion" and not asked.direct.startswith(("What is", "What are")):
        return _CLAUSE if clause else _FINISH if re.search(r" do what\?$|finish this", asked.direct) else _NAMED
    if asked.form == "blank":
        return _FILL if len(answer.split()) == 1 else _FILL_LONG
    if clause:
        return _CLAUSE
    return _NUMBER if number_of(answer) is not None else _NAMED


def _whole(draws: random.Random, text: str, offered: int) -> str:
    """With a word on the other choices where the answer alone would be thin."""
    text = grammar.tidy(text)
    if offered and len(text.split()) < 14 and draws.random() < 0.5:
        return f"{text} {draws.choice(_REST_ONE if offered == 2 else _REST)}"
    return text
