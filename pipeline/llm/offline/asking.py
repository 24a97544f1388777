"""What a stem asks: its last sentence as a real spoken question, and as a sentence with room for the answer."""

import re
from dataclasses import dataclass, replace

from pipeline.errors import Refusal
from pipeline.llm.offline import grammar
from pipeline.llm.offline.stems import BLANK
from pipeline.llm.offline.turning import SLOT, turn_round

# Most words of a question that may be turned into a sentence with its answer.
MAX_CLAIM = 22
_WH = r"(?:what|which|who|whom|whose|when|where|why|how)"
_STARTS_WH = re.compile(rf"^(?:(?:in|at|on|by|for|from|to|of|with|under|during|through|into|about|according to|after|approximately|about)\s+)?{_WH}\b", re.I)
_LEAD = re.compile(rf"^(?P<lead>.{{4,}}?),\s+(?:then\s+)?(?P<ask>(?:(?:in|at|on|by|for|from|to|of|with|approximately|about)\s+)?{_WH}\b.*)$", re.I)
_YES_NO = re.compile(r"^(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|must|may|might)\b", re.I)
_FIND = "find|calculate|compute|determine|evaluate|estimate|identify|name|give|state|obtain|derive|solve|approximate|work out"
_TELL = "explain|describe|discuss|define|compare|contrast|distinguish|differentiate|list|outline|summarize|trace|suggest|show|prove|write|convert|express|simplify|use|using|interpret|classify|predict|translate|select|represent|arrange|analyze|assess|differentiate|illustrate|rewrite|factor|round|add|subtract|multiply|divide|integrate|differentiate|sketch|indicate|enumerate|consider"
_COMMAND = re.compile(rf"^(?P<lead>(?:(?:if|when|using|given|for|in|at|by|assuming|from|with|suppose)\b.*?,\s*)?)(?:then\s+)?(?:please\s+)?(?P<verb>{_FIND}|{_TELL})\b\s*(?P<what>.+)$", re.I)
_SUPPOSING = re.compile(r"^(?:assume|assuming|given|take|use|let|note|recall|suppose|consider|ignore|neglect|round|remember|hint|you may|there are|the answer|all|neither)\b", re.I)
_EXCEPT = re.compile(r"^(?P<head>.*?)\b(?P<quant>all|each|any|every one|every)(?P<of> of)? (?:the following|these)\b(?P<mid>.*?),?\s*(?:except|but)(?: for)?(?: one)?(?: of)?(?: the following)?(?: which(?: one)?)?[.:?]*$", re.I)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stem asks, in spoken words.

    `context` is whole sentences or "". `direct` is the question. `indirect` goes after 'can you tell me', `claim` has
    SLOT where the answer goes; both are "" where no good one is known. `form` is how it was put: question, command,
    completion, blank, blanks, except, statements.
    """

    context: str
    direct: str
    form: str
    indirect: str = ""
    claim: str = ""
    which: bool = False
    counted: str = ""


def analyse(spoken: str, blanks: int) -> Asked:
    """The question that a spoken stem (see `stems.prepare`) asks. Raises Refusal ('no_question', 'letters')."""
    parts = grammar.sentences(spoken)
    if not parts:
        raise Refusal("no_question", "nothing is left to ask")
    if _is_statements(parts[0]):
        return _statements(spoken)
    parts = _question_last(parts)
    context, last = " ".join(parts[:-1]), parts[-1]
    if context and context[-1] not in ".?!":
        context += "."
    several = "?" in context
    asked = _last_sentence(last, blanks, context)
    return replace(asked, claim="", indirect="") if several else asked


def _question_last(parts: list[str]) -> list[str]:
    """Assumptions that trail the question go before it, as one says them."""
    asks = [i for i, p in enumerate(parts) if p.endswith("?")]
    if len(asks) == 1 and asks[0] < len(parts) - 1 and all(_SUPPOSING.match(p) for p in parts[asks[0] + 1 :]):
        return parts[: asks[0]] + parts[asks[0] + 1 :] + [parts[asks[0]]]
    return parts


def _last_sentence(last: str, blanks: int, context: str) -> Asked:
    exception = _EXCEPT.match(last)
    if exception:
        return _exception(exception, context)
    if blanks:
        return _blank(last, blanks, context)
    if last.endswith("?") or _STARTS_WH.match(last) and not last.endswith("."):
        return _question(last.rstrip("?.") + "?", context)
    command = _COMMAND.match(last)
    if command:
        return _command(command, context)
    if _STARTS_WH.match(last) or (_LEAD.match(last) and last.endswith(".")):
        return _question(last.rstrip(".") + "?", context)
    if last.endswith((".", "!")):
        raise Refusal("no_question", f"'{last[-60:]}' asks nothing")
    return _completion(last, context)


def _question(text: str, context: str) -> Asked:
    lead, ask = _split_lead(text)
    which = bool(re.search(r"\bof (?:the following|these)\b", text, re.I))
    text = re.sub(r"\b(which|what)( one| ones)? of the following\b", r"\1\2 of these", text, flags=re.I)
    text = re.sub(r"\bof the following\b", "of these", text, flags=re.I)
    indirect, claim, counted = turn_round(ask.rstrip("?"))
    if lead and len(lead.split()) <= 5 and not re.match(r"(?:if|when|after|suppose|given|assuming)\b", lead, re.I):
        claim = claim and f"{grammar.capitalise(lead)}, {_lower_first(claim)}"
    long = len(claim.split()) > MAX_CLAIM
    return Asked(context, grammar.capitalise(text), "question", "" if lead else indirect, "" if long else claim, which, counted)


def _split_lead(text: str) -> tuple[str, str]:
    found = None if _STARTS_WH.match(text) else _LEAD.match(text)
    return (found["lead"], found["ask"]) if found else ("", text)


def _lower_first(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first.casefold() in _MAY_LOWER else text


_MAY_LOWER = frozenset(
    "the a an it he she they this that these those there his her their its each every both all one to in on at for you "
    "we your some most many what which who how".split()
)


def _command(found: re.Match[str], context: str) -> Asked:
    verb, what = found["verb"].casefold(), found["what"].rstrip(". ")
    lead = found["lead"].strip()
    simple = re.match(r"^(?:the|his|her|their|its|a|an|each|[A-Z][a-z]+'s)\s", what)
    joined = re.search(r",|;|:|\b(?:and (?:find|calculate|determine|compute|then)|if|when|such that|given|assuming|so that)\b", what)
    name = what.split(" ", 1)[0]
    direct = f"{lead} can you {verb} {what}?" if lead else f"Can you {verb} {what}?"
    if verb in _FIND.split("|") and simple and not joined and len(what.split()) <= 18:
        plural = bool(re.match(r"^(?:the )?(?:\w+ )*?(?:values|roots|frequencies|solutions|names|coordinates|dimensions|two|three|four)\b", what))
        be = "are" if plural else "is"
        direct = f"{lead} what {be} {what}?" if lead else f"What {be} {what}?"
        claim = f"{grammar.capitalise(what)} {be} {SLOT}."
        return Asked(context, grammar.capitalise(direct.strip()), "command", "" if lead else f"what {what} {be}", claim, False, name)
    return Asked(context, grammar.capitalise(direct.strip()), "command")


_NEEDS_DO = re.compile(r"\b(?:should|will|would|must|may|can|could|might|to|cannot|likely|probably|not|generally|usually|therefore)$", re.I)
_ARTICLE_END = re.compile(r"\s+(?:a|an|the)$", re.I)
_THAT_END = re.compile(r"\s+that(?: (?:it|he|she|they|the))?$", re.I)
_WHAT_ENDS = re.compile(
    r"\b(?:is|are|was|were|be|as|called|of|to|in|by|with|for|from|on|at|into|about|include|includes|has|have|had|known|"
    r"means|involves|requires|claims|argues|suggests|includes|termed|through|between|after|during|called|becomes|equals|"
    r"produces|causes|contains|indicates|shows|reflects|represents|creates|provides|than|against|upon|under|over|towards?)$"
)


def _completion(text: str, context: str) -> Asked:
    """'The study of fungi is called': 'What is the study of fungi called?'"""
    claim = f"{_short_tail(text)} {SLOT}."
    called = re.match(r"^(?P<what>(?:The|A|An|This|These|Those|Such)\b[^,]{3,90}?) (?P<be>is|are|was|were) (?P<end>(?:best |often |usually |commonly |also |generally )?(?:called|known as|termed|referred to as|described as|classified as))(?: an?| the)?$", text)
    if called and not re.search(r"\b(?:that|which|who|when|is|are)\b", called["what"]):
        subject = _lower_first(called["what"])
        return Asked(context, f"What {called['be']} {subject} {called['end']}?", "completion", f"what {subject} {called['be']} {called['end']}", _fits(claim))
    if re.search(r"\bbecause(?: of)?$", text):
        return Asked(context, re.sub(r"\s+because(?: of)?$", "", text) + ". Why is that?", "completion", "", "")
    stem = _THAT_END.sub("", _ARTICLE_END.sub("", text))
    if _NEEDS_DO.search(stem):
        return Asked(context, f"{stem} do what?", "completion", "", _fits(claim))
    if _WHAT_ENDS.search(stem):
        return Asked(context, f"{stem} what?", "completion", "", _fits(claim))
    return Asked(context, f"How would you finish this sentence: {_lower_first(text)}?", "completion", "", _fits(claim))


def _fits(claim: str) -> str:
    return claim if len(claim.split()) <= MAX_CLAIM else ""


def _short_tail(text: str) -> str:
    """Without the clause that only sets the scene: 'If prices rise, we expect' to 'We expect'."""
    found = re.match(r"^(?:if|when|as|after|because|since|although|while|given|assuming|suppose)\b.*,\s+(?P<main>[^,]{8,})$", text, re.I)
    return grammar.capitalise(found["main"]) if found else text


def _blank(text: str, blanks: int, context: str) -> Asked:
    text = text.rstrip(".?: ")
    if blanks > 1 or context.casefold().split().count(BLANK):
        if len(re.findall(rf"\b{BLANK}\b", text)) != blanks:
            raise Refusal("too_many_blanks", "gaps in several sentences")
        return Asked(context, grammar.capitalise(text) + ".", "blanks", "", _fits(re.sub(rf"\b{BLANK}\b", SLOT, text) + "."))
    if BLANK not in text.split() and BLANK not in re.split(r"\W+", text.casefold()):
        raise Refusal("too_many_blanks", "the gap is not in the last sentence")
    if re.search(rf"\b{BLANK}$", text):
        return _completion(re.sub(rf"\s*\b{BLANK}$", "", text).rstrip(":,; "), context)
    claim = re.sub(rf"\b{BLANK}\b", SLOT, text, flags=re.I) + "."
    named = re.search(rf"\b(?:a|an|the) {BLANK} (?P<noun>[a-z]+)$", text)
    if named:
        direct = re.sub(rf"\b(?:a|an|the) {BLANK} (?P<noun>[a-z]+)$", r"which \g<noun>", text) + "?"
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


def _is_statements(text: str) -> bool:
    return bool(re.match(r"^statement (?:one|1)\b", text, re.I))


def _statements(spoken: str) -> Asked:
    pieces = [p.strip(" |.,;:") for p in _STATEMENT.split(spoken) if p.strip(" |.,;:")]
    if len(pieces) != 2:
        raise Refusal("letters", "not two statements")
    first, second = (grammar.capitalise(p) for p in pieces)
    return Asked(f"The first one says: {_lower_first(first)}. The second one says: {_lower_first(second)}.", "Which of the two are true?", "statements")
