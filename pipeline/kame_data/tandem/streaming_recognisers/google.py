"""Google's Speech-to-Text (v1, streaming) at work, by its own client.

A response may hold the present line as several results, stable ones and an unstable tail: joined they are the line. Its
stability is an estimate of Google's, so nothing but a final result is taken as certain.

The service ends a stream after some five minutes. Before, at a pause where there is one, a new stream begins, and the
sound behind the last final result is sent to it again; so it is after a stream that broke. No word is lost.
"""

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kame_data.errors import KameError
from kame_data.speech.recognisers.base import SAMPLE_RATE
from kame_data.tandem.streaming_recognisers.base import SpeechEvent
from kame_data.tandem.streaming_recognisers.bounded import one_line
from kame_data.tandem.streaming_recognisers.remote import Remote
from kame_data.tandem.streaming_recognisers.resampling import To16k
from kame_data.tandem.streaming_recognisers.turns import SILENCE, Turns

NAME = "google"
MODEL = "latest_long"
OLD_S, OLDEST_S = 200.0, 285.0
"""Seconds of a stream's sound after which a new one begins: at a pause, and in any case. The service allows 305."""
KEPT_S, LEAD_S = 60.0, 3.0
"""Seconds of sound that are sent again at most: of an open line, and where none is open."""
CHUNK = SAMPLE_RATE // 10
"""Samples in a message."""
MOST_ENDS = 3
"""Streams on end that may break before a result."""
CLOSE_LIMIT_S, STREAM_LIMIT_S = 3.0, 330.0
MOST_TEXT = 20_000
LANGUAGES = {"en": "en-US", "zh": "cmn-Hans-CN"}
_PASSING = {"OUT_OF_RANGE", "UNAVAILABLE", "ABORTED", "INTERNAL", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN"}


class GoogleRecogniser:
    """Hears with one client, which all conversations share. `silence`: seconds that end a turn."""

    name = NAME

    def __init__(self, client: Any, silence: float = SILENCE) -> None:
        self._client, self._silence = client, silence

    def open(self, language: str) -> "GoogleStream":
        """A stream of its own."""
        return GoogleStream(self._client, language, Turns(language, self._silence))


class _Over:
    """The last message of a stream: why it ended; `passing` where a new one may do."""

    def __init__(self, reason: str, passing: bool) -> None:
        self.reason, self.passing = reason, passing


class GoogleStream:
    """The hearing of one conversation; see `HearingStream`. For one thread at a time."""

    def __init__(self, client: Any, language: str, turns: Turns) -> None:
        self._client, self._language, self._turns = client, language, turns
        self._to_16k = To16k()
        self._heard = 0  # samples at 16 kHz; the present stream began at `_origin`
        self._origin = 0
        self._kept: NDArray[np.int16] = np.zeros(0, np.int16)  # the last sound
        self._final_end = 0.0
        self._voice_from: float | None = None
        self._wordless = False
        self._ends = 0
        self._closed = False
        self._remote = self._begun()

    def push(self, sound: NDArray[Any]) -> list[SpeechEvent]:
        """Take sound, and give what has come. Raises KameError where the service has failed."""
        if self._closed:
            raise KameError(f"recogniser {NAME}: the stream is closed")
        self._send(self._to_16k.next(sound))
        events: list[SpeechEvent] = []
        for message in self._remote.take():
            events += self._note(message)
        age = self._now - self._origin / SAMPLE_RATE
        if age > (OLDEST_S if self._turns.open_line else OLD_S):
            self._renew()
        return events + self._turns.passes(self._now)

    def close(self) -> list[SpeechEvent]:
        """The sound is over: the last results are waited for, some seconds at most."""
        if self._closed:
            return []
        events: list[SpeechEvent] = []
        try:
            self._send(self._to_16k.end())
            self._remote.end()
            while (message := self._remote.wait(CLOSE_LIMIT_S)) is not None and not isinstance(message, _Over):
                events += self._note(message)
        finally:
            self._closed = True
            self._remote.over.set()
        return events + self._turns.end()

    @property
    def _now(self) -> float:
        return self._heard / SAMPLE_RATE

    def _send(self, sound: NDArray[np.float32]) -> None:
        pcm = np.round(np.clip(sound, -1, 1) * 32_767).astype("<i2")
        self._heard += len(pcm)
        self._kept = np.concatenate([self._kept, pcm])[-round(KEPT_S * SAMPLE_RATE) :]
        self._put(pcm)

    def _put(self, pcm: NDArray[np.int16], again: bool = False) -> None:
        for at in range(0, len(pcm), CHUNK):
            chunk = pcm[at : at + CHUNK]
            self._remote.send(chunk.tobytes(), 0.0 if again else len(chunk) / SAMPLE_RATE)

    def _note(self, message: Any) -> list[SpeechEvent]:
        if isinstance(message, _Over):
            self._ends += 1
            if not message.passing or self._ends > MOST_ENDS:
                raise KameError(f"recogniser {NAME}: {message.reason}; it hears no more")
            self._renew()
            return []
        events = self._voice(message.speech_event_type.name, self._time(message.speech_event_time))
        results = [result for result in message.results if result.alternatives]
        if not results:
            return events
        self._ends, self._wordless = 0, False
        start = self._voice_from
        for result in (result for result in results if result.is_final):
            end = self._time(result.result_end_time)
            events += self._turns.line_ends(end, _text([result]), end if start is None else min(start, end))
            self._final_end, self._voice_from = max(self._final_end, end), None
        if guessed := [result for result in results if not result.is_final]:
            begin = self._time(guessed[0].result_end_time) if start is None else start
            events += self._turns.line_changes(self._now, _text(guessed), start=min(begin, self._now))
        return events

    def _voice(self, event: str, at: float) -> list[SpeechEvent]:
        """The service's own events of a voice, which come before its words; a voice without words is over with it."""
        if event == "SPEECH_ACTIVITY_BEGIN":
            self._voice_from, self._wordless = at, not self._turns.open_line
            return self._turns.line_starts(at)
        if event == "SPEECH_ACTIVITY_END" and self._wordless:
            self._wordless = False
            return self._turns.line_ends(at, "")
        return []

    def _time(self, offset: Any) -> float:
        """The moment in the conversation's sound of one in the stream's."""
        return min(max(0.0, float(offset.total_seconds()) + self._origin / SAMPLE_RATE), self._now)

    # The streams.

    def _renew(self) -> None:
        """Begin a new stream with the sound behind the last final result; what the old one still says is not heard."""
        self._remote.end()
        self._remote.over.set()
        begin = max(self._final_end, self._now - (KEPT_S if self._turns.open_line else LEAD_S))
        count = min(len(self._kept), self._heard - round(begin * SAMPLE_RATE))
        self._origin = self._heard - count
        self._remote = self._begun()
        self._put(self._kept[len(self._kept) - count :], again=True)

    def _begun(self) -> Remote:
        remote = Remote(NAME)
        threading.Thread(target=self._run, args=(remote,), name=f"hearing {NAME}", daemon=True).start()
        return remote

    def _run(self, remote: Remote) -> None:
        """One stream, in a thread of its own."""
        from google.api_core.exceptions import GoogleAPICallError
        from google.cloud import speech_v1

        try:
            requests = (speech_v1.StreamingRecognizeRequest(audio_content=sound) for sound in remote.outgoing())
            # Not tried again by the client: its requests are gone by then.
            call = self._client.streaming_recognize(self._config(), requests, retry=None, timeout=STREAM_LIMIT_S)
            for response in call:
                if remote.over.is_set():
                    call.cancel()
                    return
                if response.error.code:
                    remote.came(_Over(one_line(Exception(response.error.message)), passing=response.error.code == 11))
                    return
                remote.came(response)
            remote.came(_Over("the service ends its streams at once", passing=True))
        except GoogleAPICallError as error:
            code = error.grpc_status_code.name if error.grpc_status_code is not None else "UNKNOWN"
            remote.came(_Over(f"{code}: {one_line(Exception(error.message))}", passing=code in _PASSING))
        except Exception as error:  # no credentials, no network
            remote.came(_Over(one_line(error), passing=False))

    def _config(self) -> Any:
        from google.cloud import speech_v1

        heard = speech_v1.RecognitionConfig(
            encoding=speech_v1.RecognitionConfig.AudioEncoding.LINEAR16,
            sample_rate_hertz=SAMPLE_RATE,
            language_code=LANGUAGES.get(self._language, self._language),
            model=MODEL,
            enable_automatic_punctuation=True,
        )
        return speech_v1.StreamingRecognitionConfig(
            config=heard, interim_results=True, enable_voice_activity_events=True
        )


def _text(results: Iterable[Any]) -> str:
    return " ".join("".join(result.alternatives[0].transcript for result in results).split())[:MOST_TEXT]


def open_google(rest: str, silence: float) -> GoogleRecogniser:
    """The recogniser with the credentials of the environment. Raises KameError where there are none."""
    try:
        from google.cloud import speech_v1

        return GoogleRecogniser(speech_v1.SpeechClient(), silence)
    except Exception as error:
        cure = "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account's key"
        raise KameError(f"--recogniser {NAME}: it does not begin ({one_line(error)}); {cure}") from error
