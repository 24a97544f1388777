"""The judge that is a model: one request a rating, asked again where the reply holds none."""

from collections.abc import Callable, Iterator, Sequence

from kame_data.errors import Refusal
from kame_data.evaluate.judging.judge import Judged, without_a_judge
from kame_data.evaluate.judging.reply import SCHEMA, WHY, rating_of
from kame_data.evaluate.records import Rating
from kame_data.llm.prompts import Prompt
from kame_data.llm.request import Answer, Request
from kame_data.llm.session import SAMPLES, Job, Session
from kame_data.llm.spec import Spec
from kame_data.seeds import digest
from kame_data.text.language import language_name

VERSION = 1
STAGE = "ratings"
TEMPERATURE = 0.0
TOKENS = 2000
"""Tokens of a reply at the most; models that think before they write need most of them."""
MOST_FAILURE = 200


class LlmJudge:
    """A `Judge`. `session` is called only when there is something to ask."""

    stand_in = ""

    def __init__(self, spec: Spec, prompt: Prompt, session: Callable[[], Session], *, max_tokens: int = TOKENS) -> None:
        self.spec, self.name = spec, str(spec)
        self._prompt, self._session, self._max_tokens = prompt, session, max_tokens
        self.version = f"{VERSION}-{digest(prompt.digest, TEMPERATURE, max_tokens, SCHEMA)[:12]}"

    def request(self, judged: Judged, sample: int = 0, refused: Sequence[Refusal] = ()) -> Request:
        """The request for rating number `sample` of an answer, after replies that were `refused`."""
        last = judged.last
        messages = self._prompt.messages(
            None,
            question=last.question,
            answer=last.answer,
            reference=last.reference,
            before=judged.exchanges[:-1],
            heard=judged.channel == "sound",
            language=language_name(judged.language),
            mark=mark_of(judged),
            refused=WHY.get(refused[-1].reason, "it could not be read") if refused else "",
        )
        return self.spec.request(
            *messages,
            temperature=TEMPERATURE,
            max_tokens=self._max_tokens,
            schema=SCHEMA,
            schema_name="rating",
            sample=sample * SAMPLES + len(refused),
            stage=STAGE,
        )

    def requests(self, answers: Sequence[Judged], repeats: int = 1) -> Iterator[Request]:
        """The requests that the ratings take if every reply can be used; for a plan and its price."""
        for judged in answers:
            if without_a_judge(judged, self.name, 0) is None:
                yield from (self.request(judged, sample) for sample in range(repeats))

    def rate_many(self, answers: Sequence[Judged], repeats: int = 1) -> Iterator[Rating]:
        """See `Judge`; all ratings are asked for at once."""
        wanted = [(judged, sample) for judged in answers for sample in range(repeats)]
        known = [without_a_judge(judged, self.name, sample) for judged, sample in wanted]
        jobs = [self._job(*one) for one, found in zip(wanted, known, strict=True) if found is None]
        asked = self._session().outcomes(jobs) if jobs else iter(())
        for (judged, sample), found in zip(wanted, known, strict=True):
            if found is not None:
                yield found
                continue
            outcome = next(asked)
            yield self._failed(judged, sample, outcome) if isinstance(outcome, Refusal) else outcome

    def _job(self, judged: Judged, sample: int) -> Job[Rating]:
        async def job(session: Session) -> Rating:
            def take(answer: Answer, _: Sequence[Refusal]) -> Rating:
                rating, reason = rating_of(answer, judged.last.answer)
                return judged.rating(self.name, sample, rating, reason)

            return await session.ask_until(lambda refused: self.request(judged, sample, refused), take)

        return job

    def _failed(self, judged: Judged, sample: int, refusal: Refusal) -> Rating:
        return judged.rating(self.name, sample, None, failure=" ".join(str(refusal).split())[:MOST_FAILURE])


def mark_of(judged: Judged) -> str:
    """A word that none of the texts holds: the same for the same texts, so that the request is one in the ledger."""
    said = [text for e in judged.exchanges for text in (e.question, e.answer, e.reference)]
    for number in range(1000):
        mark = digest("mark", number, *said)[:10]
        if not any(mark in text for text in said):
            return mark
    raise AssertionError("the texts are too short to hold a thousand marks")
