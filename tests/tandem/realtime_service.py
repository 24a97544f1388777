"""A service that speaks the realtime transcription of OpenAI's GA API on a websocket; it hears speech in tones."""

import base64
import json
import threading
import time
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import numpy as np
import soxr
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from kame_data.tandem.activity import Activity
from kame_data.tandem.frames import SAMPLES
from tandem.tones import ToneModel


class RealtimeService:
    """`fault` is one of the things that such services do: `error`, `cut`, `junk`, `deaf`, `failed`, `late`, `odd`."""

    def __init__(self, key=None, fault=None):
        self.key, self.fault = key, fault
        self.sessions, self.open, self.samples = [], 0, 0

    def __enter__(self):
        self._server = serve(self._talk, "127.0.0.1", 0, process_request=self._admit)
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()

    def _admit(self, connection, request):
        at = urlsplit(request.path)
        if at.path != "/v1/realtime" or parse_qs(at.query).get("intent") != ["transcription"]:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such path\n")
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no such key\n")
        return None

    def _talk(self, ws):
        self.open += 1
        try:
            _Talk(self, ws).run()
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1


class _Talk:
    def __init__(self, service, ws):
        self.service, self.ws = service, ws
        self.sound = np.zeros(0, np.float32)
        self.activity, self.frames, self.begin, self.items = Activity(), 0, 0.0, 0
        self.server_vad, self.told = False, 0

    def send(self, kind, **values):
        self.ws.send(json.dumps({"type": kind, "event_id": f"event_{time.monotonic_ns()}", **values}))

    def run(self):
        self.send("session.created", session={"type": "transcription"})
        for raw in self.ws:
            message = json.loads(raw)
            if message["type"] == "session.update":
                self.update(message["session"])
            elif message["type"] == "input_audio_buffer.append":
                if self.service.fault == "deaf":
                    time.sleep(60)
                pcm = np.frombuffer(base64.b64decode(message["audio"], validate=True), "<i2")
                self.service.samples += len(pcm)
                self.take(pcm.astype(np.float32) / 32_768)
            elif message["type"] == "input_audio_buffer.commit":
                self.commit()
            else:
                self.error(f"Invalid value: '{message['type']}'.")

    def error(self, text):
        self.send("error", error={"type": "invalid_request_error", "code": None, "message": text, "param": None})

    def update(self, session):
        heard = session["audio"]["input"]
        self.service.sessions.append(session)
        if session["type"] != "transcription" or heard["format"] != {"type": "audio/pcm", "rate": 24000}:
            self.error("Invalid session.")
        elif self.service.fault == "error":
            self.error(f"The model `{heard['transcription']['model']}` does not exist.")
        else:
            self.server_vad = heard["turn_detection"] is not None
            self.send("session.updated", session=session)

    @property
    def item(self):
        return f"item_{self.items}"

    def take(self, sound):
        self.sound = np.concatenate([self.sound, sound])
        while self.server_vad and len(self.sound) >= (self.frames + 1) * SAMPLES:
            frame = self.sound[self.frames * SAMPLES : (self.frames + 1) * SAMPLES]
            change = self.activity.next(frame, self.frames)
            self.frames += 1
            if change and change.kind == "start":
                self.begin = change.at
                at = -(10**6) if self.service.fault == "odd" else round(1e3 * change.at)
                self.send("input_audio_buffer.speech_started", item_id=self.item, audio_start_ms=at)
                if self.service.fault == "cut":
                    self.ws.close(1011, "internal error")
                if self.service.fault == "junk":
                    self.send("input_audio_buffer.speech_stopped", item_id=self.item, audio_end_ms="soon")
            elif change:
                stopped = round(1e3 * (change.at + 0.4))
                self.send("input_audio_buffer.speech_stopped", item_id=self.item, audio_end_ms=stopped)
                self.commit()
        if not self.server_vad and len(self.words()) > self.told + 1:
            self.delta(self.words()[self.told])  # one word behind, as the last may be cut off
            self.told += 1

    def words(self):
        begin = round(max(0.0, self.begin - 0.2) * 24_000)
        sound = np.asarray(soxr.resample(self.sound[begin:], 24_000, 16_000), np.float32)
        segments, _ = ToneModel().transcribe(sound, "en", True)
        return [word.word.strip() for segment in segments for word in segment.words]

    def delta(self, word):
        kind = "conversation.item.input_audio_transcription.delta"
        self.send(kind, item_id=self.item, content_index=0, delta=f" {word}" if self.told else word)

    def commit(self):
        if len(self.sound) / 24_000 <= self.begin:
            return self.error("Error committing input audio buffer: buffer too small.")
        item, words = self.item, self.words()
        self.send("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        for word in words[self.told :]:
            self.delta(word)
            self.told += 1
        whole = "conversation.item.input_audio_transcription"
        if self.service.fault == "failed":
            self.send(f"{whole}.failed", item_id=item, content_index=0, error={"message": "it failed"})
        elif self.service.fault != "late":
            usage = {"type": "duration", "seconds": 1}
            self.send(f"{whole}.completed", item_id=item, content_index=0, transcript=" ".join(words), usage=usage)
        self.items, self.told, self.begin = self.items + 1, 0, len(self.sound) / 24_000
        return None
