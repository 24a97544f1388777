"""The LLM simulator: oracles of levels 0 to 4, each asked with a hint that grows with its level."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise

from pipeline.errors import Refusal
from pipeline.levels import GUESS, TRUTH
from pipeline.llm.prompts import Prompts, oracle_task
from pipeline.llm.request import Answer, Request
from pipeline.llm.session import Job, Session
from pipeline.llm.spec import Spec
from pipeline.llm.spoken_answer import spoken_answer
from pipeline.llm.writer import language_name
from pipeline.oracles import Drawn, OracleTask
from pipeline.seeds import digest, rng
from pipeline.text.function_words import function_words
from pipeline.text.normal import normalise
from pipeline.text.number_words import is_numeric
from pipeline.text.words import bare_words, is_unspaced

VERSION = 3
STAGE = "oracles"
# Share of the answer's content words that a hint of keywords holds, by level; above them the hint is the answer.
KEYWORD_SHARES = {1: (1, 3), 2: (3, 4)}
# Said in every answer; to be told them is no hint.
_STOP_TEXT = """
a an the of to in on at by for from with and or but as that this these those it its is are was were be been so has have
had do does did will would can could should may might must than then there into about their his her they he she you
your we our i which who what when where each also just only very because if not no
"""
_STOP = frozenset(_STOP_TEXT.split())
_WORD_RE = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MARKS_RE = re.compile(r"[^\w\s]+")
Accept = Callable[[str, OracleTask], str]


def keywords(task: OracleTask, seed: int) -> str:
    """Some content words of the truth in their order: a third at level 1, none of them the answer's (so there may be
    none at all), more at level 2.

    Which ones is drawn from (seed, truth), so that a turn's prefixes agree, and level 2 holds those of level 1.
    """
    language = task.request.language
    found = content_words(task.truth, language)
    order = rng(seed, "keywords", task.truth).sample(found, len(found))
    answer = _parts(task.answer, language)
    # The answer's own words come last, so that a small share has none of them.
    order.sort(key=lambda word: bool(answer & _parts(word, language)))
    share, whole = KEYWORD_SHARES[task.request.level]
    chosen = set(order[: max(1, -(-len(order) * share // whole))])
    if task.request.level == min(KEYWORD_SHARES):
        chosen = {w for w in chosen if not answer & _parts(w, language)}
    return ", ".join(word for word in found if word in chosen)


def content_words(text: str, language: str) -> list[str]:
    """The words of a text that are no function words, each once, in their order. For Chinese these are numbers and,
    between function signs and marks, pairs of signs, which most of its words are."""
    if not is_unspaced(language):
        stop = _STOP if language.split("-")[0] == "en" else function_words(language)
        return [w for w in dict.fromkeys(_WORD_RE.findall(text)) if w.casefold() not in stop]
    found: list[str] = []
    for clause in _MARKS_RE.split(text):
        found += _pairs(bare_words(clause, language), language)
    return list(dict.fromkeys(found))


def _pairs(signs: Sequence[str], language: str) -> Iterator[str]:
    small = function_words(language)

    def kind(sign: str) -> str:
        return "small" if sign in small else "number" if is_numeric(sign, language) else "word"

    for what, group in groupby(signs, kind):
        run = list(group)
        if what == "number":
            yield "".join(run)
        elif what == "word":
            # A sign that is left over goes to the last pair.
            cuts = [*range(0, max(1, len(run) - 1), 2), len(run)]
            yield from ("".join(run[a:b]) for a, b in pairwise(cuts))


def _parts(text: str, language: str) -> set[str]:
    """What of a word tells that it is the answer's: its parts between hyphens, or its signs."""
    if language.split("-")[0] == "en":
        return set(normalise(text).split())
    return set(bare_words(text, language)) - function_words(language)


class LlmSimulator:
    """Is a `pipeline.oracles.ManySimulator`. `session` is called when there is something to ask, and not before."""

    def __init__(
        self,
        spec: Spec,
        prompts: Prompts,
        session: Callable[[], Session],
        seed: int,
        *,
        temperature: float | None = None,
        max_tokens: int = 120,
    ) -> None:
        self.spec, self._session, self._seed = spec, session, seed
        self._prompts = {level: prompts[oracle_task(level)] for level in range(GUESS, TRUTH)}
        self._temperature, self._max_tokens = temperature, max_tokens
        self.name = str(spec)
        asked_with = [prompt.digest for prompt in self._prompts.values()]
        self.version = f"{VERSION}-{digest(*asked_with, temperature, max_tokens, KEYWORD_SHARES)[:12]}"

    def request(self, task: OracleTask) -> Request:
        """What is asked for a task. At level 0 nothing of the task but its request is looked at."""
        asked = task.request
        slots = {"heard": asked.prefix, "context": asked.context, "language": language_name(asked.language)}
        if asked.level in KEYWORD_SHARES:
            slots["hint"] = keywords(task, self._seed)
        elif asked.level > GUESS:
            slots["hint"] = asked.answer
        return self.spec.request(
            *self._prompts[asked.level].messages(None, **slots),
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            sample=asked.sample,
            stage=STAGE,
            level=asked.level,
        )

    def simulate_many(self, tasks: Sequence[OracleTask], accept: Accept) -> Iterator[Drawn | Refusal]:
        """See `ManySimulator`; all tasks are asked at once, and the same words only once."""
        return self._session().outcomes([self._job(task, accept) for task in tasks])

    def _job(self, task: OracleTask, accept: Accept) -> Job[Drawn]:
        async def job(session: Session) -> Drawn:
            again: list[str] = []

            def take(answer: Answer) -> str:
                if answer.finish == "length":
                    raise Refusal("cut_off", f"cut off at {self._max_tokens} tokens: '{answer.text[:80]}'")
                return accept(spoken_answer(answer.text, task.request.language), task)

            text = await session.ask_until(self.request(task), take, lambda refusal: again.append(refusal.reason))
            return Drawn(text, tuple(again))

        return job
