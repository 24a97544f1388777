"""The key under which the same question is found again: letters and digits alone."""

import re
import unicodedata

_OTHER = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """NFKC, casefolded, only letters and digits (of every script), single spaces; "" only where there are none.

    Text without a single letter or digit is kept as it stands (NFKC, casefolded), so that the key is empty for blank
    text alone.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _OTHER.sub(" ", folded).strip() or " ".join(folded.split())
