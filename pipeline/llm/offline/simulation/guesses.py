"""Level 0: what a back end might say that has heard the prefix and knows nothing of the answer."""

import random
import re
from functools import lru_cache

from pipeline.llm.offline.simulation.phrases import FUNCTION, bare, is_finite, is_number_word, topics

_LISTENING = (
    "Okay, I'm with you so far, so let me think along.",
    "Sure, I'm happy to have a go at that.",
    "Alright, I'm following, and I should have something for you in a moment.",
    "Right, let me think about this while you go on.",
    "Sure thing, I'll take it step by step.",
    "Okay, there isn't much to go on yet, but I'd expect something fairly simple.",
    "Mm, I'm listening, and I'll start as soon as I have a bit more.",
    "Alright, let me get ready to work this out with you.",
    "Okay, I'll think it through as we go.",
    "Sure, I'd guess this won't take us very long.",
)
_FOLLOWING = (
    "Okay, I'm following, and I already have a first idea.",
    "Right, I can see where this is going, so let me think it over.",
    "Okay, I'd expect the usual explanation to hold here.",
    "Alright, I have that so far, and I'd guess it's less complicated than it sounds.",
    "Let me put that together, I think I know what this is about.",
)
_COUNTING = (
    "Okay, I'm keeping track of the numbers as we go.",
    "Right, I have those figures, and it should be a short calculation.",
    "Alright, let me note that down, there'll be some adding up to do.",
    "Okay, I'd guess the number comes out fairly small, but let me do the sums.",
    "I have the numbers so far, so I'll work it out step by step.",
)
_ABOUT = (
    "Okay, so this is about {t}",
    "So we're talking about {t}",
    "Right, this has to do with {t}",
    "It sounds like this is all about {t}",
    "It seems to come down to {t}",
    "So far I'm hearing about {t}",
    "Alright, so it starts with {t}",
    "I take it this is about {t}",
)
_PLAIN_TAILS = (
    ", let me work that out.",
    ", and I'd start with what I know for certain.",
    ", and my first guess would be something fairly ordinary.",
    ", so I'd expect a short and simple answer.",
    ", and the usual explanation is probably the right place to start.",
    ", and I already have a few ideas.",
    ", which I know a little about, so let me think.",
    ", and I'd lean towards the textbook answer there.",
)
_SUM_TAILS = (
    ", so let me keep a running count.",
    ", and there'll be some adding up to do.",
    ", and I'd expect the number to come out fairly small.",
    ", so I'll do the sums as we go.",
    ", and it should be a short calculation.",
    ", let me note the figures down and work it out.",
    ", and I'd guess it's a matter of a few simple steps.",
)
# By the form of the question: (pattern, guesses with a topic {t}, guesses without one). {n} is what is counted.
_FORMS: tuple[tuple[re.Pattern[str], tuple[str, ...], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), with_topic, without)
    for pattern, with_topic, without in (
        (
            r"thanks|thank you",
            ("Glad I could help with {t}.", "You're welcome, {t} can be tricky."),
            ("You're welcome, I'm glad that helped.", "Anytime, that was a nice question to think about."),
        ),
        (
            r"how (?:did|do|would) you (?:get|work|figure|come|arrive|know)|walk me through|explain how",
            (
                "I'd start from {t} and go through it step by step.",
                "Sure, let me go back to {t} and take it from there.",
            ),
            ("Sure, let me go back over it step by step.", "I took it in small steps, so let me retrace them."),
        ),
        (
            r"how much (?:\w+ ){0,6}(?:money|cost|costs|pay|earn|spend|dollars|price|profit|make|save)|how much",
            (
                "I'd guess it comes to a fair amount, but I'd have to add up {t} first.",
                "Probably not a huge amount, though that depends on {t}.",
            ),
            (
                "My rough guess is that it isn't a huge amount, but let me add it up.",
                "I'd say it comes to a fair bit once everything is counted.",
                "Probably a moderate amount, I'd have to do the sums to be sure.",
            ),
        ),
        (
            r"how long|how far|how fast|how old|how tall|how big|how large|how often|how high|how deep|how heavy",
            (
                "I'd guess it's less than it seems at first, but let me look at {t}.",
                "That depends mostly on {t}, and I'd expect a fairly modest figure.",
            ),
            (
                "I'd guess it's less than it seems at first, let me work it out.",
                "Probably a fairly modest figure, but I'd have to calculate it.",
            ),
        ),
        (
            r"what (?:is the )?(?:percent|percentage|fraction|share|probability|proportion|ratio)"
            r"|what are the odds|how likely",
            (
                "I'd guess it's well under half, but let me check that against {t}.",
                "Probably a fairly small share, judging by {t}.",
            ),
            ("I'd guess it's well under half, but let me do the sums.", "Probably a fairly small share, I'd say."),
        ),
        (
            r"why",
            (
                "Most likely it comes down to {t}.",
                "I'd guess there's a simple reason for it, something to do with {t}.",
                "The usual reason would have to do with {t}, I'd say.",
            ),
            (
                "I'd guess there's a fairly simple reason behind it.",
                "There's probably more than a single reason for that.",
            ),
        ),
        (
            r"who|whose",
            ("I have a name in mind, someone connected with {t}.", "I'd guess it's someone well known, given {t}."),
            ("I have a name in mind, but I wouldn't swear to it yet.", "I'd guess it's someone fairly well known."),
        ),
        (
            r"^when (?:did|was|were|is|does|do)|(?:know|tell me|wonder|wondering) when",
            (
                "I'd guess it goes back quite a while, but let me think about {t}.",
                "That should be easy to place, given {t}.",
            ),
            ("I'd guess it goes back quite a while.", "I have a rough idea of when that was, but let me think."),
        ),
        (
            r"^where|(?:know|tell me|wonder|wondering) where",
            ("I have a place in mind, and it has to do with {t}.", "Most likely wherever {t} would be, I'd say."),
            ("I have a place in mind, but I wouldn't swear to it yet.", "Probably somewhere quite well known."),
        ),
        (
            r"how (?:is|are|do|does|did|can|should|would|to)",
            (
                "I'd guess it works by way of {t}.",
                "There's probably a fairly simple link to {t}.",
                "I'd explain it through {t}.",
            ),
            ("There's probably a fairly simple way it works.", "I'd guess there's a usual way to do that."),
        ),
        (
            r"right\?|did you say|write down|just so i have",
            ("Let me go back to {t}, but I think so.", "I believe so, going by {t}."),
            ("I believe so, but let me look at it again.", "I think so, let me just go over it once more."),
        ),
        (
            r"what|which|tell me|name the|describe|explain",
            (
                "My best guess would be the usual answer for {t}.",
                "With {t}, I'd go for the most common answer, I think.",
                "I'd say the standard answer about {t} fits best here.",
                "If I had to guess right now, I'd say it's whatever is typical of {t}.",
                "It's probably the most obvious possibility, going by {t}.",
                "I'd think about {t} first, and I'd expect nothing too surprising.",
            ),
            (
                "My best guess would be the most common answer there.",
                "I'd go with the most obvious possibility for now.",
                "I'd say the standard textbook answer fits best here.",
                "If I had to guess right now, I'd pick the simplest explanation.",
            ),
        ),
    )
)
# A 'which' or 'who' that asks nothing: it follows a noun, not a verb of asking or knowing.
_RELATIVE_RE = re.compile(
    r"(?<!\bme)(?<!know)(?<!\bout)(?<!wonder)(?<!wondering)(?<!understand)(?<!\bsee)(?<!remember)"
    r"(?<!find)(?<!\bsay)(?<![.,:;] and)"
    r"(?<=\w|,) (?:who|whose|which|what|how|why)\b"
)
_OFFER_RE = re.compile(
    r"\b(?:is it|would it be|would you say|pick between|choosing between|options are) "
    r"(?P<list>[^.?!]+)(?P<end>\?|\.)?",
    re.I,
)
_LEANING = (
    "Going by what I've heard so far, I'd say it's {o}.",
    "I'd lean towards saying it's {o}.",
    "My first thought is that it's {o}.",
    "Just as a guess, it's {o}.",
)
# Openings that only say who asks, or that a question is coming.
_OPENING_RE = re.compile(
    r"\b(?:question|questions|problem|problems|one|quiz|test|exam|boards|homework|puzzle|class|study "
    r"group|review|reviewing|"
    r"something|studying|notes|tutoring|math book|interview|course|worksheet|practice|flash cards"
    r"|solve this|work this out|help)\b",
    re.IGNORECASE,
)
_ASKER_RE = re.compile(
    r"\b(?:i|i'm|i've|my|me|our|we're|you|here's|let's|let me|this|try|quick|there's)\b", re.IGNORECASE
)
_COUNT_RE = re.compile(r"\bhow many (?P<rest>.+)$", re.IGNORECASE)
_COUNTED = (
    "I'd guess it's only a few {n}, but let me count properly.",
    "Probably a couple of dozen {n} or so, though I'd have to add it up.",
    "It can't be that many {n}, I'd say, but let me work it out.",
    "My first guess is a fairly small number of {n}.",
    "I'd expect quite a lot of {n} once it's all added up.",
    "Somewhere around a handful of {n}, if I had to guess right now.",
)
_UNCOUNTED = (
    "I'd guess it's a fairly small number, but let me count properly.",
    "Probably a modest number, though I'd have to add it up.",
    "It can't be that many, I'd say, but let me work it out.",
)


def guess(prefix: str, draw: random.Random) -> str:
    """A blind guess at the answer from the words heard so far."""
    heard = _without_opening(prefix)
    counts = any(is_number_word(bare(word).lower()) for word in heard.split())
    if not heard:
        return draw.choice(_LISTENING)
    about = topics(heard, whole=heard[-1:] in (".", "?", "!"))
    if offered := _offered(heard):
        return draw.choice(_LEANING).format(o=draw.choice(offered))
    if (match := _COUNT_RE.search(heard)) is not None:
        counted = _counted(match["rest"])
        return draw.choice(_COUNTED).format(n=counted) if counted else draw.choice(_UNCOUNTED)
    asked = _question(heard)
    for pattern, with_topic, without in _FORMS:
        if pattern.search(asked):
            return draw.choice(with_topic).format(t=_topic(about, draw)) if about else draw.choice(without)
    if about:
        return draw.choice(_ABOUT).format(t=_topic(about, draw)) + draw.choice(_SUM_TAILS if counts else _PLAIN_TAILS)
    if len(heard.split()) < 6:
        return draw.choice(_LISTENING)
    return draw.choice(_COUNTING if counts else _FOLLOWING)


@lru_cache(maxsize=4096)
def _without_opening(prefix: str) -> str:
    """The prefix without a first sentence that only opens the talk; "" while nothing else was heard."""
    first, mark, rest = prefix.partition(" ")[0], "", ""
    if (match := re.match(r"[^.?!]*[.?!](?:\s|$)", prefix)) is None:
        first = prefix
    else:
        first, rest, mark = match[0], prefix[match.end() :], match[0].strip()[-1:]
    opens = _ASKER_RE.search(first) and _OPENING_RE.search(first) and len(first.split()) < 16
    if opens and mark:
        return _without_opening(rest) if rest else ""
    begun = not mark and _ASKER_RE.match(first) and (len(first.split()) < 6 or opens)
    return "" if begun else prefix


def _offered(heard: str) -> list[str]:
    """The choices that were offered and have been heard to their end."""
    if (match := _OFFER_RE.search(heard)) is None:
        return []
    items = [item.strip() for item in re.split(r",? or |,? and |, ", match["list"])]
    whole = items if match["end"] else items[:-1]
    return [item for item in whole if item and len(item.split()) <= 10]


def _question(prefix: str) -> str:
    """The sentence that the prefix stands in; a relative 'which' or 'who' (after a comma or a noun) asks nothing."""
    last = re.split(r"(?<=[.?!])\s+", prefix.strip())[-1]
    if prefix.strip().endswith("."):
        return ""
    return _RELATIVE_RE.sub(" ", last)


def _topic(about: tuple[str, ...], draw: random.Random) -> str:
    """The first topic (what it began with), the latest, or both."""
    if len(about) == 1:
        return about[0]
    pick = draw.random()
    if pick < 0.45:
        return f"{about[0]} and {about[-1]}"
    return about[-1] if pick < 0.8 else about[0]


def _counted(rest: str) -> str:
    """The plural noun that opens the words after 'how many', with the adjectives before it; "" where unsure."""
    taken: list[str] = []
    for word in rest.split()[:3]:
        low = bare(word).lower()
        if low in FUNCTION or (taken and is_finite(low)) or not low.isalpha():
            break
        taken.append(low)
        if word[-1] in ".,?!;:":
            break
    plural = bool(taken) and taken[-1].endswith(("s", "people", "men", "women", "children", "feet"))
    return " ".join(taken) if plural else ""
