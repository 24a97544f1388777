"""The judge by rules, `offline`: a stand-in for a model, good where the right answer is known.

Its scale is narrow, because a rule cannot tell a good explanation from a poor one. Where the bench knows spoken forms
of the answer, it gives 10 or 1. Elsewhere it gives 1 (another language), 2 (the question again), and 3 to 6 by what
the answer shares with the reference, or 3 and 4 where there is none: whether it is on the matter at all.
"""

import re
from collections.abc import Iterator, Sequence

from kame_data.evaluate.judging.judge import HIGHEST, LOWEST, Judged, without_a_judge
from kame_data.evaluate.records import Rating
from kame_data.text import VERSION as TEXT_VERSION
from kame_data.text.answers import asserts, content, key, said_or_raw
from kame_data.text.language import contradicts

VERSION = 1
REPEATS, OTHER, MATTER, MOST_LIKE = 2, 3, 4, 6
REPEATED = 0.9
"""Share of an answer's content words that are the question's, from which on it says the question again."""
_SENTENCE_RE = re.compile(r"(?<=[.!?。？！])\s+")


class RulesJudge:
    """A `Judge` that asks nobody; every rating of the same answer is the same."""

    name = "offline"
    version = f"{VERSION}-{TEXT_VERSION}"
    stand_in = "a judge by rules"

    def rate_many(self, answers: Sequence[Judged], repeats: int = 1) -> Iterator[Rating]:
        """See `Judge`."""
        for judged in answers:
            for sample in range(repeats):
                known = without_a_judge(judged, self.name, sample)
                yield known or judged.rating(self.name, sample, *_by_rule(judged))


def _by_rule(judged: Judged) -> tuple[float, str]:
    last, language = judged.last, judged.language
    # Recognisers and systems of text write figures.
    answer = " ".join(said_or_raw(sentence, language) for sentence in _SENTENCE_RE.split(last.answer))
    if judged.answers:
        return _by_answers(answer, judged.answers, language)
    if other := contradicts(answer, language):
        return LOWEST, f"by rule: it is in '{other}', not in '{language}'"
    said, asked = set(content(answer, language)), set(content(last.question, language))
    new = said - asked
    if not new or (said and len(new) <= (1 - REPEATED) * len(said)):
        return REPEATS, "by rule: it says the question again, or nothing of its own"
    if last.reference:
        wanted = set(content(last.reference, language))
        share = len(wanted & said) / len(wanted) if wanted else 0.0
        rating = OTHER + round(share * (MOST_LIKE - OTHER))
        return rating, f"by rule: it has {len(wanted & said)} of the reference's {len(wanted)} content words"
    shared = len(said & asked)
    if shared:
        return MATTER, f"by rule: it is on the matter ({shared} content words of the question) and adds {len(new)}"
    return OTHER, "by rule: it shares no content word with the question"


def _by_answers(said: str, answers: Sequence[str], language: str) -> tuple[float, str]:
    for answer in answers:
        if asserts(said, answer, language):
            return HIGHEST, f"by rule: it says the right answer, '{key(answer, language)}'"
    return LOWEST, f"by rule: it does not say the right answer, '{key(answers[0], language)}'"
