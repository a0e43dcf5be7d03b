"""What one attempt holds while it is under way: money, a place, its target's breaker.

Taken together before the upstream call and given back together, exactly once, whatever happens.
"""

from pointsman.core.clock import Clock
from pointsman.core.failures import FailureClass
from pointsman.core.ledger import Ledger
from pointsman.core.money import NanoUsd
from pointsman.core.records import Attempt
from pointsman.core.target import Target
from pointsman.resilience.breaker import CLOSED
from pointsman.resilience.breakers import BreakerBoard, Permit
from pointsman.resilience.health import HealthTracker
from pointsman.resilience.slots import TargetSlots


class Holders:
    """Who keeps what an attempt holds; shared by all attempts of a worker."""

    __slots__ = ("breakers", "clock", "health", "ledger", "slots")

    def __init__(
        self,
        *,
        ledger: Ledger,
        health: HealthTracker,
        breakers: BreakerBoard,
        slots: TargetSlots,
        clock: Clock,
    ) -> None:
        self.ledger = ledger
        self.health = health
        self.breakers = breakers
        self.slots = slots
        self.clock = clock


class Lease:
    """One attempt under way."""

    __slots__ = (
        "_holders",
        "_is_over",
        "_permit",
        "_started_ns",
        "attempt",
        "request_id",
        "target",
    )

    def __init__(
        self,
        holders: Holders,
        target: Target,
        attempt: Attempt,
        permit: Permit,
        *,
        request_id: str,
        started_ns: int,
    ) -> None:
        self._holders = holders
        self._permit = permit
        self._started_ns = started_ns
        self._is_over = False
        self.target = target
        self.attempt = attempt
        self.request_id = request_id

    async def end(self, failure: FailureClass | None, spent: NanoUsd) -> None:
        """Give everything back: time, health, breaker, place; the money settled at `spent`.

        Args:
            failure: None is a success.
            spent: What the attempt cost; 0 gives the whole hold back.
        """
        if self._is_over:
            return
        self._is_over = True
        holders, attempt, target = self._holders, self.attempt, self.target
        attempt.end_ns = holders.clock.monotonic_ns() - self._started_ns
        latency_ms = (attempt.end_ns - attempt.start_ns) / 1e6
        holders.health.end(
            target.provider, target.name, failure, latency_ms, in_flight=attempt.in_flight
        )
        holders.slots.give_back(target)
        after = holders.breakers.end(target, self._permit, self.request_id, failure)
        if after != CLOSED:
            attempt.breaker_after = after
        if attempt.reservation is not None:
            if spent:
                await holders.ledger.settle(attempt.reservation, spent)
            else:
                await holders.ledger.release(attempt.reservation)
