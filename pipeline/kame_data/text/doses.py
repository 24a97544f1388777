"""How often and by which way a drug is given, as prescriptions write it: 5 mg b.i.d., q6h, p.r.n."""

import re

from kame_data.text.numbers import cardinal
from kame_data.text.words import text_before

_SAID = {
    "bid": "twice a day", "tid": "three times a day", "qid": "four times a day", "qd": "once a day",
    "qod": "every other day", "qhs": "every night at bedtime", "prn": "as needed", "po": "by mouth",
    "iv": "IV", "im": "into the muscle", "sc": "under the skin", "sq": "under the skin", "npo": "nothing by mouth",
}  # fmt: skip
# With their stops they are nothing else; without them they are words and names, but behind a dose.
_DOTTED_RE = re.compile(
    r"(?<![\w.])(b\.i\.d|t\.i\.d|q\.i\.d|q\.d|q\.o\.d|q\.h\.s|p\.r\.n|p\.o|i\.v|i\.m|s\.c|s\.q|n\.p\.o)\b(\.?)(?![\w])",
    re.IGNORECASE,
)
_BARE_RE = re.compile(r"(?<![\w.-])(bid|tid|qid|qd|qod|qhs|prn|po)(?![\w'.-]*\w)", re.IGNORECASE)
_DOSE_RE = re.compile(
    r"\d\s?(?:mg|mcg|μg|g|mL|ml|units?|IU|tablets?|milligrams|micrograms|grams|milliliters)\b[^.?!;]{0,24}$"
)
_HOURS_RE = re.compile(r"(?<![\w.-])q\.?\s?(\d{1,2})\s?(?:h|hrs?|hours?)\b(?:\.(?=\s[a-z]))?", re.IGNORECASE)


def plain(text: str) -> str:
    """`text` in which what a prescription says of times and ways is words."""
    if "." in text:
        text = _DOTTED_RE.sub(_dotted, text)
    if any(c.isdigit() for c in text):
        text = _HOURS_RE.sub(lambda m: f"every {cardinal(int(m[1]))} hours", text)
        text = _BARE_RE.sub(_bare, text)
    return text


def _dotted(m: re.Match[str]) -> str:
    rest = m.string[m.end() : m.end() + 40]
    ends = m[2] and re.match(r"[\"')]?\s*$|[\"')]?\s+[A-Z]", rest)
    return _SAID[m[1].replace(".", "").lower()] + ("." if ends else "")


def _bare(m: re.Match[str]) -> str:
    return _SAID[m[1].lower()] if _DOSE_RE.search(text_before(m)) else m[0]
