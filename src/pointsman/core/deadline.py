"""Deadlines: a point in monotonic time that is handed on, not a duration that is restarted."""

from pointsman.core.clock import Clock


class Deadline:
    """The latest moment at which something may still be waited for."""

    __slots__ = ("_clock", "at_ns")

    def __init__(self, clock: Clock, at_ns: int) -> None:
        self._clock = clock
        self.at_ns = at_ns

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> "Deadline":
        """Return the deadline `seconds` from now."""
        return cls(clock, clock.monotonic_ns() + round(seconds * 1_000_000_000))

    def remaining_s(self) -> float:
        """Return the seconds left; negative when it has passed."""
        return (self.at_ns - self._clock.monotonic_ns()) / 1_000_000_000

    def capped_s(self, seconds: float) -> float:
        """Return the smaller of `seconds` and the time left, never below zero."""
        return max(0.0, min(seconds, self.remaining_s()))
