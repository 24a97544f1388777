"""The engine beside the bare `openai` client, against a local server in a process of its own.

python benchmarks/llm.py [--requests 2000] [--at-once 128] [--latency 0.5]

Ours has the ledger (every answer on the disk before it is used) and all checks on; the bare client keeps nothing.
"""

import argparse
import asyncio
import heapq
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# In place of this folder, whose llm.py would hide tests/llm.
sys.path[:1] = [str(ROOT / "pipeline"), str(ROOT / "flows"), str(ROOT / "tests")]

from kame_data.llm.engine import LLM, Limits  # noqa: E402
from kame_data.llm.ledger import Ledger  # noqa: E402
from kame_data.llm.ledger_tools import check  # noqa: E402
from kame_data.llm.request import Message, Request  # noqa: E402
from llm.asking import ask_all  # noqa: E402
from llm.server import process, scattered  # noqa: E402

SYSTEM = "You answer a question in one short spoken sentence. " * 8


def words(n: int) -> str:
    return f"Question {n}: a train leaves at nine and arrives at noon, how many hours does it take, and why? " * 2


async def bare(url: str, count: int, at_once: int, aiohttp: bool) -> int:
    """The official client, its own retries on."""
    import openai

    http = {"http_client": openai.DefaultAioHttpClient()} if aiohttp else {}
    client = openai.AsyncOpenAI(api_key="none", base_url=url, **http)  # type: ignore[arg-type]
    places = asyncio.Semaphore(at_once)

    async def one(n: int) -> bool:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": words(n)}]
        async with places:
            try:
                await client.chat.completions.create(model="gpt-4.1-nano", messages=messages, max_tokens=60)  # type: ignore[arg-type]
            except openai.OpenAIError:
                return False
        return True

    done = await asyncio.gather(*(one(n) for n in range(count)))
    await client.close()
    return sum(done)


async def ours(url: str, count: int, at_once: int) -> int:
    """The engine with its ledger."""
    with tempfile.TemporaryDirectory(dir=ROOT if not Path("/var/tmp").is_dir() else "/var/tmp") as folder:
        ledger = Ledger(folder)
        asked = (
            Request(
                "openai", "gpt-4.1-nano", (Message("system", SYSTEM), Message("user", words(n))), url, max_tokens=60
            )
            for n in range(count)
        )
        done = 0
        async with LLM(ledger, Limits(concurrency=at_once)) as llm:
            async for result in ask_all(llm, asked):
                done += result.answer is not None
        ledger.close()
        found = check(Path(folder))
        assert not found.damaged and found.answers == done
    return done


def measure(name: str, flags: list[str], args: argparse.Namespace) -> tuple[float, float, int]:
    """Answers a second, processor seconds, answers missing."""
    runs = {
        "openai client (httpx)": lambda url: bare(url, args.requests, args.at_once, False),
        "openai client (aiohttp)": lambda url: bare(url, args.requests, args.at_once, True),
        "kame-data, ledger on": lambda url: ours(url, args.requests, args.at_once),
    }
    with process("--latency", str(args.latency), *flags) as url:
        used = resource.getrusage(resource.RUSAGE_SELF)
        start = time.perf_counter()
        done = asyncio.run(runs[name](url))
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return done / seconds, cpu, args.requests - done


def bound(args: argparse.Namespace, faults: Mapping[str, float]) -> float:
    """Answers a second of an asker that costs nothing and asks again at once: faults take their latency too."""
    fault = scattered(**faults)
    left, free, now, wire = args.requests, args.at_once, 0.0, list[float]()
    while left or wire:
        for _ in range(min(left, free)):
            heapq.heappush(wire, now + args.latency)
        left, free = left - min(left, free), free - min(left, free)
        now, free = heapq.heappop(wire), free + 1
        left += fault({}, 1) is not None
    return args.requests / now if now else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=128)
    parser.add_argument("--latency", type=float, default=0.5)
    args = parser.parse_args()
    import openai

    _ = openai.AsyncOpenAI, openai.resources.chat  # The import is nobody's time.
    print(f"{args.requests} requests, {args.at_once} at once, {args.latency} s each, faults too\n")
    print("| | faults | answers a second | processor, s | missing |\n| --- | --- | --- | --- | --- |")
    faults = {"none": {}, "5 % 500, 5 % 429, 1 % cut": {"p500": 0.05, "p429": 0.05, "pcut": 0.01}}
    for label, shares in faults.items():
        flags = [text for name, share in shares.items() for text in (f"--{name}", str(share))]
        print(f"| the most that can be | {label} | {bound(args, shares):.0f} | | 0 |")
        for name in ("openai client (httpx)", "openai client (aiohttp)", "kame-data, ledger on"):
            rate, cpu, missing = measure(name, flags, args)
            print(f"| {name} | {label} | {rate:.0f} | {cpu:.1f} | {missing} |", flush=True)


if __name__ == "__main__":
    main()
