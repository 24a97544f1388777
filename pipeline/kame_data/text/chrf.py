"""chrF2 of one text against another: how much of the true answer an oracle already holds."""

from functools import cache
from typing import Any


@cache
def _metric() -> Any:
    from sacrebleu.metrics.chrf import CHRF  # a fifth of a second to import, and only reports and checks need it

    return CHRF()


def chrf(text: str, truth: str) -> float:
    """Character n-gram F-score (n = 1 to 6, beta = 2, spaces ignored) of `text` against `truth`, in [0, 100].

    Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; computed by sacrebleu.
    """
    return float(_metric().sentence_score(text, [truth]).score)
