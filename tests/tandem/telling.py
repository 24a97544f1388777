"""A session that is told what happens in a few words."""

import numpy as np

from kame_data.codec.tokenizer import Tokenizer
from kame_data.settings.latency import LatencySettings
from kame_data.tandem.events import EventLog
from kame_data.tandem.frames import SAMPLES
from kame_data.tandem.session import Session, Setup
from kame_data.tandem.streaming_recognisers.base import SpeechEvent

SILENCE = np.zeros(SAMPLES, np.float32)
LOUD = np.full(SAMPLES, 0.1, np.float32)
SAMPLE = Tokenizer.of("sample")


def setup_of(policy="poll", tokenizer=SAMPLE, **more):
    latency = LatencySettings(preset="ideal", policy=policy, **more.pop("loop", {}))
    return Setup("test", tokenizer, latency, clock="virtual", **more)


class Told:
    """A session with its events and orders; `now` moves on by a frame with each `frames`."""

    def __init__(self, policy="poll", **setup):
        self.events = []
        self.orders = []
        self.session = Session(setup_of(policy, **setup), EventLog(None, [self.events.append]), 0.0)
        self.now = 0.0

    def hear(self, kind, text="", stable=0):
        self.take(self.session.heard(self.now, SpeechEvent(kind, self.now, text, stable)))

    def delta(self, number, text):
        self.take(self.session.delta(self.now, number, text))

    def end(self, number):
        self.take(self.session.answered(self.now, number))

    def take(self, orders):
        self.orders += orders

    def frame(self, token=3, sound=SILENCE, dropped=0):
        """The oracle's id in the next frame, in which the model says `token`."""
        if self.session.wait_until <= self.now:
            self.take(self.session.time(self.now))
        oracle = self.session.frame(self.now, SILENCE)
        self.session.said(self.now, token)
        self.session.sounded(self.now, sound, dropped)
        self.now = round(self.now + 0.08, 2)
        return oracle

    def say(self, text, pause=0):
        """The model says a text, one token in a frame."""
        for token in self.session.tokenizer.encode(text):
            self.frame(token, LOUD)
        for _ in range(pause):
            self.frame()

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]

    def kinds(self):
        return [event.kind for event in self.events]
