"""Token shards out of nothing, for tests and trials: seeded, small, and learnable.

Each dialogue is a question and its answer. The user's codes say nothing of the answer; its text is that of the last
oracle, so that only a model that reads the oracle stream can foresee it. Its codes follow its text.
"""

from pathlib import Path
from typing import Any

import numpy as np

from kame_data.codec.text_stream import lay_text, token_frames
from kame_data.codec.token_schema import CARD, CODEBOOKS, TokenFacts
from kame_data.codec.token_shards import table_of, write_token_shard
from kame_data.levels import ALL_LEVELS, TRUTH

_FIRST_TOKEN = 4  # behind padding and control pieces


def dummy_row(number: int, *, seed: int, text_card: int, frames: tuple[int, int], grid: bool) -> dict[str, Any]:
    """One row of a token shard: question, then answer of 6 tokens or more; one prefix every three frames."""
    draw = np.random.default_rng([seed, number])
    total = int(draw.integers(frames[0], frames[1] + 1))
    asked = total // 2
    answer = draw.integers(_FIRST_TOKEN, text_card, min(max(6, asked // 3), total - asked - 4))
    at = token_frames([asked + 2], [len(answer)], total)
    text = lay_text(answer.tolist(), at, total)
    question = draw.integers(_FIRST_TOKEN, text_card, asked // 4)
    user_text = lay_text(question.tolist(), token_frames([0], [len(question)], total), total)
    prefixes = np.arange(1, max(2, asked // 3))
    ratio = prefixes / prefixes[-1]
    steps = [0.5, 0.65, 0.8, 0.95, 0.99]
    events = [
        (int(prefix), level)
        for prefix, share in zip(prefixes, ratio, strict=True)
        for level in (ALL_LEVELS if grid else [sum(bool(share > s) for s in steps)])
    ]
    texts = []
    for _, level in events:
        kept = draw.random(len(answer)) < level / TRUTH
        texts.append(np.where(kept, answer, draw.integers(_FIRST_TOKEN, text_card, len(answer))))
    heard = [prefix * 3 for prefix, _ in events]
    return {
        "id": f"dummy-{seed}-{number}-v0",
        "source": "dummy",
        "category": "",
        "language": "en",
        "frames": total,
        "text": text,
        "user_text": user_text,
        "assistant_codes": ((text[None] * 31 + np.arange(CODEBOOKS)[:, None] * 7) % CARD).ravel(),
        "user_codes": draw.integers(0, CARD, CODEBOOKS * total),
        "answer_start": [asked + 2],
        "answer_end": [min(int(at[-1]) + 3, total)],
        "oracle_frame": [frame + 1 if (frame // 3) % 4 or frame == heard[-1] else -1 for frame in heard],
        "oracle_heard": heard,
        "oracle_level": [level for _, level in events],
        "oracle_ratio": [float(ratio[prefix - 1]) for prefix, _ in events],
        "oracle_answer": [0] * len(events),
        "oracle_prefix": [prefix for prefix, _ in events],
        "oracle_keep": [prefix == prefixes[-1] for prefix, _ in events],
        "oracle_tokens": np.concatenate(texts),
        "oracle_offsets": np.r_[0, np.cumsum([len(t) for t in texts])],
    }


def dummy_facts(text_card: int = 64) -> TokenFacts:
    """What the footers of dummy shards say."""
    return TokenFacts("untrained dummy", "0" * 64, "dummy", "0" * 64, text_card, "dummy")


def write_dummy(
    out: Path,
    *,
    rows: int = 64,
    validation: int = 8,
    files: int = 1,
    seed: int = 0,
    text_card: int = 64,
    frames: tuple[int, int] = (60, 120),
    grid: bool = False,
) -> dict[str, list[Path]]:
    """Write token shards of so many rows to OUT/tokens, train in so many files; their paths by split.

    Frames are drawn between the bounds (28 or more). The same arguments, the same bytes.
    """
    paths: dict[str, list[Path]] = {}
    for split, count, shards in (("train", rows, files), ("validation", validation, 1 if validation else 0)):
        first = 0 if split == "train" else rows
        made = [
            dummy_row(first + i, seed=seed, text_card=text_card, frames=frames, grid=grid) | {"split": split}
            for i in range(count)
        ]
        paths[split] = []
        for number in range(shards):
            path = out / "tokens" / f"{split}-{number:05d}-of-{shards:05d}.parquet"
            share = made[number * count // shards : (number + 1) * count // shards]
            write_token_shard(path, [table_of(share)], dummy_facts(text_card))
            paths[split].append(path)
    return paths
