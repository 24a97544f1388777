"""Acceptance of oracles: one function says what an oracle of a level may be, whoever wrote it.

A level is held to what it is. Level 0 is the guess of a back end that knows nothing but what was said: it only has to
be spoken, and a right guess stays. Level 1 is near, but does not hold the answer. Level 2 may hold it. Levels 3 and 4
hold it, and no other result. From level 2 on no number may be named that was neither said so far nor is in the true
turn.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from kame_data.errors import Refusal
from kame_data.levels import GUESS, HOLDING, NEAR, NUMBERS_FROM, TRUTH
from kame_data.text.acceptance import check_said
from kame_data.text.answers import asserts, named_as_result, number_values, says_nothing, strange_number, tells
from kame_data.text.half_heard import speaks_of_part
from kame_data.text.hesitations import without_hesitations
from kame_data.text.normal import names, normalise
from kame_data.text.spoken import is_spoken
from kame_data.text.telling import telling_words
from kame_data.text.words import IDEOGRAPHS_PER_WORD, is_unspaced, join_words, length_in_words, split_words

MAX_WORDS = 30
"""Most words of an oracle; the reference's back end is asked for so many. Level 4 may be as long as the true turn, and
by MORE_WORDS longer."""
MORE_WORDS = 4
REPEATED = 8
"""Words in a row of a prompt that are no longer there by chance."""


@dataclass(frozen=True, slots=True)
class OracleRequest:
    """One oracle to be written: what a back end knows, and the hint that goes with `level` (0 to 4).

    `transcript` is what the recogniser made of the first words of user turn `turn`; `context` the turns before it as
    they were said, a line each, as `user: ...` or `assistant: ...`, without back-channels. `hint` is what the assistant
    is going to say, and "" at level 0, where it must not be seen. `sample` counts the draws of the same oracle, from 0.
    """

    dialogue_id: str
    language: str
    turn: int
    transcript: str
    context: str
    level: int
    hint: str
    sample: int = 0

    def __post_init__(self) -> None:
        if self.level == GUESS and self.hint:
            raise ValueError("a request of level 0 must not carry the answer")

    @property
    def known(self) -> str:
        """All that was said so far, without hesitations."""
        return without_hesitations(f"{self.context}\n{self.transcript}", self.language)


@dataclass(frozen=True, slots=True)
class OracleTask:
    """A request with what its oracle is held against: `coming_turn`, the assistant's (also at level 0, where the
    request lacks it), its `answer`: its claim, or the dialogue's true answer where it has none ("" where it is not
    known apart from the turn), the `choices` that were offered aloud, `later`, what the user goes on to say, and
    `prompt`, the text that a model was asked with, without what fills its slots ("" where no model was asked)."""

    request: OracleRequest
    coming_turn: str
    answer: str = ""
    choices: tuple[str, ...] = ()
    later: str = ""
    prompt: str = ""

    @property
    def result(self) -> str:
        """The answer where the coming turn tells it; "" for a turn that has none to tell, as a greeting."""
        return result_of(self.coming_turn, self.answer, self.request.language)


@lru_cache(maxsize=1024)
def result_of(coming_turn: str, answer: str, language: str) -> str:
    """`answer` where that turn tells it, else ""."""
    return answer if tells(coming_turn, answer, language) else ""


# The coming turn is held against each oracle of a turn, and the prompt against all.
_key = lru_cache(maxsize=256)(normalise)


def accept(text: str, task: OracleTask) -> str:
    """`text` with single spaces, where it may stand as the oracle of the task.

    Raises Refusal otherwise: `empty_oracle`, `not_spoken`, `model_talk`, `wrong_language`, `letters`, `too_long`,
    `repeats_prompt`, `half_heard`, `verbatim_answer`, `unheard_word`, `early_answer`, `other_number`, `lacks_answer` or
    `other_result`.
    """
    text = " ".join(text.split())
    level, language = task.request.level, task.request.language
    key = normalise(text)
    if not any(map(str.isalnum, key)):
        raise Refusal("empty_oracle", f"level {level}")
    if found := is_spoken(text, language):
        raise Refusal("not_spoken", f"{', '.join(found)} in '{text}'")
    check_said(text, language)
    if (count := length_in_words(text, language)) > most_words(task):
        raise Refusal("too_long", f"{count} words in '{text}'")
    if repeated := _repeated(key, task):
        raise Refusal("repeats_prompt", f"'{repeated}' in '{text}'")
    if part := speaks_of_part(text, language, task.coming_turn):
        raise Refusal("half_heard", f"'{part}' in '{text}'")
    if level > GUESS:
        if key == _key(task.coming_turn):
            raise Refusal("verbatim_answer", f"level {level} says '{text}'")
        if unheard := _unheard(text, task):
            raise Refusal("unheard_word", f"'{unheard}' comes later in the turn than '{text}'")
        _check_result(text, task)
    return text


def _repeated(key: str, task: OracleTask) -> str:
    """The first words in a row of a normalised text, REPEATED long, that the prompt of the task has; "" without any."""
    language, prompt = task.request.language, _key(task.prompt)
    words = split_words(key, language)
    most = ceil(REPEATED * IDEOGRAPHS_PER_WORD) if is_unspaced(language) else REPEATED
    rows = (join_words(words[n : n + most], language) for n in range(len(words) - most + 1))
    return next((row for row in rows if names(prompt, row, language)), "")


def _unheard(text: str, task: OracleTask) -> str:
    """The first telling word of `text` that only the later words of the user's turn hold; "" without one."""
    language = task.request.language
    later = telling_words(task.later, language)
    if not later:
        return ""
    told = (task.request.known, task.coming_turn, task.answer)
    later = later.difference(*(telling_words(known, language) for known in told))
    return next((word for word in sorted(telling_words(text, language)) if word in later), "")


def most_words(task: OracleTask) -> int:
    """The most words that an oracle may have."""
    if task.request.level < TRUTH - 1:
        return MAX_WORDS
    return max(MAX_WORDS, length_in_words(task.coming_turn, task.request.language) + MORE_WORDS)


def _check_result(text: str, task: OracleTask) -> None:
    """Hold an oracle with a hint against what its level may and must say. Raises Refusal."""
    level, language, result = task.request.level, task.request.language, task.result
    if level == NEAR and result and not says_nothing(result, language) and tells(text, result, language):
        raise Refusal("early_answer", f"level {level} says '{result}' in '{text}'")
    if level >= NUMBERS_FROM:
        known = (task.request.known, task.coming_turn, task.answer)
        if (strange := strange_number(text, known, language)) is not None:
            raise Refusal("other_number", f"{strange} is neither said nor true in '{text}'")
    if level >= HOLDING:
        _check_holds(text, task)


def _check_holds(text: str, task: OracleTask) -> None:
    """Hold an oracle of level 3 or 4 against the answer, or where the turn has none, against its new numbers."""
    language, result = task.request.language, task.result
    if not result:
        new = number_values(task.coming_turn, language) - number_values(task.request.known, language)
        if new and not new & number_values(text, language):
            raise Refusal("lacks_answer", f"none of the turn's numbers in '{text}'")
        return
    if not asserts(text, result, language) and asserts(task.coming_turn, result, language):
        raise Refusal("lacks_answer", f"'{result}' is not said in '{text}'")
    if other := named_as_result(text, result, language, task.coming_turn):
        raise Refusal("other_result", f"'{other}' and not '{result}' in '{text}'")
    for choice in task.choices:
        if choice == result or tells(result, choice, language) or tells(task.coming_turn, choice, language):
            continue
        if asserts(text, choice, language):
            raise Refusal("other_result", f"'{choice}' beside '{result}' in '{text}'")
