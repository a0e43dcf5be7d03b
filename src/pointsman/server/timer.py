"""One deadline per connection that costs next to nothing to move.

A request moves its connection's deadline several times; arming a timer each time would cost more
than parsing. So a later deadline only writes a number, and the timer looks at it when it fires.
"""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

_LEAST_DELAY_S = 0.001


class DeadlineTimer:
    """Calls back once when the deadline that was set last has passed."""

    __slots__ = ("_armed_for_s", "_callback", "_due_s", "_loop", "_timer")

    def __init__(self, loop: AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._timer: TimerHandle | None = None
        self._armed_for_s = 0.0
        self._due_s: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether a deadline is running."""
        return self._due_s is not None

    def set(self, seconds: float) -> None:
        """Let the deadline be `seconds` from now, in place of the one before."""
        due_s = self._loop.time() + seconds
        self._due_s = due_s
        if self._timer is None or due_s < self._armed_for_s:
            self._arm(due_s, seconds)

    def clear(self) -> None:
        """Have no deadline. An armed timer stays and finds nothing to do."""
        self._due_s = None

    def close(self) -> None:
        """Have no deadline and no timer."""
        self._due_s = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due_s: float, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for_s = due_s
        self._timer = self._loop.call_later(max(delay_s, _LEAST_DELAY_S), self._fire)

    def _fire(self) -> None:
        self._timer = None
        due_s = self._due_s
        if due_s is None:
            return
        left_s = due_s - self._loop.time()
        if left_s > 0:
            self._arm(due_s, left_s)
            return
        self._due_s = None
        self._callback()
