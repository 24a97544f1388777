"""The words that were said in a conversation, on both sides, as a back end is told them."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from kame_data.codec.token_schema import END_OF_PADDING, TEXT_PADDING
from kame_data.codec.tokenizer import SPACE, Tokenizer
from kame_data.llm.back_end import conversation
from kame_data.llm.prices import BYTES_PER_TOKEN
from kame_data.records import Role
from kame_data.text.words import is_unspaced, join_words

HELD_FRAMES = 2
"""Frames of padding after which a word of the model is whole, although none follows."""
CARRIED_ON = 1.5
"""Seconds between two words of the assistant within which it goes on with what it was saying when the user began."""
MOST_WORDS = 2000
"""The longest turn that is kept, in words; of a longer one its last words."""


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the model; `start`: the beginning of the frame of its first token, in seconds of the conversation's
    sound. `glued`: it joins the word before it without a space."""

    text: str
    start: float
    glued: bool = False


def whole_words(said: Iterable[Said], language: str) -> list[Said]:
    """The words as text has them: one that is glued is a part of the word before it. In a language without spaces all
    are glued, and each is a word."""
    if is_unspaced(language):
        return list(said)
    found: list[Said] = []
    for word in said:
        if word.glued and found:
            found[-1] = replace(found[-1], text=found[-1].text + word.text)
        else:
            found.append(word)
    return found


class Words:
    """The model's tokens as words: a word is whole when the next one begins, or when the model has paused behind it.

    Of a language without spaces each piece is a word.
    """

    def __init__(self, tokenizer: Tokenizer, language: str) -> None:
        self._tokenizer, self._unspaced = tokenizer, is_unspaced(language)
        self._tokens: list[int] = []
        self._start = 0.0
        self._glued = False
        self._padding = 0

    def next(self, token: int, start: float) -> list[Said]:
        """The words that are whole with the token of the frame that begins at `start`, none or one."""
        if token in (TEXT_PADDING, END_OF_PADDING) or not 0 <= token < self._tokenizer.text_card:
            self._padding += 1
            # The model lays this id before each word that follows a pause.
            over = token == END_OF_PADDING or self._padding > HELD_FRAMES
            return self._whole() if over else []
        self._padding = 0
        begins = str(self._tokenizer.model.id_to_piece(token)).startswith(SPACE)
        found = self._whole() if begins or (self._unspaced and self._text()) else []
        if not self._tokens:
            self._start, self._glued = start, not begins
        self._tokens.append(token)
        return found

    def end(self) -> list[Said]:
        """The word that was being said when the conversation ended."""
        return self._whole()

    def _text(self) -> str:
        """The text of the tokens; "" where they are part of a character only."""
        text = self._tokenizer.decode(self._tokens) if self._tokens else ""
        return "" if text.endswith("\ufffd") else text

    def _whole(self) -> list[Said]:
        text = self._tokenizer.decode(self._tokens).replace("\ufffd", "").strip() if self._tokens else ""
        self._tokens = []
        return [Said(text, self._start, self._glued)] if text else []


@dataclass(slots=True)
class _Turn:
    role: Role
    start: float
    words: list[Said] = field(default_factory=list)  # of the user: each at the turn's start
    last: float = 0.0  # of the assistant: when its last word began
    ended: bool = False  # of the user

    def text(self, language: str) -> str:
        """The words as text."""
        return join_words([word.text for word in whole_words(self.words, language)], language)


class History:
    """The turns so far in the order in which they began. Of the user they hold what a recogniser heard, of the
    assistant the words whose sound was heard.

    `most_tokens`: of the text that a back end is told; older turns go whole. Tokens are counted as
    `kame_data.llm.prices` estimates them, so that no tokenizer of a provider is needed.
    """

    def __init__(self, language: str, most_tokens: int) -> None:
        self.language, self.most_tokens = language, most_tokens
        self._turns: list[_Turn] = []
        self._user: _Turn | None = None  # the turn that is being spoken

    def heard(self, words: Sequence[str], start: float) -> None:
        """The user's turn that began at `start` s holds these words now; the first call behind an end begins it."""
        if self._user is None:
            if not words:
                return
            self._user = _Turn("user", start)
            place = bisect_right(self._turns, start, key=lambda turn: turn.start)
            self._turns.insert(place, self._user)
        self._user.words = [Said(word, start) for word in words[-MOST_WORDS:]]

    def user_ended(self) -> None:
        """The user's turn is over."""
        if self._user is not None:
            self._user.ended = True
            if not self._user.words:
                self._turns.remove(self._user)
            self._user = None
            self._trim()

    def said(self, word: Said) -> None:
        """A word of the assistant."""
        turn = self._assistant(word.start)
        turn.words.append(word)
        turn.last = word.start
        del turn.words[:-MOST_WORDS]

    def drop(self, count: int) -> None:
        """The last `count` words of the assistant were never heard."""
        for turn in reversed(self._turns):
            if turn.role == "assistant":
                gone = min(count, len(turn.words))
                del turn.words[len(turn.words) - gone :]
                count -= gone
            if not count:
                break
        self._turns = [turn for turn in self._turns if turn.words or turn is self._user]

    def context(self, before: float) -> str:
        """The turns that began before `before` s, in the form that a build gives a back end."""
        return self._text([turn for turn in self._turns if turn.start < before and turn.words])

    def _assistant(self, start: float) -> _Turn:
        """The turn of the assistant that a word belongs to."""
        for turn in reversed(self._turns[-2:]):
            if turn.role == "assistant":
                if turn is self._turns[-1] or start - turn.last < CARRIED_ON:
                    return turn
            elif turn.ended or turn.start > start:
                break
        # A word that was said before the user began, and became whole later, stands before the user's turn.
        new = _Turn("assistant", start)
        self._turns.insert(bisect_right(self._turns, start, key=lambda turn: turn.start), new)
        return new

    def _text(self, turns: Sequence[_Turn]) -> str:
        """The last turns that fit as a whole; of the last alone, if it is too long, its last words."""
        lines: list[tuple[str, str]] = []
        left = self.most_tokens
        for turn in reversed(turns):
            text = turn.text(self.language)
            left -= tokens_in(f"{turn.role}: {text}\n")
            if left < 0:
                if not lines and (part := self._last_words(turn)):
                    lines.append((turn.role, part))
                break
            lines.append((turn.role, text))
        return conversation(reversed(lines))

    def _last_words(self, turn: _Turn) -> str:
        part = replace(turn, words=list(turn.words))
        while part.words and tokens_in(f"{turn.role}: {part.text(self.language)}\n") > self.most_tokens:
            del part.words[: max(1, len(part.words) // 8)]
        return part.text(self.language)

    def _trim(self) -> None:
        """Forget the turns that no request will hold any more."""
        left = self.most_tokens
        for place in range(len(self._turns) - 1, -1, -1):
            turn = self._turns[place]
            left -= tokens_in(f"{turn.role}: {turn.text(self.language)}\n")
            if left < 0 and place < len(self._turns) - 2:
                del self._turns[: place + 1]
                return


def tokens_in(text: str) -> int:
    """The tokens of a text for a back end, estimated on the safe side."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
