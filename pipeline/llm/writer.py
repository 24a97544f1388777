"""The LLM writer: a question becomes a dialogue by one structured answer of a model that may see its picture."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.dialogues import offered
from pipeline.errors import Refusal
from pipeline.llm.prompts import WRITER, Prompts
from pipeline.llm.request import Answer, PicturePart, Request
from pipeline.llm.session import SAMPLES, Job, Session
from pipeline.llm.spec import Spec
from pipeline.llm.spoken_answer import spoken_answer
from pipeline.records import Dialogue, Question, Turn
from pipeline.seeds import digest, rng

VERSION = 3
STAGE = "dialogues"
MANNERS = (
    "calm and clear, one thought after the other",
    "curious, has just come across this and wonders aloud",
    "in a hurry, short sentences, straight to the point",
    "a student who prepares for a test",
    "thinks aloud, with a word or two of hesitation at the start",
    "friendly and chatty, tells in half a sentence why they ask",
    "precise, like somebody who knows the field",
    "asks on behalf of somebody else, a child or a colleague",
    "plain everyday words, avoids terms where it can",
    "greets first and says what it is about, and asks in a second exchange",
    "a little unsure, sets out what is known before asking",
    "lively, tells it as a small story",
)
LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "ru": "Russian",
    "zh": "Chinese",
}
# Models that see, by their names; a setting says so for others (llm.pictures).
_SEEING_RE = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-[5-9]|\bo[1-9]\b|claude|gemini|gemma-?3|vision|\bvl\b|-vl|llava|pixtral|omni", re.IGNORECASE
)
_TEXT = {"type": "string"}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "exchanges": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"user": _TEXT, "assistant": _TEXT},
                "required": ["user", "assistant"],
                "additionalProperties": False,
            },
        },
        "answer": _TEXT,
        "choices": {"type": "array", "items": _TEXT},
    },
    "required": ["exchanges", "answer", "choices"],
    "additionalProperties": False,
}
Accept = Callable[[Dialogue, Question], None]


def language_name(code: str) -> str:
    """A language's English name; the code itself where it is none of the usual ones."""
    return LANGUAGES.get(code.split("-")[0], code)


class LlmWriter:
    """Is a `pipeline.dialogues.ManyWriter`. `session` is called when there is something to ask, and not before."""

    def __init__(
        self,
        spec: Spec,
        prompts: Prompts,
        session: Callable[[], Session],
        seed: int,
        *,
        temperature: float | None = None,
        max_tokens: int = 1200,
        pictures: bool | None = None,
    ) -> None:
        self.spec, self._prompt, self._session, self._seed = spec, prompts[WRITER], session, seed
        self._temperature, self._max_tokens = temperature, max_tokens
        self.name = str(spec)
        self.sees_pictures = bool(_SEEING_RE.search(spec.model)) if pictures is None else pictures
        self.version = f"{VERSION}-{digest(self._prompt.digest, temperature, max_tokens, SCHEMA, MANNERS)[:12]}"

    def request(self, question: Question, variant: int) -> Request:
        """What is asked for dialogue number `variant` of the question. Raises Refusal(`unknown_picture`)."""
        picture = question.picture if self.sees_pictures else None
        attached = PicturePart.sniff(picture.data) if picture is not None and picture.data else None
        order = rng(self._seed, "manner", question.id).sample(MANNERS, len(MANNERS))
        messages = self._prompt.messages(
            attached,
            question=question.stem.strip(),
            answer=question.answer.strip(),
            choices=question.choices,
            working=question.working.strip(),
            category=question.category,
            language=language_name(question.language),
            manner=order[variant % len(order)],
            picture=attached is not None,
        )
        return self.spec.request(
            *messages,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            schema=SCHEMA,
            schema_name="dialogue",
            sample=variant * SAMPLES,
            stage=STAGE,
        )

    def write_many(self, questions: Sequence[Question], variant: int, accept: Accept) -> Iterator[Dialogue | Refusal]:
        """See `ManyWriter`; all questions are asked at once."""
        jobs = [self._job(question, variant, accept) for question in questions]
        return self._session().outcomes(jobs)

    def _job(self, question: Question, variant: int, accept: Accept) -> Job[Dialogue]:
        async def job(session: Session) -> Dialogue:
            again: list[str] = []

            def take(answer: Answer) -> Dialogue:
                dialogue = self.dialogue(answer, question, variant, tuple(again))
                accept(dialogue, question)
                return dialogue

            request = self.request(question, variant)
            return await session.ask_until(request, take, lambda refusal: again.append(refusal.reason))

        return job

    def dialogue(self, answer: Answer, question: Question, variant: int, again: tuple[str, ...] = ()) -> Dialogue:
        """The dialogue that a model's answer holds. Raises Refusal(`llm_bad_json`)."""
        data = answer.data()
        try:
            lines = [str(exchange[role]) for exchange in data["exchanges"] for role in ("user", "assistant")]
            truth, choices = str(data["answer"]), [str(choice) for choice in data["choices"]]
        except (KeyError, TypeError) as error:
            raise Refusal("llm_bad_json", f"not of the schema ({error}): {answer.text[:80]!r}") from None
        language = question.language
        texts = [spoken_answer(line, language) for line in lines]
        return Dialogue(
            id=f"{question.id}-v{variant}",
            question_id=question.id,
            variant=variant,
            language=language,
            turns=tuple(Turn("assistant" if i % 2 else "user", text, text) for i, text in enumerate(texts)),
            answer=_bare(spoken_answer(truth, language)),
            # Models like to list choices that nobody names; such a question is asked openly.
            choices=offered(
                [_bare(spoken_answer(choice, language)) for choice in choices], " ".join(texts[::2]), language
            ),
            writer=self.name,
            again=again,
        )


def _bare(text: str) -> str:
    """A phrase without the full stop of a sentence."""
    return text.rstrip(" .。")


__all__ = ["LlmWriter", "language_name"]
