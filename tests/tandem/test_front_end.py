"""The front end: several conversations as rows of one batch, each as if it were alone."""

import dataclasses
import gc
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kame_data.errors import KameError, UsageError
from kame_data.model.inputs import lay_out
from kame_data.model.oracle_queue import OracleQueue
from kame_data.model.streams import Batch
from kame_data.tandem.checkpoints import Checkpoint
from kame_data.tandem.frames import SAMPLES, FrameIn
from kame_data.tandem.front_end import GREEDY, FrontEnd, Sampling
from tandem.front_ends import PADDING, TEXT_CARD, Recorded, alone, frames, front_end, model, same

LENGTH = 20


@pytest.fixture(scope="module")
def network():
    return model()


@pytest.fixture
def open_front_end(network):
    """Front ends over the model, one at a time, that are shut down at the end of the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(front_end(network, *args, **options))


@pytest.fixture(scope="module")
def given():
    return {seed: frames(seed, LENGTH) for seed in range(5)}


@pytest.fixture(scope="module")
def lone(network, given):
    return {seed: alone(network, given[seed]) for seed in given}


def interleaved(network, given, count, chance, seed):
    """All conversations through `count` rows: opened when a row is free, stood still now and then."""
    draw = np.random.default_rng(seed)
    waiting, open_rows, made = list(given), {}, {number: [] for number in given}
    with front_end(network, count) as rows:
        while waiting or open_rows:
            while waiting and len(open_rows) < count and draw.random() < 0.5:
                open_rows[rows.open()] = waiting.pop(0)
            ready = [row for row in open_rows if draw.random() < chance]
            step = {row: given[open_rows[row]][len(made[open_rows[row]])] for row in ready}
            for row, out in rows.step(step).items():
                number = open_rows[row]
                made[number].append(out)
                if len(made[number]) == len(given[number]):
                    rows.close(row)
                    del open_rows[row]
    return made


@pytest.mark.parametrize(("count", "chance"), [(1, 1.0), (2, 0.5), (3, 0.8), (5, 1.0), (4, 0.3)])
def test_each_row_is_as_if_it_were_alone(network, given, lone, count, chance):
    made = interleaved(network, given, count, chance, seed=count)
    assert {number for number in given if not same(made[number], lone[number])} == set()


def test_the_bundled_model_says_each_user_his_own_oracle():
    """Three conversations in two rows, each with an oracle of its own, which comes while others are in the middle."""
    found = Checkpoint.find("demo")
    texts = ["Mars has two moons.", "The capital is Canberra.", "Water boils at one hundred degrees."]
    silence, said = np.zeros(SAMPLES, np.float32), {text: [] for text in texts}
    queues = {text: OracleQueue(found.tokenizer.text_card) for text in texts}
    with found.front_end(2, "cpu", GREEDY) as rows:
        talks, waiting = {}, list(texts)
        for frame in range(200):
            if waiting and len(talks) < 2 and frame % 17 == 0:
                talks[rows.open()] = waiting.pop(0)
            step = {}
            for row, text in talks.items():
                if len(said[text]) == 5:
                    queues[text].begin(0, found.tokenizer.encode(text))
                step[row] = FrameIn(silence, queues[text].next())
            for row, out in rows.step(step).items():
                said[talks[row]].append(out.text)
                assert out.sound is None  # its codec cannot speak
                if len(said[talks[row]]) == 60:
                    rows.close(row)
                    del talks[row]
    words = {text: found.tokenizer.decode([t for t in ids if t not in (PADDING, 0)]) for text, ids in said.items()}
    assert words == {text: text for text in texts}


def test_conversations_differ(lone):
    """Else the test above would say nothing."""
    assert len({tuple(out.text for out in outs) for outs in lone.values()}) == len(lone)
    assert all(len({out.text for out in outs}) > 4 for outs in lone.values())
    assert all(np.std([out.sound for out in outs[1:]]) > 1e-3 for outs in lone.values())


def test_a_row_that_ends_early_leaves_nothing_to_the_next(open_front_end, given, lone):
    rows = open_front_end(2)
    first, beside = rows.open(), rows.open()
    for mine, others in zip(given[1][:7], given[2], strict=False):
        rows.step({first: mine, beside: others})
    rows.close(first)
    again = rows.open()
    assert again == first
    made = []
    for number, frame in enumerate(given[0]):
        step = {again: frame} | ({beside: given[2][7 + number]} if 7 + number < LENGTH else {})
        made.append(rows.step(step)[again])
    assert same(made, lone[0])


def test_the_oracle_and_the_user_are_heard_each_in_its_row(network, given):
    """A change of one row's oracle or sound changes that row, and no other."""
    oracle = [dataclasses.replace(frame, oracle=PADDING) for frame in given[0]]
    sound = [dataclasses.replace(frame, sound=np.zeros(SAMPLES, np.float32)) for frame in given[0]]
    before = interleaved(network, {0: given[0], 1: given[1]}, 2, 1.0, 0)
    for changed in (oracle, sound):
        after = interleaved(network, {0: changed, 1: given[1]}, 2, 1.0, 0)
        assert same(after[1], before[1]) and not same(after[0], before[0])


def test_a_model_without_an_oracle_stream_reads_none(network, given):
    def texts(seen):
        with front_end(network, reads_oracles=False) as rows:
            row = rows.open()
            return [rows.step({row: frame})[row].text for frame in seen]

    without = [dataclasses.replace(frame, oracle=PADDING) for frame in given[0]]
    assert texts(given[0]) == texts(without)
    assert texts(without) != [out.text for out in alone(network, without)]  # padding is an embedding too


@torch.no_grad()
def test_a_conversation_has_the_logits_that_training_has(network, given):
    """What was heard, said and read in a conversation, laid out as a training example: the same logits, step by step.

    What a frame is given and what it gives in step k is frame k - 1 of the example.
    """
    codec = Recorded()
    logits, streams, oracle = [], [], []
    with FrontEnd(network, codec, 1, GREEDY) as rows:
        row = rows.open()
        rows._generation.on_text_logits_hook = lambda found: logits.append(found[0, 0, 0].clone())
        for number, frame in enumerate(given[3]):
            frame = dataclasses.replace(frame, oracle=frame.oracle if number else PADDING)
            out = rows.step({row: frame})[row]
            streams.append(torch.cat([torch.tensor([out.text]), codec.said_codes[-1][0], codec.heard_codes[-1][0]]))
            oracle.append(frame.oracle)
    length = LENGTH - 1
    example = Batch(
        codes=torch.stack(streams[1:], 1)[None].int().numpy(),
        oracle=np.array([oracle[1:]], np.int32),
        answer=np.zeros((1, length), bool),
        level=np.zeros((1, length), np.int8),
        ids=("one",),
        frames=np.array([length]),
    )
    inputs = lay_out(example, network.layout)
    _, taught = network.forward_text(inputs.streams, oracle_tokens=inputs.oracle)
    torch.testing.assert_close(taught[0, 0], torch.stack(logits[:length]), atol=1e-4, rtol=1e-4)
    losses, _ = network(inputs)
    stepped = F.cross_entropy(torch.stack(logits[:length]), inputs.text, reduction="none")
    torch.testing.assert_close(losses, stepped, atol=1e-4, rtol=1e-4)


def test_the_first_frame_says_nothing(open_front_end, given):
    rows = open_front_end(2)
    row = rows.open()
    first = rows.step({row: given[0][0]})[row]
    assert first.text == PADDING and not first.sound.any()


def test_a_seed_makes_a_lone_conversation_the_same_each_time(open_front_end, given, lone):
    rows = open_front_end(2, Sampling(seed=7))

    def texts():
        row = rows.open()
        made = [rows.step({row: frame})[row].text for frame in given[0]]
        rows.close(row)
        return made

    assert texts() == texts() != [out.text for out in lone[0]]


def test_the_graph_of_a_gpu_would_see_the_ids_change(open_front_end):
    """What is recorded is a function over one tensor, which stays where it is; ids are written into it."""
    rows = open_front_end(2)
    fed = rows._generation._streaming_state.graphed_main.func.keywords["oracle_tokens"]
    place = fed.data_ptr()
    for oracle in (5, TEXT_CARD):
        row = rows.open()
        rows.step({row: FrameIn(np.zeros(SAMPLES, np.float32), oracle)})
        assert fed[row].item() == oracle and fed.data_ptr() == place
    state = rows._generation._streaming_state
    assert state.graphed_main.func.keywords["oracle_tokens"] is fed


def test_rows_are_counted(open_front_end):
    rows = open_front_end(2)
    taken = {rows.open(), rows.open()}
    assert taken == {0, 1}
    with pytest.raises(KameError, match=r"^all 2 conversations of the model are taken"):
        rows.open()
    rows.close(1)
    assert rows.open() == 1
    assert rows.step({}) == {}
    rows.close(0)
    for row, oracle in ((0, PADDING), (1, TEXT_CARD + 1), (1, -1)):
        with pytest.raises(ValueError, match=rf"^row {row} with the oracle id {oracle}: "):
            rows.step({row: FrameIn(np.zeros(SAMPLES, np.float32), oracle)})


def test_a_codec_of_another_kind_is_named():
    with pytest.raises(UsageError, match=r"^codec untrained small .*\(8, 8, 2048\), .* model \(8, 8, 40\)"):
        front_end(model(card=40))


def test_a_hundred_conversations_leave_no_tensor_behind(open_front_end, given):
    rows = open_front_end(2)

    def talk(times):
        for _ in range(times):
            row = rows.open()
            rows.step({row: given[0][0]})
            rows.close(row)
        gc.collect()
        return sum(type(thing) is torch.Tensor for thing in gc.get_objects())

    assert talk(5) == talk(100)
