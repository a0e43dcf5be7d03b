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

from pointsman.core.abort import AbortSignal
from pointsman.server.chunked import ChunkDecoder
from pointsman.server.exchange import CONNECTION_EXTENSION, ClientConnection, Exchange
from pointsman.server.head import CHUNKED, FRAMING_HEADERS, read_framing, split_target
from pointsman.server.lifecycle import ConnectionLifecycle, Phase
from pointsman.server.rejections import (
    BODY_TOO_LARGE,
    TUNNEL_REFUSED,
    RequestRefusedError,
    malformed,
)
from pointsman.server.shared_state import SharedState

if TYPE_CHECKING:
    from uvicorn.config import Config

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class ServerProtocol(ConnectionLifecycle):
    """Reads one client connection: heads, bodies and what is sent ahead."""

    def __init__(
        self,
        config: "Config",
        server_state: SharedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._body_left = 0
        self._chunks: ChunkDecoder | None = None
        self._ahead = bytearray()
        """What the client sent after the request that is being answered."""
        self._received_ns = 0
        self._framing_headers: list[tuple[bytes, bytes]] = []
        self._is_head_complete = False
        self._keeps_alive = False

    # Input
    def data_received(self, data: bytes) -> None:
        """Take what arrived; keep what belongs to a later request."""
        phase = self._phase
        if phase == Phase.ANSWERING:
            self._keep_ahead(data)
        elif phase < Phase.LINGERING:
            if phase == Phase.IDLE:
                self._received_ns = self._shared.clock.monotonic_ns()
            self._consume(data)

    def _consume(self, data: bytes) -> None:
        try:
            while data:
                if self._phase == Phase.BODY:
                    data = self._read_body(data)
                elif self._phase == Phase.ANSWERING:
                    self._keep_ahead(data)
                    return
                elif self._phase == Phase.CLOSING:
                    return
                else:
                    data = self._read_head(data)
        except RequestRefusedError as refused:
            self._refuse(refused.rejection)

    def _read_head(self, data: bytes) -> bytes:
        taken = self._reader.take(data)
        if taken is None:
            if self._phase == Phase.IDLE and self._reader.held_bytes:
                self._phase = Phase.HEAD
                self._timer.set(self._limits.header_timeout_s)
            return b""
        self._begin(taken[0])
        if self._phase == Phase.BODY and not taken[1]:
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
        self._phase = Phase.BODY
        self._body_left = length
        self._chunks = None
        if length == CHUNKED:
            self._chunks = ChunkDecoder(self._limits.max_body_bytes, self._limits.max_head_bytes)

    def _end_body(self) -> None:
        # Reading goes on: only input tells that a client has left.
        self.flow.resume_reading()
        exchange = self._exchange
        if exchange is not None and not exchange.response_complete:
            self._phase = Phase.ANSWERING
            exchange.end_body()
            self._guard_writing()
        else:
            self._received_ns = self._shared.clock.monotonic_ns()
            self._await_request()

    def _await_request(self) -> None:
        self._phase = Phase.IDLE
        self._has_looked_again = False
        limits = self._limits
        is_stopping = self._shared.is_stopping
        self._timer.set(limits.drain_timeout_s if is_stopping else limits.idle_timeout_s)

    def on_response_complete(self) -> None:
        """Go on to the next request, or close."""
        self.server_state.total_requests += 1
        exchange = self._exchange
        if exchange is None or self.transport.is_closing():
            return
        if not exchange.keep_alive:
            if self._phase == Phase.BODY:
                self._linger()
            else:
                self._close()
            return
        self.flow.resume_reading()
        if self._phase == Phase.ANSWERING:
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
