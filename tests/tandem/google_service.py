"""A gRPC service that speaks Google's Speech-to-Text v1 on a loopback port; it hears speech in tones."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import numpy as np
from google.cloud import speech_v1
from google.cloud.speech_v1.services.speech.transports.grpc import SpeechGrpcTransport

from kame_data.tandem.activity import Activity
from tandem.tones import ToneModel

RATE, FRAME = 16_000, 1280
Response = speech_v1.StreamingRecognizeResponse
Result = speech_v1.StreamingRecognitionResult


class GoogleService:
    """`cap`: seconds of sound after which a stream is ended; `breaks`: so many streams are cut in the middle;
    `refuses`: the status of every stream."""

    def __init__(self, cap=305.0, breaks=0, refuses=None):
        self.cap, self.breaks, self.refuses = cap, breaks, refuses
        self.configs, self.lengths, self.open = [], [], 0

    def __enter__(self):
        self._server = grpc.server(ThreadPoolExecutor(8))
        method = grpc.stream_stream_rpc_method_handler(
            self._talk, speech_v1.StreamingRecognizeRequest.deserialize, Response.serialize
        )
        handler = grpc.method_handlers_generic_handler("google.cloud.speech.v1.Speech", {"StreamingRecognize": method})
        self._server.add_generic_rpc_handlers((handler,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.client = speech_v1.SpeechClient(transport=SpeechGrpcTransport(channel=self._channel))
        return self

    def __exit__(self, *_):
        self._channel.close()
        self._server.stop(None)

    def _talk(self, requests, context):
        self.open += 1
        try:
            yield from self._hear(requests, context)
        finally:
            self.open -= 1

    def _hear(self, requests, context):
        if self.refuses:
            context.abort(self.refuses, "no such permission")
        self.configs.append(next(requests).streaming_config)
        sound, line, activity, told = np.zeros(0, np.float32), 0, Activity(), 0
        stream = len(self.configs)
        self.lengths.append(0.0)
        for request in requests:
            assert len(request.audio_content) <= 25_600
            pcm = np.frombuffer(request.audio_content, "<i2").astype(np.float32) / 32_768
            sound = np.concatenate([sound, pcm])
            self.lengths[stream - 1] = len(sound) / RATE
            if len(sound) / RATE > self.cap:
                context.abort(grpc.StatusCode.OUT_OF_RANGE, "Exceeded maximum allowed stream duration of 305 seconds.")
            for frame in range(told, len(sound) // FRAME):
                change = activity.next(sound[frame * FRAME : (frame + 1) * FRAME], frame)
                if change and change.kind == "start":
                    yield Response(speech_event_type="SPEECH_ACTIVITY_BEGIN", speech_event_time=_s(change.at))
                    if stream <= self.breaks:
                        context.abort(grpc.StatusCode.UNAVAILABLE, "502:Bad Gateway")
                elif change:
                    yield Response(speech_event_type="SPEECH_ACTIVITY_END", speech_event_time=_s(change.at))
                    yield Response(results=[self._result(_words(sound[line:]), True, frame * FRAME / RATE)])
                    line = frame * FRAME
                elif activity.active and frame % 5 == 0 and (words := _words(sound[line:])):
                    tail = [self._result(words[-1:], False, frame * FRAME / RATE, 0.01)]
                    yield Response(results=[self._result(words[:-1], False, frame * FRAME / RATE, 0.9), *tail])
            told = len(sound) // FRAME
        if words := _words(sound[line:]):
            yield Response(results=[self._result(words, True, len(sound) / RATE)])

    def _result(self, words, final, end, stability=0.0):
        transcript = "".join(f" {word}" for word in words)
        return Result(
            alternatives=[{"transcript": transcript}], is_final=final, stability=stability, result_end_time=_s(end)
        )


def _words(sound):
    segments, _ = ToneModel().transcribe(sound, "en", True)
    return [word.word.strip() for segment in segments for word in segment.words]


def _s(seconds):
    return timedelta(seconds=seconds)
