"""Room for calls at targets whose concurrency is limited: a bounded wait, in order of arrival."""

import asyncio
from collections import deque

from pointsman.core.abort import AbortSignal
from pointsman.core.target import Target


class TargetSlots:
    """Counts the calls under way at each limited target of one worker."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def taken(self, target: str) -> int:
        """Return how many calls are under way; 0 for a target without a limit."""
        return self._taken.get(target, 0)

    async def take(self, target: Target, limit_s: float, abort: AbortSignal) -> bool:
        """Take a place, waiting up to `limit_s`; False when there was none, or nobody wants it.

        A target without a limit always has room and is not counted.
        """
        limit = target.max_concurrent
        if limit is None:
            return True
        if self.taken(target.name) < limit and not self._waiting.get(target.name):
            self._taken[target.name] = self.taken(target.name) + 1
            return True
        return limit_s > 0 and await self._wait(target, limit_s, abort)

    def give_back(self, target: Target) -> None:
        """Give a place back: to who has waited longest, if anybody has."""
        if target.max_concurrent is None:
            return
        waiting = self._waiting.get(target.name, ())
        # A limit that a reload lowered is reached by not handing places on.
        while waiting and self._taken[target.name] <= target.max_concurrent:
            waiter = waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)  # the place goes on to it
                return
        left = self._taken.get(target.name, 1) - 1
        if left:
            self._taken[target.name] = left
        else:
            self._taken.pop(target.name, None)

    async def _wait(self, target: Target, limit_s: float, abort: AbortSignal) -> bool:
        name = target.name
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()

        def give_up() -> None:
            if not waiter.done():
                waiter.cancel()

        waiting = self._waiting.setdefault(name, deque())
        waiting.append(waiter)
        timer = loop.call_later(limit_s, give_up)
        abort.subscribe(give_up)
        try:
            await asyncio.wait((waiter,))
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.give_back(target)
            raise
        else:
            return not waiter.cancelled()
        finally:
            timer.cancel()
            abort.unsubscribe(give_up)
            if waiter in waiting:
                waiting.remove(waiter)
            if not waiting and self._waiting.get(name) is waiting:
                del self._waiting[name]
