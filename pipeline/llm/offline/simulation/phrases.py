"""Phrases of spoken English, found by closed word classes alone: what a text is about, and where it may be cut.

There is no tagger here. A noun phrase is what a determiner, a preposition or a number opens and a verb, an adverb or
a function word closes; it is better to find none than a wrong one, as every phrase ends up in a spoken sentence.
"""

import re
from functools import cache, lru_cache

from pipeline.llm.offline.grammar import finite_forms, is_verb, participles


def word_set(words: str) -> frozenset[str]:
    """The words of a list in one string."""
    return frozenset(words.split())


DETERMINERS = word_set("a an the this that these those each every some any another no")
POSSESSIVES = frozenset(["my", "your", "his", "her", "its", "our", "their"])
CONJUNCTIONS = word_set(
    "and or but because since so while when where which who whom whose if unless although though whereas until "
    "after before as than"
)
PREPOSITIONS = word_set(
    "of in on at by for from with without to into onto about over under between among through during against "
    "within across toward towards around per upon via outside inside behind beside beyond above below near"
)
AUXILIARY = word_set(
    "am is are was were be been being do does did has have had can could will would shall should may might must "
    "isn't aren't wasn't weren't don't doesn't didn't hasn't haven't hadn't can't couldn't won't wouldn't it's "
    "that's ought there's he's she's they're we're you're i'm i've i'd i'll you'd you'll you've let's what's "
    "who's"
)
_OTHER_FUNCTION = word_set(
    "i you he she it we they me him us them what who how why not only also just very too much many more most less "
    "least few several all both either neither such own same other others else then there here now still even "
    "ever never always often if out up down off again once well okay hey hi hello um uh yes no please thanks "
    "sorry right like really plus versus quite rather perhaps maybe about almost nearly together apart away back "
    "exactly roughly already yet"
)
FUNCTION = DETERMINERS | POSSESSIVES | CONJUNCTIONS | PREPOSITIONS | AUXILIARY | _OTHER_FUNCTION

# Nouns that say nothing of what a text is about, and words that are verbs here though the verb list lacks them.
_EMPTY = word_set(
    "youngest oldest biggest largest smallest highest lowest fastest tallest shortest longest latest math "
    "question questions problem homework thing things something anything everything someone anyone everyone "
    "statement answer answers way ways kind kinds sort sorts type types case cases bit lot lots number numbers "
    "amount total sum following best fact rest end part parts result example example term terms minute second "
    "moment today quick one ones half twice thing's curious stuck figure work out know tell think guess wonder "
    "wondering help need want hand say said says given suppose imagine according able first last next time times "
    "day days main class true false correct value option options pair quiz exam test review studying dollars "
    "dollar cents cent meters metres centimeters kilometers kilograms kilogram grams gram minutes hours hour "
    "seconds feet foot inches inch miles mile pounds pound degrees degree celsius percent years year weeks week "
    "months month units unit liters volts watts joules order fashion addition percentage"
)


def is_unit(noun: str) -> bool:
    """Whether the plural noun measures rather than counts things."""
    return noun in _UNITS or noun.endswith(_UNIT_ENDS)


_UNITS = word_set(
    "dollars cents pounds euros years months weeks days hours minutes seconds feet inches miles degrees tons "
    "ounces gallons quarts pints cups acres percent amperes amps volts watts joules newtons pascals calories "
    "moles hertz units liters litres grams bars atmospheres teslas webers farads ohms henries kelvins calorie "
    "electronvolts knots"
)
_UNIT_ENDS = tuple(
    sorted(
        word_set(
            "meters metres grams liters litres joules volts watts hertz calories newtons coulombs amperes amps pascals "
            "bytes bits seconds moles tons ohms farads teslas"
        )
    )
)


_SINGULAR_VERBS = word_set(
    "wants gets goes goes makes says takes gives keeps lets puts sets cuts costs earns eats buys sells uses needs "
    "has works plays lives sees runs walks drinks charges remains consists occurs means becomes begins seems "
    "equals contains requires decides spends saves pays reads writes counts weighs collects bakes grows sleeps "
    "drives travels"
)
_BASES = word_set(
    "let put set cut cost work play live run walk drink charge remain consist occur mean become begin seem equal "
    "contain require decide spend save pay read write count weigh collect bake grow sleep drive travel get go "
    "make take give keep know want think tell find calculate determine explain describe"
)
_ADJECTIVE_END = ("ical", "ive", "ous", "ful", "able", "ible", "less", "ary", "ish", "ular")
_LONG = 3
NUMBERS = word_set(
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion "
    "trillion dozen half third quarter point minus one percent negative"
)


def is_number_word(word: str) -> bool:
    """Whether the lower-case word is a number or, joined by hyphens, begins and ends as one."""
    return word in NUMBERS or ("-" in word and all(piece in NUMBERS for piece in word.split("-")))


@cache
def _closing() -> frozenset[str]:
    return finite_forms() | _SINGULAR_VERBS | _BASES


def is_finite(word: str) -> bool:
    """Whether the lower-case word can be the finite verb of a clause."""
    return word in AUXILIARY or word in _closing() or word.endswith(("'s been", "'ll", "'d", "'ve"))


def bare(word: str) -> str:
    """A word as it stands in a text, without the marks around it."""
    return word.strip(".,?!;:\"'()")


@lru_cache(maxsize=4096)
def topics(text: str, whole: bool = True) -> tuple[str, ...]:
    """Noun phrases of `text`, in order, without doublets, as they can follow 'something about'.

    With `whole` False the text breaks off in the middle, and a phrase that touches its end is left out.
    """
    found: dict[str, str] = {}
    words = text.split()
    index = 0
    while index < len(words):
        opener = bare(words[index]).lower()
        phrase, after = _noun_phrase(words, index)
        if phrase and (whole or after < len(words) or words[-1][-1] in ".,?!;:"):
            found.setdefault(phrase.casefold(), phrase)
        index = max(after, index + 1) if phrase or opener in DETERMINERS else index + 1
    return tuple(found.values())


def _noun_phrase(words: list[str], index: int) -> tuple[str, int]:
    """The noun phrase that the word at `index` opens ("" for none) and the place after it."""
    word = bare(words[index])
    opener = word.lower()
    ends_here = words[index][-1] in ".,?!;:"
    if word[:1].isupper() and opener not in FUNCTION:
        starts = not index or words[index - 1][-1] in ".?!:"
        after = bare(words[index + 1]) if starts and index + 1 < len(words) and not ends_here else ""
        if not starts or (after[:1].isupper() and after.lower() not in FUNCTION):
            return _name(words, index)
    if ends_here or not (
        opener in DETERMINERS or opener in PREPOSITIONS - {"to", "per", "upon"} or is_number_word(opener)
    ):
        return "", index + 1
    body: list[str] = []
    place = index + 1
    while place < len(words) and len(body) <= _LONG:
        inner = bare(words[place])
        low = inner.lower()
        following = bare(words[place + 1]).lower() if place + 1 < len(words) else ""
        if len(body) == 1 and low.endswith("ing"):
            return "", place  # 'a metallic coating': the noun itself may be what ends so
        if body and following in DETERMINERS | POSSESSIVES and (is_verb(low) or low in _BASES):
            break
        if is_number_word(low) or low == "third":
            return "", place
        if (
            not low
            or not low.replace("'", "").replace("-", "").replace("’", "").isalpha()
            or _closes(low, body[-1].lower() if body else "")
        ):
            break
        body.append(inner)
        place += 1
        if words[place - 1][-1] in ".,?!;:":
            break
    if not _stands(body):
        return "", max(index + 1, place - 1)
    article = f"{opener} " if opener in ("a", "an", "the") else ""
    if opener in ("a", "an") or opener == "the" or body[-1].lower().endswith("s") or body[0][:1].isupper():
        return article + " ".join(body), place
    mass = opener in ("of", "in", "about") and len(body[-1]) > 4
    return (" ".join(body), place) if mass else ("", place)


def _closes(low: str, before: str) -> bool:
    """Whether the word cannot stand in a noun phrase after `before` ("" for the phrase's first word).

    A participle may begin one as an adjective, and a base form after a singular noun is a noun ('the net charge').
    """
    if low in FUNCTION or is_number_word(low) or low.endswith("ly"):
        return True
    if not before:
        return False
    if low.endswith(("ing", "ed")):
        return True
    base = is_verb(low) or low in _BASES
    if base and not before.endswith("s") and low not in participles():
        return False
    return base or low in _closing() or low in participles()


def _stands(body: list[str]) -> bool:
    """Whether the words after the opener make a phrase with a noun that says something."""
    if not body or len(body) > _LONG:
        return False
    last = body[-1].lower()
    if (
        last in _EMPTY
        or is_unit(last)
        or len(last) < 3
        or last.endswith(("'s", "’s"))
        or last.endswith(_ADJECTIVE_END)
        or last in _closing()
    ):
        return False
    if len(body) == 1 and (last.endswith(("ing", "ed")) or last in participles()):
        return False
    return not any(low in _EMPTY for low in (b.lower() for b in body))


def _name(words: list[str], index: int) -> tuple[str, int]:
    """A run of capitalised words within a sentence."""
    place = index
    while place < len(words) and bare(words[place])[:1].isupper() and bare(words[place]).lower() not in FUNCTION:
        place += 1
        if words[place - 1][-1] in ".,?!;:":
            break
    name = " ".join(bare(word) for word in words[index:place])
    name = re.sub(r"['’]s?$", "", name)
    return (name, place) if len(name) > 2 and place - index <= _LONG else ("", place)


def cuts(words: list[str]) -> list[int]:
    """Counts of words after which a listener would not be surprised by a pause, rising, ends not included.

    Before a preposition or conjunction, or after a comma; never after a function word, nor before 'of'.
    """
    places = []
    for count in range(2, len(words) - 1):
        before, after = bare(words[count - 1]).lower(), bare(words[count]).lower()
        if (
            before in FUNCTION
            or _between(words, count)
            or (is_number_word(before) and words[count - 1][-1] not in ",;:.")
        ):
            continue
        if words[count - 1][-1] in ",;:.?!":
            if not _only_leads(words, count):
                places.append(count)
        elif after in CONJUNCTIONS or (after in PREPOSITIONS and after not in ("of", "per", "upon")):
            verb = before.endswith(("ed", "ing")) or before in participles() or is_finite(before) or is_verb(before)
            if after in CONJUNCTIONS or not (verb or before in _WITH_TO):
                places.append(count)
    return places


_WITH_TO = word_set("able likely unable ready due next close equal similar prior subject according regard")


def _only_leads(words: list[str], count: int) -> bool:
    """Whether the words before the cut, from their sentence's start on, only lead to its clause ('On Monday,')."""
    start = next((i + 1 for i in range(count - 2, -1, -1) if words[i][-1] in ".?!"), 0)
    opener = bare(words[start]).lower()
    return (
        opener in PREPOSITIONS | CONJUNCTIONS | {"then", "now"}
        and words[count - 1][-1] not in ".?!"
        and count - start < 9
    )


def _between(words: list[str], count: int) -> bool:
    """Whether a cut would part what 'between' joins."""
    lows = [bare(word).lower() for word in words[max(0, count - 6) : count]]
    if "between" not in lows:
        return False
    return "and" not in lows[lows.index("between") :]


def subject(words: list[str]) -> str:
    """What a sentence is about: the words before its verb, where they make a noun phrase of up to seven words."""
    lows = [bare(word).lower() for word in words[:9]]
    place = next((i for i, low in enumerate(lows) if low in _COPULAS), None)
    if place is None:
        place = next((i for i, low in enumerate(lows) if i and low in _closing()), None)
    if not place or place > 7 or any(word[-1] in ",;:.?!" for word in words[:place]):
        return ""
    if lows[0] in FUNCTION - DETERMINERS - POSSESSIVES or lows[0] in POSSESSIVES or is_number_word(lows[0]):
        return ""
    if lows[0] in ("this", "that", "these", "those", "no") or lows[place - 1] in FUNCTION or lows[0].endswith("ing"):
        return ""
    if set(lows[:place]) & (CONJUNCTIONS | {"that"}) or lows[place - 1] in _EMPTY:
        return ""
    if lows[place - 1].endswith("ly") or lows[place - 1] in ("usually", "often", "both"):
        place -= 1
    return " ".join(words[:place])


_COPULAS = word_set("is are was were will would can could has have had does should must may might")


def has_verb(words: list[str]) -> bool:
    """Whether a finite verb stands in the words, not as the first of them and not only in a relative clause."""
    lows = [bare(word).lower() for word in words]
    finite = [is_finite(low) for low in lows]
    verbs = sum(finite[i] and not finite[i - 1] for i in range(1, len(lows)))
    relative = sum(
        lows[i] in ("that", "which", "who") and finite[i + 1] and lows[i - 1] not in FUNCTION
        for i in range(1, len(lows) - 1)
    )
    return verbs > relative


def lower_first(text: str, known: str = "") -> str | None:
    """`text` to go on within a sentence; None where its first word may be a name, so that it has to stay a capital.

    `known` is text in which the word may stand in small letters.
    """
    first = text.split(" ", 1)[0]
    word = bare(first)
    if not word[:1].isupper() or word in ("I", "I'm", "I'd", "I've", "I'll"):
        return text
    low = word.lower()
    if low in FUNCTION or is_number_word(low) or low in ("increasing", "decreasing", "true", "false", "both"):
        return text[:1].lower() + text[1:]
    if len(word) > 1 and word[1:].islower() and (f" {low}" in known or low.endswith(_COMMON_END)):
        return text[:1].lower() + text[1:]
    return None


_COMMON_END = (
    "tion", "sion", "ment", "ness", "ity", "ing", "ism", "logy", "ance", "ence", "ive", "ous", "ical", "ly", "ates",
    "tions", "ments", "ings",
)  # fmt: skip
