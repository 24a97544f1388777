"""Layout and signs: bullets and lines, brackets, quotes, slashes, dashes; and the last check of what may be left."""

import re

from kame_data.errors import Refusal
from kame_data.text.letters import foreign
from kame_data.text.words import text_before

_CODE_RE = re.compile(
    r"(?:\bdef \w+\(|\breturn\s+\w+\s*[;(\[]|\bint \w+\s?[=(;,)]|\bprintf?\s?\(|\bstd::|#include|\bpublic (?:static|"
    r"class|int|void)|\bpublic:|\bstatic void|\bvoid \w+\(|"
    r"\bfor\s?\([^)]*[;=]|\bwhile\s?\([^)]*[=<>!]|\belse\s?[{:]|\bif\s?\([^)]*[=<>!]|[{};]\s*\n|<-|:=|\+\+|==|"
    r"(?<!\\sqr)\w\[\w*\]|\w+\(\)|\bPROCEDURE\b|\bDISPLAY\b|\blambda \w+\s?:|\bimport \w+\n|"
    r"\bSELECT\b.*\bFROM\b|0x[0-9A-Fa-f]{2,}|\bhttps?:|\bwww\.|"
    r"(?<![A-Za-z0-9_])[A-Za-z0-9]{1,30}(?:_[A-Za-z0-9]{1,30}){2,8}\(|#\d\b.*#\d\b.*#\d|\bchar \w+\[|&[lg]t;|"
    r"</?[a-zA-Z]+>|\b(?:FORTRAN|COBOL|PL/I|SUBROUTINE|DIMENSION|GOTO|ENDIF|program segment|pseudo-?code)\b|"
    r"\b\w+\.(?:py|java|txt|exe|c|h)\b)"
)
_TABLE_RE = re.compile(r"\|[^|\n]*\|[^|\n]*\||\\hline|-{4,}|={4,}|(?:\S+ {3,}){3,}\S+|(?:\b[\d.,%$-]+\s+){7,}\d")
# Stands for a bullet until the lines are joined.
_ITEM = "\ue001"
_PAIR_RE = re.compile(r"(?<![\w.,^])\$?\d[\d,.]*(?<!,)[¢%]?\s+\$?\.?\d[\d,.]*[¢%]?(?![\w/,-]|\s?[a-z])")
_BULLET_RE = re.compile(r"(?m)^\s*(?:[•*·\-–>]|\d{1,2}[.)]|(?!c\.\s?\d{3})[a-hA-H][.)])\s+(?=\S)")
# A line of its own that begins so is a negative number, and no item of a list.
_SIGNED_RE = re.compile(r"\s*[-–>]\s\$?[\d.]")
_LETTER_ITEM_RE = re.compile(r"(?<![\w√)'])\(\s?([a-h]|i{1,3}|iv|v|[1-9])\s?\)\s*(?=\S|$)")
# Items that are named again, and not their texts: only (i) and (iii) hold.
_NAMED_AGAIN_RE = re.compile(r"[,.;:?!]|$|(?:and|or|but|only|are|is|hold|holds|was|were|both|alone)\b")
_ROMAN = {"i": "one", "ii": "two", "iii": "three", "iv": "four", "v": "five"}
_BARE_ITEM_RE = re.compile(r"(?<=[.:;,?!\w]\s)([a-e])\)\s+(?=\S)")
_LINE_RE = re.compile(r"([^\s.,;:?!])?[^\S\n]*\n\s*(\S)?")
_BLANK_RE = re.compile(r"_{2,}+(?:\s*+_{2,}+)*+|\.{5,}|(?<!\w)_(?!\w)")
_EMPTY_RE = re.compile(r"\(\s*\)|\[\s*\]|\{\s*\}")
_ELLIPSIS_RE = re.compile(r"\.\s?\.(?:\s?\.)*")
_DASH_RE = re.compile(r"\s*—+\s*|\s+–+\s*|\s*–+\s+|\s+-+\s+|--+|\s+-+(?=[a-z])")
_OPEN_RE = re.compile(r"\s*[(\[{]\s*")
_CLOSE_RE = re.compile(r"\s*[)\]}]\s*")
_PLURAL_RE = re.compile(r"(?<=[A-Za-z])\((s|es|ies)\)")
_EITHER_RE = re.compile(r"(?<=\w)/(?=\w)|(?<=\w)\s?/\s?(?=[A-Za-z])")
_QUOTE_RE = re.compile(r"(?<![\w.])'|'(?![\w])|\"")
_OPENED_RE = re.compile(r"(?<!\w)'[^']*(?:\w'\w[^']*)*$")
_SEQUENCE_RE = re.compile(r"\b(?:[ACGTU]{3}[\s-]?){3,}|\b[ACGTU]{7,}\b|[53]'[- ]?[ACGTUpd]")
_SAID_COMMA_RE = re.compile(r"\s*(?:,\s*)+(?=[,.?!;:])|(?<=[.?!;:])\s*,+|^\s*[,;:.]+\s*")
_STOPS_RE = re.compile(r"\s+([,.;:?!])")
_TIGHT_RE = re.compile(r"([,;:?!])(?=[^\s,.;:?!])|(?<=[a-z]{2})\.(?=[A-Z][a-z]|[a-z]{3})")
_DOUBLE_RE = re.compile(r"[,.;:?!](?:\s?[,.;:?!])+")
_START_RE = re.compile(r"(?<=[.?!] )[a-z]")
_LONE_RE = re.compile(r"(?<!\w)[ÅÐØÞ](?!\w)")
_HYPHEN_RE = re.compile(r"(?<![A-Za-z\u00c0-\u024f\u1e00-\u1eff'])-+|-+(?![A-Za-z\u00c0-\u024f\u1e00-\u1eff])")
_MARKUP_RE = re.compile(r"\*\*|__|</?\w+>|^#+\s", re.MULTILINE)
_TAG_RE = re.compile(r"</?(?:b|i|u|em|strong|mark|small|span|p)>|<br\s?/?>", re.IGNORECASE)
_RAISED_TAG_RE = re.compile(r"<(sup|sub)>([^<>]{1,12})</\1>")
_EMPHASIS_RE = re.compile(
    r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*\n]*[^\s*])\1(?![\w*])|(?<![\w_])(_{1,2})(?=[^\s_])([^_\n]*[^\s_])\3(?![\w_])"
)
_STARS_RE = re.compile(r"(?<=[\w)])\s?\*\*\s?(?=[\w({-])")
_ORDER = {"a": "first", "b": "second", "c": "third", "d": "fourth", "e": "fifth", "f": "sixth", "g": "seventh",
    "h": "eighth",
          "i": "first", "ii": "second", "iii": "third", "iv": "fourth", "v": "fifth"}  # fmt: skip


def refuse_code_and_tables(text: str) -> None:
    """Raises Refusal `code` or `table` for text that is one of them."""
    suspect = any(sign in text for sign in "(;{=<[_#") or any(hint in text for hint in ("program", "://", "www."))
    if suspect and (found := _CODE_RE.search(text)):
        raise Refusal("code", found[0].strip())
    if len(text) > 8 and (found := _TABLE_RE.search(text)):
        raise Refusal("table", " ".join(found[0].split())[:60])
    if found := _SEQUENCE_RE.search(text):
        raise Refusal("symbols", f"a sequence of bases: {found[0]}")
    # Rows of a table that lost its lines: figures beside figures, again and again.
    if len(pairs := _PAIR_RE.findall(text)) > 2:
        raise Refusal("table", " ... ".join(pairs[:3]))


def without_tags(text: str) -> str:
    """`text` without the tags of HTML that only set words off; raised and lowered figures as ^ and _."""
    if "<" not in text:
        return text
    return _TAG_RE.sub("", _RAISED_TAG_RE.sub(lambda m: f"{'^' if m[1] == 'sup' else '_'}{{{m[2]}}}", text))


def without_emphasis(text: str) -> str:
    """`text` without the stars and lines that Markdown sets around words; those of a product stay."""
    return _EMPHASIS_RE.sub(lambda m: m[2] or m[4], text) if "*" in text or "_" in text else text


def _item(m: re.Match[str]) -> str:
    mark = m[1].lower()
    if re.search(r"\b(?:[Pp]arts?|[Cc]ase|[Ss]tep|[Pp]roblem|[Qq]uestion)\s*$", text_before(m)):
        return f"{mark.upper()} "
    if not mark.isdigit() and _NAMED_AGAIN_RE.match(m.string, m.end()):
        return f"{_ROMAN.get(mark, mark.upper())}{'' if m.string[m.end() : m.end() + 1] in ',.;:?!' else ' '}"
    word = _ORDER["abcdefgh"[int(mark) - 1]] if mark in "12345678" else _ORDER.get(mark, "")
    before = text_before(m).rstrip()
    return f"{'' if not before or before[-1] in '.:;,?!' else ','} {word}, "


# A line that ends so has not ended its sentence.
_GOES_ON_RE = re.compile(
    r"\b(?:a|an|the|of|in|on|at|to|by|for|from|with|and|or|is|are|was|were|than|that|as|about|equals|reads|measures)$"
)


def _line(m: re.Match[str]) -> str:
    before, after = m[1] or "", m[2] or ""
    if after == _ITEM:
        return f"{before}, " if before else " "
    if not after:
        return before
    if not before or before in "-—" or _GOES_ON_RE.search(m.string[: m.end(1)]):
        return f"{before} {after}"
    return f"{before} {after}" if after.islower() or after in "(_$" else f"{before}. {after}"


def _are_marks(found: list[str]) -> bool:
    """True for the marks of a list, which begins with its first one or has neighbours: a gas (g) is none."""
    marks = set(found)
    if len(found) < 2 or not marks.isdisjoint(("a", "1", "i", "ii", "iii", "iv")):
        return len(found) > 1
    return any(chr(ord(mark) + 1) in marks for mark in marks)


def unfold(text: str) -> str:
    """`text` on one line: bullets and list marks dropped or said, line ends as sentence ends, blanks said."""
    text = without_emphasis(text)
    if "_" in text or "....." in text:
        text = _BLANK_RE.sub(" blank ", text)
    text = _EMPTY_RE.sub(" ", re.sub(r"\b([Aa])\(n\)", r"\1", text) if "(n)" in text else text)
    text = (
        _BULLET_RE.sub(_ITEM, text)
        if "\n" in text
        else _BULLET_RE.sub(lambda m: m[0] if _SIGNED_RE.match(m.string) else "", text)
    )
    if "a) " in text and "b) " in text and "(a" not in text:
        text = _BARE_ITEM_RE.sub(_item, text)
    if "(" in text and _are_marks([mark.lower() for mark in _LETTER_ITEM_RE.findall(text)]):
        text = _LETTER_ITEM_RE.sub(_item, text)
    text = _MARKUP_RE.sub(" ", _STARS_RE.sub("^", text))
    if "\n" in text:
        text = _LINE_RE.sub(_line, text).replace(_ITEM, "")
    return " ".join(text.split())


def say_signs(text: str) -> str:
    """The signs that stand for words or pauses: & # @ / brackets, dashes, quotes."""
    if "~" in text:
        text = re.sub(r"~\s?(?=\d)", " about ", text)
    text = text.replace("&", " and ").replace("@", " at ").replace("§", " section ")
    if "/" in text:
        text = re.sub(
            r"(?<=[A-Z])/(?=[A-Z])", " ", re.sub(r"\band/or\b", "or", re.sub(r"\b([Ee]ither)/or\b", r"\1 or", text))
        )
        text = _EITHER_RE.sub(" or ", text)
    if "-" in text or "–" in text or "—" in text:
        text = _DASH_RE.sub(", ", text)
    if any(bracket in text for bracket in "()[]{}"):
        text = _PLURAL_RE.sub(r"\1", text)
        text = _CLOSE_RE.sub(", ", _OPEN_RE.sub(", ", text))
    return text


def tidy(text: str) -> str:
    """Quotes dropped, one space, one stop: `a , (b) .` -> `a, b.`"""
    if "'" in text or '"' in text:
        text = _QUOTE_RE.sub(_quote, text)
    if ".." in text or ". ." in text:
        text = _ELLIPSIS_RE.sub(",", text)
    if "-" in text:
        text = _HYPHEN_RE.sub(" ", text)
    text = " ".join(text.split())
    text = _STOPS_RE.sub(r"\1", text)
    text = _DOUBLE_RE.sub(lambda m: _strongest(m[0]), text)
    text = _SAID_COMMA_RE.sub("", text)
    text = _TIGHT_RE.sub(lambda m: (m[0]) + " ", text)
    text = " ".join(text.split()).rstrip(",;: ")
    return _START_RE.sub(lambda m: m[0].upper(), text)


def _strongest(stops: str) -> str:
    for stop in "?!":
        if stop in stops:
            return stop
    # ",." closes a bracket at a sentence's end; ".," follows an abbreviation within a sentence.
    if stops[-1] == "." or "." not in stops:
        return next(stop for stop in ".;:," if stop in stops)
    return stops[-1]


def _quote(m: re.Match[str]) -> str:
    # The apostrophe of a plural's genitive ("the students' books") stays; a quotation mark goes.
    before = text_before(m, most=300)
    genitive = before.endswith("s") and m.string[m.end() : m.end() + 1] == " "
    if m[0] == "'" and genitive and not _OPENED_RE.search(before):
        return "'"
    return " " if m[0] == '"' else ""


def check(text: str) -> str:
    """`text` itself; raises Refusal `symbols` where something is left that is not spoken."""
    if found := foreign().search(text) or _LONE_RE.search(text):
        raise Refusal("symbols", f"the sign {found[0]} in: {text[max(0, found.start() - 20) : found.end() + 20]}")
    return text


def leftovers(text: str, language: str = "en") -> list[str]:
    """Name what in `text` is not spoken words of the language, for a person to read."""
    found = [f"line break at {text[max(0, m.start() - 10) : m.start()]!r}" for m in re.finditer(r"\n", text.strip())][
        :3
    ]
    found += [f"list marker {m[0].strip()!r}" for m in _BULLET_RE.finditer(text)][:3]
    found += sorted({f"markup {m[0].strip()!r}" for m in _MARKUP_RE.finditer(text)})
    found += sorted({f"digits {m!r}" for m in re.findall(r"\d[\d.,]*", text)})
    found += sorted({f"sign {c!r}" for c in foreign(language).findall(text) if not c.isdigit() and c not in "\n"})
    return found
