"""The open connections to one origin: which are idle, how many there may be, who is next.

A slot is the permission to have one connection open. It belongs to a connection from the moment
dialing starts until the connection ends, and then goes to whoever has waited longest.
"""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

from pointsman.core.clock import Clock
from pointsman.transport.connection import Connection

_KEEP_ALIVE = re.compile(r"(?:^|[,\s])timeout\s*=\s*(\d{1,6})", re.IGNORECASE)
_S = 1_000_000_000
_CLOSE_S = 1.0
"""Aborted sockets are closed in the next turn of the loop; a shutdown waits no longer than this."""


class ConnectionPool:
    """Connections of one client, used on one event loop."""

    def __init__(self, max_connections: int, keepalive_s: float, clock: Clock) -> None:
        self._clock = clock
        self._keepalive_s = keepalive_s
        self._free_slots = max_connections
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._alive: set[Connection] = set()
        """Like `_open`, until the loop has said that the socket is closed."""
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._all_gone: asyncio.Future[None] | None = None

    @property
    def open_count(self) -> int:
        """Connections that hold a slot, idle ones included."""
        return len(self._open)

    @property
    def idle_count(self) -> int:
        """Connections that could be used at once."""
        return sum(connection.is_usable for connection in self._idle)

    @property
    def waiting_count(self) -> int:
        """Requests that wait for a connection or a slot."""
        return sum(not waiter.done() for waiter in self._waiters)

    def take_idle(self) -> Connection | None:
        """Return the connection that was used last, if any is still good.

        The last one is the least likely to be near the server's own idle limit.
        """
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and self._clock.monotonic_ns() < connection.expires_ns:
                return connection

            self._end(connection)
        return None

    async def claim(self, *, fresh: bool) -> Connection | None:
        """Wait for a connection, first come first served.

        Args:
            fresh: Never return a connection that was used before.

        Returns:
            A connection; or None with a slot, for the caller to dial and then call `add`, or
            `free_slot` when that fails.
        """
        is_back = False
        while True:
            connection = None if fresh else self.take_idle()
            if connection is not None:
                return connection

            if self._free_slots > 0:
                self._free_slots -= 1
                return None

            if fresh and self._idle:
                if self._end_but_keep_slot(self._idle.pop(0)):
                    return None
                continue

            connection = await self._wait(is_first=is_back)
            if connection is None:
                return None

            if connection.is_usable and not fresh:
                return connection

            if self._end_but_keep_slot(connection):
                return None

            # It ended between being handed over and now, and its slot has gone on.
            is_back = True

    def add(self, connection: Connection) -> None:
        """Count a connection that was dialled with the caller's slot."""
        self._open.add(connection)
        if connection.is_gone:
            self._give_up(connection)
        else:
            self._alive.add(connection)

    def free_slot(self) -> None:
        """Pass a slot on to the next waiter, or keep it free."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

        self._free_slots += 1

    def release(self, connection: Connection, headers: Mapping[str, str]) -> None:
        """Take back a connection after a complete exchange."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return

        keepalive_s = self._keepalive_s
        advertised = headers.get("keep-alive")
        if advertised is not None:
            keepalive_s = min(keepalive_s, _server_limit_s(advertised, keepalive_s))
        connection.expires_ns = self._clock.monotonic_ns() + round(keepalive_s * _S)
        self._idle.append(connection)
        if self._sweep_timer is None:
            self._arm_sweep(keepalive_s)

    def lost(self, connection: Connection) -> None:
        """Forget a connection whose socket is closed. Called once for each, by itself."""
        self._alive.discard(connection)
        self._give_up(connection)
        if not self._alive and self._all_gone is not None and not self._all_gone.done():
            self._all_gone.set_result(None)

    async def close(self) -> None:
        """Abort every connection and return when the sockets are closed."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        self._idle.clear()
        for connection in list(self._open):
            connection.close_now()
        if self._alive:
            self._all_gone = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._all_gone

    async def _wait(self, *, is_first: bool) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        if is_first:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            with suppress(ValueError):
                self._waiters.remove(waiter)
            if waiter.done() and not waiter.cancelled():
                self._pass_on(waiter.result())
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        """Give away what a waiter got but can no longer use."""
        if connection is None:
            self.free_slot()
        elif connection.is_usable:
            self.release(connection, {})
        else:
            self._end(connection)

    def _end_but_keep_slot(self, connection: Connection) -> bool:
        """End a connection to dial in its place; False when its slot has gone on already."""
        connection.abort()
        if connection not in self._open:
            return False

        self._open.discard(connection)
        return True

    def _end(self, connection: Connection) -> None:
        connection.abort()
        self._give_up(connection)

    def _give_up(self, connection: Connection) -> None:
        if connection in self._open:
            self._open.discard(connection)
            self.free_slot()

    def _arm_sweep(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._sweep_timer = loop.call_later(max(0.0, delay_s), self._sweep)

    def _sweep(self) -> None:
        self._sweep_timer = None
        now_ns = self._clock.monotonic_ns()
        idle, self._idle = self._idle, []
        for connection in idle:
            if connection.is_usable and now_ns < connection.expires_ns:
                self._idle.append(connection)
            else:
                self._end(connection)
        if self._idle:
            next_ns = min(connection.expires_ns for connection in self._idle)
            self._arm_sweep((next_ns - now_ns) / _S)


def _server_limit_s(value: str, default_s: float) -> float:
    """Read `Keep-Alive: timeout=5`, less a second for what is on its way when it ends."""
    found = _KEEP_ALIVE.search(value)
    return default_s if found is None else max(0.0, int(found[1]) - 1.0)
