"""What a model wrote, as spoken text: harmless slips are mended, which costs nothing; the rest is to be refused."""

import re

from pipeline.errors import Refusal
from pipeline.text.elsewhere import neat
from pipeline.text.number_words import INFLECTED
from pipeline.text.spoken import is_spoken, say
from pipeline.text.words import is_unspaced

_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "…": ".", "\u00a0": " ", "\u202f": " ", "\u2011": "-"}
)
_LABEL_RE = re.compile(r"^(?:assistant|answer|user|oracle)\s*:\s*", re.IGNORECASE)
_DASH_RE = re.compile(r"\s*—+\s*|\s+-+\s+")
_MENDED = ("digits", "sign")
"""Kinds of faults; the first one is for languages whose numbers do not depend on their sentence."""


def spoken_answer(text: str, language: str) -> str:
    """`text` with single spaces and plain quotes, without a label before it or quotes around it; digits and signs said.

    What cannot be mended safely (lists, markup, what has no spoken form) stays as it is.
    """
    text = _LABEL_RE.sub("", " ".join(line.strip() for line in text.translate(_PLAIN).strip().splitlines()))
    text = " ".join(_DASH_RE.sub("，" if is_unspaced(language) else ", ", text).split())
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    text = neat(text, language)
    faults = is_spoken(text, language)
    mended = _MENDED[language.split("-")[0] in INFLECTED :]
    if not faults or not all(str(fault).startswith(mended) for fault in faults):
        return text
    try:
        said = say(text, language)
    except Refusal:
        return text
    return text if is_spoken(said, language) else said
