"""The `openai` kind: one upstream call to any server that speaks the chat completions API.

Sends, bounds and times the exchange. What the bytes say is read by `decode` and `stream`, what an
error means is asked of the classification that it was given.

A call is marked repeatable to the transport: a pooled connection that the server closed in the same
moment may be replaced by a fresh one, only when not a byte of an answer came. A completion changes
nothing at the provider, so the worst that a repetition costs is a second generation; failing
instead would cost the same on the next target.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

import pointsman
from pointsman.config.section import Secret
from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import Classify, FailureClass
from pointsman.core.provider import Completion, CompletionStream, ProviderRequest
from pointsman.core.records import Attempt
from pointsman.providers.openai.decode import Judge, decode_answer
from pointsman.providers.openai.encode import EncodeSettings, encode_body
from pointsman.providers.openai.failure import from_transport
from pointsman.providers.openai.headers import retry_after_s, upstream_request_id
from pointsman.providers.openai.stream import OpenAiStream
from pointsman.providers.openai.whole import WholeAnswerStream, chunks_of
from pointsman.transport.exchange import HttpRequest, HttpResponse, Timings, TransportError
from pointsman.wire.malformed import MALFORMED

MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
"""An error body is cut here, not refused: its status is known already."""

USER_AGENT = f"pointsman/{pointsman.__version__}"


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


class OpenAiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One configured provider."""

    name: str
    vendor: str
    """Whose words its errors are: the preset's name."""
    telemetry_name: str
    endpoint: str
    """Scheme, authority and path that are called, for the record."""
    path: str
    """Path that is called."""
    key: Secret | None = None
    headers: Mapping[str, Secret] = {}
    encode: EncodeSettings = EncodeSettings()
    kind: str = "openai"
    is_mock: bool = False


class OpenAiProvider:
    """A configured provider; see `core.provider.Provider`. Opens nothing until it is called."""

    def __init__(
        self, settings: OpenAiSettings, http: HttpSender, clock: Clock, classify: Classify
    ) -> None:
        self.name = settings.name
        self.kind = settings.kind
        self.telemetry_name = settings.telemetry_name
        self.is_mock = settings.is_mock
        self._settings = settings
        self._http = http
        self._clock = clock
        self._judge = Judge(settings.name, settings.vendor, classify, settings.key)
        self._plain_headers = _headers(settings, "application/json")
        self._stream_headers = _headers(settings, "text/event-stream")

    async def complete(self, request: ProviderRequest) -> Completion:
        """Make one call and wait for the whole answer; see `Provider.complete`."""
        response = await self._send(request, self._plain_headers)
        try:
            body = await response.read(MAX_ANSWER_BYTES)
            return decode_answer(body, response.status, self._judge)
        except TransportError as error:
            raise from_transport(error, self.name) from error
        finally:
            response.close()
            self._note_end(request.attempt, response.timings)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Make one call and return once the head is there; see `Provider.stream`.

        An answer that is no event stream is read as a whole: an error is raised as what it is, a
        completion is handed on as chunks.
        """
        response = await self._send(request, self._stream_headers)
        if "text/event-stream" in response.headers.get("content-type", "").lower():
            return OpenAiStream(response, request, self._judge, self._clock)
        try:
            first = await response.read_some()
            if first and first.lstrip()[:1] not in (b"{", b"[", b"<"):
                # Events under a wrong or missing type.
                return OpenAiStream(response, request, self._judge, self._clock, first_piece=first)
            body = first + await response.read(MAX_ANSWER_BYTES)
            answer = decode_answer(body, response.status, self._judge)
        except BaseException as error:
            response.close()
            self._note_end(request.attempt, response.timings)
            if isinstance(error, TransportError):
                raise from_transport(error, self.name, in_stream=True) from error
            raise
        self._note_end(request.attempt, response.timings)
        request.attempt.first_token_ns = request.attempt.end_ns
        chunks = chunks_of(answer, client_wants_usage=request.client_wants_usage)
        return WholeAnswerStream(response, chunks)

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._http.close()

    async def _send(self, request: ProviderRequest, headers: dict[str, str]) -> HttpResponse:
        attempt = request.attempt
        attempt.endpoint = self._settings.endpoint
        attempt.key_alias = self._settings.key.alias if self._settings.key is not None else None
        try:
            body, changes = encode_body(request, self._settings.encode)
        except MALFORMED as error:
            raise UpstreamError(
                "the request body is not a JSON object", FailureClass.CALLER_FAULT
            ) from error
        attempt.parameters_changed.extend(changes)
        if request.idempotency_key is not None:
            headers = {**headers, "idempotency-key": request.idempotency_key}
        called_ns = self._clock.monotonic_ns()
        try:
            response = await self._http.send(
                HttpRequest(
                    path=self._settings.path,
                    headers={**headers, "traceparent": request.traceparent},
                    body=body,
                    is_repeatable=request.is_repeatable,
                    timeouts=request.target.timeouts,
                    deadline=request.deadline,
                    abort=request.abort,
                )
            )
        except TransportError as error:
            timings = error.timings or Timings(started_ns=called_ns)
            _note_timings(attempt, timings)
            self._note_end(attempt, timings)
            raise from_transport(error, self.name) from error
        _note_timings(attempt, response.timings)
        attempt.status = response.status
        attempt.upstream_request_id = upstream_request_id(response.headers)
        if not 200 <= response.status <= 299:
            raise await self._refusal(request, response)
        return response

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
                raise from_transport(error, self.name) from error
            # The status has been said; the rest of the body would only have told it in words.
        finally:
            response.close()
            self._note_end(request.attempt, response.timings)
        wait_s = retry_after_s(response.headers, self._clock.unix_ns())
        body = b"".join(pieces)[:MAX_ERROR_BYTES]
        request.attempt.retry_after_s = wait_s
        return self._judge.error(response.status, body, retry_after_s=wait_s)

    def _note_end(self, attempt: Attempt, timings: Timings) -> None:
        attempt.end_ns = attempt.start_ns + self._clock.monotonic_ns() - timings.started_ns


def _headers(settings: OpenAiSettings, accept: str) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": accept,
        "user-agent": USER_AGENT,
    }
    if settings.key is not None:
        headers["authorization"] = f"Bearer {settings.key.reveal()}"
    headers.update((name.lower(), value.reveal()) for name, value in settings.headers.items())
    return headers


def _note_timings(attempt: Attempt, timings: Timings) -> None:
    attempt.reused_connection = timings.reused_connection
    attempt.sends = timings.sends
    if timings.connected_ns is not None:
        attempt.connect_ns = timings.connect_duration_ns
    if timings.first_byte_ns is not None:
        attempt.first_byte_ns = attempt.start_ns + timings.first_byte_ns - timings.started_ns
