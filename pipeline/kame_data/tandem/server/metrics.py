"""The figures of a server for Prometheus, taken from the events of its conversations and the stepper's own counts."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from kame_data.tandem import events as of
from kame_data.tandem.live import Tandem
from kame_data.tandem.parts import Stepper
from kame_data.tandem.server.admission import Admission
from kame_data.tandem.stepper import BOUNDS, ThreadStepper, Times

_ANSWER_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 12, 20)


class Metrics:
    """All figures of one server; none of them holds anybody's words."""

    def __init__(self, tandem: Tandem, admission: Admission) -> None:
        own = self._registry = CollectorRegistry()
        self.conversations = Counter("kame_conversations", "Conversations, by protocol.", ["protocol"], registry=own)
        self.refused = Counter("kame_refused", "Connections refused, by HTTP status.", ["status"], registry=own)
        self.closed = Counter("kame_closed", "Connections ended by the server, by close code.", ["code"], registry=own)
        self.first_token = Histogram(
            "kame_first_token_seconds",
            "From a request to the first token of its answer.",
            buckets=_ANSWER_SECONDS,
            registry=own,
        )
        counters = {
            "late_frames": "Times that the model was late.",
            "skipped_frames": "Frames of users that a late model was not shown.",
            "asks": "Requests to the back end.",
            "cancelled": "Requests given up.",
            "oracles": "Answers that began to come.",
            "oracles_read": "Answers that the model began to read.",
            "tokens": "Tokens that came from the back end.",
            "tokens_read": "Tokens that the model has read.",
            "words": "Words that the model said.",
            "cost_dollars": "Dollars for the back end, by conversations that are over.",
        }
        self.count = {name: Counter(f"kame_{name}", text, registry=own) for name, text in counters.items()}
        self.errors = Counter("kame_errors", "Failures of parts, by part.", ["part"], registry=own)
        gauges = {
            "slots": ("Conversations that may run at once.", lambda: admission.slots),
            "talking": ("Conversations that run now.", lambda: len(tandem.sessions)),
            "waiting": ("People in the queue.", lambda: admission.waiting),
        }
        for name, (text, read) in gauges.items():
            Gauge(f"kame_{name}", text, registry=own).set_function(read)
        own.register(_StepTimes(tandem.stepper))

    def watch(self) -> "Watch":
        """A listener for the events of one conversation."""
        return Watch(self)

    def page(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


class Watch:
    """The events of one conversation, counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics, self._count = metrics, metrics.count
        self._asked: dict[int, float] = {}
        self._read: tuple[int, int] = (-1, 0)

    def __call__(self, event: of.AnyEvent) -> None:
        """Count an event."""
        count = self._count
        if isinstance(event, of.Asked):
            self._asked[event.id] = event.wall
            count["asks"].inc()
        elif isinstance(event, of.FirstToken):
            count["oracles"].inc()
            if (asked := self._asked.pop(event.id, None)) is not None:
                self._metrics.first_token.observe(max(0.0, event.wall - asked))
        elif isinstance(event, of.OracleDelta):
            count["tokens"].inc(len(event.tokens))
        elif isinstance(event, of.OracleRead):
            number, read = self._read
            if event.id != number:
                count["oracles_read"].inc()
                read = 0
            count["tokens_read"].inc(max(0, event.read - read))
            self._read = event.id, event.read
        elif isinstance(event, of.Cancelled):
            self._asked.pop(event.id, None)
            count["cancelled"].inc()
        elif isinstance(event, of.NoAnswer):
            self._asked.pop(event.id, None)
        elif isinstance(event, of.WordSaid):
            count["words"].inc()
        elif isinstance(event, of.LateFrame):
            count["late_frames"].inc()
            count["skipped_frames"].inc(event.skipped)
        elif isinstance(event, of.Failed):
            self._metrics.errors.labels(event.part).inc()
        elif isinstance(event, of.SessionEnds):
            count["cost_dollars"].inc(event.cost)


class _StepTimes(Collector):
    """The figures that a stepper keeps by itself."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper

    def collect(self) -> Iterable[Metric]:
        """Times as histograms, and counts; none where the stepper keeps no figures."""
        if not isinstance(self._stepper, ThreadStepper):
            return
        figures = self._stepper.figures
        yield _histogram("kame_step_seconds", "A step of the model, all rows together.", figures.steps)
        yield _histogram("kame_frame_seconds", "From a frame's coming to its output.", figures.waits)
        yield CounterMetricFamily("kame_failed_steps", "Steps of the model that failed.", figures.failures)


def _histogram(name: str, text: str, times: Times) -> HistogramMetricFamily:
    found, buckets = 0, []
    for bound, count in zip((*BOUNDS, float("inf")), times.counts, strict=True):
        found += count
        buckets.append((str(bound) if bound != float("inf") else "+Inf", found))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=times.total)
