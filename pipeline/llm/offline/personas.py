"""Who asks, and in what words: openers, closers and small talk, by what the question is like."""

import random
from dataclasses import dataclass
from itertools import product

# What people call a category; others are called by their own name.
_SUBJECTS = {
    "other": "general knowledge",
    "health": "health",
    "social science": "social studies",
    "economy": "economics",
    "culture": "culture",
    "art": "art",
    "computer science": "computer science",
    "math": "math",
    "": "general knowledge",
}
_ANYONE = (
    "Quick question.",
    "Can you help me with this one?",
    "I've got a question for you.",
    "Hey, quick one for you.",
    "Let me ask you something.",
    "Hi, I could use a hand with something.",
    "Okay, here's my question.",
    "There's something I'd like to check with you.",
    "So, I've been trying to work this out.",
    "Hello, I have a question, if you don't mind.",
    "I was hoping you could clear something up for me.",
    "Do you mind if I ask you something?",
    "Right, here's one for you.",
    "I need a little help with this.",
)
_STUDENT = (
    "I'm reviewing for my {subject} test.",
    "I'm studying {subject} tonight, and I'm stuck on this.",
    "This one is from my {subject} practice set.",
    "I got this wrong on a {subject} quiz, and I'd like to understand it.",
    "Our study group is going over {subject}, and this came up.",
    "I have {a_subject} exam on Friday, so let's practice.",
    "This came up in my {subject} class today.",
    "I'm working through some old {subject} questions.",
    "My {subject} professor put this on the review sheet.",
    "I'm going through my {subject} notes, and I need help here.",
    "Could you help me with {a_subject} question?",
    "We had this in {subject} class, and I missed the explanation.",
)
_SHORT = (
    "Here's something I've been wondering about.",
    "I was hoping you could clear something up for me.",
    "I'm making flash cards for {subject}.",
    "Just curious.",
    "I read about this the other day.",
)
_TRIVIA = (
    "We're having a quiz night, and this one came up.",
    "Here's a trivia question for you.",
    "My friends and I can't agree on this one.",
    "I'm writing questions for a quiz, and I want to check this one.",
    "Let's see if you know this one.",
    "This was on a quiz show last night.",
    "I bet you know this one.",
)
_LICENCE = {
    "law": (
        "I'm preparing for the bar exam.",
        "I'm a first-year law student, and this one puzzles me.",
        "This is from a law school practice test.",
    ),
    "health": (
        "I'm preparing for my nursing boards.",
        "I'm in my second year of medical school.",
        "This is from a health sciences practice test.",
    ),
    "business": ("I'm taking a business course at night.", "I'm getting ready for a management exam."),
    "engineering": ("I'm getting ready for my engineering licence exam.", "This is from an engineering problem set."),
    "psychology": ("I'm preparing for my psychology licensing exam.",),
    "computer science": ("I'm brushing up for a programming interview.",),
}
_PROBLEM = (
    "Here's a word problem for you.",
    "My daughter brought this problem home from school.",
    "Can you solve this for me?",
    "I'm helping my son with his math homework, and this is the problem.",
    "My kid is stuck on a word problem, and so am I.",
    "Try this little math problem.",
    "I'm making a worksheet for my class, and I'd like to check this one.",
    "I'm practicing word problems, and this one has me stuck.",
    "Here's one from my math book.",
    "My teacher gave us this problem.",
    "Let me give you a math problem.",
    "I've got a math puzzle for you.",
    "I'm tutoring a fourth grader, and we're looking at this problem.",
    "I want to see if I did this right.",
    "Okay, so here's the problem.",
    "Quick question.",
    "Can you help me with this one?",
    "Hi, I could use a hand with something.",
    "I'm doing my math homework.",
    "Could you work this out for me?",
)
_SUM_CLOSERS = (
    "I keep getting a different number.",
    "I'd like to check my answer.",
    "I just want to be sure.",
    "What do you get?",
    "I'm not sure how to set it up.",
    "Thanks for helping.",
    "A short answer is fine.",
)
_CLOSERS = (
    "Any idea?",
    "I can't seem to remember.",
    "Can you help me out?",
    "A short answer is fine.",
    "I'd like to get this right.",
    "I keep mixing this up.",
    "What would you say?",
    "Thanks in advance.",
    "Could you tell me?",
    "I'm really not sure.",
)
_CHOICE_CLOSERS = (
    "I can't decide.",
    "Which one is it?",
    "I keep going back and forth.",
    "What would you pick?",
    "I'm not sure which.",
    "Which would you go with?",
    "I always mix these up.",
)
_PROBLEM_CLOSERS = (
    "Can you work that out for me?",
    "I'd like to check my answer.",
    "I keep getting a different number.",
    "What do you get?",
    "I just want to be sure.",
    "Thanks for helping.",
    "I'd like to see if I got it right.",
)
_GREETINGS = (
    ("Hi, I've got {a_subject} question for you.", "Sure, go ahead."),
    ("Hey, are you there?", "I'm here. What can I do for you?"),
    ("Hello, can I ask you something?", "Of course. What would you like to know?"),
    ("Do you have a minute to help me?", "Absolutely, I'm listening."),
    ("Hi there, I need some help with {subject}.", "Happy to help. What's the question?"),
    ("Good morning, can I try a question on you?", "Good morning. Yes, let's hear it."),
)
_THANKS = (
    ("Great, that helps a lot. Thank you.", "You're welcome. Just ask if anything else comes up."),
    ("Perfect, thanks.", "Any time. Good luck with the rest."),
    ("Okay, that makes sense now.", "Glad to hear it. Feel free to ask me another one."),
    ("Thanks, that's just what I needed.", "You're very welcome. I'm happy I could help."),
    ("Ah, of course. Thank you so much.", "No problem at all. Let me know if you need anything else."),
)
_CONFIRM = (
    ("Okay, so {answer}, right?", "Yes, that's right, {answer}."),
    ("Just so I have it down, that's {answer}?", "Exactly, {answer}. You've got it."),
    ("So I should write down {answer}?", "Yes, {answer} is what you want to write down."),
    ("Did you say {answer}?", "I did. The answer is {answer}."),
)
# Shares of dialogues with a greeting before the question, and with a word after the answer.
GREET_SHARE, AFTER_SHARE = 0.06, 0.07
_CLOSER_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Manner:
    """How one variant opens and closes; "" for plainly. `greeting` is an exchange (user, assistant) before it."""

    opener: str
    closer: str
    greeting: tuple[str, str] = ("", "")


def subject_of(category: str) -> str:
    """What the asker calls the category."""
    name = category.strip().casefold()
    return _SUBJECTS.get(name, name.replace("_", " "))


def with_subject(text: str, category: str) -> str:
    """A line with its subject filled in."""
    subject = subject_of(category)
    article = "an" if subject[:1] in "aeio" else "a"
    return (
        text.replace("{a_subject}", f"{article} {subject}")
        .replace("a {subject}", f"{article} {subject}")
        .replace("{subject}", subject)
    )


def manners(draws: random.Random, category: str, kind: str, *, light: bool, short: bool) -> list[Manner]:
    """All manners that fit a question, no two alike, in drawn order: variant v takes the one at v.

    `kind` is 'problem' (a word problem for school), 'choices' (some are offered aloud), 'sum' (something to work out)
    or 'fact'; `light` is whether it would do for a quiz among friends, `short` whether it comes without a tale.
    """
    general = subject_of(category) == "general knowledge"
    openers: tuple[str, ...]
    if kind == "problem":
        openers = _PROBLEM
    else:
        openers = _ANYONE + (() if general else _STUDENT) + _LICENCE.get(category.casefold(), ())
    if short and kind == "fact":
        openers += tuple(o for o in _SHORT if not (general and "subject" in o))
    openers = tuple(dict.fromkeys(("", *openers, *(_TRIVIA if light else ()))))
    closers = {"problem": _PROBLEM_CLOSERS, "choices": _CHOICE_CLOSERS, "sum": _SUM_CLOSERS}.get(kind, _CLOSERS)
    greetings = [g for g in _GREETINGS if not (general and "subject" in g[0])]
    plain = [Manner(with_subject(o, category), "") for o in openers]
    closed = [Manner(with_subject(o, category), c) for o, c in product(openers, closers) if not _echoes(o, c)]
    greeted = [
        Manner("", c, (with_subject(g[0], category), g[1])) for g, c in product(greetings, ("", "", *closers[:3]))
    ]
    greeted = list(dict.fromkeys(greeted))
    for pool in (plain, closed, greeted):
        draws.shuffle(pool)
    order = []
    while plain and greeted:
        share = draws.random()
        order.append(
            (greeted if share < GREET_SHARE else closed if share < GREET_SHARE + _CLOSER_SHARE else plain).pop()
        )
    return order + plain + closed + greeted


def _echoes(opener: str, closer: str) -> bool:
    """Two ways of saying one thing make a poor frame."""
    words = ("help", "check", "can't", "stuck", "work", "sure", "mix", "wondering", "right")
    return any(w in opener.casefold() and w in closer.casefold() for w in words) or ("?" in opener and "?" in closer)


def farewell(draws: random.Random, answer: str) -> tuple[str, str]:
    """(user, assistant): an exchange after the answer, which is repeated only where it is short."""
    user, assistant = draws.choice(_CONFIRM if answer and draws.random() < 0.5 else _THANKS)
    return user.replace("{answer}", answer), assistant.replace("{answer}", answer)
