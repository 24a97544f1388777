"""A conversation of one user without clock, sockets or threads: it is told what happens, and says what is to be done.

It is told of time, of what the recogniser hears, of what comes from the back end and of the model's tokens. It gives
the id that the oracle stream holds in each frame, the requests to make and to give up, and the events of the log.
`live` runs it by the wall clock, `virtual` by a virtual one.
"""

import math
from codecs import getincrementaldecoder
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kame_data.codec.text_streaming import StreamedText, TornText
from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.codec.tokenizer import SPACE, Tokenizer
from kame_data.model.oracle_queue import OracleQueue
from kame_data.oracles.loop_policy import Decision, LoopPolicy
from kame_data.settings.latency import LoopSettings
from kame_data.tandem import events as log_of
from kame_data.tandem.activity import Activity, Change
from kame_data.tandem.events import MOST_TEXT, AnyEvent, EventLog, clipped
from kame_data.tandem.frames import FRAME
from kame_data.tandem.history import History, Said, Words
from kame_data.tandem.parts import BackEndRequest
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.text.words import alike, join_words, split_words

MOST_TURNS = 16
"""Turns of the user that a request may still be made for."""
MOST_HEARD = 1000
"""Words of a turn that the back end is told; of a longer one its last ones."""


class Cancel(NamedTuple):
    """Give up the request of this number, and close its connection."""

    number: int


Order = BackEndRequest | Cancel


@dataclass(frozen=True)
class Setup:
    """All that a session is made with. `name` stands in the log; `model`, `recogniser`, `back_end`, `voice` and
    `policy` are names for it. `hears`: a recogniser tells when the user speaks; without, the sound's energy does.
    `history`: the most tokens of the conversation before that the back end is told. `by_position`: the oracle stream is
    that of KAME's own server, with tokens that come late lost and words torn.
    """

    name: str
    tokenizer: Tokenizer
    loop: LoopSettings
    language: str = "en"
    by_position: bool = False
    history: int = 1500
    hears: bool = True
    clock: Literal["wall", "virtual"] = "wall"
    model: str = ""
    recogniser: str = ""
    back_end: str = ""
    voice: str = ""
    policy: str = ""
    stand_ins: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Answer:
    """An answer that is on its way: its text so far, the tokens that are certain, and what came before it began."""

    stream: StreamedText | TornText
    text: str = ""
    tokens: list[int] = field(default_factory=list)
    begun: bool = False
    told: int = 0  # tokens in the log

    def news(self) -> tuple[int, ...]:
        """The tokens that the log does not hold yet."""
        found = tuple(self.tokens[self.told :])
        self.told = len(self.tokens)
        return found


@dataclass(slots=True)
class _Heard:
    """A turn of the user: when it began, and its transcript as it is now."""

    start: float
    text: str = ""
    words: list[str] = field(default_factory=list)


class Session:
    """See the module. `now` in all calls is in seconds since the conversation began, on the runner's clock, and never
    falls; `begun` is that moment in seconds since 1970, 0 on a virtual clock.

    After each call `wait_until` is the moment at which to call `time`, unless something else is told before.
    """

    def __init__(self, setup: Setup, log: EventLog, begun: float) -> None:
        self.setup, self.log, self._begun = setup, log, begun
        self.tokenizer, self.language = setup.tokenizer, setup.language
        self.policy = LoopPolicy(setup.loop)
        self.queue = OracleQueue(setup.tokenizer.text_card, setup.by_position)
        self.history = History(setup.language, setup.history)
        self.frames = 0
        """Frames that are over; frames of the user's sound that were skipped count."""
        self.wait_until = math.inf
        self._words = Words(setup.tokenizer, setup.language)
        self._bytes = getincrementaldecoder("utf-8")("ignore")
        self._answers: dict[int, _Answer] = {}
        self._turns: dict[int, _Heard] = {}
        self._turn = 0  # the number of the turn that is being spoken, or will be next
        self._speaks_since: float | None = None  # the user
        self._hears_user, self._hears_assistant = Activity(), Activity()
        self._asks = True
        self._skipped = 0
        self._closed = False
        self._note_beginning()

    # What is told.

    def heard(self, now: float, event: SpeechEvent) -> list[Order]:
        """The recogniser has an event of the user's speech."""
        if event.kind == "start":
            self._speech(now, event.time)
            return []
        words = split_words(event.text, self.language)
        turn = self._turns.get(self._turn)
        if turn is None and words:
            turn = self._begin_turn(now, event.time)
        orders: list[Order] = []
        if turn is not None:
            orders += self._rewrite(now, turn, event, words)
        if event.kind == "end":
            orders += self._end_turn(now, turn, event)
        return orders

    def delta(self, now: float, number: int, text: str) -> list[Order]:
        """A piece of the answer to request `number` has come; of one that was given up it is ignored."""
        answer = self._answers.get(number)
        text = text[: MOST_TEXT - len(answer.text)] if answer is not None else ""
        if answer is None or not text:
            return []
        answer.text += text
        tokens = answer.stream.add(text)
        answer.tokens += tokens
        orders: list[Order] = []
        if answer.begun:
            self.queue.extend(number, tokens)
        elif self._sayable(answer):
            answer.begun, text = True, answer.text
            self._log(now, log_of.FirstToken, id=number)
            self.queue.begin(number, answer.tokens)
            orders += self._follow(now, self.policy.first_token(now, number))
        if answer.begun and number in self._answers:
            self._log(now, log_of.OracleDelta, id=number, text=clipped(text), tokens=answer.news())
        return orders

    def answered(self, now: float, number: int, finish: Literal["stop", "length"] = "stop") -> list[Order]:
        """The answer to request `number` is complete (`length`: cut off, as it was too long)."""
        answer = self._answers.pop(number, None)
        if answer is None:
            return []
        orders: list[Order] = []
        answer.tokens += (tokens := answer.stream.end())
        if tokens and not answer.begun:
            answer.begun = True
            self._log(now, log_of.FirstToken, id=number)
            self.queue.begin(number, answer.tokens)
            orders += self._follow(now, self.policy.first_token(now, number))
        elif tokens:
            self.queue.extend(number, tokens)
        if answer.begun:
            if tokens:
                self._log(now, log_of.OracleDelta, id=number, text="", tokens=answer.news())
            self._note_oracle(now, number, answer, finish)
        else:
            self._log(now, log_of.NoAnswer, id=number, text=clipped(answer.text.strip()))
        return orders + self._follow(now, self.policy.answer_ended(now, number))

    def answer_failed(self, now: float, number: int, message: str, spent: bool = False) -> list[Order]:
        """Request `number` has failed. `spent`: the budget is, and nothing more is asked in this conversation."""
        answer = self._answers.pop(number, None)
        if answer is None:
            return []
        if not spent or self._asks:
            self.failed(now, "budget" if spent else "back_end", message, number)
        self._asks = self._asks and not spent
        if answer.begun:
            answer.tokens += (tokens := answer.stream.end())
            self.queue.extend(number, tokens)
            self._note_oracle(now, number, answer, "error")
        return self._follow(now, self.policy.answer_ended(now, number))

    def time(self, now: float) -> list[Order]:
        """It is `now`, and nothing else has happened."""
        return self._follow(now, self.policy.time(now))

    def failed(self, now: float, part: log_of.Part, message: str, number: int | None = None) -> None:
        """A part has failed; the conversation goes on without it."""
        self._log(now, log_of.Failed, part=part, message=clipped(" ".join(message.split())), id=number)

    # Frames.

    def frame(self, now: float, sound: NDArray[np.float32] | None = None) -> int:
        """A frame begins, with the user's `sound`; give the id that the oracle stream holds in it."""
        if sound is not None and not self.setup.hears:
            self._speech_by_energy(now, "user", self._hears_user.next(sound, self.frames))
        before = self.queue.number, self.queue.read
        oracle = self.queue.next()
        if (self.queue.number, self.queue.read) != before and self.queue.number is not None:
            self._log(now, log_of.OracleRead, id=self.queue.number, read=max(0, self.queue.read), token=oracle)
        return oracle

    def said(self, now: float, token: int) -> tuple[str, list[str]]:
        """The model's text token in this frame; gives its text as it stands in the stream ("" for none), and the words
        that have become whole."""
        whole = self._words.next(token, self.frames * FRAME)
        self._note_words(now, whole)
        is_text = token not in (TEXT_PADDING, END_OF_PADDING) and 0 <= token < self.tokenizer.text_card
        return (self._piece(token) if is_text else ""), [word.text for word in whole]

    def sounded(self, now: float, sound: NDArray[np.float32], dropped: int = 0) -> None:
        """The assistant's sound in this frame, which is over then; its last `dropped` words will never be heard."""
        if dropped:
            self.unheard(now, dropped)
        self._speech_by_energy(now, "assistant", self._hears_assistant.next(sound, self.frames))
        self.frames += 1

    def unheard(self, now: float, count: int) -> None:
        """The assistant's last `count` words were never heard, and are no part of the conversation."""
        self.history.drop(count)
        self._log(now, log_of.WordDropped, count=count)

    def late(self, now: float, skipped: int) -> None:
        """A step was late, so that `skipped` frames of the user's sound are not shown to the model."""
        self._skipped += skipped
        self._log(now, log_of.LateFrame, skipped=skipped, total=self._skipped)
        self.frames += skipped

    @property
    def busy(self) -> bool:
        """Tell whether something is on its way: a request, tokens that are to be read, words of either side."""
        speaks = self._hears_assistant.active or self._hears_user.active or self._speaks_since is not None
        return bool(self._answers) or speaks or not self.queue.empty or math.isfinite(self.wait_until)

    def close(self, now: float, reason: str, cost: float = 0.0) -> None:
        """The conversation is over: the last events. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._note_words(now, self._words.end())
        for number, answer in self._answers.items():
            if answer.begun:
                self._note_oracle(now, number, answer, "closed")
        self._answers.clear()
        self.queue.clear()
        self.wait_until = math.inf
        self._log(now, log_of.SessionEnds, reason=clipped(reason), frames=self.frames, cost=cost)

    def _piece(self, token: int) -> str:
        """The text of a token; of a character that is told in bytes, its last byte's token has it."""
        piece = str(self.tokenizer.model.id_to_piece(token))
        if self.tokenizer.model.is_byte(token):
            return self._bytes.decode(bytes.fromhex(piece[3:5]))
        return "" if self.tokenizer.model.is_control(token) else piece.replace(SPACE, " ")

    # The user's turns.

    def _begin_turn(self, now: float, at: float) -> _Heard:
        if self._speaks_since is None:
            self._speech(now, at)
        start = self._speaks_since if self._speaks_since is not None else at
        turn = self._turns[self._turn] = _Heard(start)
        for old in [number for number in self._turns if number <= self._turn - MOST_TURNS]:
            del self._turns[old]
        return turn

    def _rewrite(self, now: float, turn: _Heard, event: SpeechEvent, words: list[str]) -> list[Order]:
        """The transcript of the turn is that of the event now."""
        kept = alike(turn.words, words, self.language)
        changed = turn.text != event.text
        turn.text, turn.words = event.text, words
        self.history.heard(words, turn.start)
        told = {"turn": self._turn, "text": clipped(event.text), "at": _s(event.time)}
        if event.kind == "interim" and changed:
            stable = min(len(words), len(split_words(event.text[: event.stable], self.language)))
            stable -= bool(stable) and event.stable < len(event.text) and not event.text[event.stable].isspace()
            self._log(now, log_of.UserPartial, stable=max(0, stable), **told)
        if event.kind != "interim":
            self._log(now, log_of.UserFinal, ended=event.kind == "end", **told)
        orders = self._follow(now, self.policy.words(now, len(words), kept))
        if event.kind == "final":
            orders += self._follow(now, self.policy.final(now, len(words)))
        return orders

    def _end_turn(self, now: float, turn: _Heard | None, event: SpeechEvent) -> list[Order]:
        if self._speaks_since is not None:
            self._speaks_since = None
            self._log(now, log_of.SpeechEnd, side="user", at=_s(event.time))
        if turn is None:
            return []
        self.history.user_ended()
        self._turn += 1
        return self._follow(now, self.policy.turn_ended(now))

    def _speech(self, now: float, at: float) -> None:
        if self._speaks_since is None:
            self._speaks_since = at
            self._log(now, log_of.SpeechStart, side="user", at=_s(at))

    def _speech_by_energy(self, now: float, side: log_of.Side, change: Change | None) -> None:
        if change is not None:
            kind = log_of.SpeechStart if change.kind == "start" else log_of.SpeechEnd
            self._log(now, kind, side=side, at=max(0.0, change.at))

    # Requests and answers.

    def _follow(self, now: float, decision: Decision) -> list[Order]:
        """The orders of a decision, each of which is done here as far as it can be."""
        self.wait_until = decision.wait_until
        orders: list[Order] = []
        for number in decision.cancel:
            answer = self._answers.pop(number, None)
            if answer is None:
                continue
            if answer.begun:
                self._note_oracle(now, number, answer, "cancelled")
            self._log(now, log_of.Cancelled, id=number)
            orders.append(Cancel(number))
        if decision.ask is None:
            return orders
        number, turn_number, prefix_words = decision.ask
        turn = self._turns.get(turn_number)
        if turn is None or not self._asks:
            return orders + self._follow(now, self.policy.answer_ended(now, number))
        heard = join_words(turn.words[:prefix_words][-MOST_HEARD:], self.language)
        self._answers[number] = _Answer((TornText if self.setup.by_position else StreamedText)(self.tokenizer))
        told = {"turn": turn_number, "prefix_words": prefix_words}
        self._log(now, log_of.Asked, id=number, heard=clipped(heard), **told)
        context = self.history.context(turn.start)
        return [*orders, BackEndRequest(number, turn_number, prefix_words, heard, context, self.language)]

    def _sayable(self, answer: _Answer) -> bool:
        """Tell whether the model's tokenizer has a token for anything in the answer so far."""
        model = self.tokenizer.model
        ids = model.encode(answer.text.strip())
        return any(token not in (TEXT_PADDING, END_OF_PADDING) and model.id_to_piece(token) != SPACE for token in ids)

    def _note_oracle(self, now: float, number: int, answer: _Answer, finish: log_of.Finish) -> None:
        ids = self.tokenizer.model.encode(answer.text.strip())
        unsayable = sum(token in (TEXT_PADDING, END_OF_PADDING) for token in ids)
        told = {"text": clipped(answer.text), "tokens": tuple(answer.tokens), "finish": finish, "unsayable": unsayable}
        self._log(now, log_of.OracleEnds, id=number, **told)

    # The log.

    def _note_beginning(self) -> None:
        setup = self.setup
        names = ("clock", "language", "model", "recogniser", "back_end", "policy", "voice", "stand_ins", "versions")
        self._log(
            0.0,
            log_of.SessionBegins,
            id=setup.name,
            tokenizer=setup.tokenizer.name,
            start_id=self.queue.start_id,
            oracle_mode="by-position" if setup.by_position else "contract",
            **{name: getattr(setup, name) for name in names},
        )

    def _note_words(self, now: float, words: list[Said]) -> None:
        for word in words:
            self.history.said(word)
            self._log(now, log_of.WordSaid, text=clipped(word.text), at=_s(word.start), glued=word.glued)

    def _log(self, now: float, kind: Callable[..., AnyEvent], **values: object) -> None:
        self.log.add(kind(time=_s(self.frames * FRAME), wall=round(self._begun + now, 4), **values))


def _s(seconds: float) -> float:
    """Seconds to the millisecond."""
    return round(max(0.0, seconds), 3)
