"""The `anthropic` kind: one upstream call to the Messages API, or a server that speaks it.

Joins the parts: bodies by `encode`, the exchange by `exchange`, what the bytes say by `decode` and
`stream`. A client that speaks the same dialect is passed through, every other one is translated.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from pointsman.config.section import Secret
from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.canonical.events import EventStream
from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import Classify, FailureClass
from pointsman.core.provider import Completion, CompletionStream, ProviderRequest
from pointsman.providers.answer_stream import AnswerStream, PayloadReader, ReadyStream
from pointsman.providers.anthropic.decode import decode_answer, decode_native
from pointsman.providers.anthropic.encode import (
    FIRST_WITHOUT_SAMPLING,
    EncodeSettings,
    encode_conversation,
    encode_native,
    encode_native_count,
)
from pointsman.providers.anthropic.stream import EventReader, Item, NativeReader
from pointsman.providers.anthropic.whole import chunks_of
from pointsman.providers.exchange import Call, HttpSender, Upstream, is_event_stream, looks_whole
from pointsman.providers.headers import request_headers
from pointsman.providers.judge import Judge
from pointsman.providers.parameters import ParameterMode, Parameters
from pointsman.providers.whole_answer import events_of
from pointsman.transport.exchange import HttpResponse
from pointsman.wire.anthropic.received import decode_token_count
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.sse import EventDecoder

KIND = "anthropic"
BASE_URL = "https://api.anthropic.com"
DIALECT = "anthropic.messages"
VERSION = "2023-06-01"
"""The `anthropic-version` that is sent unless `headers` say another. The newer 2026-10-21 refuses
sampling parameters for the models that take them, and adds nothing that is used here.
Source: https://platform.claude.com/docs/en/api/versioning (read 2026-11)."""

_NS_PER_S = 1_000_000_000
Encoded = TypeVar("Encoded")


class AnthropicSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One configured provider."""

    name: str
    origin: str
    """Scheme and authority that are called, for the record."""
    path: str
    """Path of the API, up to and including `/v1`."""
    key: Secret | None = None
    headers: Mapping[str, Secret] = {}
    """Also `anthropic-version` and `anthropic-beta`, where they are to differ."""
    parameters: ParameterMode = "drop"


class AnthropicProvider:
    """A configured provider; see `core.provider.DialectProvider`. Opens nothing until called."""

    kind = KIND
    telemetry_name = KIND
    is_mock = False
    dialects = frozenset({DIALECT})

    def __init__(
        self, settings: AnthropicSettings, http: HttpSender, clock: Clock, classify: Classify
    ) -> None:
        self.name = settings.name
        self._clock = clock
        self._mode = settings.parameters
        self._judge = Judge(settings.name, KIND, classify, settings.key)
        self._upstream = Upstream(self._judge, http, clock, settings.origin)
        self._path = f"{settings.path}/messages"
        always = {"anthropic-version": VERSION}
        if settings.key is not None:
            always["x-api-key"] = settings.key.reveal()
        self._plain_headers = request_headers(always, settings.headers, streams=False)
        self._stream_headers = request_headers(always, settings.headers, streams=True)
        self._configured = frozenset(map(str.lower, settings.headers))
        version = self._plain_headers["anthropic-version"]
        self._encode = EncodeSettings(takes_sampling=version < FIRST_WITHOUT_SAMPLING)

    async def complete(self, request: ProviderRequest) -> Completion:
        """Pass a request through; see `Provider.complete`."""
        headers = self._native_headers(request, self._plain_headers)
        response = await self._send(request, _native_body(request), headers)
        body = await self._upstream.read(request, response)
        return decode_native(body, response.status, self._judge)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Pass a request through; see `Provider.stream`.

        A message that came whole is handed on as the events it stands for.
        """
        headers = self._native_headers(request, self._stream_headers)
        response = await self._send(request, _native_body(request), headers)
        first = await self._first_of_whole(request, response)
        if first is None or not looks_whole(first):
            reader = NativeReader(self._judge, response.status)
            return self._streamed(request, response, reader, first)
        body = await self._read_whole(request, response, first)
        return ReadyStream(chunks_of(decode_native(body, response.status, self._judge)))

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        """Ask and wait for the whole answer; see `DialectProvider.answer`."""
        body = self._encoded(request, conversation)
        response = await self._send(request, body, self._plain_headers)
        answered = await self._upstream.read(request, response)
        return decode_answer(answered, response.status, self._judge, self._unix_s())

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        """Ask and return once the head is there; see `DialectProvider.answer_stream`."""
        body = self._encoded(request, conversation)
        response = await self._send(request, body, self._stream_headers)
        first = await self._first_of_whole(request, response)
        if first is None or not looks_whole(first):
            reader = EventReader(self._judge, response.status, self._unix_s())
            return self._streamed(request, response, reader, first)
        answered = await self._read_whole(request, response, first)
        answer = decode_answer(answered, response.status, self._judge, self._unix_s())
        return ReadyStream(events_of(answer))

    async def embed(self, request: ProviderRequest, texts: EmbeddingRequest) -> EmbeddingAnswer:
        """Refuse: the API has no embeddings, but another target may.

        Raises:
            UpstreamError: Always.
        """
        what = f"Anthropic has no embeddings, asked of {request.target.name} for {texts.model}"
        raise self._judge.broken(FailureClass.MODEL_UNAVAILABLE, what)

    async def count_tokens(self, request: ProviderRequest, conversation: Conversation) -> int:
        """Return how many input tokens the conversation has, by the API's own count."""
        headers = self._plain_headers
        if request.dialect.startswith("anthropic."):
            body = _or_caller_fault(encode_native_count, request)
            headers = self._native_headers(request, headers)
        else:
            body = self._encoded(request, conversation, counts_only=True)
        call = Call(f"{self._path}/count_tokens", headers, body)
        response = await self._upstream.send(request, call)
        answered = await self._upstream.read(request, response)
        try:
            return decode_token_count(answered).input_tokens
        except MALFORMED as error:
            raise self._judge.broken(FailureClass.PROTOCOL, "no count of tokens") from error

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._upstream.close()

    def _encoded(
        self, request: ProviderRequest, conversation: Conversation, *, counts_only: bool = False
    ) -> bytes:
        model = request.target.model
        changed = request.attempt.parameters_changed
        parameters = Parameters(self._mode, self.name, changed)
        if request.requested_model != model:
            parameters.note("model", f"{request.requested_model or 'absent'} -> {model}")
        return encode_conversation(
            conversation, model, self._encode, parameters, counts_only=counts_only
        )

    async def _send(
        self, request: ProviderRequest, body: bytes, headers: dict[str, str]
    ) -> HttpResponse:
        return await self._upstream.send(request, Call(self._path, headers, body))

    async def _first_of_whole(
        self, request: ProviderRequest, response: HttpResponse
    ) -> bytes | None:
        """Return the first piece of an answer that is no declared event stream; None for one."""
        if is_event_stream(response):
            return None
        return await self._upstream.read_first(request, response)

    async def _read_whole(
        self, request: ProviderRequest, response: HttpResponse, first: bytes
    ) -> bytes:
        body = await self._upstream.read(request, response, first_piece=first, in_stream=True)
        request.attempt.first_token_ns = request.attempt.end_ns
        return body

    def _streamed(
        self,
        request: ProviderRequest,
        response: HttpResponse,
        reader: PayloadReader[Item],
        first: bytes | None,
    ) -> AnswerStream[Item]:
        return AnswerStream(
            response,
            request,
            decoder=EventDecoder(),
            reader=reader,
            judge=self._judge,
            clock=self._clock,
            first_piece=first or b"",
        )

    def _native_headers(self, request: ProviderRequest, headers: dict[str, str]) -> dict[str, str]:
        """Add the version and betas that the client wrote its body for; configured ones win."""
        given = {
            name: value
            for name, value in request.passed_headers.items()
            if name not in self._configured
        }
        return {**headers, **given} if given else headers

    def _unix_s(self) -> int:
        return self._clock.unix_ns() // _NS_PER_S


def _or_caller_fault(
    encode: Callable[[ProviderRequest], Encoded], request: ProviderRequest
) -> Encoded:
    """Encode a body that the client wrote; that it is no JSON object is the client's fault."""
    try:
        return encode(request)
    except MALFORMED as error:
        raise UpstreamError(
            "the request body is not a JSON object", FailureClass.CALLER_FAULT
        ) from error


def _native_body(request: ProviderRequest) -> bytes:
    body, changes = _or_caller_fault(encode_native, request)
    request.attempt.parameters_changed.extend(changes)
    return body
