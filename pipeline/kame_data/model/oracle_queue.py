"""The oracle stream of a conversation: one id in each frame, from answers that come token by token.

In the frame in which an oracle's first token comes the stream holds the start id, then one token in each frame; padding
where none is there. That is what `kame_data.train.oracle_stream.lay` lays in training with its augmentation off.
"""

from collections import deque
from collections.abc import Iterable

from kame_data.codec.token_schema import TEXT_PADDING


class OracleQueue:
    """The oracle stream that the model is fed in one conversation. `start_id` is the tokenizer's number of pieces.

    A token that comes late is read late: the stream is padding until it is there, and each token is read once. With
    `by_position` token i of an oracle is read in the i-th frame behind its start id or never, as in KAME's own server,
    which loses what an LLM sends later than that.

    Every oracle has the number of the request that it answers (`kame_data.oracles.loop_policy.Ask`); what comes late of
    an older request, or of one of the conversation before, is not read.
    """

    def __init__(self, start_id: int, by_position: bool = False) -> None:
        self.start_id, self.by_position = start_id, by_position
        self._waiting: deque[int] = deque()
        self._late = 0  # with `by_position`: frames that went by without their token
        self.number: int | None = None
        """Number of the current oracle."""
        self.read = 0
        """Count of the tokens of the current oracle that have been read; -1 before its start id."""

    def begin(self, number: int, tokens: Iterable[int] = ()) -> None:
        """A newer oracle replaces the one before, of which nothing more is read; `tokens` are its first ones.

        An oracle that is older than the current one is ignored.
        """
        if self.number is not None and number < self.number:
            return
        self.number = number
        self._waiting = deque([self.start_id])
        self._late = 0
        self.read = -1  # the start id is none of its tokens
        self.extend(number, tokens)

    def extend(self, number: int, tokens: Iterable[int]) -> None:
        """More tokens of an oracle have come; those of any but the current one are ignored."""
        if number != self.number:
            return
        for token in tokens:
            if self._late:
                self._late -= 1
            else:
                self._waiting.append(token)

    def next(self) -> int:
        """The id of the next frame; called once in each frame, after what has come in it was told."""
        if self._waiting:
            self.read += 1
            return self._waiting.popleft()
        if self.by_position:
            self._late += 1
        return TEXT_PADDING

    @property
    def empty(self) -> bool:
        """Tell whether nothing that has come is left to be read."""
        return not self._waiting

    def clear(self) -> None:
        """A new conversation: nothing is left of the one before."""
        self._waiting.clear()
        self.number = None
        self._late = self.read = 0
