"""`HttpClient`: requests to one origin over a pool of connections.

Built once and used concurrently on one event loop. A request takes an idle connection without
waiting if there is one; only the slow way (wait for a slot, look up, dial, TLS) costs a timer.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import Clock
from pointsman.transport.connection import Connection
from pointsman.transport.dialing import Resolver, dial, look_up, make_tls
from pointsman.transport.exchange import HttpRequest, HttpResponse, Timings, TransportError
from pointsman.transport.head import RequestEncoder
from pointsman.transport.in_flight import InFlight
from pointsman.transport.pool import ConnectionPool
from pointsman.transport.proxy import Proxy
from pointsman.transport.response import Response
from pointsman.transport.settings import Origin, TransportSettings

_S = 1_000_000_000


class HttpClient:
    """An HTTP/1.1 client for one origin."""

    def __init__(
        self,
        origin: Origin,
        settings: TransportSettings,
        clock: Clock,
        *,
        proxy: Proxy | None = None,
        resolve: Resolver = look_up,
    ) -> None:
        """Read the authorities to trust; open no connection.

        Args:
            origin: Whom every request goes to.
            settings: Bounds.
            clock: For limits and timings.
            proxy: What every connection is tunnelled through; None connects directly.
            resolve: Finds addresses.

        Raises:
            OSError: `settings.ca_file` cannot be read or holds no certificate.
        """
        self._origin = origin
        self._settings = settings
        self._clock = clock
        self._encoder = RequestEncoder(origin)
        self._tls = make_tls(settings.ca_file) if origin.scheme == "https" else None
        self._proxy = proxy
        self._resolve = resolve
        self._closing = AbortSignal()
        self.pool = ConnectionPool(settings.max_connections, settings.keepalive_s, clock)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return when the head of the final answer is there.

        The caller owns the response and must read it to its end or close it. Cancelling the
        caller, here or while it reads, aborts the connection.

        Raises:
            TransportError: With `timings` set. Nothing of an answer has been handed on.
        """
        timings = Timings(started_ns=self._clock.monotonic_ns())
        try:
            head = self._encoder.encode(request)
            return await self._send(request, head, timings)
        except TransportError as error:
            error.timings = timings
            raise

    async def close(self) -> None:
        """Abort what is under way, close every connection, and wait for the sockets to be closed.

        Requests that are under way get `aborted`.
        """
        self._closing.abort("the client was closed")
        await self.pool.close()

    async def _send(self, request: HttpRequest, head: bytes, timings: Timings) -> Response:
        total_at_ns = timings.started_ns + round(request.timeouts.total_s * _S)
        total_at_ns = min(total_at_ns, request.deadline.at_ns)
        connection = self._take_idle(request, timings)
        if connection is None:
            connection = await self._claim(request, timings, total_at_ns, fresh=False)
        flight = self._flight(connection, request, timings, total_at_ns)
        try:
            await flight.start(head)
        except TransportError as error:
            # The server may have closed the idle connection while the request was on its way. It
            # may also have taken the request and then died, so only a repeatable one is repeated.
            is_stale = timings.reused_connection and not flight.answer.has_begun
            if not (is_stale and error.kind == "reset" and request.is_repeatable):
                raise
        else:
            return Response(flight)

        timings.sends += 1
        connection = await self._claim(request, timings, total_at_ns, fresh=True)
        flight = self._flight(connection, request, timings, total_at_ns)
        await flight.start(head)
        return Response(flight)

    def _flight(
        self, connection: Connection, request: HttpRequest, timings: Timings, total_at_ns: int
    ) -> InFlight:
        return InFlight(
            connection,
            request,
            timings,
            total_at_ns=total_at_ns,
            settings=self._settings,
            clock=self._clock,
            release=self.pool.release,
        )

    def _take_idle(self, request: HttpRequest, timings: Timings) -> Connection | None:
        if self._closing.is_aborted or request.abort.is_aborted:
            return None  # `_claim` tells why

        connection = self.pool.take_idle()
        if connection is not None:
            timings.reused_connection = True
            timings.connected_ns = timings.started_ns
        return connection

    async def _claim(
        self, request: HttpRequest, timings: Timings, total_at_ns: int, *, fresh: bool
    ) -> Connection:
        """Wait for a connection or dial one, within the connect limit and until aborted."""
        signals = (request.abort, self._closing)
        _raise_if_aborted(signals)
        now_ns = self._clock.monotonic_ns()
        until_ns = now_ns + round(request.timeouts.connect_s * _S)
        phase = "connect" if until_ns < total_at_ns else "total"
        until_ns = min(until_ns, total_at_ns)
        try:
            async with asyncio.timeout((until_ns - now_ns) / _S) as scope:
                with _ended_by(scope, signals):
                    return await self._claim_or_dial(timings, until_ns, fresh=fresh)
        except TimeoutError:
            _raise_if_aborted(signals)
            through = f" through {self._proxy.origin.authority}" if self._proxy is not None else ""
            message = f"no connection to {self._origin.authority}{through} within the {phase} limit"
            raise TransportError("timeout", message, phase=phase) from None

    async def _claim_or_dial(self, timings: Timings, until_ns: int, *, fresh: bool) -> Connection:
        connection = await self.pool.claim(fresh=fresh)
        timings.reused_connection = connection is not None
        if connection is None:
            started_ns = self._clock.monotonic_ns()
            connection = await self._dial(until_ns)
            timings.connect_duration_ns = self._clock.monotonic_ns() - started_ns
        timings.connected_ns = self._clock.monotonic_ns()
        return connection

    async def _dial(self, until_ns: int) -> Connection:
        """Open a connection with a slot that the pool has given."""
        loop = asyncio.get_running_loop()
        try:
            connection = await dial(
                self._origin,
                self._tls,
                self._clock,
                until_ns,
                lambda: Connection(loop, self._clock, self.pool.lost),
                proxy=self._proxy,
                resolve=self._resolve,
            )
        except BaseException:
            self.pool.free_slot()
            raise
        self.pool.add(connection)
        return connection


def _raise_if_aborted(signals: tuple[AbortSignal, ...]) -> None:
    for signal in signals:
        if signal.reason is not None:
            raise TransportError("aborted", signal.reason)


@contextmanager
def _ended_by(scope: asyncio.Timeout, signals: tuple[AbortSignal, ...]) -> Iterator[None]:
    """Let any of the signals end the scope as its time limit would."""

    def end() -> None:
        if not scope.expired():
            scope.reschedule(0.0)

    for signal in signals:
        signal.subscribe(end)
    try:
        yield
    finally:
        for signal in signals:
            signal.unsubscribe(end)
