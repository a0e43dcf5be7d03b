"""One exchange with a provider over HTTP: sent, bounded, timed, and its refusal read.

What every API family shares. Knows no vendor's body: what to send is given, what came back is read
by the family. Fills the attempt record: endpoint, credential, timings, status, the provider's own
id of the request, and when it wants to be asked again.

A call is marked repeatable to the transport: a pooled connection that the server closed in the same
moment may be replaced by a fresh one, only when not a byte of an answer came. A completion changes
nothing at the provider, so the worst that a repetition costs is a second generation; failing
instead would cost the same on the next target.
"""

from typing import Protocol

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.provider import ProviderRequest
from pointsman.core.records import Attempt
from pointsman.providers.failure import from_transport
from pointsman.providers.headers import retry_after_s, upstream_request_id
from pointsman.providers.judge import Judge
from pointsman.transport.exchange import HttpRequest, HttpResponse, Timings, TransportError

MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
"""An error body is cut here, not refused: its status is known already."""


class HttpSender(Protocol):
    """What sends: the transport's client for one origin, or a script in its place."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the answer once its head is there.

        Raises:
            TransportError: There is none.
        """
        ...

    async def close(self) -> None:
        """Close idle connections and abort what is in flight."""
        ...


class Call(Struct):
    """What to send: one request in the provider's own words."""

    path: str
    """With the query, if any."""
    headers: dict[str, str]
    """See `headers.request_headers`; the trace context and the idempotency key are added."""
    body: bytes
    method: str = "POST"


class Upstream:
    """The way to one provider. Called concurrently; opens nothing until it is.

    Args:
        judge: Names the provider and judges its errors.
        http: Sends.
        clock: For timings.
        origin: Scheme and authority, for the record.
    """

    __slots__ = ("_http", "_key_alias", "clock", "judge", "origin")

    def __init__(self, judge: Judge, http: HttpSender, clock: Clock, origin: str) -> None:
        self.judge = judge
        self.clock = clock
        self.origin = origin
        self._http = http
        self._key_alias = judge.key.alias if judge.key is not None else None

    async def send(self, request: ProviderRequest, call: Call) -> HttpResponse:
        """Make the one call and return once the head of a success is there.

        The caller closes the response, by `read` or itself, and has `note_end` called then.

        Raises:
            UpstreamError: There is no answer, or another status than success.
        """
        attempt = request.attempt
        attempt.endpoint = self.origin + call.path.partition("?")[0]
        attempt.key_alias = self._key_alias
        headers = {**call.headers, "traceparent": request.traceparent}
        if request.idempotency_key is not None:
            headers["idempotency-key"] = request.idempotency_key
        called_ns = self.clock.monotonic_ns()
        try:
            response = await self._http.send(
                HttpRequest(
                    method=call.method,
                    path=call.path,
                    headers=headers,
                    body=call.body,
                    is_repeatable=request.is_repeatable,
                    timeouts=request.target.timeouts,
                    deadline=request.deadline,
                    abort=request.abort,
                )
            )
        except TransportError as error:
            timings = error.timings or Timings(started_ns=called_ns)
            _note_timings(attempt, timings)
            self.note_end(attempt, timings)
            raise from_transport(error, self.judge.provider_name) from error
        _note_timings(attempt, response.timings)
        attempt.status = response.status
        attempt.upstream_request_id = upstream_request_id(response.headers)
        if not 200 <= response.status <= 299:
            raise await self._refusal(request, response)
        return response

    async def read(
        self,
        request: ProviderRequest,
        response: HttpResponse,
        *,
        first_piece: bytes = b"",
        in_stream: bool = False,
    ) -> bytes:
        """Return the whole body, and let the connection go.

        Args:
            request: The attempt it belongs to.
            response: As `send` returned it.
            first_piece: Bytes of the body that have been read already.
            in_stream: A stream was asked for, so that what is awaited is its first token.

        Raises:
            UpstreamError: The body broke off, or is longer than `MAX_ANSWER_BYTES`.
        """
        try:
            return first_piece + await response.read(MAX_ANSWER_BYTES)
        except TransportError as error:
            raise from_transport(error, self.judge.provider_name, in_stream=in_stream) from error
        finally:
            response.close()
            self.note_end(request.attempt, response.timings)

    async def read_first(self, request: ProviderRequest, response: HttpResponse) -> bytes:
        """Return the first piece of an answer to a request for a stream; `b""` is its end.

        Raises:
            UpstreamError: There is none; the connection has been let go then.
        """
        try:
            return await response.read_some()
        except BaseException as error:
            response.close()
            self.note_end(request.attempt, response.timings)
            if isinstance(error, TransportError):
                name = self.judge.provider_name
                raise from_transport(error, name, in_stream=True) from error
            raise

    def note_end(self, attempt: Attempt, timings: Timings) -> None:
        """Note in the record that the exchange is over."""
        attempt.end_ns = attempt.start_ns + self.clock.monotonic_ns() - timings.started_ns

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._http.close()

    async def _refusal(self, request: ProviderRequest, response: HttpResponse) -> UpstreamError:
        """Return the error that an answer with another status than success stands for."""
        pieces: list[bytes] = []
        size = 0
        try:
            while size < MAX_ERROR_BYTES and (piece := await response.read_some()):
                pieces.append(piece)
                size += len(piece)
        except TransportError as error:
            if error.kind == "aborted":
                raise from_transport(error, self.judge.provider_name) from error
            # The status has been said; the rest of the body would only have told it in words.
        finally:
            response.close()
            self.note_end(request.attempt, response.timings)
        wait_s = retry_after_s(response.headers, self.clock.unix_ns())
        body = b"".join(pieces)[:MAX_ERROR_BYTES]
        refusal = self.judge.error(response.status, body, retry_after_s=wait_s)
        request.attempt.retry_after_s = refusal.retry_after_s
        return refusal


def is_event_stream(response: HttpResponse) -> bool:
    """Tell whether an answer calls itself server-sent events."""
    return "text/event-stream" in response.headers.get("content-type", "").lower()


def looks_whole(first_piece: bytes) -> bool:
    """Tell a JSON or HTML body from events that came under a wrong or missing type."""
    return not first_piece or first_piece.lstrip()[:1] in (b"{", b"[", b"<")


def _note_timings(attempt: Attempt, timings: Timings) -> None:
    attempt.reused_connection = timings.reused_connection
    attempt.sends = timings.sends
    if timings.connected_ns is not None:
        attempt.connect_ns = timings.connect_duration_ns
    if timings.first_byte_ns is not None:
        attempt.first_byte_ns = attempt.start_ns + timings.first_byte_ns - timings.started_ns
