"""The back end at work: a model that is asked while the user speaks, or the rules that answer the bundled questions."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from kame_data.llm.accounts import Budget
from kame_data.llm.back_end import BackEnd
from kame_data.llm.prompts import prompts_of
from kame_data.llm.spec import parse_spec
from kame_data.llm.streaming import Streamer
from kame_data.offline.back_end import OfflineBackEnd
from kame_data.settings.tandem import AnswerSettings
from kame_data.tandem.parts import Answers, BackEndRequest, CutOff

CHARACTERS_A_WORD = 12
"""More than any language has on average: so many characters for each word that an answer may have."""
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u2011": "-"})
_LABELS = ("assistant:", "answer:", "oracle:", "user:")
LONGEST_LABEL = max(map(len, _LABELS))
_MARKUP = frozenset("*#`_~\ufffd")


class SaidAloud:
    """The text of an answer as it is said, while it comes: on one line, with single spaces and plain quotes, without
    markup or a label before it; cut off where it is longer than `words`. It depends on the text alone, and not on how
    that is cut.

    `over`: more came than may.
    """

    def __init__(self, words: int) -> None:
        self._words, self._characters = words, words * CHARACTERS_A_WORD
        self._in_word = self._any = False
        self._held: str | None = ""  # what may still be a label; None behind it
        self.over = False

    def add(self, piece: str) -> str:
        """The text that a piece adds; "" once it is over."""
        if self._held is not None:
            piece = (self._held + piece).lstrip()
            start = piece[: LONGEST_LABEL + 1].lower()
            self._held = piece if any(label.startswith(start) for label in _LABELS) else None
            if self._held is not None:
                return ""
            piece = piece[next((len(label) for label in _LABELS if start.startswith(label)), 0) :]
        return self._plain(piece)

    def end(self) -> str:
        """The rest: what might have been a label, and was none."""
        held, self._held = self._held or "", None
        return "" if held.lower() in _LABELS else self._plain(held)

    def _plain(self, piece: str) -> str:
        said: list[str] = []
        for character in piece.translate(_PLAIN):
            if character in _MARKUP:
                continue
            if character.isspace() or not character.isprintable():
                self._in_word = False
                continue
            if not self._in_word:
                self._words -= 1
            self._characters -= 1
            if self._words < 0 or self._characters < 0:
                self.over = True
                break
            said += [" ", character] if self._any and not self._in_word else [character]
            self._in_word = self._any = True
        return "".join(said)


class ModelAnswers:
    """A model by its provider's API, asked with the prompt that a build's level 0 has; see `Answers`."""

    stand_ins: tuple[str, ...] = ()

    def __init__(self, streamer: Streamer, back_end: BackEnd, words: int) -> None:
        self.streamer, self.back_end, self.words = streamer, back_end, words
        self.name = str(streamer.spec)

    async def answer(self, request: BackEndRequest, budget: Budget) -> AsyncGenerator[str, None]:
        """See `Answers.answer`."""
        asked = self.back_end.request(request.context, request.heard, request.language, stage="tandem", level=0)
        said = SaidAloud(self.words)
        async with aclosing(self.streamer.text(asked, budget)) as pieces:
            async for piece in pieces:
                if text := said.add(piece):
                    yield text
                if said.over:
                    raise CutOff(f"{self.name}: answer {request.number} is longer than {self.words} words")
        if text := said.end():
            yield text

    async def close(self) -> None:
        """See `Answers.close`."""
        await self.streamer.close()


class OfflineAnswers:
    """The bundled questions' answers, by rule; says nothing to anything else. See `Answers`."""

    name = "offline"
    stand_ins = ("back end: offline, answers the bundled questions by rule and knows no others",)

    def __init__(self) -> None:
        self._rules = OfflineBackEnd()

    async def answer(self, request: BackEndRequest, budget: Budget) -> AsyncGenerator[str, None]:
        """See `Answers.answer`."""
        if text := self._rules.answer(request.heard, request.language):
            yield text

    async def close(self) -> None:
        """See `Answers.close`."""


def answers_of(spec: str, settings: AnswerSettings, prompts: Path | None = None) -> Answers:
    """The back end that a spec names. Raises UsageError for what is none, where a key is missing, or where a budget is
    to be kept and no price is known."""
    parsed = parse_spec(spec)
    if parsed.offline:
        return OfflineAnswers()
    streamer = Streamer(parsed, settings.first, settings.whole, settings.budget, settings.prices)
    if settings.budget is not None or settings.session_budget is not None:
        streamer.check_price()
    back_end = BackEnd.of(parsed, prompts_of(prompts), settings.temperature, settings.tokens)
    return ModelAnswers(streamer, back_end, settings.words)
