"""The user's side of `/v1/realtime`: turns with their voice activity and transcript."""

from collections.abc import Awaitable, Callable

from kame_data.tandem import events as of
from kame_data.tandem.server.realtime_messages import new_id, user_item
from kame_data.text.words import is_unspaced, join_words, split_words

Send = Callable[..., Awaitable[None]]


class UserTurns:
    """The turns of the user as items. `previous`: the last item of the conversation, of either side."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.previous: str | None = None
        self._language = "en"
        self._item: str | None = None  # of the turn that is being spoken
        self._speaks = False
        self._since = 0.0
        self._told: list[str] = []  # words of the turn that went out
        self._final: str | None = None

    async def take(self, event: of.AnyEvent) -> bool:
        """Send what an event of the log means to the client; True where the user has begun to speak."""
        if isinstance(event, of.SessionBegins):
            self._language = event.language
        elif isinstance(event, of.SpeechStart):
            await self._begin(event.at)
            return True
        elif isinstance(event, of.UserPartial):
            await self._begin(event.at)
            await self._tell(split_words(event.text, self._language)[: event.stable])
        elif isinstance(event, of.UserFinal):
            await self._begin(event.at)
            await self._tell(split_words(event.text, self._language))
            if event.ended:
                await self._stop(event.at)
                await self._complete(event.text, event.at)
        elif isinstance(event, of.SpeechEnd):
            await self._stop(event.at)
            if not self._told:  # nobody hears words here
                self._item = None
        return False

    async def commit(self) -> None:
        """The client says that a turn is over. The model decides that itself, so it is confirmed alone."""
        item = self._item or new_id("item")
        await self._send("input_audio_buffer.committed", previous_item_id=self.previous, item_id=item)

    async def _begin(self, at: float) -> None:
        if self._item is None:
            self._item, self._told, self._since = new_id("item"), [], at
        elif self._speaks:
            return
        self._speaks = True
        await self._send("input_audio_buffer.speech_started", audio_start_ms=_ms(at), item_id=self._item)

    async def _stop(self, at: float) -> None:
        if not self._speaks or self._item is None:
            return
        self._speaks = False
        await self._send("input_audio_buffer.speech_stopped", audio_end_ms=_ms(at), item_id=self._item)
        await self._send("input_audio_buffer.committed", previous_item_id=self.previous, item_id=self._item)
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self._send(kind, previous_item_id=self.previous, item=user_item(self._item))
        self.previous = self._item

    async def _tell(self, words: list[str]) -> None:
        """Send the words that the client has not yet."""
        new = words[len(self._told) :]
        if not new or self._item is None:
            return
        text = join_words(new, self._language)
        text = f" {text}" if self._told and not is_unspaced(self._language) else text
        self._told = words
        kind = "conversation.item.input_audio_transcription.delta"
        await self._send(kind, item_id=self._item, content_index=0, delta=text)

    async def _complete(self, text: str, at: float) -> None:
        usage = {"type": "duration", "seconds": round(max(0.0, at - self._since), 3)}
        kind = "conversation.item.input_audio_transcription.completed"
        await self._send(kind, item_id=self._item, content_index=0, transcript=text, usage=usage)
        self._item, self._told = None, []


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
