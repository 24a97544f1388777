"""Settings of the dialogues that a model is asked to write."""

from typing import Annotated

from pydantic import Field, field_validator

from kame_data.settings.branch import Branch, Distribution, lognormal

ANSWER_WORDS = (4, 100)
"""The least and the most that `answer_words` may draw."""
EXCHANGES = (2, 4)
"""The fewest and the most exchanges of a dialogue that has follow-ups."""


class WritingSettings(Branch):
    """Settings of what a model is asked to write; the offline writer keeps to none of them.

    `answer_words`: the words of an answer, drawn for each one. `open`: the share of dialogues that are about an open
    question (see `kame_data.records.Form`), made of the source's question. `follow_ups`: the share of dialogues in
    which the user asks on; `exchanges`: how many exchanges those have in all, rounded.
    """

    answer_words: Distribution = lognormal(28, 0.6, 8, 80)
    open: Annotated[float, Field(ge=0, le=1)] = 0.0
    follow_ups: Annotated[float, Field(ge=0, le=1)] = 0.0
    exchanges: Distribution = lognormal(2.4, 0.3, *EXCHANGES)

    @field_validator("answer_words")
    @classmethod
    def _sayable(cls, value: Distribution) -> Distribution:
        return _within(value, ANSWER_WORDS, "words")

    @field_validator("exchanges")
    @classmethod
    def _several(cls, value: Distribution) -> Distribution:
        return _within(value, EXCHANGES, "exchanges")


def _within(value: Distribution, bounds: tuple[int, int], what: str) -> Distribution:
    if not bounds[0] <= value.low <= value.high <= bounds[1]:
        raise ValueError(f"{value} reaches beyond {bounds[0]} to {bounds[1]} {what}; set low and high within them")
    return value
