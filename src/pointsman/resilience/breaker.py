"""The circuit breaker of one target or provider: a state machine without a clock.

    closed      every call passes. It opens after `failures` in a row, or when `error_percent` of at
                least `min_calls` within `window` failed.
    open        no call passes for `open_for`.
    half_open   exactly one call passes. Its success closes the breaker, its failure opens it again.

After it has closed, `share` grows from `FIRST_SHARE` to 1 over `ramp`, so that a target which just
came back is not met by everyone at once. A call belongs to the period in which it began: what comes
back after the state has changed says nothing about the target as it is now, and is not counted.
"""

from collections import deque

from msgspec import Struct

from pointsman.config.resilience import BreakerConfig

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half_open"
FIRST_SHARE = 0.1
UNDECIDED = "another worker"
"""Who has the right to try a shared breaker, until that is decided."""
_MAX_OUTCOMES = 1000
_S = 1_000_000_000


class Opening(Struct, frozen=True):
    """Why a breaker opened."""

    cause: str
    """`failures_in_a_row` or `error_percent`."""
    observed: float
    limit: float
    by: str
    """The request whose failure opened it."""


class Breaker:
    """One breaker. Times are monotonic nanoseconds, given by the caller.

    Attributes:
        period: Goes up with every change of state; a call's outcome counts in its own period only.
        opening: Why it is or was last open; None when it never was.
        closed_by: The request whose success closed it last.
        tried_by: The one request that may try it now; None when there is none.
        kept_by: Where several workers share it: the one that has the right to try it, or a word for
            that it is not decided; None is this one.
        right_until_ns: How long this worker has that right; None is for ever, where nobody shares.
        asked_ns: When it last stood in somebody's way.
    """

    __slots__ = (
        "_failures_in_a_row",
        "_is_half_open",
        "_open_until_ns",
        "_outcomes",
        "_ramp_from_ns",
        "_window_failures",
        "asked_ns",
        "closed_by",
        "config",
        "kept_by",
        "opening",
        "period",
        "right_until_ns",
        "tried_by",
    )

    def __init__(self, config: BreakerConfig) -> None:
        self.config = config
        self.period = 0
        self.opening: Opening | None = None
        self.closed_by: str | None = None
        self.tried_by: str | None = None
        self.kept_by: str | None = None
        self.right_until_ns: int | None = None
        self.asked_ns: int | None = None
        self._open_until_ns: int | None = None
        self._is_half_open = False
        self._ramp_from_ns: int | None = None
        self._failures_in_a_row = 0
        self._outcomes: deque[tuple[int, bool]] = deque()
        self._window_failures = 0

    def state(self, now_ns: int) -> str:
        """Return the state; an open breaker whose time is over is half-open."""
        if self._open_until_ns is None:
            return CLOSED
        return OPEN if now_ns < self._open_until_ns else HALF_OPEN

    def lets_pass(self, now_ns: int) -> bool:
        """Tell whether a call may begin now."""
        state = self.state(now_ns)
        return state == CLOSED or (state == HALF_OPEN and self.taken_by(now_ns) is None)

    def taken_by(self, now_ns: int) -> str | None:
        """Return who tries it, or alone has the right to; None when a call of this worker may."""
        if self.tried_by is not None or self.kept_by is not None:
            return self.tried_by or self.kept_by
        is_over = self.right_until_ns is not None and now_ns >= self.right_until_ns
        return UNDECIDED if is_over else None

    def left_s(self, now_ns: int) -> float:
        """Return the seconds until a call may try it; 0 when one may, or is trying."""
        if self._open_until_ns is None:
            return 0.0
        return max(0.0, (self._open_until_ns - now_ns) / _S)

    def share(self, now_ns: int) -> float:
        """Return the share of its traffic that a target gets which came back; 1 is all."""
        if self._ramp_from_ns is None:
            return 1.0
        grown = (now_ns - self._ramp_from_ns) / _S / self.config.ramp
        if grown >= 1.0:
            self._ramp_from_ns = None
            return 1.0
        return max(FIRST_SHARE, grown)

    def begin(self, now_ns: int, request_id: str) -> int | None:
        """Let a call begin and return its period; None refuses it."""
        state = self.state(now_ns)
        if state == CLOSED:
            return self.period
        if state == OPEN or self.taken_by(now_ns) is not None:
            return None
        if not self._is_half_open:
            self._is_half_open = True
            self.period += 1
        self.tried_by = request_id
        return self.period

    def end(self, period: int, now_ns: int, request_id: str, failed: bool | None) -> None:
        """Count how a call ended. `failed` None says nothing about the target."""
        if period != self.period:
            return
        if self.tried_by is not None:
            self._end_trial(now_ns, request_id, failed)
        elif failed is not None:
            self._count(now_ns, request_id, failed)

    def open_elsewhere(self, now_ns: int, opening: Opening, left_s: float) -> None:
        """Take over that another worker found it failing.

        Args:
            now_ns: The time.
            opening: Why.
            left_s: Until a call may try it; 0 when one may already.
        """
        self._open(now_ns, opening)
        self._open_until_ns = now_ns + round(max(0.0, left_s) * _S)

    def close_elsewhere(self, now_ns: int, by: str) -> None:
        """Take over that a call of another worker found it serving."""
        self._close(now_ns, by)

    def is_idle(self, now_ns: int) -> bool:
        """Tell whether it holds nothing that a fresh one would not."""
        self._forget(now_ns)
        return (
            self._open_until_ns is None
            and not self._failures_in_a_row
            and not self._window_failures
            and self.share(now_ns) == 1.0
        )

    def _end_trial(self, now_ns: int, request_id: str, failed: bool | None) -> None:
        self.tried_by = None
        if failed is None:
            return  # the next call may try
        if failed:
            # Who opened it first stays the answer to why it is open.
            self._open(now_ns, self.opening or Opening("trial_failed", 1, 1, request_id))
            return
        self._close(now_ns, request_id)

    def _close(self, now_ns: int, by: str) -> None:
        self.period += 1
        self._open_until_ns = None
        self._is_half_open = False
        self._ramp_from_ns = now_ns
        self.tried_by = None
        self.kept_by = self.right_until_ns = None
        self.closed_by = by

    def _count(self, now_ns: int, request_id: str, failed: bool) -> None:
        self._forget(now_ns)
        self._outcomes.append((now_ns, failed))
        self._window_failures += failed
        if len(self._outcomes) > _MAX_OUTCOMES:
            self._window_failures -= self._outcomes.popleft()[1]
        if not failed:
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        config = self.config
        if self._failures_in_a_row >= config.failures:
            reason = ("failures_in_a_row", self._failures_in_a_row, config.failures)
            self._open(now_ns, Opening(*reason, request_id))
            return
        percent = 100 * self._window_failures / len(self._outcomes)
        if len(self._outcomes) >= config.min_calls and percent >= config.error_percent:
            self._open(
                now_ns,
                Opening("error_percent", round(percent, 1), config.error_percent, request_id),
            )

    def _open(self, now_ns: int, opening: Opening) -> None:
        self.period += 1
        self.tried_by = None
        self.opening = opening
        self._open_until_ns = now_ns + round(self.config.open_for * _S)
        self._is_half_open = False
        self._ramp_from_ns = None
        self._failures_in_a_row = 0
        self._window_failures = 0
        self._outcomes.clear()

    def _forget(self, now_ns: int) -> None:
        oldest_ns = now_ns - round(self.config.window * _S)
        outcomes = self._outcomes
        while outcomes and outcomes[0][0] < oldest_ns:
            self._window_failures -= outcomes.popleft()[1]
