"""Wakes whoever waits for new calls: pages that show them live.

One event loop, no memory of what arrived: waiters are told that there is something after their
position and ask the store for it.
"""

import asyncio


class Arrivals:
    """A broadcast of the newest position of the store."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        """Position of the newest call that is on disk."""
        self._waiting: set[asyncio.Future[None]] = set()

    def announce(self, position: int) -> None:
        """Say that everything up to `position` is on disk; an older position changes nothing."""
        if position <= self.position:
            return
        self.position = position
        waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, position: int, timeout_s: float) -> bool:
        """Wait until something has arrived after `position`.

        Returns:
            True when it has; False after `timeout_s` seconds without.
        """
        if self.position > position:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                while self.position <= position:
                    await waiter
                    if self.position <= position:
                        waiter = asyncio.get_running_loop().create_future()
                        self._waiting.add(waiter)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return True
