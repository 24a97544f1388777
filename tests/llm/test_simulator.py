"""What the LLM simulator hints at, level by level."""

import pytest

from pipeline.llm.simulator import keywords
from pipeline.oracles import OracleRequest, OracleTask


def hint(level: int, truth: str, answer: str) -> list[str]:
    request = OracleRequest("d", "en", 0, "Which city", "", level, truth)
    return [word for word in keywords(OracleTask(request, truth, answer), 0).split(", ") if word]


@pytest.mark.parametrize("truth", ["It's Paris.", "Paris, of course, Paris.", "The city that you want is Paris."])
def test_the_keywords_of_level_1_hold_nothing_of_the_answer(truth: str) -> None:
    assert not {word.casefold() for word in hint(1, truth, "Paris")} & {"paris"}


def test_level_2_holds_the_keywords_of_level_1_and_more() -> None:
    truth = "The left ventricle drives blood through the aorta into the body, as it is the strongest chamber."
    low, high = hint(1, truth, "the left ventricle"), hint(2, truth, "the left ventricle")
    assert low and set(low) < set(high)
    assert not {"left", "ventricle"} & set(low)
