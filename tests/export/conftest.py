"""Finished builds to export: dummies of every kind, and one real small build with tokens."""

import pytest

import dummies
from building import build, settings_of
from kame_data.codec.tokenize import make_tokens
from kame_data.settings.tokenizing import TokenSettings

DUPLEX = {"hesitation": 0.5, "user_back_channel": 1.0, "assistant_back_channel": 1.0, "barge_in": 0.5}


class Quiet:
    """Progress that says nothing."""

    def total(self, stage, parts, done):
        pass

    def advance(self, stage, rows, refused):
        pass


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """Twelve dialogues, some of them duplex, one of them in the validation split."""
    rows = [dummies.row(n, duplex=n % 4 == 1) for n in range(12)]
    return dummies.finish(tmp_path_factory.mktemp("spoken") / "out", rows, a_shard=5)


@pytest.fixture(scope="session")
def grid(tmp_path_factory):
    """Two dialogues with every level at every prefix."""
    settings = {"speak": True, "levels": [0, 1, 2, 3, 4, 5], "schedule": "grid", "cuts": [0.5, 0.65, 0.8, 0.95, 0.99]}
    rows = [dummies.row(n, grid=True) for n in range(2)]
    return dummies.finish(tmp_path_factory.mktemp("grid") / "out", rows, settings=settings)


@pytest.fixture(scope="session")
def silent(tmp_path_factory):
    """Three dialogues without speech."""
    rows = [dummies.row(n, spoken=False) for n in range(3)]
    settings = {"speak": False, "seed": 0}
    return dummies.finish(tmp_path_factory.mktemp("silent") / "out", rows, settings=settings)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Six real dialogues, spoken and duplex, in small shards of both splits, with tokens."""
    out = tmp_path_factory.mktemp("built") / "out"
    build(settings_of(out, speak=True, limit=2, duplex=DUPLEX, stt={"noise": 0.2}, shards={"rows": 3, "row_group": 2}))
    make_tokens(out, TokenSettings(codec="untrained-small", tokenizer="sample", device="cpu", workers=1), Quiet())
    return out
