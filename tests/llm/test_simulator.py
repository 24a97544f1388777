"""The LLM simulator: what it hints at, what it asks at once, and how it reads what comes back."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from kame_data.errors import Refusal
from kame_data.llm import simulator as simulator_module
from kame_data.llm.back_end import BackEnd, conversation
from kame_data.llm.keywords import keywords, told_result
from kame_data.llm.prompts import Prompts
from kame_data.llm.refused import OF_DIALOGUES, OF_ORACLES
from kame_data.llm.request import Answer, Request
from kame_data.llm.simulator import (
    AGAIN,
    MOST_PIECES,
    LlmSimulator,
    bounds,
    groups_of,
    lines_of,
    pieces_of,
    whole_sentences,
)
from kame_data.llm.spec import parse_spec
from kame_data.oracles.acceptance import OracleRequest, OracleTask, accept

TRUTH = "She has eleven left, because twenty minus nine is eleven."
TURN = "My aunt had twenty eggs in her kitchen and gave nine of them to her neighbour. How many has she left?"


def task(level: int, prefix: str = "Which city", truth: str = TRUTH, answer: str = "eleven", **more: str) -> OracleTask:
    request = OracleRequest("d", more.pop("language", "en"), 0, prefix, "", level, truth if level else "")
    return OracleTask(request, truth, answer, (), **more)


def prefixes(level: int, *counts: int) -> list[OracleTask]:
    words = TURN.split()
    return [task(level, " ".join(words[:count]), later=" ".join(words[count:])) for count in counts]


def simulator(spec: str = "openai:m@http://127.0.0.1:9/v1", back_end: str = "") -> LlmSimulator:
    prompts = Prompts()
    guesser = BackEnd.of(parse_spec(back_end or spec), prompts, 0.8, 120)
    return LlmSimulator(parse_spec(spec), guesser, prompts, lambda: pytest.fail("nothing is asked"), 0)


def hint(level: int, truth: str, answer: str) -> list[str]:
    return [word for word in keywords(task(level, truth=truth, answer=answer), 0).split(", ") if word]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("truth", ["It's Paris.", "Paris, of course, Paris.", "The city that you want is Paris."])
def test_keywords_hold_nothing_of_the_answer(level: int, truth: str) -> None:
    assert not {word.casefold() for word in hint(level, truth, "Paris")} & {"paris"}


def test_keywords_of_level_1_have_no_numbers_and_those_of_level_2_only_whole_ones() -> None:
    truth = "It makes two hundred forty miles, for three hours at eighty miles an hour are two hundred forty miles."
    assert not {"three", "eighty", "two hundred forty", "forty"} & set(hint(1, truth, "two hundred forty miles"))
    assert not {"two hundred forty", "two hundred", "forty", "two"} & set(hint(2, truth, "two hundred forty miles"))
    euros = task(2, truth="Cela fait deux cent quarante euros en tout, je crois bien.", answer="rien", language="fr")
    french = [word for word in keywords(euros, 0).split(", ") if "quarante" in word]
    assert french in ([], ["deux cent quarante"])


def test_level_2_holds_the_keywords_of_level_1_and_more_and_sometimes_the_result() -> None:
    truth = "The left ventricle drives blood through the aorta into the body, as it is the strongest chamber."
    low, high = hint(1, truth, "the left ventricle"), hint(2, truth, "the left ventricle")
    assert low and set(low) < set(high)
    told = [told_result(task(2, truth=f"Eleven, as I said {n} times.", answer="eleven"), 0) for n in range(60)]
    assert set(told) == {"", "eleven"} and 15 < told.count("eleven") < 45


def test_the_back_ends_request_is_what_level_0_asks_and_knows_only_what_was_said() -> None:
    asked = simulator().request([task(0, "My aunt had")])
    alone = BackEnd.of(parse_spec("openai:m@http://127.0.0.1:9/v1"), Prompts(), 0.8, 120)
    assert asked.messages == alone.request("", "My aunt had", "en").messages
    assert not {"eleven", "nine"} & set(" ".join(str(m.content) for m in asked.messages).replace(".", " ").split())


def test_requests_for_the_growing_words_of_a_turn_begin_alike() -> None:
    context = conversation([("user", "Hello."), ("assistant", "Hello, go ahead.")])
    end = BackEnd.of(parse_spec("openai:m"), Prompts(), None, 120)
    texts = [str(end.request(context, " ".join(TURN.split()[:n]), "en").messages[-1].content) for n in range(2, 20, 2)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert "user: Hello.\nassistant: Hello, go ahead." in texts[0]


def test_another_model_may_be_the_back_end_and_is_named() -> None:
    both = simulator("openai:big@http://127.0.0.1:9/v1", "openai:small@http://127.0.0.1:9/v1")
    assert both.name == "openai:big@http://127.0.0.1:9/v1; level 0: openai:small@http://127.0.0.1:9/v1"
    assert both.request([task(0)]).model == "small" and both.request([task(3)]).model == "big"


def test_a_turns_prefixes_of_a_level_are_asked_at_once_and_level_0_one_by_one() -> None:
    tasks = [*prefixes(0, 2, 4, 6), *prefixes(1, 8, 10), *prefixes(3, 12, 14, 16), *prefixes(0, 3)]
    groups = groups_of(tasks)
    assert [[t.request.level for t in group.tasks] for group in groups] == [[0], [0], [0], [1, 1], [3, 3, 3], [0]]
    assert sorted(place for group in groups for place in group.places) == list(range(len(tasks)))
    many = groups_of(prefixes(2, *range(1, MOST_PIECES + 3)))
    assert [len(group.tasks) for group in many] == [MOST_PIECES, 2]
    request = simulator().request(groups[4].tasks)
    assert request.schema is not None and request.schema["required"] == ["1", "2", "3"]
    assert TURN.split()[-1] not in str(request.messages[-1].content)


def test_pieces_are_what_each_transcript_adds_and_what_has_changed_stands_whole() -> None:
    heard = ["My ant had", "My ant had four", "My ant had fourteen", "My aunt had fourteen eggs"]
    assert pieces_of(heard, "en") == [
        "My ant had",
        "four",
        f"{AGAIN} My ant had fourteen",
        f"{AGAIN} My aunt had fourteen eggs",
    ]
    assert pieces_of(["三乘", "三乘以四", "三乘以四是"], "zh") == ["三乘", "以四", "是"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"1": "One.", "2": "Two."}', {1: "One.", 2: "Two."}),
        ('<think>Hm, {"1": "no"}</think>\nSure:\n```json\n{"1": "One.", "2": "Two."}\n```', {1: "One.", 2: "Two."}),
        ('Here [1] you are: {"1": "One.", "2": "Two."} Enjoy!', {1: "One.", 2: "Two."}),
        ('{"answers": ["One.", "Two."]}', {1: "One.", 2: "Two."}),
        ('["One."]', {1: "One."}),
        ('["One.", "Two.", "Three."]', {}),
        ('[{"piece": 1, "line": "One."}, {"piece": 2, "line": "Two."}]', {1: "One.", 2: "Two."}),
        ('{"line 1": "One.", "line 2": {"text": "Two."}, "7": "Seven."}', {1: "One.", 2: "Two."}),
        ('{"1": "One.", "2": "Tw', {1: "One."}),
        ('{"1": "She said \\"no\\".", "2": 5}', {1: 'She said "no".'}),
        ('{"1": "One."  "2": "Two."}', {1: "One.", 2: "Two."}),
    ],
)
def test_lines_are_read_whatever_stands_around_them(text: str, found: dict[int, str]) -> None:
    assert lines_of(Answer(text, "{}"), 2) == found


@pytest.mark.parametrize("text", ["", "I can't do that.", "[[[[", "3", "<think>It is {", "{" * 5000])
def test_what_holds_no_lines_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="llm_bad_json"):
        lines_of(Answer(text, "{}"), 2)


def test_a_line_may_not_use_a_word_that_comes_later_in_the_turn() -> None:
    early, late = prefixes(3, 6, 17)
    said = "Eleven, as she gave nine to the neighbour."
    assert accept(said, late) == said
    with pytest.raises(Refusal, match="unheard_word"):
        accept(said, early)
    hinted = task(3, "My aunt had", f"{TRUTH} Her neighbour is glad.", later="eggs and her neighbour came")
    assert accept(said, hinted) == said, "what the hint says is known"


@pytest.mark.parametrize("truth", ["Yes.", "You're welcome.", "It is five.", TRUTH, " ".join(["so and so"] * 25) + "."])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_so_many_words_can_be_written(level: int, truth: str) -> None:
    least, most = bounds(task(level, truth=truth))
    assert 1 <= least < most
    assert level < 4 or least <= len(truth.split()) <= most


def test_every_request_is_one_of_its_level_and_turn_and_carries_its_words() -> None:
    for level in range(1, 5):
        request = simulator().request(prefixes(level, 6, 8))
        told = str(request.messages[-1].content)
        assert "1. My aunt had twenty eggs in\n2. her kitchen" in told
        assert ("eleven" in told.casefold()) >= (level > 2) and (TRUTH in told) == (level > 2)
        assert json.dumps(request.schema) and request.level == level


def told(request: Request) -> str:
    return "\n".join(str(message.content) for message in request.messages)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_second_draft_is_told_what_kind_of_thing_was_wrong_and_nothing_else(level: int) -> None:
    tasks = prefixes(level, 6)
    refusal = Refusal("too_long" if level == 0 else "early_answer", "level 1 says 'eleven' in 'So eleven, neighbour.'")
    first, again = simulator().request(tasks), simulator().request(tasks, 1, [refusal])
    more = set(told(again).split()) - set(told(first).split())
    assert more and not {"eleven", "neighbour"} & set(re.findall(r"\w+", " ".join(more)))
    assert OF_ORACLES[refusal.reason] in told(again) and OF_ORACLES[refusal.reason] not in told(first)
    assert again.key == simulator().request(tasks, 1, [Refusal(refusal.reason, "otherwise")]).key != first.key


def test_each_line_is_told_its_own_reason() -> None:
    refused = [Refusal("lacks_answer", ""), Refusal("other_number", "")]
    said = told(simulator().request(prefixes(3, 6, 8), 1, refused))
    assert f"line 1: {OF_ORACLES['lacks_answer']}; line 2: {OF_ORACLES['other_number']}" in said


def test_every_reason_has_a_line_of_its_own() -> None:
    """Those with which the checks of dialogues and oracles refuse, as they stand in the source."""
    rooms = {
        "dialogues": ("dialogues/write.py", "dialogues/brief.py", "dialogues/follow_ups.py", "llm/vision.py"),
        "oracles": ("oracles/acceptance.py", "llm/simulator.py"),
    }
    package = Path(simulator_module.__file__).parents[1]
    for room, known in (("dialogues", OF_DIALOGUES), ("oracles", OF_ORACLES)):
        texts = [(package / file).read_text("utf-8") for file in (*rooms[room], "text/acceptance.py")]
        found = {reason for text in texts for reason in re.findall(r'raise Refusal\("(\w+)"', text)}
        assert len(found) > 8 and found - {"bad_picture"} <= set(known), room


def test_a_guess_that_is_too_long_ends_with_its_last_whole_sentence_that_fits() -> None:
    long = "It is eleven. " + "That is so because she gave some away. " * 4
    assert whole_sentences(long, "en") == ("It is eleven. " + "That is so because she gave some away. " * 3).strip()
    assert whole_sentences("It is eleven. And then", "en") == "It is eleven. And then"
    endless = " ".join(["and so on"] * 20)
    assert whole_sentences(endless, "en") == endless
    chinese = "答案是十一。" + "因为她把其中的九个鸡蛋送给了她的邻居，" * 4 + "所以是这样。"
    assert whole_sentences(chinese, "zh") == "答案是十一。"
