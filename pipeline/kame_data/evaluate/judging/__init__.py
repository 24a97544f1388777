"""Judges: what they are shown of a conversation, how a model is asked for a rating, and the judge by rules."""

from collections.abc import Callable
from pathlib import Path

from kame_data.evaluate.judging.judge import Judge
from kame_data.evaluate.judging.llm_judge import TOKENS, LlmJudge
from kame_data.evaluate.judging.rules import RulesJudge
from kame_data.llm.prompts import JUDGE, prompts_of
from kame_data.llm.session import Session
from kame_data.llm.spec import parse_spec


def judge_of(name: str, prompts: Path | None, session: Callable[[], Session], max_tokens: int = TOKENS) -> Judge:
    """The judge that `--judge` names: `offline` (by rules), `openai:MODEL[@URL]` or `anthropic:MODEL[@URL]`.

    `prompts` is a folder with an own judge.txt; `session` is called when there is something to ask. Raises UsageError
    for a name or a prompt that will not do.
    """
    spec = parse_spec(name)
    return RulesJudge() if spec.offline else LlmJudge(spec, prompts_of(prompts)[JUDGE], session, max_tokens=max_tokens)
