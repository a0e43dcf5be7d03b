"""The seam for counting what callers spend: reserve, settle.

    1. Admission looks at what needs no price (`policy/admission.py`): is a cap already spent, is
       there room. It knows the budgets of the request from then on.
    2. `reserve` holds the upper bound of one candidate's price before it is called.
    3. `settle` replaces the hold by what the attempt really cost; `release` gives it back whole.

Every reservation is settled or released exactly once, whatever happens in between.
"""

from collections.abc import Sequence
from typing import Protocol

from pointsman.core.identity import Principal
from pointsman.core.money import NanoUsd
from pointsman.core.records import LimitCheck, Reservation


class MoneyAccount(Protocol):
    """A counter of money that holds something for an attempt."""

    def settle(self, held: NanoUsd, actual: NanoUsd) -> None:
        """Replace what is held by what the attempt cost. Once per hold."""
        ...


class Admission(Protocol):
    """What was found when a request was admitted, as far as money goes."""

    def hold(self, upper_bound: NanoUsd | None) -> Sequence[MoneyAccount]:
        """Hold on every budget of the request, or on none; note each comparison in its record.

        Raises:
            BudgetExceededError: A budget has no room.
            RateLimitedError: The same, but only for what requests under way hold.
        """
        ...


class Ledger(Protocol):
    """Counts and holds. Implementations are safe to call concurrently."""

    async def reserve(
        self,
        principal: Principal,
        tenant: str | None,
        upper_bound: NanoUsd | None,
        admission: Admission | None = None,
    ) -> tuple[Reservation, list[LimitCheck]]:
        """Hold `upper_bound` for one attempt; None is unknown and holds nothing.

        Raises:
            BudgetExceededError: The hold does not fit under a cap; nothing is held then.
            RateLimitedError: The same, but only for what requests under way hold.
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
