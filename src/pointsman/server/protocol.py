"""The server's side of a connection: uvicorn's protocol with bounds, deadlines and strictness.

uvicorn counts no header bytes, waits for ever before and within a request, answers malformed
requests in its own text and tells an application late or never that its client has left. This
subclass takes the bytes in first: it finds where a head ends and where a body ends, checks both,
and hands only whole, checked heads to llhttp. One request at a time is under way; what a client
sends ahead is kept, bounded, and read when the answer is complete.

llhttp's callbacks only set state here, because it wraps whatever they raise. The decision record
in `docs/adr` holds the reasons for the rules about half-closed clients and refusals.
"""

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pointsman.core.abort import AbortSignal
from pointsman.server.chunked import ChunkDecoder
from pointsman.server.exchange import CONNECTION_EXTENSION, ClientConnection, Exchange
from pointsman.server.head import CHUNKED, FRAMING_HEADERS, HeadReader, read_framing, split_target
from pointsman.server.rejections import (
    BODY_TIMED_OUT,
    BODY_TOO_LARGE,
    HEAD_TIMED_OUT,
    TOO_MANY_CONNECTIONS,
    TUNNEL_REFUSED,
    Rejection,
    RequestRefusedError,
    malformed,
    render,
)
from pointsman.server.shared_state import SharedState
from pointsman.server.timer import DeadlineTimer

if TYPE_CHECKING:
    from uvicorn.config import Config

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class _Phase:
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


class ServerProtocol(HttpToolsProtocol):
    """One client connection."""

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
        self._phase = _Phase.IDLE
        self._timer = DeadlineTimer(self.loop, self._on_deadline)
        self._reader = HeadReader(self._limits.max_head_bytes, self._limits.max_header_count)
        self._exchange: Exchange | None = None
        self._body_left = 0
        self._chunks: ChunkDecoder | None = None
        self._ahead = bytearray()
        """What the client sent after the request that is being answered."""
        self._received_ns = 0
        self._framing_headers: list[tuple[bytes, bytes]] = []
        self._is_head_complete = False
        self._keeps_alive = False
        self._unwritten_bytes = 0

    # Connection
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Take a connection, or answer that there are too many."""
        super().connection_made(transport)
        connections = len(self.connections)
        if connections > 2 * self._limits.max_connections or self._shared.is_stopping:
            transport.abort()
        elif connections > self._limits.max_connections:
            self._refuse(TOO_MANY_CONNECTIONS)
        else:
            self._timer.set(self._limits.idle_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, before anything else runs, that its client has left."""
        self._phase = _Phase.CLOSING
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
        if self._phase in {_Phase.BODY, _Phase.ANSWERING}:
            self._give_up("client_left")
            self.transport.abort()
        else:
            self._phase = _Phase.CLOSING
            self._guard_writing()

    def shutdown(self) -> None:
        """Finish the request under way, if any, and close."""
        exchange = self._exchange
        if self._phase in {_Phase.IDLE, _Phase.HEAD}:
            self._close()
        elif exchange is not None and not exchange.response_complete:
            exchange.keep_alive = False
        elif self._phase == _Phase.BODY:
            self._close()

    def cut(self, reason: str) -> None:
        """Abandon the request under way and close at once."""
        self._give_up(reason)
        self.transport.abort()

    # Input
    def data_received(self, data: bytes) -> None:
        """Take what arrived; keep what belongs to a later request."""
        phase = self._phase
        if phase == _Phase.ANSWERING:
            self._keep_ahead(data)
        elif phase < _Phase.LINGERING:
            if phase == _Phase.IDLE:
                self._received_ns = self._shared.clock.monotonic_ns()
            self._consume(data)

    def _consume(self, data: bytes) -> None:
        try:
            while data:
                if self._phase == _Phase.BODY:
                    data = self._read_body(data)
                elif self._phase == _Phase.ANSWERING:
                    self._keep_ahead(data)
                    return
                elif self._phase == _Phase.CLOSING:
                    return
                else:
                    data = self._read_head(data)
        except RequestRefusedError as refused:
            self._refuse(refused.rejection)

    def _read_head(self, data: bytes) -> bytes:
        taken = self._reader.take(data)
        if taken is None:
            if self._phase == _Phase.IDLE and self._reader.held_bytes:
                self._phase = _Phase.HEAD
                self._timer.set(self._limits.header_timeout_s)
            return b""
        self._begin(taken[0])
        if self._phase == _Phase.BODY and not taken[1]:
            self._timer.set(self._limits.body_timeout_s)
        return taken[1]

    def _read_body(self, data: bytes) -> bytes:
        if self._chunks is not None:
            body, rest = self._chunks.feed(data)
            is_done = self._chunks.is_done
        else:
            body, rest = data[: self._body_left], data[self._body_left :]
            self._body_left -= len(body)
            is_done = self._body_left == 0
        exchange = self._exchange
        if body and exchange is not None and not exchange.response_complete:
            exchange.add_body(body)
            if len(exchange.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
        if is_done:
            self._end_body()
        else:
            self._timer.set(self._limits.body_timeout_s)
        return rest

    def _keep_ahead(self, data: bytes) -> None:
        if not self._ahead:
            self._received_ns = self._shared.clock.monotonic_ns()
        self._ahead += data
        if len(self._ahead) > self._limits.max_head_bytes:
            self.flow.pause_reading()

    # A request
    def _begin(self, head: bytes) -> None:
        self._parse(head)
        is_http_1_0 = (
            head[head.index(b"\r\n") - 1] == 0x30
        )  # the head ends its line with 1.0 or 1.1
        method = self.parser.get_method().decode("ascii")
        if method == "CONNECT":
            raise RequestRefusedError(TUNNEL_REFUSED)
        length, host, self.expect_100_continue = read_framing(
            self._framing_headers, is_http_1_0=is_http_1_0
        )
        raw_path, query = split_target(self.url, method, host)
        if length > self._limits.max_body_bytes:
            raise RequestRefusedError(BODY_TOO_LARGE)

        exchange = self._open_exchange(method, raw_path, query, is_http_1_0=is_http_1_0)
        self._start_asgi_task(exchange, self.app)
        self._await_body(length)

    def _parse(self, head: bytes) -> None:
        """Let llhttp read the head, into `url` and `headers`.

        A parser per request (0.3 microseconds) shares no state between requests, and so needs to
        know nothing about bodies and upgrades.
        """
        self.url = b""
        self.headers = []
        self._framing_headers = []
        self._is_head_complete = False
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            pass  # RFC 9110 section 7.8: a server may ignore the offer and answer plainly
        except httptools.HttpParserError as error:
            raise malformed(str(error).rstrip(".").lower()) from error
        if not self._is_head_complete:
            raise malformed("its head is not one head")

    def _open_exchange(
        self, method: str, raw_path: bytes, query: bytes, *, is_http_1_0: bool
    ) -> Exchange:
        path = raw_path.decode("ascii")
        connection = ClientConnection(
            abort=AbortSignal(),
            request_id=self._shared.ids.request_id(),
            received_ns=self._received_ns,
        )
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": "1.0" if is_http_1_0 else "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": method,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "extensions": {CONNECTION_EXTENSION: connection},
        }
        exchange = Exchange(
            scope=scope,  # type: ignore[arg-type] # uvicorn types extensions as nested dicts
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=not is_http_1_0 and self._keeps_alive and not self._shared.is_stopping,
            on_response=self.on_response_complete,
        )
        exchange.connection = connection
        exchange.is_http_1_0 = is_http_1_0
        exchange.header_prefix = self._shared.header_prefix
        self.cycle = self._exchange = exchange
        return exchange

    def _await_body(self, length: int) -> None:
        if length == 0:
            self._end_body()
            return
        self._phase = _Phase.BODY
        self._body_left = length
        self._chunks = None
        if length == CHUNKED:
            self._chunks = ChunkDecoder(self._limits.max_body_bytes, self._limits.max_head_bytes)

    def _end_body(self) -> None:
        # Reading goes on: only input tells that a client has left.
        self.flow.resume_reading()
        exchange = self._exchange
        if exchange is not None and not exchange.response_complete:
            self._phase = _Phase.ANSWERING
            exchange.end_body()
            self._guard_writing()
        else:
            self._received_ns = self._shared.clock.monotonic_ns()
            self._await_request()

    def _await_request(self) -> None:
        self._phase = _Phase.IDLE
        self._timer.set(self._limits.idle_timeout_s)

    def on_response_complete(self) -> None:
        """Go on to the next request, or close."""
        self.server_state.total_requests += 1
        exchange = self._exchange
        if exchange is None or self.transport.is_closing():
            return
        if not exchange.keep_alive:
            if self._phase == _Phase.BODY:
                self._linger()
            else:
                self._close()
            return
        self.flow.resume_reading()
        if self._phase == _Phase.ANSWERING:
            self._await_request()
            if self._ahead:
                ahead = bytes(self._ahead)
                self._ahead.clear()
                self._consume(ahead)

    # llhttp
    def on_message_begin(self) -> None:
        """Do nothing: the scope is made when the head has been checked."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header with its name in lower case."""
        header = (name.lower(), value.rstrip())
        self.headers.append(header)
        if header[0] in FRAMING_HEADERS:
            self._framing_headers.append(header)

    def on_headers_complete(self) -> None:
        """Note what only the parser knows."""
        self._is_head_complete = True
        self._keeps_alive = self.parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Do nothing: bodies do not go through the parser."""

    def on_message_complete(self) -> None:
        """Do nothing: where a request ends is decided by `_read_body`."""

    # Output
    def pause_writing(self) -> None:
        """Hold the application back; give the client a time to take what waits for it."""
        super().pause_writing()
        if self._phase == _Phase.ANSWERING:
            self._guard_writing()

    def resume_writing(self) -> None:
        """Let the application go on."""
        super().resume_writing()
        if self._phase == _Phase.ANSWERING:
            self._timer.clear()

    def _guard_writing(self) -> None:
        if self.flow.write_paused or self._phase == _Phase.CLOSING:
            self._unwritten_bytes = self.transport.get_write_buffer_size()
            self._timer.set(self._limits.write_timeout_s)
        else:
            self._timer.clear()

    # Ends
    def _on_deadline(self) -> None:
        phase = self._phase
        if phase == _Phase.HEAD:
            self._refuse(HEAD_TIMED_OUT)
        elif phase == _Phase.BODY:
            if self.flow.read_paused:  # the application is slow, not the client
                self._timer.set(self._limits.body_timeout_s)
            else:
                self._refuse(BODY_TIMED_OUT)
        elif phase in {_Phase.ANSWERING, _Phase.CLOSING}:
            self._check_writing()
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
        exchange = self._exchange if self._phase == _Phase.BODY else None
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
        self._phase = _Phase.LINGERING
        self._reader.reset()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer.set(self._limits.linger_timeout_s)

    def _close(self) -> None:
        self._phase = _Phase.CLOSING
        self.transport.close()
        self._guard_writing()

    def _give_up(self, reason: str) -> None:
        if self._exchange is not None:
            self._exchange.give_up(reason)
