"""Characters as the rest of the room expects them: one quote, one dash, no debris of bad extraction."""

import re
import unicodedata

from kame_data.errors import Refusal

# Escapes that a reader took for control characters: \alpha became BEL + lpha.
_EATEN = {"\x07": "\\a", "\x08": "\\b", "\x0b": "\\v", "\x0c": "\\f"}
_EATEN_RE = re.compile("[\x07\x08\x0b\x0c](?=[a-z]{2})")
# The same where the letter of the escape is one of JSON's: a tab and `imes`, a line's end and `eq`.
_TAILS = {
    "\t": "exttheta extphi imes heta au ext extbf extit an anh ilde riangle o op",
    "\n": "eq e u abla eg ot otin",
    "\r": "ho ight ightarrow angle ceil floor",
}
_TAIL_RE = re.compile(
    "|".join(f"{c}(?:{'|'.join(sorted(t.split(), key=len, reverse=True))})(?![a-z])" for c, t in _TAILS.items())
)
_SMART_DEBRIS = {"\x80\x94": "—", "\x80\x93": "–", "\x80\x99": "'", "\x80\x98": "'", "\x80\x9c": '"', "\x80\x9d": '"'}
# Bytes of old code pages read as Latin-1 or Unicode: Windows-1252 and Mac Roman quotes and dashes.
_DEBRIS = {
    "\x85": "...", "\x91": "'", "\x92": "'", "\x93": '"', "\x94": '"', "\x96": "–", "\x97": "—",
    "Ò": '"', "Ó": '"', "Õ": "'", "Ô": "'", "Ñ": "—",
}  # fmt: skip
_SIGNS = {
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "`": "'", "´": "'", "′": "'", "“": '"', "”": '"', "„": '"', "«": '"',
    "»": '"', "″": '"', "˝": '"', "−": "-", "‐": "-", "‑": "-", "‒": "-", "―": "—", "─": "—", "\u2043": "-", "﹣": "-",
    "－": "-", "…": "...", "⁄": "/",
    "∕": "/", "÷": " divided by ", "✕": "×", "⋅": "·", "∙": "·", "•": "\n• ", "●": "\n• ", "▪": "\n• ", "■": "\n• ",
    "￡": "£", "＄": "$", "％": "%", "∆": "Δ", "Ω": "Ω", "µ": "μ", "Å": "Å", "º": "°", "˚": "°", "℃": "°C", "℉": "°F",
    "\u2028": "\n", "\u2029": "\n", "\u3000": " ", "©": " ", "®": " ", "™": " ", "†": " ", "‡": " ", "№": "No. ",
    "♯": " sharp ", "♭": " flat ",
}  # fmt: skip
_SIGNS_RE = re.compile("|".join(map(re.escape, _SIGNS)))
_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "0123456789+-()ni")
_SUB = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ", "0123456789+-()aeoxhklmnpstij")
_SUPER_RE = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ]+")
_SUB_RE = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ]+")
_VULGAR_RE = re.compile("(\\d?)([¼½¾⅐-⅞])")
# Letters of other scripts that look like Latin ones and stand for them in English text.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТХасеорхуіѕѵ", "ABEKMHOPCTXaceopxyisv")
_CIRCLED_RE = re.compile("[①-⓿❶-➓]")
_FOREIGN_RE = re.compile("[^\\W\\d_A-Za-z\u00c0-\u024f\u0370-\u03ff\u1e00-\u1eff]")
_LETTER_RE = re.compile(r"[^\W\d_]")


def _debris(text: str) -> str:
    for wrong, right in _SMART_DEBRIS.items():
        text = text.replace(wrong, right)
    # Ò...Ó pairs are Mac Roman quotes; a lone capital of those within a name ("Óscar") is itself.
    if ("Ò" in text and "Ó" in text) or re.search(r"[a-z]Õ[a-z]|[a-z]Õ ", text):
        text = re.sub("[ÒÓÕÔ]", lambda m: _DEBRIS[m[0]], text)
    return re.sub("[\x85\x91-\x94\x96\x97]", lambda m: _DEBRIS[m[0]], text)


def clean(text: str) -> str:
    """`text` with plain quotes and spaces, superscripts as ^{...}, subscripts as _{...}, vulgar fractions as 1/2.

    Raises Refusal `language` where letters are of a script that an English speaker does not read, and `symbols` for
    circled numbers, which point at numbered statements that a listener does not hear.
    """
    if text.isascii() and text.isprintable():
        return text.replace("`", "'")
    text = _EATEN_RE.sub(lambda m: _EATEN[m[0]], _debris(text))
    if "$" in text or "\\" in text or "^" in text:
        text = _TAIL_RE.sub(lambda m: "\\" + {"\t": "t", "\n": "n", "\r": "r"}[m[0][0]] + m[0][1:], text)
    elif found := re.search("(?<=\\d)\\s?\tim" + "es\\b", text):
        text = text.replace(found[0], " × ")
    if found := _CIRCLED_RE.search(text):
        raise Refusal("symbols", f"circled number {found[0]}")
    text = _SUPER_RE.sub(lambda m: "^{" + m[0].translate(_SUPER) + "}", text)
    text = _SUB_RE.sub(lambda m: "_{" + m[0].translate(_SUB) + "}", text)
    text = _VULGAR_RE.sub(lambda m: (m[1] + " " if m[1] else "") + unicodedata.normalize("NFKC", m[2]), text)
    text = _SIGNS_RE.sub(lambda m: _SIGNS[m[0]], text)
    text = re.sub(r"(?<![\w)\]])–\s?(?=\d)|(?<==)\s?–\s?(?=\d)", "-", text)
    text = _SIGNS_RE.sub(lambda m: _SIGNS[m[0]], unicodedata.normalize("NFKC", text))
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Cn"})
    if _FOREIGN_RE.search(text) and foreign_share(text) < 0.1:
        text = text.translate(_LOOKALIKES)
    if found := _FOREIGN_RE.search(text):
        raise Refusal("language", f"the letter {found[0]}")
    return text.replace("\t", " ")


def foreign_share(text: str) -> float:
    """Share of the letters of `text` that are not of Latin script; 0 without letters."""
    letters = _LETTER_RE.findall(text)
    return sum(bool(_FOREIGN_RE.match(c)) for c in letters) / len(letters) if letters else 0.0
