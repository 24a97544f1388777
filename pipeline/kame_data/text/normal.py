"""The key under which the same question is found again: letters and digits alone."""

import re
import unicodedata

from kame_data.text.words import is_unspaced

_OTHER = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """NFKC, casefolded, only letters and digits (of every script), single spaces; "" only where there are none.

    Text without a single letter or digit is kept as it stands (NFKC, casefolded), so that the key is empty for blank
    text alone.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _OTHER.sub(" ", folded).strip() or " ".join(folded.split())


def names(text: str, wanted: str, language: str = "en") -> bool:
    """True where `text` holds exactly the words of `wanted`, both normalised; in text without spaces, exactly its
    signs."""
    if is_unspaced(language):
        return bool(wanted) and wanted.replace(" ", "") in text.replace(" ", "")
    return bool(wanted) and f" {wanted} " in f" {text} "
