"""The shipped recipes, and that each situation of Full-Duplex-Bench can be turned up by a setting."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from kame_data.dialogues.duplex import make_duplex
from kame_data.records import Dialogue, Speech
from kame_data.settings.layers import load
from kame_data.settings.tree import Settings
from kame_data.speech.speak import speak_dialogues
from talking import Hum, dialogue_of, said

Spoken = list[tuple[Dialogue, Speech]]

PLAIN = {
    "en": (
        said("user", "My club rides for six hours, and then we stop near the old mill. What makes the tour so slow?"),
        said("assistant", "The mill is on a hill, and that makes the tour slow, as a hill always does."),
        said("user", "I see, so on the next day we ride the long way home, and leave the hill out."),
        said("assistant", "Then you are as fast as ever."),
    ),
    "zh": (
        said("user", "你好，我有一个问题想问你，一个班有三十名学生，其中十二名是女生，男生有多少名？"),
        said("assistant", "三十减去十二等于十八，所以这个班有十八名男生，比女生多六名。"),
    ),
}
ANSWERS = {"en": "the mill is on a hill", "zh": "十八名"}


@cache
def spoken_by(settings: str, language: str, count: int) -> Spoken:
    how = Settings.model_validate_json(settings)
    plain = replace(dialogue_of(*PLAIN[language], language=language), answer=ANSWERS[language])
    made = [make_duplex(replace(plain, id=f"d{n}"), how.duplex, 0) for n in range(count)]
    results = list(speak_dialogues([(d, "train") for d in made], Hum(), how.speech, 0))
    assert all(isinstance(result, Speech) for result in results), [r for r in results if not isinstance(r, Speech)][:1]
    return list(zip(made, results, strict=True))  # type: ignore[arg-type]


def spoken(settings: Settings, language: str = "en", count: int = 24) -> Spoken:
    """The sample under many names, as the settings make it."""
    return spoken_by(settings.model_dump_json(), language, count)


def share(found: Spoken, kind: str, role: str | None = None) -> float:
    """The share of dialogues with a situation of that kind."""
    have = [
        any(s.kind == kind and (role is None or dialogue.turns[s.turn].role == role) for s in speech.situations)
        for dialogue, speech in found
    ]
    return sum(have) / len(have)


def with_settings(changes: dict[str, Any]) -> Settings:
    """The plain recipe with some settings changed, by their dotted names."""
    changed = load(Settings, "plain", {}).model_dump()
    for name, value in changes.items():
        *path, last = name.split(".")
        branch = changed
        for step in path:
            branch = branch[step]
        branch[last] = value
    return Settings.model_validate(changed)


TURNED_UP = [
    ("speech.pauses.rate", "pause", None),
    ("speech.pauses.within", "pause", None),
    ("speech.pauses.long_rate", "pause", None),
    ("duplex.hesitation", "hesitation", None),
    ("duplex.user_back_channel", "back_channel", "user"),
    ("duplex.assistant_back_channel", "back_channel", "assistant"),
    ("duplex.barge_in", "barge_in", None),
    ("speech.sound.background", "background", None),
]


@pytest.mark.parametrize(("setting", "kind", "role"), TURNED_UP)
def test_each_situation_can_be_turned_up(setting: str, kind: str, role: str | None) -> None:
    assert share(spoken(with_settings({setting: 1.0}), count=6), kind, role) == 1.0
    assert not any(speech.situations for _, speech in spoken(load(Settings, "plain", {})))


def test_shares_in_between() -> None:
    found = spoken(with_settings({name: 0.4 for name, _, _ in TURNED_UP}))
    for setting, kind, role in TURNED_UP:
        # There are several places for a pause or a hesitation in a dialogue, and one for the others.
        most = 1.0 if kind in ("pause", "hesitation") else 0.8
        assert 0.1 < share(found, kind, role) <= most, setting


def gaps(settings: Settings) -> list[float]:
    """From the end of each turn with the floor to the start of the assistant's answer."""
    found = []
    for dialogue, speech in spoken(settings):
        floor = [n for n, turn in enumerate(dialogue.turns) if turn.kind == "speech"]
        words = {n: [word for word in speech.words if word.turn == n] for n in floor}
        answers = [(a, b) for a, b in pairwise(floor) if dialogue.turns[b].role == "assistant"]
        found += [words[b][0].start - words[a][-1].end for a, b in answers]
    return found


def test_smooth_turns_are_as_fast_as_the_setting_says() -> None:
    late, early = (
        gaps(with_settings({"speech.answer_gap": [0.9, 1.1]})),
        gaps(with_settings({"speech.answer_gap": -0.3})),
    )
    assert all(0.89 < gap < 1.11 for gap in late)
    assert all(-0.31 < gap < -0.29 for gap in early)
    assert share(spoken(with_settings({"speech.answer_gap": -0.3})), "overlap") == 1.0


def test_plain_is_one_at_a_time() -> None:
    settings = load(Settings, "plain", {})
    assert not any(speech.situations for _, speech in spoken(settings))
    assert all(0.19 < gap < 0.71 for gap in gaps(settings))


def test_natural_is_like_what_is_published() -> None:
    settings = load(Settings, "natural", {})
    found = gaps(settings)
    assert 0.1 < median(found) < 0.35
    assert 0.1 < sum(gap < 0 for gap in found) / len(found) < 0.4
    pauses = [s.end - s.start for _, speech in spoken(settings) for s in speech.situations if s.kind == "pause"]
    assert 0.3 < median(pauses) < 0.7 and max(pauses) > 1.0
    kinds = {s.kind for _, speech in spoken(settings) for s in speech.situations}
    assert kinds >= {"pause", "hesitation", "back_channel", "overlap"}


def test_stressful_has_more_of_everything_than_natural() -> None:
    natural, stressful = load(Settings, "natural", {}), load(Settings, "stressful", {})
    for kind in ("pause", "hesitation", "back_channel", "barge_in", "overlap", "background"):
        counts = [
            sum(s.kind == kind for _, speech in spoken(how) for s in speech.situations) for how in (natural, stressful)
        ]
        assert counts[0] < counts[1], kind


def test_recipes_hold_in_a_language_without_spaces() -> None:
    for recipe in ("natural", "stressful"):
        found = spoken(load(Settings, recipe, {}), "zh", count=6)
        assert share(found, "pause") > 0.5
