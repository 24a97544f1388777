"""KAME's own generation and this front end, fed with the same ids: the same tokens.

Runs where KAME_DATA_REFERENCE names a checkout of SakanaAI/kame (its folder `src` is imported, nothing of it is here).
"""

import os
import sys
from pathlib import Path

import pytest
import torch

from kame_data.model.oracle_queue import OracleQueue
from kame_data.model.start import UNTRAINED, moshi_arguments
from kame_data.tandem.frames import FrameIn
from kame_data.tandem.front_end import GREEDY, FrontEnd
from tandem.front_ends import CONTEXT, PADDING, TEXT_CARD, Recorded, frames, model

CHECKOUT = os.environ.get("KAME_DATA_REFERENCE")
LENGTH = 60
ORACLES = {4: [17, 9, 80, 33], 15: [5] * 12 + [71], 20: [61, 62, 63], 40: list(range(20, 40))}
"""Oracles by the frame in which they come, all their tokens at once; the third replaces the second in its middle."""


@pytest.mark.skipif(CHECKOUT is None, reason="KAME_DATA_REFERENCE names no checkout of SakanaAI/kame")
@torch.no_grad()
def test_the_same_ids_give_the_tokens_of_kames_own_generation(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(Path(CHECKOUT) / "src"), *sys.path])
    from kame.models.lm import LMGen, LMModel
    from kame.utils.compile import no_compile

    ours, codec = model(), Recorded()
    theirs = LMModel(
        **moshi_arguments(TEXT_CARD, UNTRAINED["untrained-tiny"]) | {"context": CONTEXT}, dtype=torch.float32
    ).eval()
    theirs.load_state_dict(ours.state_dict())

    queue, texts = OracleQueue(TEXT_CARD), []
    with FrontEnd(ours, codec, 1, GREEDY) as rows:
        row = rows.open()
        codec.heard_codes.clear(), codec.said_codes.clear()
        for number, frame in enumerate(frames(1, LENGTH, oracle=False)):
            if number in ORACLES:
                queue.begin(number, ORACLES[number])
            texts.append(rows.step({row: FrameIn(frame.sound, queue.next())})[row].text)

    generation = LMGen(theirs, use_sampling=False)
    with generation.streaming(1), no_compile():
        for number, heard in enumerate(codec.heard_codes):
            if number in ORACLES:
                generation.update_oracle_tokens_streaming(None, reset=True)
                generation.update_oracle_tokens_streaming(ORACLES[number])
            made = generation.step(heard[:, :, None])
            if made is None:
                assert texts[number] == PADDING
            else:
                assert made[0, 0, 0] == texts[number]
                assert torch.equal(made[:, 1:, 0], codec.said_codes[number])
    assert len(set(texts)) > 10
