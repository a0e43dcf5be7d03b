"""The `openai` kind: one upstream call to any server that speaks the chat completions API.

Joins the parts: the body by `encode`, the exchange by `exchange`, what the bytes say by `decode`
and `stream`.
"""

from collections.abc import Mapping

import msgspec

from pointsman.config.section import Secret
from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import Classify, FailureClass
from pointsman.core.provider import Completion, CompletionStream, ProviderRequest
from pointsman.providers.answer_stream import ReadyStream
from pointsman.providers.exchange import Call, HttpSender, Upstream, is_event_stream, looks_whole
from pointsman.providers.headers import bearer, request_headers
from pointsman.providers.judge import Judge
from pointsman.providers.openai.decode import decode_answer
from pointsman.providers.openai.encode import EncodeSettings, encode_body
from pointsman.providers.openai.stream import open_stream
from pointsman.providers.openai.whole import chunks_of
from pointsman.transport.exchange import HttpResponse
from pointsman.wire.malformed import MALFORMED


class OpenAiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One configured provider."""

    name: str
    vendor: str
    """Whose words its errors are: the preset's name."""
    telemetry_name: str
    origin: str
    """Scheme and authority that are called, for the record."""
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
        self._judge = Judge(settings.name, settings.vendor, classify, settings.key)
        self._upstream = Upstream(self._judge, http, clock, settings.origin)
        credential = bearer(settings.key)
        self._plain_headers = request_headers(credential, settings.headers, streams=False)
        self._stream_headers = request_headers(credential, settings.headers, streams=True)

    async def complete(self, request: ProviderRequest) -> Completion:
        """Make one call and wait for the whole answer; see `Provider.complete`."""
        response = await self._send(request, self._plain_headers)
        body = await self._upstream.read(request, response)
        return decode_answer(body, response.status, self._judge)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Make one call and return once the head is there; see `Provider.stream`.

        An answer that is no event stream is read as a whole: an error is raised as what it is, a
        completion is handed on as chunks.
        """
        response = await self._send(request, self._stream_headers)
        clock = self._upstream.clock
        if is_event_stream(response):
            return open_stream(response, request, self._judge, clock)
        first = await self._upstream.read_first(request, response)
        if not looks_whole(first):
            return open_stream(response, request, self._judge, clock, first_piece=first)
        body = await self._upstream.read(request, response, first_piece=first, in_stream=True)
        answer = decode_answer(body, response.status, self._judge)
        request.attempt.first_token_ns = request.attempt.end_ns
        return ReadyStream(chunks_of(answer, client_wants_usage=request.client_wants_usage))

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._upstream.close()

    async def _send(self, request: ProviderRequest, headers: dict[str, str]) -> HttpResponse:
        try:
            body, changes = encode_body(request, self._settings.encode)
        except MALFORMED as error:
            raise UpstreamError(
                "the request body is not a JSON object", FailureClass.CALLER_FAULT
            ) from error
        request.attempt.parameters_changed.extend(changes)
        return await self._upstream.send(request, Call(self._settings.path, headers, body))
