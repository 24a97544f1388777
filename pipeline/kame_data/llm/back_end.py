"""The back end's request: the one way in which a model is asked while the user speaks.

A build asks so for level 0, and a tandem at run time, so that the guesses in the data are of the kind that the front
end will meet. The request holds what was said and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kame_data.llm.prompts import BACK_END, Prompt, Prompts
from kame_data.llm.request import Request
from kame_data.llm.spec import Spec
from kame_data.seeds import digest
from kame_data.text.language import language_name


def conversation(turns: Iterable[tuple[str, str]]) -> str:
    """The turns so far, each as (role, text), as a back end is told them: a line each."""
    return "\n".join(f"{role}: {text}" for role, text in turns)


@dataclass(frozen=True)
class BackEnd:
    """A back end: a model, the prompt that it is asked with, and the sampling."""

    spec: Spec
    prompt: Prompt
    temperature: float | None
    max_tokens: int

    @classmethod
    def of(cls, spec: Spec, prompts: Prompts, temperature: float | None, max_tokens: int) -> "BackEnd":
        """The back end that is asked with the prompt among these."""
        return cls(spec, prompts[BACK_END], temperature, max_tokens)

    @property
    def digest(self) -> str:
        """The digest of all but the model that can change an answer."""
        return digest(self.prompt.digest, self.temperature, self.max_tokens)[:12]

    def request(self, context: str, transcript: str, language: str, refused: str = "", **more: Any) -> Request:
        """The request for an answer to `transcript`, the words of the user's turn as they were heard so far.

        `context` are the turns before it, see `conversation`; `language` is a code; `refused` says what kind of thing
        was wrong with the answer before; `more` are `sample`, `stage` and `level` of the request. Requests for the
        growing words of a turn begin with the same text.
        """
        slots = {"heard": transcript, "context": context, "language": language_name(language), "refused": refused}
        sampling = {"temperature": self.temperature, "max_tokens": self.max_tokens, **more}
        return self.spec.request(*self.prompt.messages(None, **slots), **sampling)
