"""Early starts and fillers in words: what is said is in the row, and the rest of the dialogue stays."""

from dataclasses import replace
from itertools import pairwise

import pytest

from building import build, settings_of, shard_bytes
from duplex_samples import dialogue as sample_of
from early_rows import DUPLEX, dialogues, oracles
from kame_data.dialogues.duplex import make_duplex
from kame_data.engine.parts import digest_of
from kame_data.engine.plan import plan
from kame_data.finished.level_figures import measure
from kame_data.finished.reader import Finished
from kame_data.levels import HOLDING, LevelSchedule
from kame_data.offline.simulator import OfflineSimulator
from kame_data.oracles.early import EarlyStarts
from kame_data.records import Dialogue
from kame_data.settings.tree import EarlySettings, Settings
from kame_data.storage.paths import path_of
from kame_data.text.answers import tells
from kame_data.text.hesitations import bare
from kame_data.text.repairs import FILLERS
from kame_data.text.spoken import is_spoken
from kame_data.text.words import bare_words, split_words

ALL = {"share": 1.0, "filler": 0.5}
COUNT = 70


def how(early=None, **more):
    return Settings(duplex={**DUPLEX, "early": ALL if early is None else early}, stt={"noise": 0.05}, **more)


@pytest.fixture(scope="module")
def made():
    return dialogues(how(), COUNT)


def starts(found: list[Dialogue], kind: str = "early"):
    return [(one, start) for one in found for start in one.starts if start.kind == kind]


def test_what_is_said_early_is_the_beginning_of_the_rows_own_oracle(made):
    hung = oracles(how(), made)
    early = starts(made)
    assert len(early) > 0.7 * len(made)
    for one, start in early:
        words = split_words(one.turns[start.turn].text)
        (oracle,) = [
            o for o in hung[one.id].oracles if (o.turn, o.prefix_words) == (start.asked, start.prefix_words)
        ]  # the lowest level, and that alone
        said = bare_words(" ".join(words[start.lead : start.words]))
        assert bare_words(oracle.text)[: len(said)] == said and oracle.level == start.level == 0
        levels = [o.level for o in hung[one.id].oracles if o.turn == start.asked]
        assert levels == sorted(levels) and levels.count(0) == sum(
            o.prefix_words <= start.prefix_words for o in hung[one.id].oracles if o.turn == start.asked
        )


def test_intended_text_is_the_truth_and_is_told_behind_the_start(made):
    plain = {one.id: one for one in dialogues(how({"share": 0.0}), COUNT)}
    mended = [(one, start) for one, start in starts(made) if start.mend]
    assert len(mended) > 0.5 * len(starts(made))
    for one, start in starts(made) + starts(made, "filler"):
        turn, words = one.turns[start.turn], split_words(one.turns[start.turn].text)
        assert turn.intended_text in {t.intended_text for t in plain[one.id].turns} and not turn.interrupted
        truth = split_words(turn.intended_text)
        rest = words[start.words + start.mend :]
        assert [*map(bare, rest)] == [*map(bare, truth[len(truth) - len(rest) :])] or not rest
        assert is_spoken(turn.text) == []
        claim = turn.claim or one.answer
        assert tells(" ".join(rest) if start.mend else turn.text, claim)
        if start.kind == "filler":
            assert turn.text.removesuffix(f" {turn.intended_text}") in FILLERS["en"] and start.mend == 0


def test_it_waits_for_the_oracles_that_hold_the_truth(made):
    hung = oracles(how(), made)
    for one, start in starts(made):
        whole = len(split_words(one.turns[start.asked].text))
        of_turn = [o for o in hung[one.id].oracles if o.turn == start.asked]
        holding = {o.prefix_words for o in of_turn if o.level >= HOLDING and o.prefix_words > start.prefix_words}
        assert set(start.waits_for) == holding | {whole}
        assert whole / 2 - 2 <= start.prefix_words < whole
    for one, start in starts(made, "filler"):
        assert start.waits_for == (start.prefix_words,) == (len(split_words(one.turns[start.asked].text)),)


def test_the_rest_of_a_dialogue_stays_and_back_channels_keep_their_words(made):
    plain = {one.id: one for one in dialogues(how({"share": 0.0}), COUNT)}
    moved = 0
    for one in made:
        speech = [turn for turn in one.turns if turn.kind == "speech"]
        before = [turn for turn in plain[one.id].turns if turn.kind == "speech"]
        begun = {start.turn for start in one.starts}
        assert [t.intended_text for t in speech] == [t.intended_text for t in before]
        assert all(t == b for t, b in zip(speech, before, strict=True) if one.turns.index(t) not in begun)
        for number, turn in enumerate(one.turns):
            if turn.kind == "back_channel" and one.turns[number - 1] in [one.turns[n] for n in begun]:
                host = one.turns[number - 1]
                answered = bare(split_words(host.text)[turn.after - 1])
                old = next(
                    b.after for a, b in pairwise(plain[one.id].turns) if a.intended_text == host.intended_text
                    and b.kind == "back_channel"
                )  # fmt: skip
                assert answered == bare(split_words(host.intended_text)[old - 1])
                assert turn.after > next(s.words + s.mend for s in one.starts if s.turn == number - 1)
                moved += 1
        for start in one.starts:
            assert not any(
                t.kind == "back_channel" and t.role == "assistant" and t.after > start.prefix_words - 4
                for t in one.turns[start.asked + 1 : start.turn]
                if start.kind == "early"
            )
            assert one.turns[start.turn].role == "assistant" and one.turns[start.asked].role == "user"
            assert not any(t.interrupted for t in one.turns[max(0, start.asked - 2) : start.turn])
    assert moved > 2


def test_a_larger_share_keeps_what_a_smaller_one_chose(made):
    some = dialogues(how({"share": 0.3, "filler": 0.2}), COUNT)
    few, all_ = ({(one.id, start) for one, start in starts(found)} for found in (some, made))
    assert few < all_ and 0.1 < len(few) / len(made) < 0.45
    early = {(one.id, start.asked) for one, start in starts(made)}
    late = {(one.id, start.asked) for one, start in starts(some, "filler")}
    every = {(one.id, start.asked) for one, start in starts(made, "filler")}
    ahead = {one.id: min(s.asked for s in one.starts if s.kind == "early") for one, _ in starts(made)}
    assert {(name, asked) for name, asked in late - early if asked > ahead.get(name, -1)} <= every


def test_doubt_is_drawn():
    sure, unsure = (dialogues(how({"share": 1.0, "unsure": share}), 30) for share in (0.0, 1.0))
    assert not any(start.lead for _, start in starts(sure)) and any(start.lead for _, start in starts(unsure))
    one = EarlySettings.model_validate({"share": 1.0, "unheard": [1, 2]})
    near = dialogues(how(one.model_dump()), 30)
    heard = [len(split_words(d.turns[s.asked].text)) - s.prefix_words for d, s in starts(near)]
    assert max(heard) <= 4, "two words to a prefix"


@pytest.mark.parametrize(
    ("more", "level"), [({"schedule": "grid"}, 0), ({"levels": "2-5"}, 2), ({"levels": "3,5"}, 3), ({"levels": "0"}, 0)]
)
def test_whatever_the_schedule_the_early_oracle_has_the_lowest_level(more, level):
    settings = how(**more)
    found = dialogues(settings, 30)
    hung = oracles(settings, found)
    assert starts(found)
    for one, start in starts(found):
        at = [o.level for o in hung[one.id].oracles if (o.turn, o.prefix_words) == (start.asked, start.prefix_words)]
        assert at == [level] == [start.level]
    if level >= HOLDING:
        assert not any(start.mend for _, start in starts(found)), "what holds the answer is never taken back"


def test_the_prefixes_before_an_early_start_are_guesses_in_any_schedule():
    for schedule in (LevelSchedule(), LevelSchedule((2, 4, 5), "grid", 3), LevelSchedule((5,))):
        prefixes = schedule.prefixes(0, 30, 21)
        assert {p.level for p in prefixes if p.words <= 21} == {schedule.levels[0]}
        assert [p for p in prefixes if p.words > 21] == [p for p in schedule.prefixes(0, 30) if p.words > 21]
        assert schedule.prefixes(0, 30, 0) == schedule.prefixes(0, 30)


def test_a_language_without_words_for_it_stays_as_it_is():
    for language in ("de", "zh", "ja"):
        one = sample_of(language)
        begin = EarlyStarts(EarlySettings(share=1.0, filler=1.0), 0, LevelSchedule(), OfflineSimulator(0)).begin
        assert begin([one]) == [one]


class Refusing(OfflineSimulator):
    """It refuses every oracle."""

    def simulate_many(self, tasks, accept):
        from kame_data.errors import Refusal

        return iter([Refusal("empty_oracle", "nothing")] * len(tasks))


def test_where_the_oracle_is_refused_the_dialogue_stays(made):
    plain = dialogues(how({"share": 0.0}), 30)
    assert EarlyStarts(EarlySettings(share=1.0), 0, LevelSchedule(), Refusing(0)).begin(plain) == plain


def test_without_early_starts_a_dialogue_has_the_digest_that_it_had():
    one = sample_of("en")
    fields = ("id", "question_id", "variant", "language", "turns", "answer", "choices", "writer", "again", "form")
    from kame_data.engine.parts import _adapter, row_digest

    plain = _adapter(Dialogue).dump_python([one])[0]
    assert digest_of(one) == row_digest({name: plain[name] for name in fields})
    begun = dialogues(how(), 12)[0]
    assert digest_of(begun) != digest_of(replace(begun, starts=()))


def test_a_build_with_early_starts_is_the_same_twice_and_sound(tmp_path):
    from kame_data.verify.check_build import verify

    early = {"early": {"share": 0.8, "filler": 0.4}}
    manifest, _ = build(settings_of(tmp_path / "a", duplex=early))
    build(settings_of(tmp_path / "b", duplex=early), workers=1)
    assert shard_bytes(tmp_path / "a") == shard_bytes(tmp_path / "b")
    assert not [problem for check in verify(path_of(tmp_path / "a")) for problem in check.problems]
    figures = measure(Finished.open(tmp_path / "a")).early
    assert figures.early >= 0.5 * manifest["dialogues"]["accepted"] and figures.mended and figures.fillers
    assert len(figures.lines) == 2 and f"early starts: {figures.early}" in figures.lines[0]
    kinds = {s.kind for row in Finished.open(tmp_path / "a").rows() for s in row.situations}
    assert {"early_start", "filler"} <= kinds


def test_a_build_without_has_no_column_for_it_and_the_parts_that_it_had(tmp_path):
    import pyarrow.parquet as pq

    build(settings_of(tmp_path / "plain"))
    (path, *_) = sorted((tmp_path / "plain" / "shards").iterdir())
    assert "starts" not in pq.read_schema(path).names
    assert all(row.starts == () for row in Finished.open(tmp_path / "plain").rows())
    parts = sorted(p.name for p in (tmp_path / "plain" / "parts" / "dialogues").iterdir())
    unsure = settings_of(tmp_path / "plain", duplex={"early": {"unsure": 0.9, "unheard": [3, 4]}})
    _, made_anew = build(unsure)
    assert "dialogues" not in made_anew and parts == sorted(
        p.name for p in (tmp_path / "plain" / "parts" / "dialogues").iterdir()
    )


def test_a_plan_counts_the_guesses_of_early_starts(tmp_path):
    asks = {"simulator": "openai:gpt-4.1-nano", "ledger": tmp_path / "ledger"}
    plain, early = (
        plan(settings_of(tmp_path / name, duplex={"early": {"share": share}}, **asks))
        for name, share in (("a", 0.0), ("b", 1.0))
    )
    assert early.levels[0] > 1.2 * plain.levels[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"duplex": {"early": {"share": 0.1}}, "latency": {"policy": "final"}}, "latency.policy final; use poll"),
        ({"duplex": {"early": {"share": 0.1}}, "latency": {"policy": "none"}}, "latency.policy none; use poll"),
        ({"duplex": {"early": {"filler": 0.1}}, "latency": {"policy": "none"}}, "duplex.early.filler 0.1"),
        ({"duplex": {"early": {"share": 0.1}}, "levels": "5"}, "add a lower level"),
        ({"duplex": {"early": {"share": 0.1, "unheard": [0, 3]}}}, "from 1 to 200"),
        ({"duplex": {"early": {"share": 1.1}}}, "less than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        Settings.model_validate(settings)


def test_duplex_comes_first(made):
    """Hesitations and barge-ins are in the words that the early oracle hears."""
    plain = {one.id: one for one in dialogues(Settings(stt={"noise": 0.05}), COUNT)}
    for one in made[:40]:
        duplexed = make_duplex(plain[one.id], how().duplex, 0)
        users = [t.text for t in one.turns if t.role == "user" and t.kind == "speech"]
        assert users == [t.text for t in duplexed.turns if t.role == "user" and t.kind == "speech"]
