"""The mock in process: stands where the transport's client stands and plays the script.

It gives the errors that a socket would give, limits included, so that whatever is built on a
provider cannot tell the two apart. Waits use the timers of the event loop.
"""

import asyncio
from collections.abc import Callable, Mapping

from pointsman.core.clock import Clock
from pointsman.providers.mock.performance import Performance, Send, Stop, Wait, performer_of
from pointsman.providers.mock.player import Counters, ScriptPlayer
from pointsman.transport.exchange import HttpRequest, HttpResponse, Timings, TransportError

_S = 1_000_000_000


class Patience:
    """The limits of one exchange, and waiting within them."""

    __slots__ = ("_clock", "_first_at_ns", "_total_at_ns", "request")

    def __init__(self, request: HttpRequest, clock: Clock) -> None:
        self.request = request
        self._clock = clock
        now_ns = clock.monotonic_ns()
        timeouts = request.timeouts
        self._first_at_ns = now_ns + round(timeouts.first_token_s * _S)
        self._total_at_ns = min(now_ns + round(timeouts.total_s * _S), request.deadline.at_ns)

    async def wait_for_first(self, seconds: float | None) -> None:
        """Let `seconds` pass before the first byte of the body. Raises as `_wait` does."""
        await self._wait(seconds, self._first_at_ns, "first_byte")

    async def wait_for_next(self, seconds: float | None) -> None:
        """Let `seconds` pass between two pieces of the body. Raises as `_wait` does."""
        idle_ns = round(self.request.timeouts.idle_s * _S)
        await self._wait(seconds, self._clock.monotonic_ns() + idle_ns, "idle")

    async def _wait(self, seconds: float | None, limit_at_ns: int, phase: str) -> None:
        """Let `seconds` pass; None waits for ever, so a limit or the abort signal ends it.

        Raises:
            TransportError: The limit of the phase or the total comes first, or the abort signal.
        """
        abort = self.request.abort
        if abort.is_aborted:
            raise TransportError("aborted", f"aborted: {abort.reason}")
        if self._total_at_ns < limit_at_ns:
            limit_at_ns, phase = self._total_at_ns, "total"
        limit_s = (limit_at_ns - self._clock.monotonic_ns()) / _S
        if limit_s <= 0 or seconds is None or seconds > limit_s:
            await self._pause(max(0.0, limit_s))
            raise TransportError("timeout", f"the {phase} limit has passed", phase=phase)
        if seconds > 0:
            await self._pause(seconds)

    async def _pause(self, seconds: float) -> None:
        """Sleep; the abort signal ends it at once."""
        abort = self.request.abort
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        wake = _waker(waiter)
        timer = loop.call_later(seconds, wake)
        abort.subscribe(wake)
        try:
            await waiter
        finally:
            timer.cancel()
            abort.unsubscribe(wake)
        if abort.is_aborted:
            raise TransportError("aborted", f"aborted: {abort.reason}")


def _waker(waiter: asyncio.Future[None]) -> Callable[[], None]:
    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    return wake


class MockClient:
    """Plays a script for each request; see `providers.exchange.HttpSender`."""

    def __init__(self, player: ScriptPlayer, clock: Clock) -> None:
        self._player = player
        self._clock = clock

    @property
    def counters(self) -> Counters:
        """What has been done so far."""
        return self._player.counters

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the scripted answer once its head is due.

        Raises:
            TransportError: As scripted, or a limit, or the abort signal.
        """
        patience = Patience(request, self._clock)
        timings = Timings(started_ns=self._clock.monotonic_ns(), reused_connection=True)
        label = request.headers.get("x-mock")
        performance = performer_of(request.path)(request.body, label, self._player, self._clock)
        try:
            await self._reach(performance, patience, timings)
        except TransportError as error:
            error.timings = timings
            if error.kind in {"aborted", "timeout"}:
                self._player.counters.aborted += 1
            raise
        timings.first_byte_ns = self._clock.monotonic_ns()
        return MockResponse(performance, patience, timings, self._player.counters)

    async def close(self) -> None:
        """Nothing to close."""

    async def _reach(self, performance: Performance, patience: Patience, timings: Timings) -> None:
        """Let the time until the head pass, or fail as told."""
        if performance.connection == "refuse":
            raise TransportError("connect", "the mock refused the connection")
        timings.connected_ns = timings.started_ns
        await patience.wait_for_first(performance.head_delay_s)
        if performance.connection == "reset":
            raise TransportError("reset", "the mock reset the connection")


class MockResponse:
    """A scripted answer under way; see `transport.exchange.HttpResponse`."""

    __slots__ = (
        "_actions",
        "_counters",
        "_has_begun",
        "_is_over",
        "_patience",
        "_position",
        "headers",
        "status",
        "timings",
    )

    def __init__(
        self, performance: Performance, patience: Patience, timings: Timings, counters: Counters
    ) -> None:
        self.status = performance.status
        self.headers: Mapping[str, str] = performance.headers
        self.timings = timings
        self._actions = performance.actions
        self._patience = patience
        self._counters = counters
        self._position = 0
        self._has_begun = False
        self._is_over = False

    async def read(self, max_bytes: int) -> bytes:
        """Return the whole body."""
        pieces: list[bytes] = []
        while piece := await self.read_some():
            pieces.append(piece)
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if len(body) > max_bytes:
            raise TransportError("protocol", f"the answer's body is over {max_bytes} bytes")
        return body

    async def read_some(self) -> bytes:
        """Return all that is sent until the next wait or the end; `b""` at the end."""
        if self._is_over:
            raise TransportError("aborted", "the exchange is over")
        pieces: list[bytes] = []
        actions = self._actions
        await self._wait(self._due_wait())
        while self._position < len(actions):
            action = actions[self._position]
            if isinstance(action, Send):
                pieces.append(action.data)
                self._position += 1
            elif pieces:
                break
            elif isinstance(action, Stop):
                await self._stop(action)
            else:
                await self._wait(self._due_wait())
        self._counters.chunks += len(pieces)
        self._has_begun = self._has_begun or bool(pieces)
        return b"".join(pieces)

    def close(self) -> None:
        """End the exchange; counted as aborted when something was still to come."""
        if not self._is_over:
            self._is_over = True
            if self._position < len(self._actions):
                self._counters.aborted += 1

    def _due_wait(self) -> float:
        """Take the waits that come next and return their sum, in seconds."""
        seconds = 0.0
        while self._position < len(self._actions):
            action = self._actions[self._position]
            if not isinstance(action, Wait):
                break
            seconds += action.seconds
            self._position += 1
        return seconds

    async def _wait(self, seconds: float | None) -> None:
        if self._has_begun:
            await self._patience.wait_for_next(seconds)
        else:
            await self._patience.wait_for_first(seconds)

    async def _stop(self, action: Stop) -> None:
        if action.how == "stall":
            await self._wait(None)
        self._is_over = True
        if action.how == "reset":
            raise TransportError("reset", "the mock reset the connection")
        raise TransportError("truncated", "the mock closed the connection inside the body")
