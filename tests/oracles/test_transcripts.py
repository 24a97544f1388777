"""What a recogniser makes of a turn: errors at the stated rate, some put right, and what a simulator is shown."""

import builtins
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building import build, settings_of
from duplex_samples import TEXTS
from kame_data.engine.plan import preview
from kame_data.errors import UsageError
from kame_data.levels import LevelSchedule
from kame_data.oracles.acceptance import OracleRequest
from kame_data.oracles.simulate import DialogueOracles, simulate_oracles
from kame_data.oracles.transcripts import REVISED_AFTER, Recogniser
from kame_data.records import Dialogue, Turn
from kame_data.settings.tree import SttSettings
from kame_data.text import sounds
from kame_data.text.spoken import is_spoken
from kame_data.text.words import join_words, split_words

noises = st.builds(SttSettings, noise=st.floats(0, 0.5), revised=st.floats(0, 1))


@pytest.fixture(scope="module")
def turns(tmp_path_factory):
    """The words of the user turns of the bundled samples."""
    found = preview(settings_of(tmp_path_factory.mktemp("samples") / "out"), most=60)
    return [t.text.split() for dialogue, _ in found for t in dialogue.turns if t.role == "user"]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), noise=noises, seed=st.integers(0, 10**6))
def test_a_transcript_is_spoken_text_that_the_prefix_decides(turns, data, noise, seed):
    words = data.draw(st.sampled_from(turns))
    history = Recogniser(noise, seed).hear(words, "en", "d-v0", 0)
    assert history == Recogniser(noise, seed).hear(words, "en", "d-v0", 0)
    for count in range(1, len(words) + 1):
        heard = history.at(count)
        assert heard == history.at(count) and heard.strip() and is_spoken(heard) == []
        wrong = [e for e in history.errors if e.word < count and (e.right is None or count < e.right)]
        assert (heard == " ".join(words[:count])) == (not wrong)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), noises, st.integers(0, 99))
def test_other_languages_lose_words_and_get_them_back(language, noise, seed):
    words = split_words(TEXTS[language][0], language)
    history = Recogniser(noise, seed).hear(words, language, "d-v0", 0)
    if language != "en":
        assert {error.written for error in history.errors} <= {""}
    for count in range(1, len(words) + 1):
        kept = {e.word for e in history.errors if e.word < count and (e.right is None or count < e.right)}
        if language != "en":
            left = [word for n, word in enumerate(words[:count]) if n not in kept]
            assert history.at(count) == join_words(left, language)


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_the_stated_rate_holds(turns, noise):
    words = wrong = revised = revisable = 0
    waits: Counter[int] = Counter()
    for seed in range(60):
        for number, turn in enumerate(turns):
            history = Recogniser(SttSettings(noise=noise, revised=0.6), seed).hear(turn, "en", f"d-{number}", 0)
            words += len(turn)
            wrong += len(history.errors)
            revisable += sum(e.word < len(turn) - 1 for e in history.errors)
            revised += sum(e.right is not None for e in history.errors)
            waits.update(e.right - e.word - 1 for e in history.errors if e.right is not None)
    assert words > 50_000
    assert wrong / words == pytest.approx(noise, rel=0.05)
    assert revised / revisable == pytest.approx(0.6, abs=0.03)
    assert set(waits) <= set(range(REVISED_AFTER[0], REVISED_AFTER[1] + 1))


def test_most_errors_are_words_that_sound_alike(turns):
    errors = [
        error
        for seed in range(3)
        for number, turn in enumerate(turns)
        for error in Recogniser(SttSettings(noise=0.3), seed).hear(turn, "en", f"d-{number}", 0).errors
    ]
    lost = sum(not error.written for error in errors) / len(errors)
    assert 0.05 < lost < 0.3
    assert sum(error.back for error in errors) and any(" " in error.written for error in errors)


def test_no_noise_changes_nothing():
    words = ["How", "many", "rows", "are", "there?"]
    assert Recogniser(SttSettings(noise=0.0), 0).hear(words, "en", "d", 0).errors == ()
    assert SttSettings().noise == 0.0


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("feet", "feat"),
        ("there", "their"),
        ("fifteen", "fifty"),
        ("four", "for"),
        ("Right", "write"),
        ("twelve", "well"),
    ],
)
def test_what_sounds_alike(word, other):
    assert other in [found for found, _ in sounds.alike(word)]


def test_what_does_not():
    assert sounds.alike("neighbor") and "neighbour" not in dict(sounds.alike("neighbor")), "that is the same word"
    assert sounds.alike("kintsugi") == ()
    assert "bitch" not in dict(sounds.alike("beach")) and sounds.alike("beach")
    assert all(word in sounds._hearable() for word, _ in sounds.alike("seven"))
    assert sounds.joined("all", "ways") == ("always",)
    assert "guard an" in sounds.cut_in_two("garden")


class Listener:
    """A simulator that notes what it is shown, and repeats a line; without one, one that its level may say."""

    name, version = "listener", "1"

    def __init__(self, says: str = "") -> None:
        self.says = says
        self.asked: list[OracleRequest] = []

    def simulate(self, request: OracleRequest) -> str:
        self.asked.append(request)
        return self.says or ("I'd say sixty roses." if request.level > 1 else "Count them one by one.")


QUESTION = "My garden has fifteen rows with four roses in each row there. How many roses are there in all of it?"
TRUTH = "There are sixty roses."


def oracles(simulator: Listener, noise: float, schedule: LevelSchedule, seed: int = 3) -> DialogueOracles:
    turns = (Turn("user", QUESTION, QUESTION), Turn("assistant", TRUTH, TRUTH))
    given = Dialogue("own-1-v0", "own-1", 0, "en", turns, "sixty")
    recogniser = Recogniser(SttSettings(noise=noise), seed)
    found = list(simulate_oracles([given], schedule, simulator, recogniser))[-1]
    assert isinstance(found, DialogueOracles)
    return found


def test_the_simulator_is_shown_the_transcript_and_the_oracle_keeps_it():
    simulator = Listener()
    found = oracles(simulator, 0.3, LevelSchedule(every=1))
    words = QUESTION.split()
    heard = [o.transcript or " ".join(words[: o.prefix_words]) for o in found.oracles]
    shown = zip([o.level for o in found.oracles], heard, strict=True)
    asked = [(r.level, r.transcript) for r in simulator.asked]
    assert asked == list(dict.fromkeys(pair for pair in shown if pair[0] < 5))
    assert any(o.transcript for o in found.oracles)
    assert all(o.transcript != " ".join(words[: o.prefix_words]) for o in found.oracles)
    assert found.oracles[-1].level == 5 and found.oracles[-1].text == TRUTH
    assert {r.hint for r in simulator.asked if r.level} == {TRUTH}, "hints come from the truth"


def test_a_turn_of_forty_words_takes_twenty_calls_at_the_most():
    said = " ".join(QUESTION.split() * 2)[: -len(" it?")] + "."
    turns = (Turn("user", said, said), Turn("assistant", TRUTH, TRUTH))
    assert len(said.split()) == 41
    for noise in (0.0, 0.3):
        simulator = Listener()
        given = Dialogue("own-1-v0", "own-1", 0, "en", turns, "sixty")
        list(simulate_oracles([given], LevelSchedule(), simulator, Recogniser(SttSettings(noise=noise), 0)))
        assert len(simulator.asked) <= 20


def test_equal_transcripts_are_asked_once():
    for seed in range(20):
        simulator = Listener()
        found = oracles(simulator, 0.5, LevelSchedule(levels=(0,), every=1), seed)
        shown = [(r.level, r.transcript) for r in simulator.asked]
        assert len(shown) == len(set(shown)) <= len(found.oracles)


def test_a_number_that_was_not_heard_is_not_known_even_where_it_was_said():
    said = "Is it fifteen or twenty roses, do you think?"
    turns = (Turn("user", said, said), Turn("assistant", TRUTH, TRUTH))
    given = Dialogue("own-1-v0", "own-1", 0, "en", turns, "sixty")
    outcomes = set()
    for seed in range(40):
        recogniser = Recogniser(SttSettings(noise=0.4, revised=0.0), seed)
        history = recogniser.hear(said.split(), "en", "own-1-v0", 0)
        *refused, found = simulate_oracles(
            [given], LevelSchedule((2,), "grid", every=5), Listener("Sixty, and not fifteen."), recogniser
        )
        for count in (5, 9):
            kept = count in [o.prefix_words for o in found.oracles]
            assert kept is ("fifteen" in history.at(count).casefold().split()), history.at(count)
            outcomes.add(kept)
        assert {r.reason for r in refused} <= {"other_number"}
    assert outcomes == {True, False}


def test_a_missing_dictionary_is_said_in_one_line(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pocketsphinx":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    sounds._dictionary.cache_clear()
    sounds.alike.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pocketsphinx.*pip install pocketsphinx, or set --stt-noise 0"):
        sounds.alike("feet")
    monkeypatch.undo()
    sounds._dictionary.cache_clear()


def test_the_flag_changes_oracles_and_no_dialogue(tmp_path):
    out = tmp_path / "out"
    build(settings_of(out))
    _, made = build(settings_of(out, stt={"noise": 0.1}))
    assert set(made) == {"questions", "oracles", "shards"}
    _, made = build(settings_of(out, stt={"noise": 0.0, "revised": 0.1}))
    assert "oracles" not in made, "without noise nothing is revised"
