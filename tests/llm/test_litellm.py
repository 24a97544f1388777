"""Both wire formats against litellm's own proxy."""

import asyncio
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from building import build, settings_of
from kame_data.finished.level_figures import measure
from kame_data.finished.reader import Finished
from kame_data.llm.engine import LLM, Limits
from kame_data.llm.ledger import Ledger
from kame_data.llm.request import Message
from kame_data.llm.spec import parse_spec
from llm import plausible
from llm.asking import Result, ask_all
from llm.proxy import litellm_proxy, program
from llm.server import ScriptedServer

pytestmark = pytest.mark.skipif(program() is None, reason="no litellm: set KAME_DATA_LITELLM to its program")


def test_both_formats_pass(tmp_path: Path) -> None:
    async def work(root: str) -> list[Result]:
        specs = [parse_spec(f"openai:spoken@{root}/v1"), parse_spec(f"anthropic:spoken@{root}")]
        asked = [
            spec.request(
                Message("system", "Be brief."), Message("user", f"question {n}"), max_tokens=50, temperature=0.5
            )
            for spec in specs
            for n in range(10)
        ]
        with Ledger(tmp_path / "ledger") as ledger:
            async with LLM(ledger, Limits(concurrency=8, timeout=60), environment={}) as llm:
                results = [result async for result in ask_all(llm, asked)]
                assert llm.accounts.total().retries == 0
        return sorted(results, key=lambda result: result.index)

    with litellm_proxy(tmp_path) as root:
        results = asyncio.run(work(root))
    assert [r.get().text for r in results] == [f"LiteLLM answers: question {n}" for n in range(10)] * 2
    assert all(r.get().usage.input > 0 for r in results)


def test_whole_builds_through_the_proxy_in_both_formats(tmp_path, monkeypatch):
    """With all gates on; and since the same words come back, the dialogues and oracles are the same in both."""
    found = {}
    with ScriptedServer(reply=plausible.reply) as thinking:
        monkeypatch.setenv("KAME_DATA_ANSWERS", thinking.url)
        with litellm_proxy(tmp_path) as root:
            for model in (f"openai:spoken@{root}/v1", f"anthropic:spoken@{root}"):
                out = tmp_path / model.split(":")[0]
                settings = settings_of(
                    out, writer=model, simulator=model, ledger=tmp_path / "ledger", limit=2, llm={"timeout": 60}
                )
                before = len(thinking.log)
                manifest, _ = build(settings)
                assert len(thinking.log) > before, "answers of the other format are not taken for these"
                assert manifest["dialogues"]["accepted"] == 6 and manifest["stand_ins"] == []
                assert manifest["refused"] == {"dialogues": {}, "oracles": {}}
                assert set(manifest["oracles"]) == set("012345")
                by = manifest["spend"]["by"]
                assert sum(row["answers"] for row in by) == sum(row["asked"] for row in by) > 0
                assert all(row["input"] > 0 and row["output"] > 0 and row["retries"] == 0 for row in by)
                assert not measure(Finished.open(out)).falls()
                rows = [row for path in sorted((out / "shards").iterdir()) for row in pq.read_table(path).to_pylist()]
                assert {row["provenance"]["writer"] for row in rows} == {model}
                found[model] = [(row["id"], row["turns"], row["oracles"]) for row in rows]
    first, second = found.values()
    assert first == second
