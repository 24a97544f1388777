"""What a stem asks: its last sentence as a real spoken question, and as a sentence with room for the answer."""

import re
from dataclasses import dataclass, replace

from pipeline.errors import Refusal
from pipeline.llm.offline import grammar
from pipeline.llm.offline.choosing import is_clause
from pipeline.llm.offline.grammar import word_set
from pipeline.llm.offline.stems import BLANK
from pipeline.llm.offline.turning import SLOT, turn_round

# Most words of a question that may be turned into a sentence with its answer.
MAX_CLAIM, MAX_FINISHED = 22, 30
_WH = r"(?:what|what's|whats|which|who|whom|whose|when|where|why|how)"
_BEFORE_WH = r"(?:in|at|on|by|for|from|to|of|with|under|during|through|into|about|according to|after|approximately)"
_STARTS_WH = re.compile(rf"^(?:{_BEFORE_WH}\s+)?{_WH}\b", re.I)
# Without its mark, 'when' and 'where' ask only before a verb: 'When the cell divides, ...' does not.
_ASKS_PLAINLY = re.compile(
    rf"^(?:{_BEFORE_WH}\s+)?(?:(?:what|what's|which|who|whose|why|how)\b|(?:when|where) (?:is|are|was|"
    rf"were|do|does|did|will)\b)",
    re.I,
)
_LEAD = re.compile(rf"^(?P<lead>.{{4,}}?),\s+(?:then\s+)?(?P<ask>(?:{_BEFORE_WH}\s+)?{_WH}\b.*)$", re.I)
_YES_NO = re.compile(
    r"^(?:.*, )?(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|must|may|"
    r"might|isn't|aren't|doesn't|don't)\b",
    re.I,
)
_FIND = (
    "find|calculate|compute|determine|evaluate|estimate|identify|name|give|state|obtain|derive|solve|approximate|"
    "work out"
)
_TELL = (
    "explain|describe|discuss|define|compare|contrast|distinguish|differentiate|list|outline|summarize|trace|suggest|"
    "show|prove|write|convert|express|simplify|use|using|interpret|classify|predict|translate|select|represent|arrange|"
    "analyze|assess|illustrate|rewrite|factor|round|add|subtract|multiply|divide|integrate|indicate|enumerate"
)
_SETTING = r"(?:(?:if|when|using|given|for|in|at|by|assuming|from|with|suppose|after|before)\b.*?,\s*)?"
_COMMAND = re.compile(
    rf"^(?P<lead>{_SETTING})(?:then\s+|also,?\s+)?(?:please\s+)?(?P<verb>{_FIND}|{_TELL})\b\s*(?P<what>.+)$", re.I
)
_LATE_COMMAND = re.compile(rf"^(?P<lead>.{{20,}}?),\s+(?:then\s+)?(?P<command>(?:{_FIND})\b.+)$", re.I)
_SUPPOSING = re.compile(
    r"^(?:assume|assuming|given|take|use|let|note|recall|suppose|consider|ignore|neglect|round|remember|hint|you may|"
    r"there are|the answer|all|neither)\b",
    re.I,
)
_EXCEPT = re.compile(
    r"^(?P<head>.*?)\b(?P<quant>all|each|any|every one|every)(?: of)? (?:the following|these)\b(?P<mid>.*?),?\s*"
    r"(?:except|but)(?: for)?(?: one)?(?: of)?(?: the following)?(?: which(?: one)?)?[.:?]*$",
    re.I,
)
# 'Which statement is best' stands on its choices, whatever it is about.
_OF_CHOICES = re.compile(
    r"\bof (?:the following|these)\b|\b(?:which|what) (?:statement|sentence|example|option|answer|choice|description)\b"
    r"|^which\b.*\b(?:best|most|least)\b|^(?:what|which)\b(?: \w+){0,2} (?:is|are|was|were|does|do) not\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stem asks, in spoken words.

    `context` is whole sentences or "". `direct` is the question. `indirect` goes after 'can you tell me', `claim` has
    SLOT where the answer goes; both are "" where no good one is known. `form` is how it was put: question, command,
    completion, blank, blanks, except, statements. `which` is true where it needs its choices; `counted` is what a
    'how many' counts; `other` is a second way of saying `direct`; `several` is true where it is
    the last of several questions.
    """

    context: str
    direct: str
    form: str
    indirect: str = ""
    claim: str = ""
    which: bool = False
    counted: str = ""
    other: str = ""
    several: bool = False


def analyse(spoken: str, blanks: int, answer: str = "") -> Asked:
    """The question that a spoken stem (see `stems.prepare`) asks.

    `answer` is the spoken answer: its first word tells how an unfinished sentence goes on. Raises Refusal
    (`no_question`, `several_questions`, `too_many_blanks`, `letters`).
    """
    parts = grammar.sentences(spoken)
    if not parts:
        raise Refusal("no_question", "nothing is left to ask")
    if is_statements(parts[0]):
        return _statements(spoken)
    parts = _question_last(parts)
    context, last = " ".join(parts[:-1]), parts[-1]
    if context and context[-1] not in ".?!":
        context += "."
    several = "?" in context
    if several and parts[-2].endswith("?") and len(answer.split()) < 8:
        raise Refusal("several_questions", "two questions and one short answer")
    asked = _last_sentence(last, blanks, context, answer)
    several = several or any(_COMMAND.match(p) for p in parts[:-1])
    return replace(asked, claim="", indirect="", several=True) if several else asked


def _question_last(parts: list[str]) -> list[str]:
    """What trails the question goes before it, as one says it: 'What is its weight? Assume that it is dry.'"""
    asks = [i for i, p in enumerate(parts) if p.endswith("?") or _COMMAND.match(p)]
    questions = [i for i in asks if parts[i].endswith("?")]
    if not asks or asks[-1] == len(parts) - 1 or len(questions) > 1 or len(parts) - asks[-1] > 4:
        return parts
    asked, trailing = asks[-1], parts[asks[-1] + 1 :]
    if not all(p.endswith(".") or p is parts[-1] for p in trailing) or (
        not _SUPPOSING.match(trailing[0]) and "___" in trailing[-1]
    ):
        return parts
    if re.match(r"(?:this|that|these|it|they|he|she|return|answer|choose|select)\b", trailing[0], re.I):
        return parts
    if not parts[-1].endswith((".", "!")):
        return parts
    return parts[:asked] + trailing + [parts[asked]]


def _last_sentence(last: str, blanks: int, context: str, answer: str) -> Asked:
    exception = _EXCEPT.match(last)
    if exception:
        return _exception(exception, context)
    if blanks:
        return _blank(last, blanks, context, answer)
    if last.endswith("?") and not _YES_NO.match(last) and not re.search(rf"\b{_WH}\b", last, re.I):
        told = _COMMAND.match(last.rstrip("? "))
        if told:
            return _command(told, context)
        return _completion(last.rstrip("? "), context, answer)
    asks = _ASKS_PLAINLY.match(last) is not None
    if last.endswith("?") or (asks and not last.endswith(".")):
        return _question(last.rstrip("?.") + "?", context)
    command = _COMMAND.match(last)
    if command:
        return _command(command, context)
    late = _LATE_COMMAND.match(last)
    if late and not re.match(
        r"(?:if|when|given|for|since|because|while|although|assuming|suppose)\b", late["lead"], re.I
    ):
        again = _COMMAND.match(late["command"])
        if again:
            return _command(again, f"{context} {grammar.capitalise(late['lead'])}.".strip())
    if asks or (_LEAD.match(last) and last.endswith(".")):
        return _question(last.rstrip(".") + "?", context)
    if last.endswith((".", "!")):
        raise Refusal("no_question", f"'{last[-60:]}' asks nothing")
    if "?" in context or re.search(rf"(?:^|[.?!] )(?:{_FIND}|{_TELL})\b", context, re.I) or ":" in last:
        raise Refusal("no_question", "what is asked is not its last sentence")
    if re.search(r"\b(?:find|calculate|compute|determine|evaluate|estimate) (?:the|its|his|her|their)\b", last):
        raise Refusal("no_question", "a task in the middle of a sentence")
    return _completion(last, context, answer)


def _question(text: str, context: str) -> Asked:
    lead, ask = _split_lead(text)
    which = bool(_OF_CHOICES.search(ask))
    text = re.sub(r"\bof the following\b", "of these", text, flags=re.I)
    turned = turn_round(ask.rstrip("?"))
    claim = turned.claim
    if claim and lead and len(lead.split()) <= 5 and _SETS_SCENE.match(lead):
        claim = f"{grammar.capitalise(lead)}, {lower_first(claim)}"
    if len(claim.split()) > MAX_CLAIM or re.search(r"\b(?:be|is|are|was|were) \{\} \w+(?:ed|en)\b", claim):
        claim = ""
    indirect = "" if lead or which else turned.indirect
    return Asked(context, grammar.capitalise(text), "question", indirect, claim, which, turned.counted)


_SETS_SCENE = re.compile(r"(?:in|at|on|by|for|from|to|of|during|within|according|per|under|over|among|between)\b", re.I)


def _split_lead(text: str) -> tuple[str, str]:
    found = None if _STARTS_WH.match(text) else _LEAD.match(text)
    return (found["lead"], found["ask"]) if found else ("", text)


def lower_first(text: str) -> str:
    """The first letter small where the word is surely no name."""
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first.casefold() in _MAY_LOWER else text


_MAY_LOWER = word_set(
    """the a an it he she they this that these those there his her their its each every both all one to in
    on at for you we your some most many what which who how"""
)


_SEVERAL = re.compile(
    r"^(?:the )?(?:(?:two|three|four)\b|(?:(?!of\b|for\b|in\b)\w+ ){0,3}"
    r"(?:values|roots|frequencies|solutions|names|coordinates|dimensions)\b)"
)
_JOINED = re.compile(
    r",|;|:|\b(?:and (?:find|calculate|determine|compute|then)|if|when|such that|given|assuming|"
    r"so that|by|using|that)\b"
)


def _command(found: re.Match[str], context: str) -> Asked:
    verb, what, lead = found["verb"].casefold(), found["what"].rstrip(". ?"), found["lead"].strip()
    if verb == "using" or (len(what.split()) < 2 and verb != "find"):
        raise Refusal("no_question", f"'{verb} {what}' says too little")
    simple = re.match(r"^(?:the|his|her|their|its|a|an|each|[A-Z][a-z]+'s)\s", what) and not _JOINED.search(what)
    if verb in _FIND.split("|") and simple and len(what.split()) <= 18:
        be = "are" if _SEVERAL.match(what) else "is"
        direct = f"{lead} what {be} {what}?"
        claim = f"{grammar.capitalise(what)} {be} {SLOT}."
        indirect = "" if lead else f"what {what} {be}"
        return Asked(context, grammar.capitalise(direct.strip()), "command", indirect, claim)
    asks = f"{lead} can you {verb} {what}?" if lead else f"Can you {verb} {what}?"
    other = "" if lead else f"I need to {verb} {what}."
    return Asked(context, grammar.capitalise(asks.strip()), "command", other=other)


_NEEDS_DO = re.compile(
    r"\b(?:should|will|would|must|may|can|could|might|cannot)(?: (?:probably|likely|most likely|not|"
    r"then|generally|also))*$",
    re.I,
)
_ARTICLE_END = re.compile(r"\s+(?:a|an|the)$", re.I)
_THAT_END = re.compile(r"\s+that(?: (?:it|he|she|they|the))?$", re.I)
_LINK_END = re.compile(
    r"\b(?:is|are|was|were|be|as|called|of|to|in|by|with|for|from|on|at|into|about|include|includes|has|have|had|than|"
    r"known|means|involves?|requires?|claims?|argues?|suggests?|termed|through|between|after|during|becomes?|equals?|"
    r"produces?|causes?|contains?|indicates?|shows?|reflects?|represents?|creates?|provides?|against|upon|under|over|"
    r"when|if|whether|towards?|states?|holds?|believes?|says?|maintains?|expect|find|see|conclude|need|use[sd]?|occurs?|via|without)$"
)
_CALLED = re.compile(
    r"^(?P<what>(?:The|A|An|This|These|Those|Such)\b[^,]{3,90}?) (?P<be>is|are|was|were) "
    r"(?P<end>(?:best |often |usually |commonly |also |generally |sometimes )?"
    r"(?:called|known as|termed|referred to as|described as|classified as))(?: an?| the)?$"
)
_POINTED = re.compile(r"^(these|they|this|it) (?!(?:is|are|was|were|be)\b)(?:[a-z]+ly )?[a-z]+s? (?:[a-z]+ ){2,}", re.I)
_SCENE = re.compile(
    r"^(?:if|when|as|after|because|since|although|while|given|assuming|suppose)\b.*,\s+(?P<main>[^,]{8,})$", re.I
)


def _completion(text: str, context: str, answer: str) -> Asked:
    """'The study of fungi is called': 'What is the study of fungi called?'"""
    which = bool(re.search(r"\bthe following\b", text, re.I))
    own = re.match(r"(?:he|she|it|they|this)\b", answer, re.I) or (
        len(answer.split()) > 8 and answer.casefold().split()[:2] == text.casefold().split()[:2]
    )
    if own and not re.search(rf"{_LINK_END.pattern}|\b(?:that|because|which|then|where|since)$|,$", text):
        raise Refusal("no_question", f"'{text[-40:]}' and its answer are two sentences")
    text = re.sub(r"\bthe following\b", "these", text)
    claim = _fits(f"{_short_tail(text)} {SLOT}.")
    called = _CALLED.match(text)
    if called and not re.search(r"\b(?:that|which|who|when|is|are|where)\b", called["what"]):
        subject = lower_first(called["what"])
        direct = f"What {called['be']} {subject} {called['end']}?"
        return Asked(context, direct, "completion", f"what {subject} {called['be']} {called['end']}", claim, which)
    because = re.match(r"^(?P<main>.*?),?\s+because(?: of)?$", text)
    if because:
        tail = "because of" if text.endswith("of") else "because"
        return Asked(context, f"{because['main']}. Why is that?", "completion", "", f"That's {tail} {SLOT}.", which)
    pointed = _POINTED.match(text)
    if pointed and not _LINK_END.search(text) and not _NEEDS_DO.search(text):
        what = "What are they?" if pointed[1].casefold() in ("these", "they") else "What is it?"
        return Asked(context, f"{text}. {what}", "question", which=which)
    stem = _THAT_END.sub("", _ARTICLE_END.sub("", text))
    return Asked(context, _with_echo(stem, answer), "completion", "", claim, which)


def _with_echo(stem: str, answer: str) -> str:
    echo = _echo(stem, answer)
    return f"{stem.rstrip(',')}, {echo}?" if echo == "then what" else f"{stem} {echo}?"


def _echo(stem: str, answer: str) -> str:
    """What stands for the missing end: 'what', or 'does what' where a verb is missing."""
    words = answer.casefold().split()
    if re.search(r"\b[a-z]{3,}ing$", stem):
        return "what"
    if answer and is_clause(answer) and not _LINK_END.search(stem) and len(stem.split()) > 4:
        return "then what"
    first = next((w for w in words[:2] if not w.endswith("ly")), "")
    if _NEEDS_DO.search(stem):
        return "what" if first == "be" and re.search(r"\bbe$", stem) else "do what"
    if re.search(r"\bto$", stem) and grammar.is_verb(first):
        return "do what"
    if _LINK_END.search(stem):
        return "what"
    if first in ("do", "does", "did") and words[1:2] == ["not"]:
        return f"{first} what"
    if first in grammar.AUXILIARIES and first not in ("do", "does", "did"):
        return f"{first} what"
    kind = grammar.verb_kind(first)
    if kind and len(answer.split()) > 1:
        return {"base": "do", "third": "does", "past": "did"}[kind] + " what"
    return "what"


def _short_tail(text: str) -> str:
    """Without the clause that only sets the scene: 'If prices rise, we expect' to 'We expect'."""
    found = _SCENE.match(text)
    text = found["main"] if found else text
    return grammar.capitalise(re.sub(r"^then ", "", text))


def _fits(claim: str) -> str:
    return claim if len(claim.split()) <= MAX_FINISHED else ""


def _blank(text: str, blanks: int, context: str, answer: str) -> Asked:
    text = text.rstrip(".?: ")
    if blanks > 1 or context.casefold().split().count(BLANK):
        if len(re.findall(rf"\b{BLANK}\b", text)) != blanks:
            raise Refusal("too_many_blanks", "gaps in several sentences")
        return Asked(
            context, grammar.capitalise(text) + ".", "blanks", "", _fits(re.sub(rf"\b{BLANK}\b", SLOT, text) + ".")
        )
    if BLANK not in re.split(r"\W+", text.casefold()):
        raise Refusal("too_many_blanks", "the gap is not in the last sentence")
    if re.search(rf"\b{BLANK}$", text):
        return _completion(re.sub(rf"\s*\b{BLANK}$", "", text).rstrip(":,; "), context, answer)
    claim = re.sub(rf"\b{BLANK}\b", SLOT, text, flags=re.I) + "."
    named = re.search(rf"\b(?:a|an|the) {BLANK} (?P<noun>[a-z]+)$", text)
    if named:
        kind = "which" if re.search(rf"\bthe {BLANK}", text) else "what kind of"
        direct = re.sub(rf"\b(?:a|an|the) {BLANK} (?P<noun>[a-z]+)$", rf"{kind} \g<noun>", text) + "?"
        return Asked(context, grammar.capitalise(direct), "completion", "", _fits(grammar.capitalise(claim)))
    start = re.match(rf"^{BLANK} (?P<rest>(?:is|was|has|can|refers|means|describes|states)\b.+)$", text, re.I)
    if start:
        return Asked(context, f"What {start['rest']}?", "completion", "", _fits(claim))
    return Asked(context, grammar.capitalise(text) + ".", "blank", "", _fits(grammar.capitalise(claim)))


def _exception(found: re.Match[str], context: str) -> Asked:
    head, middle, quantifier = found["head"].strip(), found["mid"].strip(" ,"), found["quant"].casefold()
    of = " of" if quantifier != "every" else ""
    text = " ".join(p for p in (head, f"{quantifier}{of} these", middle) if p)
    return Asked(context, f"{grammar.capitalise(text)}, except one.", "except", "", f"The exception is {SLOT}.", True)


_STATEMENT = re.compile(r"\bstatement (?:one|two|three)\b\s*[|:.,;]*\s*", re.I)


def is_statements(text: str) -> bool:
    """Whether a spoken stem is 'Statement one ... Statement two ...'."""
    return bool(re.match(r"^statement (?:one|1)\b", text, re.I))


def _statements(spoken: str) -> Asked:
    pieces = [p.strip(" |.,;:") for p in _STATEMENT.split(spoken) if p.strip(" |.,;:")]
    if len(pieces) != 2:
        raise Refusal("letters", "not two statements")
    first, second = (grammar.capitalise(p) for p in pieces)
    return Asked(
        f"The first one says: {lower_first(first)}. The second one says: {lower_first(second)}.",
        "Which of the two are true?",
        "statements",
    )
