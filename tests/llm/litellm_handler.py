"""What the litellm proxy answers with: a handler of its own kind, loaded by the proxy and not by the tests."""

from typing import Any

import litellm
from litellm import CustomLLM


def words(messages: list[dict[str, Any]]) -> str:
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
