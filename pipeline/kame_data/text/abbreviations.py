"""Abbreviations, initials, Roman numerals and capitals for emphasis as they are said."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re

from kame_data.resources import bundled
from kame_data.text import lexicon
from kame_data.text.numbers import cardinal, ordinal
from kame_data.text.words import text_before

_PLAIN = dict(
    line.split("\t") for line in bundled("data/words/abbreviations.txt").read_text(encoding="utf-8").splitlines()
)
# Two searches, for one over all of the table is slow: dotted ones are rare, the others are found among the words first.
_STOPPED_RE = re.compile(
    r"(?<![\w./&'-])(et al\.|[A-Za-z](?:[a-z]{0,5}|\.[a-zA-Z]|\.[a-z]\.[a-z]|"
    r"h\.D)\.)(?![\w/'&^]|-\w|\.\w)"
)
_UNSTOPPED = frozenset(key for key in _PLAIN if not key.endswith("."))
_UNSTOPPED_RE = re.compile(
    r"(?<![\w./&'-])("
    + "|".join(re.escape(k) for k in sorted(_UNSTOPPED, key=lambda k: (-len(k), k)))
    + r")(?![\w/'&^]|-\w|\.\w)"
)
_WORDS_RE = re.compile(r"[A-Za-z.]+|w/o?|c/o")
# Those whose stop may also end the sentence; the others stand before a name or go on.
_ENDERS = frozenset(
    "Jr. Sr. Inc. Corp. Ltd. Bros. Ave. Blvd. Rd. etc. approx. hrs. hr. lbs. lb. oz. ft. Ph.D. PhD. "
    "yrs. yr. mos. min. max. sq. wt. a.k.a. Dept. dept. tbsp. Tbsp. tsp. qt. pt. gal. pkg. doz. yd. "
    "yds. wk. wks. mo. secs. mins. Ste. Pkwy. Hwy. Ln. Ct. Cir. Mts. Esq. para. bldg. Bldg. dist. freq.".split()
) | {"et al."}
_DAYS = frozenset("Mon. Tue. Tues. Wed. Thu. Thur. Thurs. Fri. Sat. Sun.".split())
# Words cut short that no list has: a stop before a small letter that ends no sentence.
_CUT_SHORT_RE = re.compile(r"(?<![\w.'-])([A-Za-z]?[a-z]{1,4})\.(?=,? [a-z]{2})")
# Behind the name of a street it is one: 5 Oak St. or, where no name follows, Main St.; elsewhere a saint's.
_WAYS = {"St": "Street", "Dr": "Drive", "Pl": "Place", "Sq": "Square", "Ter": "Terrace", "Rd": "Road", "Ave": "Avenue"}
_NUMBERED_RE = re.compile(
    rf"((?:\d+\w*|[Oo]n|[Aa]long|[Dd]own|[Aa]cross)(?:\s[A-Z][a-z]+|\s\d+[a-z]{{2}}){{1,3}}\s)({'|'.join(_WAYS)})\b\.?"
)
_DRIVE_RE = re.compile(r"(?<=[a-z] )(?<!and )(?<!or )(?<!by )(?<!with )Dr\b\.?(?=\s[a-z]|[,;:?!]|\.?\s*$)")
_NO_STREET = frozenset("Mount Lake Port Fort East West North South Cape Mont Church Old New Sault".split())
_STREET_RE = re.compile(r"(?<=[a-z]\s)St\b(\.?)(?=(?P<name>\s[A-Z][a-z])|\s|$|[,;:?!])")
_SAINT_RE = re.compile(r"\bSt\b\.?(?=\s[A-Z][a-z])")
_NUMBER_RE = re.compile(r"\b([Nn])(?:o|os)\.\s?(?=\d)|(?<![\w#&])#\s?(?=\d)")
# An answer, whose full stop ends its sentence before one that begins with a figure.
_ANSWER_NO_RE = re.compile(
    r"\b(?:answer\w*|repl\w+|reply|response|verdict|sa(?:y|ys|id)|vot\w+|told \w+|simply|just|definitely|firm|"
    r"polite)(?: (?:was|is|were|be|with|a|an|simply|clearly|usually|often|still)){0,3} $",
    re.IGNORECASE,
)
_SENTENCE_RE = re.compile(r"[\d,.]*\d\w* [a-z]{2}")
# With a number behind them only, for without one they are initials or words.
_COUNTED = {
    "ch": "chapter", "fig": "figure", "figs": "figures", "op": "opus", "p": "page", "ext": "extension",
    "sec": "section", "art": "article", "eq": "equation", "vols": "volumes", "chs": "chapters",
    "ste": "suite", "rm": "room", "eqs": "equations", "ex": "example", "tab": "table",
}  # fmt: skip
_COUNTED_RE = re.compile(rf"(?<![\w.'/-])({'|'.join(_COUNTED)})\.\s?(?=\(?\d)", re.IGNORECASE)
_HOW_MANY_RE = re.compile(r"\b([Nn])o\.(?=\sof\b)")
# In a recipe.
_CUPS_RE = re.compile(r"(?<=\d\s)c\.(?=\s(?:of\s)?[a-z]{3})")
# A case has two names; a lone v behind a small word is a variable, and its full stop ends the sentence.
_CASE_RE = re.compile(
    r"((?<![\w.])[A-Z][\w.&'’-]*|\bal\.|[a-z]\)),?\s+v\.?\s+(?=[A-Z])|(?<=[a-z.)])\s+vs\.?\s+(?=[A-Z])"
)
_DOTTED_RE = re.compile(r"(?<![\w.])((?:[A-Za-z]\.\s?){2,}|(?:[A-Z]\.)+[A-Z]\b)(?!\w)")
_STARTERS = (
    "What|Which|Who|Whom|Whose|When|Where|Why|How|If|The|A|An|This|That|These|Those|It|Is|Are|Was|Were|Do|Does|Did|"
    "Can|Could|Will|Would|Should|In|On|At|"
    "For|From|To|By|With|Find|Calculate|Determine|Compute|Assume|Suppose|Let|Given|Show|Use|Using|Also|Then|There|"
    "Their|They|He|She|His|Her|We|You|Your|"
    "Each|Both|All|Some|Explain|Describe|Estimate|Express|Take|Consider|Neglect|Evaluate|Company|After|Before|During"
    "|While|Since|Because|However|And|But|Or|Solve|Say|Half|One|Two|Three|As"
)
_INITIAL_RE = re.compile(rf"(?<![\w.'])([A-Z])\.(?=\s(?!(?:{_STARTERS})\b)[A-Z][a-z]+)")
_SPECIES_RE = re.compile(r"(?:^|(?<=[\s(]))([A-Z])\.(?=\s[a-z]{4,}\b)")
_LETTERED = frozenset(
    "Company Planet Vitamin Group Person Country Stock Machine Team City Town Project Plan Firm Product Point Section "
    "Hepatitis Type Class Part Building Room Car Train Bus Store Shop Jar Box Bag Tank Village Bank Player Student "
    "Option "
    "Method Process Reaction Solution Gas Liquid Compound Element Line".split()
)
_COMPANY_RE = re.compile(r"\b(Co)\.(?=[\s,;)]|$)")
_AMPM_RE = re.compile(r"\b([ap])\.\s?m\.?(?!\w)", re.IGNORECASE)
_EMPHASIS = (
    "NOT EXCEPT AND OR ALL MOST BEST LEAST TRUE FALSE ONLY NO NONE ALWAYS NEVER BUT IF THE OF IN TO IS ARE WAS ANY "
    "MUST FIRST LAST BOTH EITHER "
    "NEITHER MORE LESS CORRECT INCORRECT WITHOUT WITH BEFORE AFTER EACH ONE TWO NOR WHICH THAT THIS FROM ON BY FOR "
    "AS AT YES DOES DO EQUAL MINIMUM MAXIMUM "
    "HIGHEST LOWEST LARGEST SMALLEST UNLIKELY LIKELY SAME DIFFERENT NECESSARILY OTHER THAN BETWEEN INTO"
).split()
_EMPHASIS_RE = re.compile(rf"(?<![\w.&/'(-])(?:{'|'.join(_EMPHASIS)})(?![\w&/']|\.\w|-[A-Z])")
_ROMAN = r"(?=[IVX])(?:X{0,3})(?:IX|IV|V?I{0,3})"
_KINDS = (
    r"World War|Chapter|Part|Type|Phase|Stage|Class|Section|Article|Title|Book|Act|Volume|Level|Group|Grade|Mark|"
    r"Schedule|Case|Division|"
    r"Scenario|Category|Step|Statement|Experiment|Trial|Form|Factor|Complex|Angiotensin|Photosystem|Apollo|Vatican|"
    r"Region|Zone|Tier|Plan|Population"
)
_KIND_RE = re.compile(rf"\b((?:{_KINDS})s?|(?:{_KINDS.lower().replace('volume|', '')})s?)\s({_ROMAN})\b(?!\.\w|')")
_MONARCHS = (
    "Henry|Louis|George|Edward|Charles|James|William|Richard|Elizabeth|Philip|Frederick|Napoleon|Alexander|Nicholas|"
    "Catherine|Peter|Pius|John Paul|"
    "Leo|Innocent|Gregory|Urban|Boniface|Clement|Julius|Paul|Benedict|Ramses|Rameses|Ramesses|Amenhotep|Thutmose|"
    "Mehmed|Murad|Selim|Mary|Francis|Ferdinand|"
    "Joseph|Leopold|Ivan|Wilhelm|Otto|Christian|Gustav|Umberto|Victor Emmanuel|Franz|Pedro|Alfonso|Akbar|Darius|"
    "Xerxes|Ptolemy|Cleopatra|Antiochus|Constantine|Theodosius|Justinian|Leo|Sixtus|John|Robert|Hugh|Baldwin|Harald|"
    "Haakon|Margaret|Sargon|Mithridates|Seleucus|Pepin|Rudolf|Maximilian|Matthias|Rama"
)
_MONARCH_RE = re.compile(rf"\b({_MONARCHS})\s({_ROMAN})(?=('s)?(?![\w'.]|-[A-Z])|\.(?:\s|$))")
_SPAN_RE = re.compile(rf"(?<=\s)({_ROMAN})-({_ROMAN})\b(?=\s|[.,?)])")
# Films and bowls have numbers, kings and popes an order: Rocky IV, but King Ethelred II.
_BOWL_RE = re.compile(r"\b(Super Bowl) ([IVXL]+)\b")
_TITLE_RE = re.compile(
    r"\b((?:[Kk]ing|[Qq]ueen|[Pp]ope|[Ee]mperor|[Tt]sar|[Pp]rince|[Ss]ultan|[Pp]haraoh|[Dd]uke) )?([A-Z][a-z]{2,}) "
    r"(II|III|IV|VII|VIII|IX|XII|XIII|XIV|XVI?)\b(?![\w-]|\.\w)"
)
_NUMERAL = r"(?:X{0,2}(?:IX|IV|V?I{1,3}|V)|X{1,2})"
# Several in a row are numbers, and so is one that is no other word.
_LISTED_RE = re.compile(
    rf"(?<![\w.'-])({_NUMERAL})"
    rf"((?:(?:\s?,\s?(?:(?:and|or|nor)\s)?|\s(?:and|or|nor|&|to|through|but not)\s|[-–/]){_NUMERAL}){{1,9}})(?![\w'-])"
)
_ALONE_RE = re.compile(r"(?<![\w.'/&-])(II|III|VI|VII|VIII|IX|XI|XII|XIII)(?![\w'/&-]|\.\w)")
_STATED_RE = re.compile(
    r"\b(?:[Ss]tatements?|[Cc]onditions?|[Aa]rguments?|[Oo]nly|[Bb]oth|[Nn]either|[Ee]ither|[Pp]remises?|[Cc]laims?)\b"
)
_ROMAN_RE = re.compile(r"[a-z]s? [IVXL]|[IVX][-–,/ ]|\b[IVX]{2}")
_CAPITALS_RE = re.compile(r"[A-Z]{2}")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}


def roman(numeral: str) -> int:
    """The value of a Roman numeral of I, V, X and L."""
    values = [_VALUES[c] for c in numeral]
    return sum(-v if v < following else v for v, following in zip(values, [*values[1:], 0], strict=True))


def _ends(text: str, end: int) -> bool:
    """True where the full stop of an abbreviation also ends a sentence."""
    return bool(re.match(r"[\"')]?\s*$|[\"')]?\s+[A-Z]", text[end:]))


_BEFORE_NAMES = frozenset("by of to and with from for that when how did was as is".split())


def _initial(m: re.Match[str]) -> str:
    # "John F. Kennedy", "J. Smith", not "Company B. Smith" or "cities A, B and C. Passengers".
    before = text_before(m).split()
    word = before[-1] if before else ""
    if word in _BEFORE_NAMES and re.match(r"\s[A-Z][a-z]+\s[A-Z][a-z]+", m.string[m.end() :]):
        return m[1]
    if (
        word
        and not word.endswith((".", "?", "!", ":"))
        and (not word[0].isupper() or word.endswith(",") or word in _LETTERED)
    ):
        return m[0]
    return m[1]


def _number(m: re.Match[str]) -> str:
    if m[1] == "n" and _ANSWER_NO_RE.search(text_before(m)) and _SENTENCE_RE.match(m.string, m.end()):
        return m[0]
    return "Number " if m[1] == "N" else "number "


def _counted(m: re.Match[str]) -> str:
    key = m[1].lower()
    if key in {"p", "art", "sec"} and not re.search(
        r"(?:^|[(,;]|\b(?:on|see|in|of|and|from|to|at))\s*$", text_before(m), re.I
    ):
        return m[0]
    said = _COUNTED[key]
    return (said.title() if m[1][0].isupper() else said) + " "


def _numbered(m: re.Match[str]) -> str:
    if m[1].split()[-1] in _NO_STREET:
        return m[0]
    return f"{m[1]}{_WAYS[m[2]]}" + ("." if m[0].endswith(".") and _ends(m.string, m.end()) else "")


_STARTER_RE = re.compile(rf"\s(?:{_STARTERS})\b")


def _street(m: re.Match[str]) -> str:
    # "founded St. John's" and "Mount St. Helens" name a saint, "Wall St. crashed" and "Wall St. The" a street.
    word = text_before(m).split()[-1]
    if m["name"] and not (word[0].isupper() and _STARTER_RE.match(m.string[m.end() :])):
        return m[0]
    if not word[0].isupper():
        return m[0]
    return "Street" + ("." if m[1] and _ends(m.string, m.end()) else "")


def _drive(m: re.Match[str]) -> str:
    word = m.string[max(0, m.start() - 24) : m.start()].split()[-1]
    if not word[0].isupper() or re.fullmatch(_STARTERS, word):
        return m[0]
    return "Drive" + ("." if m[0].endswith(".") and _ends(m.string, m.end()) else "")


def _cut_short(m: re.Match[str]) -> str:
    """A word cut short without its stop; a real word may end a sentence of a careless writer."""
    word = m[1].lower()
    return m[1] if len(word) > 1 and not (lexicon.is_word(word) and re.search("[aeiouy]", word)) else m[0]


def _plain(m: re.Match[str]) -> str:
    symbol = m[1]
    if symbol in _DAYS and _ends(m.string, m.end()):
        weekday = re.search(
            r"\b(?:on|next|last|every|by|until|from|to|and|or)\s$", m.string[max(0, m.start() - 8) : m.start()]
        )
        return _PLAIN[symbol] + "." if weekday else symbol
    if not symbol.endswith(".") and symbol in {
        "cm",
        "km",
        "kg",
        "mm",
        "ft",
        "oz",
        "sq",
        "ml",
        "mL",
        "kW",
        "Hz",
        "dB",
        "min",
    }:
        return _PLAIN[symbol]
    return _PLAIN[symbol] + ("." if symbol in _ENDERS and _ends(m.string, m.end()) else "")


def _dotted(m: re.Match[str]) -> str:
    run = m[1]
    letters = re.sub(r"[.\s]", "", run)
    tail = " " if run.endswith(" ") else ""
    rest = m.string[m.end() :]
    if not tail and not rest.strip():
        return letters + "."
    # Initials before a surname stay apart; the rest is one acronym.
    if (
        letters.isupper()
        and re.match(r"[A-Z][a-z]+", rest.lstrip())
        and letters not in {"US", "UK", "UN", "USSR", "BC", "AD", "DC", "EU"}
    ):
        return " ".join(letters) + " "
    return letters.upper() + tail if letters.islower() and len(letters) < 5 else letters + tail


def say_abbreviations(text: str) -> str:
    """Abbreviations, initials, Roman numerals after a noun or a monarch, and emphasis in words."""
    if "#" in text or "o. " in text or "os. " in text or "o.\t" in text:
        text = _NUMBER_RE.sub(_number, text)
    if "." in text:
        text = _CUPS_RE.sub("cups", _HOW_MANY_RE.sub(lambda m: f"{m[1]}umber", text))
        text = _COUNTED_RE.sub(_counted, text)
    if " v" in text:
        text = _CASE_RE.sub(lambda m: f"{m[1] or ''} versus ", text)
    if "Dr" in text or "St" in text or re.search(r"\b(?:Pl|Sq|Ter|Rd|Ave)\b", text):
        text = _DRIVE_RE.sub(_drive, _NUMBERED_RE.sub(_numbered, text))
    if "." in text:
        text = _CUT_SHORT_RE.sub(_cut_short, _say_stopped(text))
    if (
        not _UNSTOPPED.isdisjoint(word.rstrip(".") for word in _WORDS_RE.findall(text))
        or "et al" in text
        or "/" in text
    ):
        text = _UNSTOPPED_RE.sub(_plain, text)
    if "St" in text:
        text = _SAINT_RE.sub("Saint", _STREET_RE.sub(_street, text))
        text = re.sub(r"\bSte\.(?=\s[A-Z])", "Sainte", text)
    if _ROMAN_RE.search(text):
        text = _say_roman(text)
    return _EMPHASIS_RE.sub(lambda m: m[0].lower(), text) if _CAPITALS_RE.search(text) else text


def _say_stopped(text: str) -> str:
    text = _STOPPED_RE.sub(lambda m: _plain(m) if m[1] in _PLAIN else m[0], text)
    text = _COMPANY_RE.sub(lambda m: "Company" + ("." if _ends(m.string, m.end()) else ""), text)
    text = _AMPM_RE.sub(lambda m: m[1].upper() + "M", text)
    text = _DOTTED_RE.sub(_dotted, text)
    return _SPECIES_RE.sub(r"\1", _INITIAL_RE.sub(_initial, text))


def _listed(m: re.Match[str]) -> str:
    numerals = re.findall(_NUMERAL, m[0])
    if not any(len(numeral) > 1 for numeral in numerals) and not _STATED_RE.search(m.string):
        return m[0]
    said = re.sub(_NUMERAL, lambda n: f" {cardinal(roman(n[0]))} ", re.sub("[-–]", " to ", m[0]).replace("/", " or "))
    return " ".join(said.split()).replace(" ,", ",")


def _say_roman(text: str) -> str:
    text = _LISTED_RE.sub(_listed, text)
    text = _SPAN_RE.sub(
        lambda m: f"{cardinal(roman(m[1]))} to {cardinal(roman(m[2]))}" if m[1] and m[2] else m[0], text
    )
    text = re.sub(r"(?<=[A-Z])-(I{2,3}|IV)\b", lambda m: f" {cardinal(roman(m[1]))}", text)
    text = _KIND_RE.sub(lambda m: f"{m[1]} {cardinal(roman(m[2]))}" if m[2] else m[0], text)
    text = _BOWL_RE.sub(lambda m: f"{m[1]} {cardinal(roman(m[2]))}", text)
    text = _MONARCH_RE.sub(lambda m: f"{m[1]} the {ordinal(roman(m[2])).title()}" if m[2] else m[0], text)
    return _ALONE_RE.sub(lambda m: cardinal(roman(m[1])), _TITLE_RE.sub(_entitled, text))


def _entitled(m: re.Match[str]) -> str:
    if re.fullmatch(_STARTERS, m[2]):
        return m[0]
    value = roman(m[3])
    return f"{m[1]}{m[2]} the {ordinal(value).title()}" if m[1] else f"{m[2]} {cardinal(value)}"
