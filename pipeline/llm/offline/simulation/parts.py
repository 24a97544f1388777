"""A true answer taken apart: its opening ('I get'), its core, where it may be cut, its numbers and its noun phrases."""

import re
from dataclasses import dataclass
from functools import lru_cache

from pipeline.llm.offline.grammar import sentences
from pipeline.llm.offline.simulation.phrases import FUNCTION, bare, cuts, has_verb, subject, topics
from pipeline.llm.offline.simulation.quantities import Quantity, quantities

_MARKER = (
    r"(?:(?:well|so|okay|sure|alright|all right|right|yeah|got it|let's see|hm+|mm|oh|ah|now|exactly|good question"
    r"|happy to help)[,.]?\s+)*"
)
# Openings after which a phrase follows that stands as well after "it's".
_STEM_RE = re.compile(
    rf"^{_MARKER}(?P<stem>(?:(?:out of|of) (?:those|these|them|the two),? |from what you (?:listed"
    rf"|said|offered),? |to answer your question, |when you work it through, |if you run the numbers, )?"
    r"(?:(?:it|that|this)(?:'s| is|'d be| would be|'ll be| will be| (?:all )?comes (?:out )?to| works "
    r"out to| makes| gives| should be)"
    r"|it's going to be|(?:the|my|your) (?:\w+ ){0,2}(?:answer|one|word|total|result|blank)(?: here| "
    r"you're looking for| you want)? "
    r"(?:is|would be|should be|works out to|comes to)|what (?:you're looking for|goes in the blank"
    r"|fits|i get)(?: here)? is"
    r"|(?:i|you|we|you'd|you should|i'd) (?:get|end up with)|i'd (?:say|go with|fill it in with"
    r"|finish it with)|i would say"
    r"|i make (?:it|that))\s+(?:it's\s+)?(?P<that>(?:the idea )?that\s+)?)",
    re.IGNORECASE,
)
_POLARITY_RE = re.compile(rf"^{_MARKER}(?P<word>yes|no|true|false)\b[,.]?\s+(?:that's right,\s+)?", re.IGNORECASE)
_OPENER_RE = re.compile(rf"^{_MARKER}", re.IGNORECASE)
_COURTESY_RE = re.compile(
    r"\b(?:go ahead|i'm here|i'm listening|you're(?: very)? welcome|any ?time\.|glad to|no problem"
    r"|let's hear|can i (?:do|help)"
    r"|would you like|what's (?:the|your) question|what's on your mind|feel free|i'm all ears|my pleasure)",
    re.IGNORECASE,
)
_CHATTER_WORDS = 5
_REST_RE = re.compile(r"\b(?:the (?:other|others|rest)|other (?:one|option|options))\b", re.IGNORECASE)
ROOM = 25
"""Most words of an answer that leave room for an opening."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer without its opening.

    `core` are the words after the opening, the last mark left out; `phrase` says that they follow "it's" well, not
    "I think". `polarity` is a leading yes or no, `cuts` the counts of core words where it may break "
    "off, `numbers` the
    numbers within the core, `topics` its noun phrases, `subject` the one it
    begins with as it stands there ("" where that is unclear; not among the topics). `stem` is the opening ("I get"),
    `closing` a last sentence on the choices that are wrong, `text` the answer as it stands. `courtesy` says that it
    answers no question at all ("Sure, go ahead.").
    """

    text: str
    core: tuple[str, ...]
    phrase: bool
    polarity: str
    cuts: tuple[int, ...]
    numbers: tuple[Quantity, ...]
    topics: tuple[str, ...]
    subject: str = ""
    stem: str = ""
    closing: str = ""
    courtesy: bool = False

    @property
    def short(self) -> bool:
        """Whether the core is too short to be given in part."""
        return len(self.core) <= 4 or not self.cuts

    def share(self, count: int) -> float:
        """Letters in the core's first `count` words, as a share of those that fit into an oracle."""
        return sum(map(len, self.core[:count])) / max(1, sum(map(len, self.core[:ROOM])))


@lru_cache(maxsize=4096)
def take_apart(answer: str) -> Parts:
    """The parts of an assistant's line in spoken English."""
    said = sentences(answer) or [answer]
    while len(said) > 1 and len(said[0].split()) <= _CHATTER_WORDS and not _says_something(said[0]):
        said = said[1:]
    closing = ""
    if len(said) > 1 and len(said[-1].split()) <= 9 and _REST_RE.search(said[-1]):
        closing = said.pop()  # a word on the choices that are wrong
    text = " ".join(said)
    polarity = stem = ""
    if match := _POLARITY_RE.match(text):
        polarity, text = match["word"].lower(), text[match.end() :]
    phrase = False
    if match := _STEM_RE.match(text):
        phrase, stem, text = match["that"] is None, match["stem"].strip(), text[match.end() :]
    elif (match := _OPENER_RE.match(text)) and match.end():
        text = text[match.end() :]
    core = text.rstrip(" .?!,;:").split() or answer.rstrip(" .?!,;:").split()
    if not phrase and len(core) <= 4 and not has_verb(core):
        phrase = True
    numbers = tuple(quantities(core))
    courtesy = not numbers and len(answer.split()) <= 16 and _COURTESY_RE.search(answer) is not None
    found = topics(" ".join(core) + ".")
    about = "" if phrase else subject(core)
    found = tuple(topic for topic in found if topic.casefold() not in about.casefold())
    return Parts(
        answer, tuple(core), phrase, polarity, tuple(cuts(core)), numbers, found, about, stem, closing, courtesy
    )


def _says_something(sentence: str) -> bool:
    lows = [bare(word).lower() for word in sentence.split()]
    if lows and (lows[0] in ("yes", "no", "true", "false") or _STEM_RE.match(sentence)):
        return True
    return bool(quantities(sentence.split())) or sum(low not in FUNCTION and len(low) > 3 for low in lows) > 1
