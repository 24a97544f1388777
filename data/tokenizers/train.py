"""Trains `sample.model`, the small tokenizer for machines without Kyutai's, on text builds of the bundled samples.

    kame-data build --config demo --no-speech --target 400 --out out/text
    python data/tokenizers/train.py out/text

Ids 0 and 3 are kept for the text stream's end of padding and padding, as in Kyutai's; bytes stand for what no piece
covers, so that no word is ever unknown.
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq
from sentencepiece import SentencePieceTrainer

PIECES = 2000


def main(out: Path) -> None:
    """Train on the turns and oracles of the build in `out`."""
    rows = [
        row
        for path in sorted((out / "shards").glob("*.parquet"))
        for row in pq.read_table(path, columns=["turns", "oracles"]).to_pylist()
    ]
    lines = sorted({said["text"] for row in rows for said in (*row["turns"], *row["oracles"])})
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(Path(__file__).with_name("sample")),
        vocab_size=PIECES,
        model_type="bpe",
        character_coverage=1.0,
        byte_fallback=True,
        normalization_rule_name="identity",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        num_threads=1,
        minloglevel=2,
    )
    Path(__file__).with_name("sample.vocab").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
