"""Where time comes from.

Owns the only reads of the system clocks. Everything else is handed a `Clock`, so that tests can
move time by hand and a record can be replayed with the time it was made at.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock and monotonic time."""

    def unix_ns(self) -> int:
        """Return nanoseconds since 1970-01-01 UTC. May jump when the system clock is set."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary start. Never goes backwards."""
        ...


class SystemClock:
    """The clocks of the operating system."""

    __slots__ = ()

    unix_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)


class ManualClock:
    """A clock that moves only when told to; for tests, simulations and replay."""

    __slots__ = ("_monotonic_ns", "_unix_ns")

    def __init__(self, unix_ns: int = 1_790_000_000_000_000_000) -> None:
        self._unix_ns = unix_ns
        self._monotonic_ns = 1_000_000_000

    def unix_ns(self) -> int:
        """Return the wall-clock time set so far."""
        return self._unix_ns

    def monotonic_ns(self) -> int:
        """Return the monotonic time advanced so far."""
        return self._monotonic_ns

    def advance_s(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        step_ns = round(seconds * 1_000_000_000)
        self._unix_ns += step_ns
        self._monotonic_ns += step_ns

    def step_wall_s(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or NTP would."""
        self._unix_ns += round(seconds * 1_000_000_000)
