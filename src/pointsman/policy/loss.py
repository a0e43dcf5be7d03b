"""What decides while the shared store is away, and how a record shows it."""

from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.errors import CallError
from pointsman.core.records import LimitCheck

Choice: TypeAlias = Literal["local", "closed", "open"]
RETRY_AFTER_S = 1.0
_NS_MS = 1e6


class SharedCountersAwayError(CallError):
    """Redis is away, and a request that it would have counted is not let pass without it."""

    code = "shared_state_unavailable"
    http_status = 503
    error_type = "server_error"
    should_retry = True


class LossStats(Struct):
    """How often requests were decided on without Redis."""

    local: int = 0
    closed: int = 0
    open: int = 0


class OnLoss(Struct, frozen=True, kw_only=True):
    """The choices of one configuration version."""

    clock: Clock
    stats: LossStats
    limits: Choice = "local"
    budgets: Choice = "closed"

    def count(self, choice: Choice) -> None:
        """Note that a choice was applied to a request."""
        setattr(self.stats, choice, getattr(self.stats, choice) + 1)

    def mark(self, check: LimitCheck, choice: Choice, read_ns: int | None) -> None:
        """Write into a check who decided, and how old what it saw of others is.

        Args:
            check: As a worker's own figures have it.
            choice: What was applied.
            read_ns: Monotonic time at which Redis was last heard about it; None is never.
        """
        check.store = "local"
        check.on_loss = choice
        check.age_ms = self.age_ms(read_ns)
        if choice == "open":
            check.fail_open = True
            check.refused = False
        elif choice == "closed":
            check.refused = True
            check.reserved, check.after = 0, check.before

    def age_ms(self, read_ns: int | None) -> float | None:
        """Return how long ago something was read; None for never."""
        if read_ns is None:
            return None
        return round((self.clock.monotonic_ns() - read_ns) / _NS_MS, 1)


def away_refusal(what: str, checks: list[LimitCheck]) -> CallError:
    """Return the error for a request that is not let pass without Redis.

    Args:
        what: `limits` or `budgets`.
        checks: What it would have been measured by.
    """
    rules = list(dict.fromkeys(check.rule for check in checks if check.rule is not None))
    return SharedCountersAwayError(
        f"the store that counts {what} for all workers is away, and without it this request is not"
        f" let pass (shared.on_loss.{what}: closed); try again in a moment",
        retry_after_s=RETRY_AFTER_S,
        metadata={"reason": "shared_state_unavailable", "rules": rules[:8]},
    )
