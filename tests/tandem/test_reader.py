"""The small bundled model by its own front end: what it says, when, and when not."""

import json
import os
import random
import sys

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import numpy as np
import pytest
import torch

from kame_data.codec.text_stream import lay_text, text_tokens
from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.codec.tokenizer import Tokenizer
from kame_data.model.inputs import lay_out
from kame_data.resources import bundled
from kame_data.tandem.checkpoints import Checkpoint
from kame_data.tandem.frames import SAMPLES, FrameIn
from kame_data.tandem.front_end import GREEDY
from kame_data.tandem.loudness import Loudness

MODELS = bundled("data/models")
sys.path.insert(0, str(MODELS))

from reader_check import SILENT, Case, one_oracle, rate, run, switches  # noqa: E402
from reader_dialogues import Conversations, Texts  # noqa: E402
from reader_rule import Kinds, Reader  # noqa: E402

sys.path.remove(str(MODELS))  # its train.py is not the tests' folder `train`

OTHERS = (MODELS / "other_texts.txt").read_text(encoding="utf-8").splitlines()
SHORT = "The capital of Norway is Oslo."


@pytest.fixture(scope="module")
def demo():
    return Checkpoint.find("demo")


def said(case, tokenizer, begin=0, end=None):
    return tokenizer.decode([token for token in case.said[begin:end] if token not in SILENT])


def frame_of(case, nth=0):
    """The frame of the nth token that was said."""
    return [frame for frame, token in enumerate(case.said) if token not in SILENT][nth]


def last_frame(case):
    return frame_of(case, -1)


def voiced(demo, text, start, voice, way="12.5 a second"):
    """One case with a voice in these frames and an oracle that starts in one."""
    case = Case(text, voice)
    case.give(0, start, demo.tokenizer.encode(text), way, random.Random(0))
    return case


def test_it_is_small_and_says_what_it_is(demo):
    folder = MODELS / "demo"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8_000_000
    assert json.loads((folder / "config.json").read_text())["codec"] == demo.codec == "loudness"
    assert any("cannot hear words" in stand_in for stand_in in demo.stand_ins)
    assert any("cannot think" in stand_in for stand_in in demo.stand_ins)


def test_it_says_what_it_is_given_of_whatever_kind(demo):
    cases = one_oracle(demo, [SHORT, *OTHERS[:5]], "12.5 a second")
    share, wrong = rate(demo, cases)
    assert share < 0.1, wrong
    # In the pace of a person: about three words a second.
    words = sum(len(case.expected.split()) for case in cases)
    seconds = sum(last_frame(case) - frame_of(case) for case in cases) * 0.08
    assert 1.5 < words / seconds < 4


@pytest.mark.parametrize("way", ["5 a second", "bursts"])
def test_it_waits_for_what_comes_late(demo, way):
    share, wrong = rate(demo, one_oracle(demo, [SHORT, *OTHERS[:2]], way))
    assert share < 0.1, wrong


def test_it_is_silent_without_an_oracle_and_while_the_user_speaks(demo):
    nothing = Case("", [(0, 40)], [(80, 0, [])])  # an oracle that begins and holds nothing
    waits = voiced(demo, SHORT, 5, [(0, 60)])
    run(demo, [nothing, waits])
    assert not said(nothing, demo.tokenizer)
    assert 60 + 2 <= frame_of(waits) <= 60 + 7  # 0.2 to 0.6 s behind the user's end
    assert said(waits, demo.tokenizer) == SHORT


def test_it_stops_when_the_user_interrupts_for_long_and_not_for_a_mhm(demo):
    text = OTHERS[6]
    stops, goes_on = voiced(demo, text, 10, [(0, 10), (60, 110)]), voiced(demo, text, 10, [(0, 10), (60, 63)])
    run(demo, [stops, goes_on])
    assert not said(stops, demo.tokenizer, 60 + 14, 110)
    assert said(goes_on, demo.tokenizer, 60 + 14, 110)
    # Where no other oracle came meanwhile it says the rest.
    assert said(stops, demo.tokenizer) == said(goes_on, demo.tokenizer) == text


def test_a_newer_oracle_is_said_from_its_beginning_behind_the_word_that_is_being_said(demo):
    encode = demo.tokenizer.encode
    old, new = OTHERS[7], "No, the capital of Norway is Oslo."
    cases = [Case(new) for _ in range(9)]
    for number, case in enumerate(cases):
        case.give(0, 10, encode(old), "12.5 a second", random.Random(0))
        case.give(1, 60 + 2 * number, encode(new), "12.5 a second", random.Random(0))
    run(demo, cases)
    for case in cases:
        whole = said(case, demo.tokenizer)
        before = whole.removesuffix(new).strip()
        assert whole.endswith(new) and old.startswith(before) and len(before) > 10
        assert old[len(before) :][:1] in (" ", ",", ".")  # no word is cut


def test_what_is_left_of_an_older_oracle_is_never_said_while_the_newer_one_comes_late(demo):
    """Both have the same words, so that one that looks for them would find them in the older one."""
    case = Case("The answer is four.")
    encode = demo.tokenizer.encode
    case.give(0, 10, encode("The answer is four, and five, and six, and seven, and eight."), "", random.Random(0))
    case.give(1, 40, encode("The answer is four."), "5 a second", random.Random(0))
    run(demo, [case])
    assert said(case, demo.tokenizer) == "The answer is The answer is four."


def test_rows_are_each_as_if_alone(demo):
    cases = [*one_oracle(demo, [SHORT, *OTHERS[14:16]], "bursts"), *switches(demo, [SHORT, OTHERS[14]])]
    run(demo, cases)
    alone = Case(cases[2].expected, cases[2].voice, cases[2].tokens)
    run(demo, [alone])
    length = min(len(alone.said), len(cases[2].said))
    assert alone.said[:length] == cases[2].said[:length] and said(alone, demo.tokenizer) == OTHERS[15]


@torch.no_grad()
def test_a_step_computes_what_training_did_and_the_rule_says_the_same(demo):
    """A drawn conversation with many oracles and turns: stepped, forwarded as in training, and by the rule."""
    conversations = Conversations(Texts(demo.tokenizer, [SHORT, *OTHERS]))
    rng, frames = random.Random(5), 200
    heard = conversations.heard(rng, frames)
    noise = np.random.default_rng(0)
    sound = [
        noise.normal(0, 0.1 if loud else 0.0001, SAMPLES).astype(np.float32) for loud in (v > 0 for v in heard.user)
    ]
    codec, row = Loudness(1, "cpu"), torch.ones(1, dtype=torch.bool)
    heard.user = [int(codec.hear(torch.from_numpy(frame)[None], row)) for frame in sound]
    with demo.front_end(1, "cpu", GREEDY) as rows:
        number = rows.open()
        # The first step of a row is fed initial tokens for all but the oracle: frames count from the second one.
        stepped = [rows.step({number: FrameIn(sound[0], TEXT_PADDING)})[number].text]
        for frame in range(frames - 1):
            stepped.append(rows.step({number: FrameIn(sound[frame], heard.oracle[frame])})[number].text)
    by_rule = conversations.told(heard)
    assert stepped == by_rule[0].tolist()

    batch = conversations.batch(random.Random(6), 1, frames)
    batch.codes[0], batch.oracle[0] = by_rule, heard.oracle
    model = demo.start.for_inference("cpu").float()
    inputs = lay_out(batch, model.layout)
    _, logits = model.forward_text(inputs.streams, oracle_tokens=inputs.oracle)
    assert logits[0, 0].argmax(-1).tolist() == stepped


def test_the_rule_lays_words_as_the_text_stream_has_them():
    tokenizer = Tokenizer.of("sample")
    kinds = Kinds.of([tokenizer.model.id_to_piece(n) for n in range(tokenizer.text_card)])
    reader, tokens = Reader(kinds, tokenizer.text_card), tokenizer.encode(OTHERS[0])
    oracle = [tokenizer.text_card, *tokens] + [TEXT_PADDING] * 300
    stream = np.array([reader.next(token, 0) for token in oracle], np.int32)
    assert text_tokens(stream).tolist() == tokens
    at = np.flatnonzero((stream != TEXT_PADDING) & (stream != END_OF_PADDING)).astype(np.int32)
    assert stream.tolist() == lay_text(tokens, at, len(stream)).tolist()


@pytest.mark.slow
def test_word_error_rates_over_all_texts_and_ways_stay_below_a_tenth(demo):
    for way in ("12.5 a second", "5 a second", "bursts"):
        share, wrong = rate(demo, one_oracle(demo, OTHERS, way))
        assert share < 0.1, (way, wrong)
    share, wrong = rate(demo, switches(demo, OTHERS))
    assert share < 0.1, wrong
