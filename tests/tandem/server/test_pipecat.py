"""`/v1/realtime`, by pipecat's OpenAI Realtime service, in an environment of its own (its pins clash with ours).

KAME_DATA_PIPECAT names its Python; without it, `.venv-pipecat/bin/python` in the checkout is looked for:
    python -m venv .venv-pipecat && .venv-pipecat/bin/pip install 'pipecat-ai[openai]==1.14.0'
"""

import asyncio
import json
import os
from pathlib import Path

import pytest

from tandem.server.scripted import as_s16, running, spoken

HERE = Path(__file__).parent
PYTHON = Path(os.environ.get("KAME_DATA_PIPECAT") or HERE.parents[2] / ".venv-pipecat/bin/python")
KEY = "a-token-of-16-characters"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.is_file(), reason="no pipecat: set KAME_DATA_PIPECAT to its Python"),
]


def test_pipecats_service_hears_the_user_and_the_answer(tmp_path):
    question = tmp_path / "question.raw"
    question.write_bytes(as_s16(spoken(7, after=2.5)))

    async def run():
        async with running(token=KEY) as server:
            url = f"{server.ws}/v1/realtime?model=kame"
            client = await asyncio.create_subprocess_exec(
                *(PYTHON, HERE / "pipecat_client.py", url, KEY, question),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await asyncio.wait_for(client.communicate(), 120)
            assert client.returncode == 0, err.decode()[-3000:]
            return json.loads(out.decode().strip().splitlines()[-1])

    heard = asyncio.run(run())
    assert heard["errors"] == []
    assert heard["user"] == ["This is number seven"]
    said = [text for kind, text in heard["text"] if kind == "TTSTextFrame"]
    assert "".join(said) == "You said that number, seven"
    assert heard["bytes"] / 48_000 > 0.5 and heard["ends"] >= 1
