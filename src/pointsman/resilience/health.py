"""Passive health: what recent attempts say about each provider and target.

Owns the sliding windows of outcomes and the counts of calls in flight. Does not decide who is
asked (routing reads it through `core.health.HealthView`) and sends no probes.

A provider is `down` while its breaker lets nobody pass, `degraded` when at least half of its recent
attempts failed, else `ok`; a target is at worst `degraded`, for its breaker says the rest in its
own words. Outcomes older than `WINDOW_S` are forgotten.
"""

from collections import deque
from collections.abc import Mapping
from itertools import islice

from pointsman.core.clock import Clock
from pointsman.core.failures import FailureClass
from pointsman.core.records import TargetState
from pointsman.core.target import Target
from pointsman.resilience.breakers import BreakerBoard, MemoryBreakers
from pointsman.resilience.load_history import LoadBand, LoadHistory

WINDOW_S = 30.0
WINDOW_SIZE = 20
DEGRADED_RATIO = 0.5
_DEGRADED_MINIMUM = 4
"""Fewer outcomes than this say nothing about a ratio."""
_LATENCY_WEIGHT = 0.2
MAX_WINDOWS = 4096
"""Providers, and targets, that are remembered: callers may name models that nobody declared."""
_EVICTION_SEARCH = 64


class _Window:
    """Recent outcomes of one provider or target."""

    __slots__ = ("_failures", "_outcomes", "in_flight", "latency_ms", "load")

    def __init__(self) -> None:
        self._outcomes: deque[tuple[int, bool]] = deque()
        self._failures = 0
        self.in_flight = 0
        self.latency_ms: float | None = None
        self.load: LoadHistory | None = None
        """Of a target, once a call succeeded."""

    def add(self, now_ns: int, failed: bool) -> None:
        self._outcomes.append((now_ns, failed))
        self._failures += failed
        if len(self._outcomes) > WINDOW_SIZE:
            self._failures -= self._outcomes.popleft()[1]

    def forget_before(self, oldest_ns: int) -> None:
        outcomes = self._outcomes
        while outcomes and outcomes[0][0] < oldest_ns:
            self._failures -= outcomes.popleft()[1]

    def state(self) -> str:
        if not self._failures:
            return "ok"
        count = len(self._outcomes)
        if count >= _DEGRADED_MINIMUM and self._failures >= DEGRADED_RATIO * count:
            return "degraded"
        return "ok"

    def error_ratio(self) -> float | None:
        return self._failures / len(self._outcomes) if self._outcomes else None


class HealthTracker:
    """Counts outcomes as attempts end. Implements `core.health.HealthView`.

    Args:
        clock: For the age of outcomes.
        breakers: Whose states go into the view; None for breakers that are always closed.
    """

    def __init__(self, clock: Clock, breakers: BreakerBoard | None = None) -> None:
        self._clock = clock
        self._breakers = breakers or MemoryBreakers(clock)
        self._pinned_providers: Mapping[str, str] = {}
        self._pinned_targets: Mapping[str, str] = {}
        self._providers: dict[str, _Window] = {}
        self._targets: dict[str, _Window] = {}

    def pin(self, providers: Mapping[str, str], targets: Mapping[str, str]) -> None:
        """Set the states that the operator fixed; they win over what is observed."""
        self._pinned_providers = providers
        self._pinned_targets = targets

    def begin(self, provider: str, target: str) -> int:
        """Count an attempt as in flight; return how many the target has now."""
        self._window(self._providers, provider).in_flight += 1
        window = self._window(self._targets, target)
        window.in_flight += 1
        return window.in_flight

    def end(
        self,
        provider: str,
        target: str,
        failure: FailureClass | None,
        latency_ms: float | None,
        *,
        in_flight: int | None = None,
    ) -> None:
        """Count how an attempt ended. `failure` is None for a success.

        Faults of the caller and clients that left say nothing about the target.

        Args:
            provider: Whose it was.
            target: Its name.
            failure: None is a success.
            latency_ms: How long it took.
            in_flight: What `begin` returned; None leaves the history by load alone.
        """
        if failure is None and latency_ms is not None and in_flight is not None:
            self._note_load(target, in_flight, latency_ms)
        now_ns = self._clock.monotonic_ns()
        for windows, name in ((self._providers, provider), (self._targets, target)):
            window = self._window(windows, name)
            window.in_flight -= 1
            if failure is None:
                window.add(now_ns, False)
            elif failure.counts_against_target:
                window.add(now_ns, True)
            if failure is None and latency_ms is not None:
                before = window.latency_ms
                window.latency_ms = (
                    latency_ms
                    if before is None
                    else before + _LATENCY_WEIGHT * (latency_ms - before)
                )

    def provider_state(self, provider: str) -> str:
        """Return `ok`, `degraded` or `down`."""
        pinned = self._pinned_providers.get(provider)
        if pinned is not None:
            return pinned
        if self._breakers.provider_is_open(provider):
            return "down"
        return self._observed(self._providers, provider)

    def target_state(self, target: Target) -> TargetState:
        """Return the figures of one target as they are now."""
        name = target.name
        window = self._targets.get(name)
        pinned = self._pinned_targets.get(name)
        breaker, detail = self._breakers.look(target)
        if window is None:
            return TargetState(
                health=pinned or "ok",
                in_flight=0,
                breaker=breaker,
                breaker_detail=detail,
                breaker_store=self._breakers.store,
            )
        observed = self._observed(self._targets, name)
        ratio = window.error_ratio()
        return TargetState(
            health=pinned or observed,
            in_flight=window.in_flight,
            latency_ms=None if window.latency_ms is None else round(window.latency_ms, 3),
            error_ratio=None if ratio is None else round(ratio, 4),
            breaker=breaker,
            breaker_detail=detail,
            breaker_store=self._breakers.store,
            latency_at_load_ms=None
            if window.load is None
            else window.load.at(window.in_flight + 1),
        )

    def load_of(self, target: str) -> list[LoadBand]:
        """Return how long a target takes by how many calls it has under way, as far as known."""
        window = self._targets.get(target)
        return [] if window is None or window.load is None else window.load.bands()

    def _note_load(self, target: str, in_flight: int, latency_ms: float) -> None:
        window = self._window(self._targets, target)
        if window.load is None:
            window.load = LoadHistory()
        # The most that is known to have been under way at once: at its begin, or now.
        window.load.add(max(in_flight, window.in_flight), latency_ms)

    def _observed(self, windows: dict[str, _Window], name: str) -> str:
        window = windows.get(name)
        if window is None:
            return "ok"
        window.forget_before(self._clock.monotonic_ns() - round(WINDOW_S * 1e9))
        return window.state()

    @staticmethod
    def _window(windows: dict[str, _Window], name: str) -> _Window:
        window = windows.get(name)
        if window is None:
            if len(windows) >= MAX_WINDOWS:
                _forget_one(windows)
            window = windows[name] = _Window()
        return window


def _forget_one(windows: dict[str, _Window]) -> None:
    """Forget the oldest name without a call in flight, if one is near the begin."""
    for name in islice(windows, _EVICTION_SEARCH):
        if not windows[name].in_flight:
            del windows[name]
            return
