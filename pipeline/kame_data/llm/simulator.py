"""The LLM simulator: level 0 is asked of the back end, with one request for each prefix; levels 1 to 4 with a hint that
grows with the level, and one request for all prefixes of a turn that have the level."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil
from typing import Any

from kame_data.errors import Refusal
from kame_data.levels import GUESS, HOLDING, NEAR, TRUTH
from kame_data.llm.back_end import BackEnd
from kame_data.llm.keywords import SHARES, TOLD, keywords, told_result
from kame_data.llm.prompts import ORACLE, Prompts, prompts_of
from kame_data.llm.refused import why_oracles
from kame_data.llm.reply_text import without_thoughts
from kame_data.llm.request import Answer, Request
from kame_data.llm.session import SAMPLES, Job, Session, session_of
from kame_data.llm.spec import Spec, parse_spec
from kame_data.llm.spoken_answer import spoken_answer
from kame_data.llm.trial import Text
from kame_data.oracles.acceptance import MAX_WORDS, MORE_WORDS, OracleTask
from kame_data.oracles.simulate import Drawn, both_names
from kame_data.seeds import digest
from kame_data.settings.tree import Settings
from kame_data.text.hesitations import sentence_end
from kame_data.text.language import language_name
from kame_data.text.words import is_unspaced, join_words, length_in_words, split_words

VERSION = 6
STAGE = "oracles"
MOST_PIECES = 12
"""Most prefixes of a turn that one request asks about."""
AGAIN = "(from the start, heard differently)"
_NUMBER_RE = re.compile(r"\d+")
# A line of an answer whose JSON is broken or cut off.
_LINE_RE = re.compile(r'"(\d{1,3})"\s*:\s*"((?:[^"\\]|\\.)*)"')
Accept = Callable[[str, OracleTask], str]


@dataclass
class _Group:
    """Tasks of one turn and level that are asked together; `places` are their positions among all tasks."""

    tasks: list[OracleTask] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


def groups_of(tasks: Sequence[OracleTask]) -> list[_Group]:
    """The tasks as they are asked: those of level 0 one by one, those of other levels by dialogue, turn and level."""
    found: dict[object, _Group] = {}
    for place, task in enumerate(tasks):
        asked = task.request
        key: object = (asked.dialogue_id, asked.turn, asked.level)
        if asked.level == GUESS:
            key = place
        elif key in found and len(found[key].tasks) == MOST_PIECES:
            found[key, place] = found.pop(key)  # full; the next one begins anew
        group = found.setdefault(key, _Group())
        group.tasks.append(task)
        group.places.append(place)
    return sorted(found.values(), key=lambda group: group.places[0])


def pieces_of(transcripts: Sequence[str], language: str) -> list[str]:
    """The growing transcripts of a turn, the first whole, then what each adds; one that has changed stands whole."""
    found: list[str] = []
    before = ""
    for transcript in transcripts:
        more = transcript.removeprefix(before)
        grows = transcript.startswith(before) and (more[:1].isspace() or is_unspaced(language))
        found.append(more.strip() if grows or not before else f"{AGAIN} {transcript}")
        before = transcript
    return found


def schema_of(lines: int) -> dict[str, Any]:
    """The JSON schema of an answer of so many lines, each under its number."""
    numbers = [str(number) for number in range(1, lines + 1)]
    return {
        "type": "object",
        "properties": {number: {"type": "string"} for number in numbers},
        "required": numbers,
        "additionalProperties": False,
    }


def lines_of(answer: Answer, lines: int) -> dict[int, str]:
    """The lines of an answer by number, from 1 on; those that are missing or no text are left out.

    A list is read in its order, unless it holds more than was asked for. Raises Refusal('llm_bad_json') where there is
    nothing to be read.
    """
    try:
        data = answer.data()
    except Refusal:
        found = {int(number): _unescaped(text) for number, text in _LINE_RE.findall(without_thoughts(answer.text))}
        if not found:
            raise
        return {number: text for number, text in found.items() if 1 <= number <= lines}
    if isinstance(data, Mapping) and len(data) == 1 and isinstance(inner := next(iter(data.values())), list | dict):
        data = inner
    if isinstance(data, list):
        data = {} if len(data) > lines else dict(zip(count(1), data, strict=False))
    if not isinstance(data, Mapping):
        raise Refusal("llm_bad_json", f"no lines: {answer.text[:80]!r}")
    numbered = ((_NUMBER_RE.search(str(name)), _text_in(value)) for name, value in data.items())
    return {int(n[0]): text for n, text in numbered if n and len(n[0]) < 4 and 1 <= int(n[0]) <= lines and text}


def _text_in(value: Any) -> str:
    """The text of an item: itself, or the first text among its fields; "" without one."""
    fields = value.values() if isinstance(value, Mapping) else (value,)
    return next((field for field in fields if isinstance(field, str)), "")


def _unescaped(text: str) -> str:
    return text.replace("\\n", " ").replace('\\"', '"')


class LlmSimulator:
    """A `oracles.simulate.ManySimulator`. `session` is called only when there is something to ask."""

    def __init__(
        self,
        spec: Spec,
        back_end: BackEnd,
        prompts: Prompts,
        session: Callable[[], Session],
        seed: int,
        *,
        temperature: float | None = None,
        max_tokens: int = 120,
    ) -> None:
        self.spec, self.back_end, self._session, self._seed = spec, back_end, session, seed
        self._prompt = prompts[ORACLE]
        self._temperature, self._max_tokens = temperature, max_tokens
        self.name = both_names(str(back_end.spec), str(spec))
        asked_with = (self._prompt.digest, back_end.digest, temperature, max_tokens, SHARES, TOLD, MOST_PIECES)
        self.version = f"{VERSION}-{digest(*asked_with)[:12]}"

    @classmethod
    def of(cls, settings: Settings, spec: str, back_end: str) -> "LlmSimulator":
        """The simulator of these models. Raises UsageError for a name or a prompt that will not do."""
        prompts, sampling = prompts_of(settings.prompts), (settings.llm.temperature, settings.llm.oracle_tokens)
        return cls(
            parse_spec(spec),
            BackEnd.of(parse_spec(back_end), prompts, *sampling),
            prompts,
            lambda: session_of(settings),
            settings.seed,
            temperature=sampling[0],
            max_tokens=sampling[1],
        )

    def request(self, tasks: Sequence[OracleTask], sample: int = 0, refused: Sequence[Refusal] = ()) -> Request:
        """The request for the oracles of a group of tasks, after drafts that were `refused`, one for each task.

        At level 0 only the request of the task is used, and of a refusal its kind alone.
        """
        first = tasks[0]
        asked = first.request
        why = why_oracles(refused)
        if asked.level == GUESS:
            where = asked.context, asked.transcript, asked.language
            return self.back_end.request(*where, why, sample=sample, stage=STAGE, level=GUESS)
        holds = asked.level >= HOLDING
        least, most = bounds(first)
        slots = {
            "level": asked.level,
            "language": language_name(asked.language),
            "context": asked.context,
            "hint": asked.hint if holds else keywords(first, self._seed),
            "result": first.result if holds else told_result(first, self._seed) if asked.level > NEAR else "",
            "pieces": pieces_of([task.request.transcript for task in tasks], asked.language),
            "count": len(tasks),
            "least": least,
            "most": most,
            "refused": why,
        }
        return self.spec.request(
            *self._prompt.messages(None, **slots),
            temperature=self._temperature,
            max_tokens=self._max_tokens * len(tasks) * ceil(most / MAX_WORDS),
            schema=schema_of(len(tasks)),
            schema_name="oracles",
            sample=sample,
            stage=STAGE,
            level=asked.level,
        )

    def requests(self, tasks: Sequence[OracleTask]) -> Iterator[tuple[Request, int]]:
        """The requests that the tasks take if nothing is refused, each with the number of its oracles."""
        return ((self.request(group.tasks), len(group.tasks)) for group in groups_of(tasks))

    def simulate_many(self, tasks: Sequence[OracleTask], accept: Accept) -> Iterator[Drawn | Refusal]:
        """See `ManySimulator`; all tasks are asked at once, and the same words only once."""
        groups = groups_of(tasks)
        outcomes = self._session().outcomes([self._job(group.tasks, accept) for group in groups])
        return _in_order(zip(groups, outcomes, strict=True), len(tasks))

    def _job(self, tasks: Sequence[OracleTask], accept: Accept) -> Job[list[Drawn | Refusal]]:
        async def job(session: Session) -> list[Drawn | Refusal]:
            first = self.request(tasks)

            async def samples(text: Text) -> list[Drawn | Refusal]:
                return await self._samples(session, text, first, tasks, accept)

            return await session.trials.text(first, self.version, samples)

        return job

    async def _samples(
        self, session: Session, text: Text, first: Request, tasks: Sequence[OracleTask], accept: Accept
    ) -> list[Drawn | Refusal]:
        """The outcomes of a group of tasks, which `first` asks for; what is refused is asked for again."""
        drawn: dict[int, Drawn] = {}
        refused: dict[int, list[Refusal]] = {place: [] for place in range(len(tasks))}
        for sample in range(SAMPLES):
            left = [place for place in refused if place not in drawn]
            request = first
            if sample:
                request = self.request([tasks[place] for place in left], sample, [refused[p][-1] for p in left])
                session.count_again(request)
            outcomes = await self._ask(session, text, request, [tasks[place] for place in left], accept)
            for place, outcome in zip(left, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    refused[place].append(outcome)
                else:
                    drawn[place] = Drawn(outcome, tuple(r.reason for r in refused[place]))
            failed = any(r.reason == "llm_failed" for reasons in refused.values() for r in reasons)
            if failed or len(drawn) == len(tasks):
                break
        return [drawn.get(place) or refused[place][-1] for place in refused]

    async def _ask(
        self, session: Session, text: Text, request: Request, tasks: Sequence[OracleTask], accept: Accept
    ) -> list[str | Refusal]:
        """The oracles of the tasks as one request brings them, each accepted or refused."""
        answer = None
        try:
            answer = await session.ask(request)
            lines = lines_of(answer, len(tasks)) if tasks[0].request.level > GUESS else {1: answer.text}
        except Refusal as refusal:
            text.refuse(refusal, answer)
            return [refusal] * len(tasks)
        found: list[str | Refusal] = []
        for number, task in enumerate(tasks, 1):
            try:
                found.append(self._accepted(lines, number, task, accept))
                text.keep()
            except Refusal as refusal:
                text.refuse(refusal, answer)
                found.append(refusal)
        return found

    def _accepted(self, lines: Mapping[int, str], number: int, task: OracleTask, accept: Accept) -> str:
        """The oracle of a task in line `number` of a reply, as it may stand. Raises Refusal."""
        if number not in lines:
            raise Refusal("missing_oracle", f"line {number} is not there")
        language, guess = task.request.language, task.request.level == GUESS
        text = spoken_answer(lines[number], language)
        prompt = self.back_end.prompt if guess else self._prompt
        return accept(whole_sentences(text, language) if guess else text, replace(task, prompt=prompt.own_words))


def whole_sentences(text: str, language: str) -> str:
    """The first sentences of a back end's answer that MAX_WORDS hold, for what is longer is cut off at run time too.

    The text as it is where it is short enough, or where its first sentence is too long.
    """
    if length_in_words(text, language) <= MAX_WORDS:
        return text
    words = split_words(text, language)
    heads = (join_words(words[:end], language) for end in range(len(words), 0, -1) if sentence_end(words[end - 1]))
    return next((head for head in heads if length_in_words(head, language) <= MAX_WORDS), text)


def bounds(task: OracleTask) -> tuple[int, int]:
    """The least and the most words that an oracle is asked for, by its level and the length of the true turn."""
    truth = length_in_words(task.coming_turn, task.request.language)
    if task.request.level == TRUTH - 1:
        return max(1, truth - 3), truth + MORE_WORDS
    most = min(MAX_WORDS, truth + 8) if task.request.level >= HOLDING else min(25, max(12, truth))
    return min(6, truth), most


def _in_order(found: Iterator[tuple[_Group, list[Drawn | Refusal] | Refusal]], total: int) -> Iterator[Drawn | Refusal]:
    """The outcomes of all tasks in the tasks' order, each as soon as its group is there."""
    known: dict[int, Drawn | Refusal] = {}
    for place in range(total):
        while place not in known:
            group, outcomes = next(found)
            each = [outcomes] * len(group.places) if isinstance(outcomes, Refusal) else outcomes
            known.update(zip(group.places, each, strict=True))
        yield known.pop(place)
