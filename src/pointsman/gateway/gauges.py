"""Figures that others keep and that are read when somebody asks: journal, connections, holds."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Figure(Struct):
    """One figure and where it is read."""

    name: str
    sentence: str
    read: Callable[[], float]
    is_counter: bool = False


class LiveGauges(Collector):
    """Reads its figures at the moment of a scrape; costs nothing in between."""

    def __init__(
        self,
        registry: CollectorRegistry,
        figures: Iterable[Figure],
        rejections: Callable[[], Mapping[str, int]],
    ) -> None:
        self._figures = tuple(figures)
        self._rejections = rejections
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the figures as they are now."""
        for figure in self._figures:
            family = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
            yield family(figure.name, figure.sentence, value=figure.read())
        refused = CounterMetricFamily(
            "pointsman_protocol_rejections",
            "Requests refused before they reached the pipeline, by error code.",
            labels=("code",),
        )
        for code, count in self._rejections().items():
            refused.add_metric((code,), count)
        yield refused


class LoadRow(NamedTuple):
    """How long a target takes with so many calls under way."""

    target: str
    calls: str
    latency_s: float


class LoadGauge(Collector):
    """Shows latency against calls in flight, per declared target (MM-09)."""

    def __init__(self, registry: CollectorRegistry, read: Callable[[], Iterable[LoadRow]]) -> None:
        self._read = read
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the moving latencies as they are now."""
        family = GaugeMetricFamily(
            "pointsman_target_latency_seconds",
            "Moving duration of upstream calls, by how many the target had under way.",
            labels=("target", "in_flight"),
        )
        for row in self._read():
            family.add_metric((row.target, row.calls), row.latency_s)
        yield family


class ResidentRow(NamedTuple):
    """A model in the memory of a provider's server."""

    provider: str
    model: str
    vram_bytes: int
    context_tokens: int | None


class ResidentGauges(Collector):
    """Shows what servers of own hardware held in memory when they were last asked (LO-11)."""

    LABELS = ("provider", "model")

    def __init__(
        self, registry: CollectorRegistry, read: Callable[[], Iterable[ResidentRow]]
    ) -> None:
        self._read = read
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the models as they were at the last look."""
        vram = GaugeMetricFamily(
            "pointsman_resident_model_vram_bytes",
            "Bytes on the graphics card of a model in memory.",
            labels=self.LABELS,
        )
        window = GaugeMetricFamily(
            "pointsman_resident_model_context_tokens",
            "Context that a model in memory was loaded with.",
            labels=self.LABELS,
        )
        for row in self._read():
            vram.add_metric((row.provider, row.model), row.vram_bytes)
            if row.context_tokens is not None:
                window.add_metric((row.provider, row.model), row.context_tokens)
        yield vram
        yield window
