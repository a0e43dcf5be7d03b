"""How a connection to a client opens, waits, refuses and closes; not what it reads.

The half of `ServerProtocol` that knows deadlines, the client's leaving and the ways to end. What
arrives is read by `protocol`.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pointsman.server.exchange import Exchange
from pointsman.server.head import HeadReader
from pointsman.server.rejections import (
    BODY_TIMED_OUT,
    HEAD_TIMED_OUT,
    TOO_MANY_CONNECTIONS,
    Rejection,
    render,
)
from pointsman.server.shared_state import SharedState
from pointsman.server.timer import DeadlineTimer

if TYPE_CHECKING:
    from uvicorn.config import Config


_LAST_LOOK_S = 0.02


class Phase:
    """Where a connection is. Plain numbers: an enum's members cost four times as much to read."""

    IDLE = 0
    """Between requests."""
    HEAD = 1
    """Part of a head has come."""
    BODY = 2
    """The body is arriving. The answer may already be under way or complete."""
    ANSWERING = 3
    """The request is whole, its answer is not."""
    LINGERING = 4
    """Refused: input is discarded until the client has had time to read the answer."""
    CLOSING = 5
    """Closing as soon as what was written is out, or closed."""


class ConnectionLifecycle(HttpToolsProtocol):
    """One client connection, from the moment it is there to the moment it is gone."""

    def __init__(
        self,
        config: "Config",
        server_state: SharedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._shared = server_state
        self._limits = server_state.limits
        self._phase = Phase.IDLE
        self._timer = DeadlineTimer(self.loop, self._on_deadline)
        self._reader = HeadReader(self._limits.max_head_bytes, self._limits.max_header_count)
        self._exchange: Exchange | None = None
        self._unwritten_bytes = 0
        self._has_looked_again = False

    # Connection
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Take a connection, or answer that there are too many."""
        super().connection_made(transport)
        connections = len(self.connections)
        if connections > 2 * self._limits.max_connections:
            transport.abort()
        elif self._shared.is_stopping:
            # Taken in the last moment: its request is served like any that was on its way.
            self._timer.set(self._limits.drain_timeout_s)
        elif connections > self._limits.max_connections:
            self._refuse(TOO_MANY_CONNECTIONS)
        else:
            self._timer.set(self._limits.idle_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, before anything else runs, that its client has left."""
        self._phase = Phase.CLOSING
        self._timer.close()
        self._give_up("client_left")
        super().connection_lost(exc)
        if self._shared.is_stopping and not self.connections:
            self._shared.all_closed.set()

    def eof_received(self) -> None:
        """Take a half-closed connection for a client that has left, as nginx and Go do.

        A client that goes away is first seen as an end of input; only a write would tell the two
        apart, and an upstream that thinks for a minute would be paid for meanwhile.
        """
        if self._phase in {Phase.BODY, Phase.ANSWERING}:
            self._give_up("client_left")
            self.transport.abort()
        else:
            self._phase = Phase.CLOSING
            self._guard_writing()

    def shutdown(self) -> None:
        """Answer what is under way, or on its way, and close.

        A connection between two requests is not closed at once: the next one may have been sent in
        this very moment, and would be lost. Its answer ends the connection (`Connection: close`).
        """
        exchange = self._exchange
        if self._phase == Phase.IDLE:
            self._timer.set(self._limits.drain_timeout_s)
        elif exchange is not None and not exchange.response_complete:
            # An answer that has begun has not said that it is the last one: the client may send
            # the next request in the moment in which this one is complete.
            exchange.keep_alive = exchange.keep_alive and exchange.response_started
        elif self._phase == Phase.BODY:
            self._close()

    def cut(self, reason: str) -> None:
        """Abandon the request under way and close at once."""
        self._give_up(reason)
        self.transport.abort()

    # Output
    def pause_writing(self) -> None:
        """Hold the application back; give the client a time to take what waits for it."""
        super().pause_writing()
        if self._phase == Phase.ANSWERING:
            self._guard_writing()

    def resume_writing(self) -> None:
        """Let the application go on."""
        super().resume_writing()
        if self._phase == Phase.ANSWERING:
            self._timer.clear()

    def _guard_writing(self) -> None:
        if self.flow.write_paused or self._phase == Phase.CLOSING:
            self._unwritten_bytes = self.transport.get_write_buffer_size()
            self._timer.set(self._limits.write_timeout_s)
        else:
            self._timer.clear()

    # Ends
    def _on_deadline(self) -> None:
        phase = self._phase
        if phase == Phase.HEAD:
            self._refuse(HEAD_TIMED_OUT)
        elif phase == Phase.BODY:
            if self.flow.read_paused:  # the application is slow, not the client
                self._timer.set(self._limits.body_timeout_s)
            else:
                self._refuse(BODY_TIMED_OUT)
        elif phase in {Phase.ANSWERING, Phase.CLOSING}:
            self._check_writing()
        elif phase == Phase.IDLE and not self._has_looked_again:
            # A loop that was late runs its timers before it reads: what has arrived meanwhile is
            # served, not cut off.
            self._has_looked_again = True
            self._timer.set(_LAST_LOOK_S)
        else:
            self._close()

    def _check_writing(self) -> None:
        unwritten = self.transport.get_write_buffer_size()
        if 0 < unwritten < self._unwritten_bytes:
            self._guard_writing()
        else:
            self.cut("client_stalled")

    def _refuse(self, rejection: Rejection) -> None:
        self._shared.rejections.add(rejection.code)
        if self.transport.is_closing():
            return
        exchange = self._exchange if self._phase == Phase.BODY else None
        if exchange is None:
            self._answer_refusal(rejection, self._shared.ids.request_id())
        elif exchange.response_complete:
            self._linger()
        elif exchange.response_started:
            self.cut("request_refused")
        else:
            exchange.give_up("request_refused")
            self._answer_refusal(rejection, exchange.connection.request_id)

    def _answer_refusal(self, rejection: Rejection, request_id: str) -> None:
        shared = self._shared
        self.transport.write(
            render(rejection, request_id, shared.header_prefix, shared.default_headers)
        )
        self._linger()

    def _linger(self) -> None:
        """End the answer, and discard input for a while before the connection is closed.

        Closing with unread input would make the kernel reset the connection, and the reset may
        overtake the answer.
        """
        self._phase = Phase.LINGERING
        self._reader.reset()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer.set(self._limits.linger_timeout_s)

    def _close(self) -> None:
        self._phase = Phase.CLOSING
        self.transport.close()
        self._guard_writing()

    def _give_up(self, reason: str) -> None:
        if self._exchange is not None:
            self._exchange.give_up(reason)
