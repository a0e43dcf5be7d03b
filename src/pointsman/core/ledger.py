"""The seam for counting what callers spend: admit, reserve, settle.

    1. `admit` looks at what needs no price: is a hard cap already spent, is there room.
    2. `reserve` holds the upper bound of one candidate's price before it is called.
    3. `settle` replaces the hold by what the attempt really cost; `release` gives it back whole.

Every reservation is settled or released exactly once, whatever happens in between.
"""

from typing import Protocol

from pointsman.core.identity import Principal
from pointsman.core.money import NanoUsd
from pointsman.core.records import LimitCheck, Reservation


class Ledger(Protocol):
    """Counts and holds. Implementations are safe to call concurrently."""

    async def admit(self, principal: Principal, tenant: str | None) -> list[LimitCheck]:
        """Check limits that need no price; count the request where a limit counts requests.

        Raises:
            RateLimitedError: A limit is met; `retry_after_s` says when there is room.
            BudgetExceededError: A cap is already spent.
        """
        ...

    async def reserve(
        self, principal: Principal, tenant: str | None, upper_bound: NanoUsd
    ) -> tuple[Reservation, list[LimitCheck]]:
        """Hold `upper_bound` for one attempt.

        Raises:
            BudgetExceededError: The hold does not fit under a cap; nothing is held then.
        """
        ...

    async def settle(self, reservation: Reservation, actual: NanoUsd) -> None:
        """Replace the hold by the real cost. A second call for the same hold is a bug: raises.

        Raises:
            ValueError: The reservation is not held (settled, released or unknown).
        """
        ...

    async def release(self, reservation: Reservation) -> None:
        """Give the whole hold back, as `settle` with zero. Raises as `settle` does."""
        ...
