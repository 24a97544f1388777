"""What the litellm proxy answers with: a handler of its own kind, loaded by the proxy and not by the tests.

KAME_DATA_ANSWERS is the address of a server that speaks like OpenAI and thinks the answers up (the proxy's environment
does not have what that takes); without it, what was asked is said back.
"""

import os
from typing import Any

import httpx
import litellm
from litellm import CustomLLM


def words(messages: list[dict[str, Any]]) -> str:
    if where := os.environ.get("KAME_DATA_ANSWERS"):
        asked = {"model": "thinking", "messages": messages}
        reply = httpx.post(f"{where}/chat/completions", json=asked, timeout=30).raise_for_status()
        return str(reply.json()["choices"][0]["message"]["content"])
    content = messages[-1]["content"]
    if isinstance(content, list):
        content = " ".join(part.get("text", "") for part in content)
    return f"LiteLLM answers: {content[:100]}"


class Handler(CustomLLM):
    def completion(self, *args: Any, **kwargs: Any) -> Any:
        messages = kwargs["messages"]
        return litellm.completion(model="openai/none", messages=messages, mock_response=words(messages), api_key="none")

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        return self.completion(*args, **kwargs)


handler = Handler()
