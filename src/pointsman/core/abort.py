"""A signal that the result of some work is no longer wanted, delivered by plain callbacks.

Calling back synchronously from the place that noticed (a lost connection) stops the upstream in
well under a millisecond and needs no second task per request.
"""

from collections.abc import Callable


class AbortSignal:
    """Tells whoever subscribed, once, that the caller has gone."""

    __slots__ = ("_callbacks", "reason")

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self.reason: str | None = None

    @property
    def is_aborted(self) -> bool:
        """Whether `abort` has been called."""
        return self.reason is not None

    def abort(self, reason: str) -> None:
        """Run every callback; later calls do nothing. Callbacks must not raise or wait."""
        if self.reason is not None:
            return
        self.reason = reason
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` on abort; at once if that has already happened."""
        if self.reason is not None:
            callback()
        else:
            self._callbacks.append(callback)

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """Forget a callback; a no-op when it is not subscribed."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)
