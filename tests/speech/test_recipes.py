"""The shipped recipes, and that each situation of Full-Duplex-Bench can be turned up by a setting."""

from dataclasses import replace
from statistics import median

import pytest
from duplex_samples import TEXTS
from talking import Hum, dialogue_of, said

from pipeline.config import Settings
from pipeline.duplex import make_duplex
from pipeline.records import Dialogue, Speech
from pipeline.settings_file import load_settings
from pipeline.speech.speak import speak_dialogues

COUNT = 60


def dialogues(settings: Settings, language: str = "en") -> list[Dialogue]:
    """The sample, with a second question, under many names, as the settings make it."""
    user, assistant, answer = TEXTS[language]
    plain = dialogue_of(
        said("user", user),
        said("assistant", assistant),
        said("user", "And what would it be if we all went on our way for twice as long, at the same pace as before?"),
        said("assistant", "Twice as long at the same pace means twice as far, and nothing else changes at all."),
        language=language,
    )
    return [make_duplex(replace(plain, id=f"d{n}", answer=answer), settings.duplex, 0) for n in range(COUNT)]


def spoken(settings: Settings, language: str = "en") -> list[tuple[Dialogue, Speech]]:
    made = dialogues(settings, language)
    results = list(speak_dialogues([(d, "train") for d in made], Hum(), settings.speech, 0))
    assert all(isinstance(result, Speech) for result in results), [r for r in results if not isinstance(r, Speech)][:1]
    return list(zip(made, results, strict=True))  # type: ignore[arg-type]


def share(settings: Settings, kind: str, role: str | None = None) -> float:
    """The share of dialogues with a situation of that kind."""
    found = [
        any(s.kind == kind and (role is None or dialogue.turns[s.turn].role == role) for s in speech.situations)
        for dialogue, speech in spoken(settings)
    ]
    return sum(found) / COUNT


def with_setting(name: str, value: object) -> Settings:
    """The plain recipe with one setting changed, by its dotted name."""
    changed = load_settings("plain", {}).model_dump()
    *path, last = name.split(".")
    branch = changed
    for step in path:
        branch = branch[step]
    branch[last] = value
    return Settings.model_validate(changed)


@pytest.mark.parametrize(
    ("setting", "kind", "role"),
    [
        ("speech.pauses.rate", "pause", None),
        ("speech.pauses.within", "pause", None),
        ("speech.pauses.long_rate", "pause", None),
        ("duplex.hesitation", "hesitation", None),
        ("duplex.user_back_channel", "back_channel", "user"),
        ("duplex.assistant_back_channel", "back_channel", "assistant"),
        ("duplex.barge_in", "barge_in", None),
        ("speech.sound.background", "background", None),
    ],
)
def test_each_situation_can_be_turned_up(setting: str, kind: str, role: str | None) -> None:
    none, all_of_it = (share(with_setting(setting, value), kind, role) for value in (0.0, 1.0))
    assert (none, all_of_it) == (0.0, 1.0)
    # A dialogue has several places for a pause, a hesitation or a back-channel, so its share lies above the setting's.
    assert 0.2 < share(with_setting(setting, 0.4), kind, role) <= 1.0


def gaps(settings: Settings) -> list[float]:
    """From the end of each turn with the floor to the start of the assistant's answer."""
    found = []
    for dialogue, speech in spoken(settings):
        spans = {
            n: [w for w in speech.words if w.turn == n] for n, t in enumerate(dialogue.turns) if t.kind == "speech"
        }
        order = list(spans)
        found += [
            spans[b][0].start - spans[a][-1].end
            for a, b in zip(order, order[1:], strict=False)
            if dialogue.turns[b].role == "assistant"
        ]
    return found


def test_smooth_turns_are_as_fast_as_the_setting_says() -> None:
    late, early = gaps(with_setting("speech.answer_gap", [0.9, 1.1])), gaps(with_setting("speech.answer_gap", -0.3))
    assert all(0.89 < gap < 1.11 for gap in late)
    assert all(-0.31 < gap < -0.29 for gap in early)
    assert share(with_setting("speech.answer_gap", -0.3), "overlap") == 1.0


def test_plain_is_one_at_a_time() -> None:
    settings = load_settings("plain", {})
    assert not any(speech.situations for _, speech in spoken(settings))
    assert all(0.19 < gap < 0.71 for gap in gaps(settings))


def test_natural_is_like_what_is_published() -> None:
    settings = load_settings("natural", {})
    found = gaps(settings)
    assert 0.1 < median(found) < 0.35
    assert 0.1 < sum(gap < 0 for gap in found) / len(found) < 0.4
    pauses = [s.end - s.start for _, speech in spoken(settings) for s in speech.situations if s.kind == "pause"]
    assert 0.3 < median(pauses) < 0.7 and max(pauses) > 1.0
    kinds = {s.kind for _, speech in spoken(settings) for s in speech.situations}
    assert kinds == {"pause", "hesitation", "back_channel", "barge_in", "overlap", "background"}


def test_stressful_has_more_of_everything_than_natural() -> None:
    natural, stressful = load_settings("natural", {}), load_settings("stressful", {})
    for kind in ("pause", "hesitation", "back_channel", "barge_in", "overlap", "background"):
        counts = [
            sum(s.kind == kind for _, speech in spoken(how) for s in speech.situations) for how in (natural, stressful)
        ]
        assert counts[0] < counts[1], kind


def test_recipes_hold_in_a_language_without_spaces() -> None:
    for recipe in ("natural", "stressful"):
        assert len(spoken(load_settings(recipe, {}), "zh")) == COUNT
