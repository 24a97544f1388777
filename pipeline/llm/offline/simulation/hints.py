"""Levels 1 to 4: the answer told in part, in whole spoken phrases; more of it with every level.

Level 1 names what the answer is about, level 2 tells its beginning or its size, level 3 most of it behind hedges,
level 4 all of it but for the way it is put. Which part is told is drawn from `telling`, how it is worded from
`wording` (see `pipeline.llm.offline.simulator`).
"""

import random
import re
from collections.abc import Sequence

from pipeline.llm.offline.grammar import capitalise
from pipeline.llm.offline.simulation import frames
from pipeline.llm.offline.simulation.parts import ROOM, Parts
from pipeline.llm.offline.simulation.phrases import (
    FUNCTION,
    bare,
    has_verb,
    is_finite,
    is_number_word,
    is_unit,
    lower_first,
)
from pipeline.llm.offline.simulation.quantities import Quantity, after_is, alone, before_noun, noun_after, rounded
from pipeline.oracles import MAX_WORDS

# Share of the answer's letters told at levels 2 and 3 where the answer can be cut.
_SHARES = {2: 0.42, 3: 0.70}
_LEAST = {2: 0.22, 3: 0.5}
_MOST = {2: 0.68, 3: 0.92}
# Most words of the answer that leave room for the words around them, by level.
_ROOM = {2: 16, 3: 18, 4: ROOM}
# How often a number is said outright, by level.
_SAID = {2: 0.2, 3: 0.75}


# An opening that is an opinion already, so that no 'I think' goes before it.
_OPINION_RE = re.compile(r"i(?:'d| would| think| believe| make)\b", re.IGNORECASE)


def hint(level: int, parts: Parts, known: str, openness: float, telling: random.Random, wording: random.Random) -> str:
    """An oracle of `level` (1 to 4) for the answer in `parts`.

    `known` is what was heard: a word that stands there in small letters is no name. `openness`, in
    [0, 1), is the same for all levels of a turn: what one level gives away, the next does not take back.
    """
    if parts.courtesy:
        return _courtesy(level, parts, wording)
    number = _maskable(parts)
    if level == 1:
        about = _all_topics(parts, known)
        return (
            _about_number(parts, number, about, telling, wording) if number else _about(parts, about, telling, wording)
        )
    if level == 4:
        return _nearly_all(parts, known, telling, wording)
    if number and openness >= _SAID[level] and (text := _sized(level, parts, number, known, telling, wording)):
        return text
    count = _reach(level, parts, openness)
    if count is None:
        return _short(level, parts, known, openness, telling, wording)
    return _begun(level, parts, count, known, telling, wording)


def _maskable(parts: Parts) -> Quantity | None:
    """The number that is the point of a short answer and can be hinted at, if there is one."""
    head = _head(parts.core)
    inside = [number for number in parts.numbers if number.end <= head]
    if not inside or len(inside) > 2 or inside[0].value is None or head > (16 if parts.phrase else 13):
        return None
    number = inside[0]
    before = bare(parts.core[number.start - 1]).lower() if number.start else ""
    after = bare(parts.core[number.end]).lower() if number.end < len(parts.core) else ""
    if before in frames.NO_MASK_AFTER or after in frames.NO_MASK_BEFORE:
        return None
    return number


def _head(core: Sequence[str]) -> int:
    """Words of the core's first sentence."""
    return next((i + 1 for i, word in enumerate(core) if word[-1] in ".?!" and i + 1 < len(core)), len(core))


def _all_topics(parts: Parts, known: str) -> list[str]:
    """The answer's noun phrases, its subject first."""
    if not parts.subject:
        return list(parts.topics)
    return [lower_first(parts.subject, f"{known} {parts.text}") or parts.subject, *parts.topics]


def _about_number(
    parts: Parts, number: Quantity, about: list[str], telling: random.Random, wording: random.Random
) -> str:
    noun = noun_after(list(parts.core), number)
    size = after_is(number.value or 0, telling)
    if noun == "percent":
        return wording.choice(frames.PERCENT_1)
    unit = is_unit(noun)
    if noun and about and not parts.phrase and noun not in about[0].lower():
        if len(about) > 1 and noun not in about[1].lower() and len(about[0]) + len(about[1]) < 30:
            about = [f"{about[0]} and {about[1]}"]
        return wording.choice(frames.UNIT_ABOUT_1 if unit else frames.COUNT_ABOUT_1).format(
            t=about[0], n=noun, size=size
        )
    if noun:
        return wording.choice(frames.UNIT_1 if unit else frames.COUNT_1).format(n=noun, size=size)
    if about and not parts.phrase:
        return wording.choice(frames.NUMBER_ABOUT_1).format(t=about[0], size=size)
    return wording.choice(frames.NUMBER_1).format(size=size)


def _about(parts: Parts, about: list[str], telling: random.Random, wording: random.Random) -> str:
    """Level 1 for an answer in words: its noun phrases, or else one of its words."""
    about = _telling_most(about, parts)
    if len(about) > 2:
        a, b, c = about
        return wording.choice(frames.ABOUT_THREE_1).format(a=a, b=b, c=c)
    if len(about) > 1:
        return wording.choice(frames.ABOUT_TWO_1).format(a=about[0], b=about[1])
    if about:
        return wording.choice(frames.ABOUT_ONE_1).format(t=about[0])
    words = [bare(word) for word in parts.core]
    telltale = [
        w
        for w in words
        if w.lower() not in FUNCTION
        and len(w) > 3
        and w.isalpha()
        and not (is_number_word(w.lower()) or is_finite(w.lower()))
    ]
    if len(words) > 1 and telltale:
        longest = sorted(telltale, key=lambda w: (-len(w), w))[: 1 + (len(telltale) > 3)]
        return wording.choice(frames.WORD_1).format(w=telling.choice(longest).lower())
    if telltale and len(telltale[0]) >= 7:
        return wording.choice(frames.BEGINS_1).format(w=_beginning(telltale[0], 0.5))
    return wording.choice(frames.SHORT_1)


def _telling_most(about: list[str], parts: Parts) -> list[str]:
    """Up to three of the longest phrases, in order, that do not give away half of the answer together."""
    left = 0.45 * len(" ".join(parts.core))
    kept: list[int] = []
    for place in sorted(range(len(about)), key=lambda i: (-len(about[i]), i)):
        if len(about[place]) <= (left if kept else max(left, 0.6 / 0.45 * left)) and len(kept) < 3:
            kept.append(place)
            left -= len(about[place])
    return [about[place] for place in sorted(kept)]


def _beginning(word: str, share: float) -> str:
    """The first letters of a word, up to a vowel where one is near."""
    count = max(3, round(len(word) * share))
    if word[count - 1].lower() not in "aeiou" and word[count : count + 1].lower() in set("aeiou"):
        count += 1
    return word[:count].lower()


def _sized(
    level: int, parts: Parts, number: Quantity, known: str, telling: random.Random, wording: random.Random
) -> str:
    """The answer with its number told by size alone, or to one figure; "" where that says nothing of its own."""
    core = list(parts.core[: _head(parts.core)])
    if level == 3 and (len(core) < len(parts.core) or not rounded(number.value)):
        return ""
    end, value = number.end, number.value
    after = bare(core[end]).lower() if end < len(core) else ""
    by_itself = end >= len(core) or core[end - 1][-1] in ".,?!;:" or after in FUNCTION
    near = rounded(value)
    if (
        after == "dollars"
        and len(parts.numbers) > 1
        and parts.numbers[1].start == end + 2
        and core[end + 1 : end + 2] == ["and"]
    ):
        del core[end + 1 : parts.numbers[1].end + 1]
    if after == "percent":
        size, end = ("a fairly small percentage" if (value or 0) < 50 else "quite a large percentage"), end + 1
    elif near and level == 3:
        size = f"{telling.choice(('around', 'roughly', 'about', 'something like'))} {near}"
    else:
        size = alone(value or 0) if by_itself else before_noun(value or 0, telling)
    mark = core[end - 1][-1] if core[end - 1][-1] in ",;:" else ""
    rest = core[end:]
    told = " ".join([*core[: number.start], size + mark, *rest]).rstrip(" .,;:?!")
    if len(told.split()) > _ROOM[level]:
        return ""
    return _dress(level, parts, told, frames.SIZED[level], known, wording)


def _reach(level: int, parts: Parts, openness: float) -> int | None:
    """How many words of the core are told, more with every level; None where it cannot be cut so."""
    if parts.short:
        return None
    places = [c for c in parts.cuts if _LEAST[level] <= parts.share(c) <= _MOST[level] and c <= _ROOM[level]]
    if not parts.phrase:
        places = [c for c in places if has_verb(list(parts.core[:c]))]
    if level == 3:
        told = _reach(2, parts, openness) or 0
        places = [c for c in places if c > told]
    wanted = _SHARES[level] + 0.1 * openness - 0.05
    return min(places, key=lambda c: (abs(parts.share(c) - wanted), c), default=None)


def _begun(level: int, parts: Parts, count: int, known: str, telling: random.Random, wording: random.Random) -> str:
    """The first `count` words of the core, and that there is more to come, by name where it has one."""
    told = " ".join(parts.core[:count]).rstrip(" .,;:?!")
    rest = " ".join(parts.core[count:])
    later = [topic for topic in parts.topics if topic in rest and topic not in told and len(topic) < 30]
    tails = frames.MORE[level]
    if later and level == 2 and telling.random() < 0.5:
        return _dress(level, parts, told, [tail.format(t=later[-1]) for tail in frames.MORE_ABOUT], known, wording)
    return _dress(level, parts, told, tails, known, wording)


def _short(
    level: int, parts: Parts, known: str, openness: float, telling: random.Random, wording: random.Random
) -> str:
    """Levels 2 and 3 of an answer that cannot be cut: its subject, a first half, or all of it with doubts."""
    core = list(parts.core)
    if level == 2 and openness > 0.2 and (subject := _subject(parts)):
        return _dress(2, parts, f"{subject} {telling.choice(frames.NAMELESS)}", ("",), known, wording)
    if len(core) > _ROOM[level] or (level == 2 and len(core) > 8):
        most = min(_ROOM[level], round((0.5 if level == 2 else 0.8) * len(core)))
        told = (_reach(2, parts, openness) or 0) if level == 3 else 0
        places = [c for c in parts.cuts if max(told, most - 6) < c <= most]
        return _broken(core[: places[-1]] if places else _cut_back(core, most), wording)
    words = [bare(w).lower() for w in core if bare(w).lower() not in FUNCTION and len(w) > 6 and bare(w).isalpha()]
    if level == 2 and openness > 0.55 and len(core) == 1 and words:
        return wording.choice(frames.BEGINS_2).format(w=_beginning(words[0], 0.7))
    return _dress(level, parts, " ".join(core), frames.UNSURE[level], known, wording)


def _broken(core: list[str], wording: random.Random) -> str:
    told = capitalise(" ".join(core).rstrip(" .,;:?!"))
    return f"{wording.choice(frames.BROKEN)}. {told}{wording.choice(frames.BROKEN_TAILS)}"


def _subject(parts: Parts) -> str:
    """What stands before the end of 'the capital is Lima', 'is' included; "" for another kind of sentence."""
    if parts.phrase or parts.polarity:
        return ""
    lows = [bare(word).lower() for word in parts.core]
    for place in range(len(lows) - 2, 1, -1):
        if lows[place] in ("is", "are", "was", "were"):
            return " ".join(parts.core[: place + 1]) if len(lows) - place <= 9 and place <= _ROOM[2] else ""
    return ""


def _courtesy(level: int, parts: Parts, wording: random.Random) -> str:
    whole = parts.text.rstrip(" .?!")
    first = re.split(r"[.,?!] ", whole)[0]
    ends = re.search(r"welcome|any ?time|no problem|glad|pleasure", whole, re.IGNORECASE) is not None
    frame = wording.choice(frames.COURTESY[0 if ends and level == 1 else level])
    first, whole = (t if t.startswith(("I ", "I'")) or not inside else t[:1].lower() + t[1:] for t, inside in (
        (first, frame.startswith("Well")), (parts.text, level == 4)))  # fmt: skip
    return frame.format(first=first, whole=whole)


def _cut_back(core: list[str], room: int) -> list[str]:
    """The core cut to at most `room` words, not after a function word."""
    kept = core[:room]
    while len(kept) > 2 and (bare(kept[-1]).lower() in FUNCTION or is_number_word(bare(kept[-1]).lower())):
        kept.pop()
    return kept


def _nearly_all(parts: Parts, known: str, telling: random.Random, wording: random.Random) -> str:
    """Level 4: the whole core in another opening; a long one without its last phrase."""
    core = list(parts.core)
    if len(core) > _ROOM[4]:
        ends = [c for c in parts.cuts if 20 < c <= _ROOM[4] and core[c - 1][-1] in ".?!"]
        places = ends or [c for c in parts.cuts if 20 < c <= _ROOM[4]]
        core = core[: places[-1]] if places else _cut_back(core, _ROOM[4])
    told = " ".join(core).rstrip(" .,;:?!")
    tails = frames.SURE if len(told.split()) < 18 and telling.random() < 0.6 else ("",)
    return _dress(4, parts, told, tails, known, wording)


def _dress(level: int, parts: Parts, told: str, tails: Sequence[str], known: str, wording: random.Random) -> str:
    """A sentence that says `told` with the caution of `level`, and a tail that begins with its own mark."""
    tail = wording.choice(tails) or "."
    told = told.rstrip(" .,;:?!")
    small = lower_first(told, f"{known} {parts.text}")
    if parts.stem and not parts.polarity and ". " not in told and (level > 2 or not _OPINION_RE.match(parts.stem)):
        text = f"{_opening(level, parts.stem, wording)} {told if small is None else small}"
    else:
        text = ""
    if 0 < len(text.split()) <= MAX_WORDS:
        if level == 4 and parts.closing and len(f"{text} {parts.closing}".split()) <= MAX_WORDS:
            return f"{text}. {parts.closing}"
        return _end(text, tail, tails)
    if parts.polarity:
        opening = wording.choice(frames.POLARITY[level]).format(p=parts.polarity) + ","
    elif parts.phrase:
        opening = wording.choice(frames.PHRASE[level])
    elif small is None or ". " in told:
        opening, small = wording.choice(frames.BEFORE[level]) + ".", capitalise(told)
    else:
        opening = _before(wording.choice(frames.CLAUSE[level]), small)
    text = f"{opening} {told if small is None else small}"
    return _end(text, tail, tails)


def _opening(level: int, stem: str, wording: random.Random) -> str:
    """The answer's own opening with the caution of `level`: 'The answer is' to 'I think the answer is'."""
    lead = "Well," if _OPINION_RE.match(stem) else wording.choice(frames.STEM[level])
    aside, comma, rest = stem.partition(", ")
    if comma and level < 4:
        return f"{capitalise(aside)}, {_small(lead)} {_small(rest)}"
    return f"{_before(lead, stem)} {_small(stem)}"


def _before(lead: str, following: str) -> str:
    """The lead without its 'that' before another one."""
    return "Perhaps" if lead.endswith(" that") and following.lower().startswith("that") else lead


def _small(text: str) -> str:
    return text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:]


def _end(text: str, tail: str, tails: Sequence[str]) -> str:
    """The text with its tail, a shorter one where that is too long."""
    left = MAX_WORDS - len(text.split())
    if len(tail.split()) - 1 > left:
        tail = min(tails, key=len) if len(min(tails, key=len).split()) - 1 <= left else "."
    return text + (tail or ".")
