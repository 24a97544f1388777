"""What a duplex dialogue adds in words, and what it leaves as it was."""

from collections import Counter

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building import build, settings_of
from duplex_samples import TEXTS, dialogue
from kame_data.dialogues.duplex import (
    LONGER,
    SAID,
    UNSAID,
    back_channel_places,
    barge_ins,
    hesitation_places,
    make_duplex,
)
from kame_data.dialogues.write import accept
from kame_data.engine.plan import preview
from kame_data.oracles.simulate import answered_turns
from kame_data.records import Dialogue, Turn
from kame_data.seeds import rng
from kame_data.settings.tree import DuplexSettings
from kame_data.text.acceptance import check_said
from kame_data.text.answers import holds_answer
from kame_data.text.hesitations import HESITATIONS, bare, clause_end, is_hesitation, is_numeral, without_hesitations
from kame_data.text.interruptions import BACK_CHANNELS, INTERRUPTIONS
from kame_data.text.spoken import is_spoken
from kame_data.text.words import join_words, split_words

ALL = DuplexSettings(hesitation=1.0, user_back_channel=1.0, assistant_back_channel=1.0, barge_in=1.0)
LATIN = ("en", "de", "es", "fr")
shares = st.floats(0, 1)
duplexes = st.builds(
    DuplexSettings, hesitation=shares, user_back_channel=shares, assistant_back_channel=shares, barge_in=shares
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """The dialogues of the bundled samples."""
    found = preview(settings_of(tmp_path_factory.mktemp("samples") / "out"), most=60)
    return [pair[0] for pair in found]


def speech(given: Dialogue) -> list[Turn]:
    return [turn for turn in given.turns if turn.kind == "speech"]


def check_holds_together(made: Dialogue, plain: Dialogue) -> None:
    """Whatever was drawn: words were put in or cut off, and nothing else was changed."""
    language = plain.language
    said = speech(made)
    assert [t.role for t in said] == [("user", "assistant")[n % 2] for n in range(len(said))]
    bare_users = [without_hesitations(t.text, language) for t in said if t.role == "user"]
    put = INTERRUPTIONS[language]
    added = {*put.point, *(user for user, _ in put.enough)}
    assert [t.text for t in plain.turns if t.role == "user"] == [text for text in bare_users if text not in added]
    assert {t.text for t in plain.turns if t.role == "assistant"} <= {t.intended_text for t in said}
    assert sum(t.interrupted for t in said) <= 1
    for number, turn in enumerate(made.turns):
        words = split_words(turn.text, language)
        if turn.interrupted:
            whole = split_words(turn.intended_text, language)
            assert turn.role == "assistant" and words == whole[: len(words)]
            assert len(words) >= SAID and len(whole) - len(words) >= UNSAID
            follower = next(t for t in made.turns[number + 1 :] if t.kind == "speech")
            assert follower.role == "user" and words[-1].rstrip()[-1] not in ".?!。？！؟"
        if turn.kind == "back_channel":
            heard = made.turns[number - 1]
            spoken = split_words(heard.text, language)
            assert heard.kind == "speech" and heard.role != turn.role and turn.text in BACK_CHANNELS[language]
            assert turn.after is not None and 0 < turn.after <= len(spoken) - 4 and len(spoken) >= LONGER
            assert clause_end(spoken[turn.after - 1]) and not is_hesitation(spoken[turn.after - 1], language)
        else:
            assert turn.after is None
        if language in LATIN:
            assert is_spoken(turn.text) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data(), duplex=duplexes, seed=st.integers(0, 10**6))
def test_only_what_may_be_is_changed(samples, data, duplex, seed):
    plain = data.draw(st.sampled_from(samples))
    made = make_duplex(plain, duplex, seed)
    check_holds_together(made, plain)
    assert made == make_duplex(plain, duplex, seed)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(set(TEXTS) - {"ja"})), duplexes, st.integers(0, 10**6))
def test_it_holds_in_every_language(language, duplex, seed):
    check_holds_together(make_duplex(dialogue(language), duplex, seed), dialogue(language))


def test_every_language_gets_all_of_it():
    for language in sorted(set(TEXTS) - {"ja"}):
        made = [make_duplex(dialogue(language, n), ALL, 0) for n in range(12)]
        turns = [turn for one in made for turn in one.turns]
        assert any(is_hesitation(w, language) for t in turns for w in split_words(t.text, language)), language
        assert any(turn.interrupted for turn in turns), language
        few = [make_duplex(dialogue(language, n), ALL.model_copy(update={"hesitation": 0.0}), 0) for n in range(12)]
        assert {t.role for one in few for t in one.turns if t.kind == "back_channel"}, language
    assert {turn.role for one in made for turn in one.turns} == {"user", "assistant"}


def test_a_language_without_words_for_it_stays_as_it_is():
    assert make_duplex(dialogue("ja"), ALL, 0) == dialogue("ja")


def test_nothing_is_done_by_itself(samples):
    assert DuplexSettings() == DuplexSettings(hesitation=0, user_back_channel=0, assistant_back_channel=0, barge_in=0)
    assert all(make_duplex(plain, DuplexSettings(), 3) == plain for plain in samples)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_shares_are_those_that_are_set(samples, share):
    duplex = DuplexSettings(
        hesitation=share, user_back_channel=share, assistant_back_channel=share, barge_in=share
    )  # fmt: skip
    counts: Counter[str] = Counter()
    for seed in range(40):
        for plain in samples:
            for name, value in DuplexSettings().model_dump(exclude={"early"}).items():
                made = make_duplex(
                    plain,
                    duplex.model_copy(update={n: 0.0 for n in duplex.model_dump(exclude={"early"}) if n != name}),
                    seed,
                )
                assert value == 0.0
                if name == "hesitation":
                    for n, turn in enumerate(plain.turns):
                        words = split_words(turn.text)
                        if turn.role == "user":
                            counts["place"] += len(hesitation_places(words, "en", rng(seed, "hesitation", plain.id, n)))
                            counts["hesitation"] += len(split_words(made.turns[n].text)) - len(words)
                elif name == "barge_in":
                    counts["open"] += bool(barge_ins(plain, rng(0)))
                    counts[name] += any(t.interrupted for t in made.turns)
                else:
                    role = name.split("_")[0]
                    counts[f"{role} place"] += sum(
                        bool(back_channel_places(split_words(t.text), "en")) for t in plain.turns if t.role != role
                    )
                    counts[name] += sum(t.kind == "back_channel" for t in made.turns)
    for name, of in (
        ("hesitation", "place"),
        ("barge_in", "open"),
        ("user_back_channel", "user place"),
        ("assistant_back_channel", "assistant place"),
    ):
        assert counts[of] > 300
        assert counts[name] / counts[of] == pytest.approx(share, abs=0.06), name


def test_a_larger_share_keeps_what_a_smaller_one_chose(samples):
    for plain in samples:
        few, many = (make_duplex(plain, DuplexSettings(barge_in=share), 1) for share in (0.3, 0.9))
        assert not any(t.interrupted for t in few.turns) or few == many


def test_where_nobody_hesitates():
    text = "Is the Battle of Hastings one hundred and five kilometers from, say, the United States of America, a lot?"
    words = text.split()
    for seed in range(200):
        for place in hesitation_places(words, "en", rng(seed)):
            assert (words[place - 1], words[place]) not in (
                ("of", "Hastings"), ("hundred", "and"), ("and", "five"), ("one", "hundred"), ("of", "America,"),
                ("a", "lot?"),
            )  # fmt: skip
    assert not hesitation_places(["What", "is", "kintsugi?"], "en", rng(0))


def test_a_hesitation_takes_the_capital_and_its_commas():
    plain = Turn("user", "So what is the capital of France? I think the answer is Paris.", "")
    plain = Turn("user", plain.text, plain.text)
    made = {
        make_duplex(Dialogue("d-v0", "d", 0, "en", (plain,), "Paris"), DuplexSettings(hesitation=1.0), seed)
        .turns[0]
        .text
        for seed in range(30)
    }
    assert any(text.startswith("Um, so what is") for text in made)
    assert any("? Um, I think" in text or "? Uh, I think" in text for text in made)
    assert all(without_hesitations(text) == plain.text for text in made)
    assert without_hesitations("Um, so what is the, uh") == "So what is the"


def test_a_user_who_has_the_answer_breaks_off_and_one_who_has_not_asks_for_it():
    kinds = Counter()
    for number in range(60):
        made = make_duplex(dialogue("en", number), DuplexSettings(barge_in=1.0), 0)
        cut = next(t for t in made.turns if t.interrupted)
        user, last = made.turns[-2:]
        told = holds_answer(cut.text, made.answer)
        assert (user.text in INTERRUPTIONS["en"].point) is not told
        assert holds_answer(last.text, made.answer) is not told
        kinds[told] += 1
    assert kinds[True], "the answer comes first in this dialogue, so that there is nothing to ask for"
    early = Turn("assistant", "You take one hundred twenty and divide it by twenty-four, so it's five hours.", "")
    early = Turn("assistant", early.text, early.text)
    for number in range(30):
        asked = dialogue("en", number)
        made = make_duplex(
            Dialogue(asked.id, asked.question_id, 0, "en", (asked.turns[0], early), "five hours"),
            DuplexSettings(barge_in=1.0),
            0,
        )
        assert not holds_answer(made.turns[1].text, "five hours")
        assert made.turns[2].text in INTERRUPTIONS["en"].point and holds_answer(made.turns[3].text, "five hours")


def test_the_users_own_next_turn_interrupts():
    plain = dialogue("en")
    after = (Turn("user", "Perfect, thanks.", "Perfect, thanks."), Turn("assistant", "Any time.", "Any time."))
    longer = Dialogue(plain.id, plain.question_id, 0, "en", plain.turns + after, plain.answer)
    made = make_duplex(longer, DuplexSettings(barge_in=1.0), 0)
    assert made.turns[1].interrupted and made.turns[2:] == after
    assert answered_turns(made)[0] == (0, made.turns[1])
    why = Turn("user", "And why do you divide by twenty-four?", "And why do you divide by twenty-four?")
    asking = Dialogue(plain.id, plain.question_id, 0, "en", (*plain.turns, why, after[1]), plain.answer)
    assert make_duplex(asking, DuplexSettings(barge_in=1.0), 0) == asking, "what it asks about would not be said"


def test_no_cut_falls_within_a_number():
    for language in TEXTS:
        for number in range(40):
            for turn in make_duplex(dialogue(language, number), DuplexSettings(barge_in=1.0), 0).turns:
                if turn.interrupted:
                    count = len(split_words(turn.text, language))
                    around = split_words(turn.intended_text, language)[count - 1 : count + 1]
                    assert not all(is_numeral(word, language) for word in around)


def test_what_is_added_may_be_said():
    for language in LATIN:
        put = INTERRUPTIONS[language]
        lines = [*put.point, *(line for pair in put.enough for line in pair), *BACK_CHANNELS[language]]
        lines += [line.format(answer="five hours", Answer="Five hours") for line in put.short + put.stated]
        assert [line for line in lines if is_spoken(line)] == []
        if language == "en":
            for line in lines:
                check_said(line, "en")
    assert all(bare(word) == word for words in HESITATIONS.values() for word in words)


def test_a_whole_build_with_all_of_it(tmp_path):
    plain = settings_of(tmp_path / "plain")
    build(plain)
    manifest, _ = build(settings_of(tmp_path / "out", duplex=ALL.model_dump(), stt={"noise": 0.15}))
    rows = [r for p in sorted((tmp_path / "out" / "shards").iterdir()) for r in pq.read_table(p).to_pylist()]
    # Of an answer in a word or two to a barge-in the rules may have nothing to say on level 1 that does not tell it.
    assert not manifest["refused"]["dialogues"] and manifest["refused"]["oracles"].keys() <= {"no_hint"}
    assert sum(manifest["refused"]["oracles"].values()) < 0.02 * sum(manifest["oracles"].values())
    assert manifest["dialogues"]["accepted"] == len(rows) > 40
    kinds = Counter(s["kind"] for r in rows for s in r["situations"])
    assert kinds["back_channel"] > 20 and kinds["barge_in"] > 10
    for row in rows:
        aside = {s["turn"] for s in row["situations"] if s["kind"] == "back_channel"}
        heard = {(t["turn"], t["prefix_words"]): t["text"] for t in row["transcripts"]}
        for oracle in row["oracles"]:
            words = [w["word"] for w in row["words"] if w["turn"] == oracle["turn"]]
            assert oracle["turn"] not in aside and row["turns"][oracle["turn"]]["role"] == "user"
            assert oracle["ratio"] == oracle["prefix_words"] / len(words)
            said = join_words(words[: oracle["prefix_words"]], row["language"])
            assert heard.get((oracle["turn"], oracle["prefix_words"])) != said
            if oracle["level"] == 5:
                after = next(n for n in range(oracle["turn"] + 1, len(row["turns"])) if n not in aside)
                assert oracle["text"] == row["turns"][after]["intended_text"]
        counts = Counter(o["turn"] for o in row["oracles"])
        for turn, number in counts.items():
            words = [w for w in row["words"] if w["turn"] == turn]
            assert number <= len(words) // 2 + 2
    assert any(r["transcripts"] for r in rows)


def test_what_is_made_of_a_sample_would_be_accepted_but_for_the_turns_it_adds(samples, tmp_path):
    from kame_data.engine.build import Build
    from kame_data.engine.plan import looked_at

    with looked_at(settings_of(tmp_path / "out")) as looked:
        assert isinstance(looked, Build)
        looked.questions.check_some()
        questions = {q.id: q for found in looked.questions.accepted.values() for q in found}
    for plain in samples:
        made = make_duplex(plain, ALL, 5)
        whole = tuple(Turn(t.role, t.intended_text, t.intended_text) for t in speech(made))
        accept(
            Dialogue(made.id, made.question_id, 0, "en", whole, made.answer, made.choices), questions[made.question_id]
        )
