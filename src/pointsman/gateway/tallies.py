"""Counters, gauges and histograms that cost little to add to, in the registry of prometheus_client.

That library's own take a lock and check the label names at every step, 2 to 4 microseconds each,
and a request takes a dozen. A gateway worker counts on one thread and is read on the same one, so
here a step is a look-up and an addition, and everything else is done when somebody scrapes. The
exposition text is the same, byte for byte. Knows no metric by name.
"""

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from pointsman.core.clock import Clock

_INFINITY = float("inf")
_bound_text: Callable[[float], str] = floatToGoString


class Count:
    """The figure of a counter or gauge under one set of labels."""

    __slots__ = ("created_s", "value")

    def __init__(self, created_s: float) -> None:
        self.created_s = created_s
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Add."""
        self.value += amount

    def dec(self) -> None:
        """Take one away; of a gauge only."""
        self.value -= 1.0


class Spread:
    """The buckets of a histogram under one set of labels."""

    __slots__ = ("_bounds", "counts", "created_s", "total")

    def __init__(self, created_s: float, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.created_s = created_s
        self.counts = [0] * (len(bounds) + 1)
        """Values per bucket, the last for those beyond every bound."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value into its bucket, whose bound is inclusive."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


C = TypeVar("C", Count, Spread)


class Tally(Collector, Generic[C]):
    """One metric with its labels.

    Args:
        name: Without the suffix `_total`.
        sentence: What it counts.
        label_names: In the order in which `labels` takes their values.
        registry: Where it is scraped.
        clock: Says when a figure began.
    """

    kind = ""

    def __init__(
        self,
        name: str,
        sentence: str,
        label_names: Sequence[str],
        *,
        registry: CollectorRegistry,
        clock: Clock,
    ) -> None:
        self.name = name
        self.label_names = tuple(label_names)
        self._sentence = sentence
        self._clock = clock
        self._children: dict[tuple[str, ...], C] = {}
        if not label_names:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> C:
        """Return the figure under these labels, which begins now if it is new."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self.label_names):
                raise ValueError(f"{self.name} has the labels {', '.join(self.label_names)}")
            child = self._children[values] = self._child(self._clock.unix_ns() / 1e9)
        return child

    def collect(self) -> Iterable[Metric]:
        """Return the metric as it is now."""
        metric = Metric(self.name, self._sentence, self.kind)
        for values, child in self._children.items():
            self._add(metric, dict(zip(self.label_names, values, strict=True)), child)
        yield metric

    @abstractmethod
    def _child(self, created_s: float) -> C: ...

    @abstractmethod
    def _add(self, metric: Metric, labels: dict[str, str], child: C) -> None: ...


class CounterTally(Tally[Count]):
    """Counts what happens."""

    kind = "counter"

    def _child(self, created_s: float) -> Count:
        return Count(created_s)

    def _add(self, metric: Metric, labels: dict[str, str], child: Count) -> None:
        metric.add_sample(f"{self.name}_total", labels, child.value)
        metric.add_sample(f"{self.name}_created", labels, child.created_s)


class GaugeTally(Tally[Count]):
    """Counts what is there now."""

    kind = "gauge"

    def _child(self, created_s: float) -> Count:
        return Count(created_s)

    def _add(self, metric: Metric, labels: dict[str, str], child: Count) -> None:
        metric.add_sample(self.name, labels, child.value)


class HistogramTally(Tally[Spread]):
    """Counts values by size."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        sentence: str,
        label_names: Sequence[str],
        bounds: Sequence[float],
        *,
        registry: CollectorRegistry,
        clock: Clock,
    ) -> None:
        self._bounds = tuple(float(bound) for bound in bounds)
        super().__init__(name, sentence, label_names, registry=registry, clock=clock)

    def _child(self, created_s: float) -> Spread:
        return Spread(created_s, self._bounds)

    def _add(self, metric: Metric, labels: dict[str, str], child: Spread) -> None:
        below = 0
        for bound, count in zip((*self._bounds, _INFINITY), child.counts, strict=True):
            below += count
            with_bound = {**labels, "le": _bound_text(bound)}
            metric.add_sample(f"{self.name}_bucket", with_bound, float(below))
        metric.add_sample(f"{self.name}_count", labels, float(below))
        metric.add_sample(f"{self.name}_sum", labels, child.total)
        metric.add_sample(f"{self.name}_created", labels, child.created_s)
