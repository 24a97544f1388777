"""Spoken text from what a model wrote: harmless slips are mended, which costs nothing; the rest is refused later."""

import re

from kame_data.errors import Refusal
from kame_data.llm.reply_text import without_thoughts
from kame_data.text.elsewhere import neat
from kame_data.text.number_words import INFLECTED
from kame_data.text.spoken import is_spoken, say
from kame_data.text.words import is_unspaced

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
    text = without_thoughts(text)
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
