"""Providers of models, one file for each; a new one is a file here and a name in this list."""

from kame_data.llm.provider import PROVIDERS
from kame_data.llm.providers.anthropic import ANTHROPIC
from kame_data.llm.providers.openai import OPENAI

PROVIDERS.update({provider.name: provider for provider in (OPENAI, ANTHROPIC)})

__all__ = ["PROVIDERS"]
