"""What waits to be sent to Redis, and who waits for which reply.

Everything of a worker travels in one order over one connection, several statements at a time, so
that Redis sees the worker's changes as the worker made them.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from pointsman.shared.connection import Reply, Statement
from pointsman.shared.errors import SharedLostError

Land: TypeAlias = Callable[[Reply], None]
MAX_BATCH = 64
"""Statements sent at once: a batch must not keep the ones behind it waiting for long."""


class Operation:
    """One statement under way.

    Args:
        statement: What is to be run.
        land: Called with the reply as soon as it is there, whoever still waits for it.
        undo: Called after `land` when nobody takes the reply any more.
    """

    __slots__ = ("future", "land", "statement", "undo")

    def __init__(
        self, statement: Statement, land: Land | None = None, undo: Land | None = None
    ) -> None:
        self.statement = statement
        self.land = land
        self.undo = undo
        self.future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    async def reply(self) -> Reply:
        """Wait for the reply.

        Raises:
            SharedLostError: There will be none.
        """
        try:
            return await self.future
        except asyncio.CancelledError:
            if not self.future.cancelled() and self.future.exception() is None:
                # The reply came in the very moment in which its asker was cancelled.
                self._take_back(self.future.result())
            raise

    def succeed(self, reply: Reply) -> None:
        """Hand the reply over."""
        if self.land is not None:
            self.land(reply)
        if self.future.cancelled():
            self._take_back(reply)
        elif not self.future.done():
            self.future.set_result(reply)

    def fail(self, why: str) -> None:
        """Tell that there is no reply."""
        if not self.future.done():
            self.future.set_exception(SharedLostError(why))
            # Whoever asked may have gone; then nobody is to be told in the log.
            self.future.exception()

    def _take_back(self, reply: Reply) -> None:
        if self.undo is not None:
            self.undo(reply)


class Outbox:
    """Operations in the order in which they were asked for."""

    __slots__ = ("_waiting", "wake")

    def __init__(self) -> None:
        self._waiting: deque[Operation] = deque()
        self.wake = asyncio.Event()
        """Set when there is something to send."""

    def put(self, operation: Operation) -> None:
        """Add an operation."""
        self._waiting.append(operation)
        self.wake.set()

    def take(self) -> list[Operation]:
        """Return the next operations; those that nobody waits for any more are never sent."""
        batch: list[Operation] = []
        while self._waiting and len(batch) < MAX_BATCH:
            operation = self._waiting.popleft()
            if not operation.future.cancelled():
                batch.append(operation)
        if self._waiting:
            self.wake.set()
        return batch

    def fail_all(self, why: str) -> None:
        """Tell everybody who waits that there is no reply."""
        while self._waiting:
            self._waiting.popleft().fail(why)
