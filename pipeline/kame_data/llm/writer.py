"""The LLM writer: a question becomes a dialogue by one structured answer of a model that may see its picture."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kame_data.dialogues import brief
from kame_data.dialogues.brief import Brief, brief_of, check_brief
from kame_data.dialogues.manners import FOLLOW_UPS, FORMS, OPENINGS, REGISTERS, SPEAKERS
from kame_data.dialogues.write import offered
from kame_data.errors import Refusal
from kame_data.llm.prompts import WRITER, Prompts, prompts_of
from kame_data.llm.refused import why_dialogue
from kame_data.llm.request import Answer, Request
from kame_data.llm.session import SAMPLES, Job, Session, session_of
from kame_data.llm.spec import Spec, parse_spec
from kame_data.llm.spoken_answer import spoken_answer
from kame_data.llm.vision import check_seen, picture_part, with_picture
from kame_data.records import Dialogue, Picture, Question, Turn
from kame_data.seeds import digest
from kame_data.settings.tree import Settings
from kame_data.settings.writing import WritingSettings
from kame_data.text.askable import needs_choices
from kame_data.text.language import language_name
from kame_data.text.references import listed

VERSION = 4
STAGE = "dialogues"
WORKING_CHARACTERS = 1500
"""The most of a source's working that a request holds; what is longer is cut behind a line or a sentence."""
# Models that see, by their names; a setting says so for others (llm.pictures).
_SEEING_RE = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-[5-9]|\bo[1-9]\b|claude|gemini|gemma-?3|vision|\bvl\b|-vl|llava|pixtral|omni", re.IGNORECASE
)
_TEXT = {"type": "string"}
# The answer comes before the turn that leads with it: providers write the fields of an answer in the schema's order.
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "exchanges": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"user": _TEXT, "answer": _TEXT, "assistant": _TEXT},
                "required": ["user", "answer", "assistant"],
                "additionalProperties": False,
            },
        },
        "choices": {"type": "array", "items": _TEXT},
    },
    "required": ["exchanges", "choices"],
    "additionalProperties": False,
}
_Line = Annotated[str, Field(max_length=4000)]


class _Exchange(BaseModel):
    model_config = ConfigDict(strict=True)

    user: _Line
    answer: _Line
    assistant: _Line


class _Reply(BaseModel):
    """A reply that keeps to SCHEMA, within bounds; what is beside it is not read."""

    model_config = ConfigDict(strict=True)

    exchanges: Annotated[list[_Exchange], Field(min_length=1, max_length=8)]
    choices: Annotated[list[_Line], Field(max_length=30)] = []
    seen: Annotated[list[_Line], Field(max_length=30)] = []


Accept = Callable[[Dialogue, Question], None]


class LlmWriter:
    """A `dialogues.write.ManyWriter`. `session` is called only when there is something to ask."""

    def __init__(
        self,
        spec: Spec,
        prompts: Prompts,
        session: Callable[[], Session],
        seed: int,
        writing: WritingSettings = WritingSettings(),  # noqa: B008
        *,
        temperature: float | None = None,
        max_tokens: int = 1200,
        pictures: bool | None = None,
    ) -> None:
        self.spec, self._prompt, self._session, self._seed = spec, prompts[WRITER], session, seed
        self._writing, self._temperature, self._max_tokens = writing, temperature, max_tokens
        self.name = str(spec)
        self.names_choices = True
        self.sees_pictures = bool(_SEEING_RE.search(spec.model)) if pictures is None else pictures
        drawn = (brief.VERSION, SPEAKERS, REGISTERS, OPENINGS, FORMS, FOLLOW_UPS, writing.model_dump_json())
        self.version = f"{VERSION}-{digest(self._prompt.digest, temperature, max_tokens, SCHEMA, *drawn)[:12]}"

    @classmethod
    def of(cls, settings: Settings) -> "LlmWriter":
        """The writer that `--writer` names. Raises UsageError for a name or a prompt that will not do."""
        return cls(
            parse_spec(settings.writer),
            prompts_of(settings.prompts),
            lambda: session_of(settings),
            settings.seed,
            settings.writing,
            temperature=settings.llm.temperature,
            max_tokens=settings.llm.writer_tokens,
            pictures=settings.llm.pictures,
        )

    def brief(self, question: Question, variant: int) -> Brief:
        """The brief of dialogue number `variant` of the question."""
        return brief_of(self._writing, self._seed, question, variant)

    def _shown(self, question: Question) -> Picture | None:
        """The picture that the model is shown; None where it sees none, or there is none."""
        picture = question.picture
        return picture if self.sees_pictures and picture is not None and picture.data else None

    def request(self, question: Question, variant: int, refused: Sequence[Refusal] = ()) -> Request:
        """The LLM request for dialogue number `variant` of the question, after drafts of it that were `refused`.

        Raises Refusal(`bad_picture`).
        """
        picture = self._shown(question)
        attached = picture_part(picture.data or b"", picture.path) if picture is not None else None
        asked = self.brief(question, variant)
        messages = self._prompt.messages(
            attached,
            question=question.stem.strip(),
            answer=question.answer.strip(),
            choices=question.choices,
            working=working_of(question),
            category=question.category,
            language=language_name(question.language),
            manner=asked.manner,
            lengths=asked.lengths,
            wanted=FORMS.get(asked.form, ""),
            follow_ups=asked.follow_ups,
            picture=attached is not None,
            name_choices=needs_choices(question) and not listed(question),
            statements=listed(question),
            refused=why_dialogue(refused[-1]) if refused else "",
        )
        return self.spec.request(
            *messages,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            schema=with_picture(SCHEMA) if attached and asked.form == "closed" else SCHEMA,
            schema_name="dialogue",
            sample=variant * SAMPLES + len(refused),
            stage=STAGE,
        )

    def write_many(self, questions: Sequence[Question], variant: int, accept: Accept) -> Iterator[Dialogue | Refusal]:
        """See `ManyWriter`; all questions are asked at once."""
        jobs = [self._job(question, variant, accept) for question in questions]
        return self._session().outcomes(jobs)

    def _job(self, question: Question, variant: int, accept: Accept) -> Job[Dialogue]:
        async def job(session: Session) -> Dialogue:
            asked = self.brief(question, variant)

            def take(answer: Answer, refused: Sequence[Refusal]) -> Dialogue:
                dialogue = self.dialogue(answer, question, variant, tuple(r.reason for r in refused))
                accept(dialogue, question)
                check_brief(dialogue, asked, question)
                return dialogue

            return await session.ask_until(lambda refused: self.request(question, variant, refused), take, self.version)

        return job

    def dialogue(self, answer: Answer, question: Question, variant: int, again: tuple[str, ...] = ()) -> Dialogue:
        """The dialogue that a model's answer holds. Raises Refusal: `llm_bad_json`, `picture_not_told`."""
        try:
            reply = _Reply.model_validate(answer.data())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise Refusal("llm_bad_json", f"{place}: {first['msg']}: {answer.text[:80]!r}") from None
        language, form = question.language, self.brief(question, variant).form
        turns: list[Turn] = []
        for exchange in reply.exchanges:
            user, said = (spoken_answer(line, language) for line in (exchange.user, exchange.assistant))
            turns += Turn("user", user, user), Turn("assistant", said, said, claim=_claim(exchange.answer, language))
        user = " ".join(turn.text for turn in turns[::2])
        if form == "closed" and self._shown(question):
            check_seen(reply.seen, question, user)
        # Models like to list choices that nobody names; such a question is asked openly.
        choices = offered([_claim(choice, language) for choice in reply.choices], user, language)
        return Dialogue(
            id=f"{question.id}-v{variant}",
            question_id=question.id,
            variant=variant,
            language=language,
            turns=tuple(turns),
            answer=turns[1].claim,
            choices=choices if form == "closed" and not listed(question) else (),
            writer=self.name,
            again=again,
            form=form,
        )


# What a calculator worked out, as GSM8K marks it behind an equals sign.
_MARK_RE = re.compile(r"<<[^<>]*>>")


def working_of(question: Question) -> str:
    """The source's working as a request holds it: without marks, with single blanks, WORKING_CHARACTERS at the most."""
    lines = (" ".join(_MARK_RE.sub("", line).split()) for line in question.working.splitlines())
    text = "\n".join(line for line in lines if line)
    if len(text) <= WORKING_CHARACTERS:
        return text
    cut = text[:WORKING_CHARACTERS]
    return cut[: max(cut.rfind("\n"), cut.rfind(". ") + 1, cut.rfind("。") + 1)].strip()


def _claim(text: str, language: str) -> str:
    """A phrase as it is said, without the full stop of a sentence."""
    return spoken_answer(text, language).rstrip(" .。")
