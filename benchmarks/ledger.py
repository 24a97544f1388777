"""The ledger alone: durable appends, look-ups, opening, bytes.

python benchmarks/ledger.py [--answers 100000] [--at-once 128] [--folder /var/tmp]
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / "pipeline")]

from kame_data.llm.ledger import Ledger  # noqa: E402
from kame_data.seeds import digest  # noqa: E402

ABOUT = {"provider": "openai", "model": "gpt-4.1-nano", "stage": "oracles", "level": 2, "input": 310, "output": 25}


def raw(n: int) -> str:
    """A body of some 700 bytes, as a provider sends them."""
    return json.dumps({"id": f"chatcmpl-{n}", "object": "chat.completion", "text": digest("said", n) * 10})


async def appended(ledger: Ledger, count: int, at_once: int) -> float:
    """Answers a second when each of `at_once` askers waits until its answer is on the disk."""
    left = iter(range(count))

    async def asker() -> None:
        for n in left:
            await ledger.put(digest("alone", n), raw(n), ABOUT)

    start = time.perf_counter()
    await asyncio.gather(*(asker() for _ in range(at_once)))
    return count / (time.perf_counter() - start)


def opened(folder: Path) -> float:
    """Milliseconds until the first answer is found."""
    start = time.perf_counter()
    with Ledger(folder) as ledger:
        assert ledger.get(digest("many", 0)) is not None
        return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=128)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as made:
        with Ledger(Path(made) / "alone") as ledger:
            rate = asyncio.run(appended(ledger, args.answers // 5, args.at_once))
        print(f"durable appends a second, {args.at_once} at once: {rate:.0f}")
        folder = Path(made) / "many"
        start = time.perf_counter()
        with Ledger(folder) as ledger:
            for at in range(0, args.answers, 500):
                ledger.put_many([(digest("many", n), raw(n), ABOUT) for n in range(at, at + 500)])
        print(f"durable appends a second, 500 together: {args.answers / (time.perf_counter() - start):.0f}")
        print(f"opening, ms: {opened(folder):.1f}, again {opened(folder):.1f}")
        draw = random.Random(1)
        keys = [digest("many", draw.randrange(args.answers)) for _ in range(args.answers // 2)]
        with Ledger(folder) as ledger:
            start = time.perf_counter()
            assert all(ledger.get(key) is not None for key in keys)
            print(f"look-ups a second: {len(keys) / (time.perf_counter() - start):.0f}")
            start = time.perf_counter()
            assert not any(digest("none", n) in ledger for n in range(len(keys)))
            print(f"look-ups a second of what is not there: {len(keys) / (time.perf_counter() - start):.0f}")
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"MB for {args.answers} answers: {size / 1e6:.1f}")


if __name__ == "__main__":
    main()
