"""What the server refuses before a handler sees it, and the bytes that say so.

Every refusal is the OpenAI error object with a request id, as handlers' errors are. This module
knows neither sockets nor parsers.
"""

from collections import Counter

import msgspec
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from pointsman.core.errors import PointsmanError


class Rejection(Struct, frozen=True, kw_only=True):
    """Why a request is refused."""

    status: int
    """HTTP status."""
    code: str
    """`error.code`: stable, and the label under which refusals are counted."""
    message: str
    type: str = "invalid_request_error"
    should_retry: bool = False
    """False adds `x-should-retry: false`, which the OpenAI clients obey."""
    retry_after_s: int | None = None


class RequestRefusedError(PointsmanError):
    """The bytes of a request break a rule; the connection ends after the answer."""

    code = "request_refused"
    http_status = 400

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.message)
        self.rejection = rejection


HEADERS_TOO_LARGE = Rejection(
    status=431,
    code="headers_too_large",
    message="The request line and headers are larger than this gateway accepts.",
)
BODY_TOO_LARGE = Rejection(
    status=413,
    code="request_too_large",
    message="The request body is larger than this gateway accepts (server.max_body_bytes).",
)
HEAD_TIMED_OUT = Rejection(
    status=408,
    code="request_timeout",
    message="The request's headers did not arrive in time (server.header_timeout).",
    should_retry=True,
)
BODY_TIMED_OUT = Rejection(
    status=408,
    code="request_timeout",
    message="The request's body stopped arriving (server.body_timeout).",
    should_retry=True,
)
TUNNEL_REFUSED = Rejection(
    status=501, code="not_implemented", message="This gateway opens no tunnels (CONNECT)."
)
TOO_MANY_CONNECTIONS = Rejection(
    status=503,
    code="too_many_connections",
    message="This gateway has as many connections open as it may (server.max_connections).",
    type="server_error",
    should_retry=True,
    retry_after_s=1,
)
INTERNAL_ERROR = Rejection(
    status=500,
    code="internal_error",
    message="The gateway failed to answer this request. Its log names the request id.",
    type="server_error",
    should_retry=True,
)


def malformed(message: str) -> RequestRefusedError:
    """Return the error for bytes that are not an acceptable HTTP/1 request (400)."""
    return RequestRefusedError(
        Rejection(status=400, code="malformed_request", message=f"Malformed request: {message}.")
    )


class RejectionCounts:
    """How often each code was answered, for metrics: refusals reach no record."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, code: str) -> None:
        """Count one refusal."""
        self._counts[code] += 1

    def snapshot(self) -> dict[str, int]:
        """Return code -> refusals since the start."""
        return dict(self._counts)


def error_headers(
    rejection: Rejection, request_id: str, prefix: str, body_bytes: int
) -> list[tuple[bytes, bytes]]:
    """Return the headers of a refusal; the connection closes after it."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % body_bytes),
        (f"x-{prefix}-request-id".encode(), request_id.encode()),
        (b"connection", b"close"),
    ]
    if not rejection.should_retry:
        headers.append((b"x-should-retry", b"false"))
    if rejection.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % rejection.retry_after_s))
    return headers


def error_body(rejection: Rejection) -> bytes:
    """Return the OpenAI error object as JSON."""
    error = {
        "message": rejection.message,
        "type": rejection.type,
        "param": None,
        "code": rejection.code,
    }
    return msgspec.json.encode({"error": error})


def render(
    rejection: Rejection,
    request_id: str,
    prefix: str,
    default_headers: list[tuple[bytes, bytes]],
) -> bytes:
    """Return a whole refusal as it goes on the wire.

    Args:
        rejection: What to say.
        request_id: The id that the client can quote.
        prefix: `x-<prefix>-request-id` carries the id.
        default_headers: Headers of every answer, such as the date.
    """
    body = error_body(rejection)
    headers = default_headers + error_headers(rejection, request_id, prefix, len(body))
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[rejection.status], *lines, b"\r\n", body])
