"""Runs the engine's blocking work on a few threads of its own, in front of which a bound stands."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from duckdb import DuckDBPyConnection

from pointsman.store.errors import StoreBusyError, StoreTimeoutError, StoreUnavailableError

T = TypeVar("T")


class BoundedThreads:
    """A thread pool that refuses instead of queueing without end. Closed by `close`.

    Args:
        name: For thread names.
        threads: How many jobs run at once; the others wait in order.
        max_waiting: Jobs under way and waiting together beyond `threads`.
    """

    def __init__(self, name: str, *, threads: int, max_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threads + max_waiting
        self._under_way = 0
        self._is_closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread and return its result.

        A caller that is cancelled leaves the work running: a write is then kept or not, and its
        sender, who was not answered, sends it again.

        Raises:
            StoreBusyError: Too much is waiting.
            StoreUnavailableError: The pool is closed.
        """
        if self._is_closed:
            raise StoreUnavailableError("the store is closed")
        if self._under_way >= self._room:
            raise StoreBusyError("too many queries are waiting for the store; try again shortly")
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._left)
        return await future

    def _left(self, future: asyncio.Future[Any]) -> None:
        self._under_way -= 1
        if not future.cancelled():
            # Read, so that a result nobody waits for any more is not reported as forgotten.
            future.exception()

    async def close(self) -> None:
        """Let what is under way finish and end the threads."""
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)


class RunningQuery:
    """A query that another thread may stop, before or while it runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._connection: DuckDBPyConnection | None = None
        self._is_stopped = False

    def begin(self, connection: DuckDBPyConnection) -> None:
        """Say which connection runs it.

        Raises:
            StoreTimeoutError: It was stopped while it waited for a thread.
        """
        with self._lock:
            if self._is_stopped:
                raise StoreTimeoutError("the query waited too long for its turn and was stopped")
            self._connection = connection

    def end(self) -> None:
        """Say that it runs no longer: the connection may serve another query."""
        with self._lock:
            self._connection = None

    def interrupt(self) -> None:
        """Stop it; a no-op when it has ended."""
        with self._lock:
            self._is_stopped = True
            if self._connection is not None:
                self._connection.interrupt()
