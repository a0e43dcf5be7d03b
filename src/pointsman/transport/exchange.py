"""What goes into the transport and what comes out: requests, responses and its errors."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from pointsman.core.abort import AbortSignal
from pointsman.core.deadline import Deadline
from pointsman.core.target import Timeouts


class HttpRequest(Struct, kw_only=True):
    """One request to the client's origin."""

    method: str = "POST"
    path: str
    """Absolute path and query."""
    headers: Mapping[str, str]
    """Without `Host`, `Content-Length`, `Connection`, `Accept-Encoding`: the client sets those."""
    body: bytes = b""
    is_repeatable: bool = False
    """Whether it may be sent again on a fresh connection when a pooled one turns out to be dead
    before any byte of an answer came."""
    timeouts: Timeouts
    deadline: Deadline
    abort: AbortSignal


class Timings(Struct):
    """When things happened, in monotonic nanoseconds; None when they have not."""

    started_ns: int = 0
    connected_ns: int | None = None
    first_byte_ns: int | None = None
    """First byte of the final (not 1xx) answer head."""
    connect_duration_ns: int = 0
    """0 on a pooled connection."""
    reused_connection: bool = False
    sends: int = 1
    """How often the request was sent: twice when an idle connection turned out to be dead."""


class TransportError(Exception):
    """The exchange did not complete.

    `kind` is one of `connect` (refused, name not found, TLS, no tunnel), `proxy_auth` (the proxy
    refused our credential, or wants one), `timeout` (see `phase`), `reset`
    (the connection broke), `truncated` (the body ended before its length), `protocol` (not HTTP,
    or a bound exceeded), `aborted` (by the abort signal or `Response.close`).
    """

    def __init__(self, kind: str, message: str, *, phase: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.phase = phase
        """For timeouts: `connect`, `first_byte`, `idle` or `total`."""
        self.timings: Timings | None = None


class HttpResponse(Protocol):
    """An answer whose head has arrived."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names; repeated fields joined by `, `."""
    timings: Timings

    async def read(self, max_bytes: int) -> bytes:
        """Return the whole body, decoded.

        Raises:
            TransportError: Also when it is longer than `max_bytes` (`protocol`).
        """
        ...

    async def read_some(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; `b""` at the end of the body.

        While nobody reads, at most a bounded amount is buffered and then the socket is paused.

        Raises:
            TransportError: The idle or total limit, a reset, or an early end.
        """
        ...

    def close(self) -> None:
        """Give the connection back if the body is complete, else abort it at once."""
        ...
