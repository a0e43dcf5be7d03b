"""The `gemini` kind: one upstream call to the Gemini API, or a server that speaks it.

Joins the parts: bodies by `encode` and `embeddings`, the exchange by `exchange`, what the bytes say
by `decode` and `stream`. No client speaks this API to the gateway, so everything is translated.
"""

from collections.abc import Mapping
from urllib.parse import quote

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
from pointsman.providers.answer_stream import AnswerStream, ReadyStream
from pointsman.providers.exchange import Call, HttpSender, Upstream, is_event_stream, looks_whole
from pointsman.providers.gemini.decode import decode_answer
from pointsman.providers.gemini.embeddings import decode_vectors, encode_embeddings
from pointsman.providers.gemini.encode import encode_conversation, encode_count, resource
from pointsman.providers.gemini.signatures import needs_signatures_apart
from pointsman.providers.gemini.stream import EventReader
from pointsman.providers.headers import request_headers
from pointsman.providers.judge import Judge
from pointsman.providers.parameters import ParameterMode, Parameters
from pointsman.providers.whole_answer import events_of
from pointsman.transport.exchange import HttpResponse
from pointsman.wire.gemini.received import decode_token_count
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.sse import EventDecoder

KIND = "gemini"
TELEMETRY_NAME = "gcp.gemini"
BASE_URL = "https://generativelanguage.googleapis.com"
VERSION = "v1beta"
"""The API's version where the address names none; `v1` lacks system instructions and tools."""

_NS_PER_S = 1_000_000_000


class GeminiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One configured provider."""

    name: str
    origin: str
    """Scheme and authority that are called, for the record."""
    path: str
    """Path of the API, up to and including its version."""
    key: Secret | None = None
    headers: Mapping[str, Secret] = {}
    parameters: ParameterMode = "drop"


class GeminiProvider:
    """A configured provider; see `core.provider.DialectProvider`. Opens nothing until called."""

    kind = KIND
    telemetry_name = TELEMETRY_NAME
    is_mock = False
    dialects: frozenset[str] = frozenset()

    def __init__(
        self, settings: GeminiSettings, http: HttpSender, clock: Clock, classify: Classify
    ) -> None:
        self.name = settings.name
        self._clock = clock
        self._mode = settings.parameters
        self._path = settings.path
        self._judge = Judge(settings.name, KIND, classify, settings.key)
        self._upstream = Upstream(self._judge, http, clock, settings.origin)
        # Never in the query, which ends up in logs on the way.
        key = settings.key
        credential = {"x-goog-api-key": key.reveal()} if key is not None else {}
        self._plain_headers = request_headers(credential, settings.headers, streams=False)
        self._stream_headers = request_headers(credential, settings.headers, streams=True)

    async def complete(self, request: ProviderRequest) -> Completion:
        """Refuse: it has no dialect of clients."""
        raise self._no_dialect(request)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Refuse: it has no dialect of clients."""
        raise self._no_dialect(request)

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        """Ask and wait for the whole answer; see `DialectProvider.answer`."""
        model = request.target.model
        body = encode_conversation(conversation, model, self._parameters(request))
        response = await self._send(request, "generateContent", body)
        answered = await self._upstream.read(request, response)
        return self._decoded(request, conversation, response, answered)

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        """Ask and return once the head is there; see `DialectProvider.answer_stream`."""
        model = request.target.model
        body = encode_conversation(conversation, model, self._parameters(request))
        response = await self._send(request, "streamGenerateContent?alt=sse", body, streams=True)
        first = b""
        if not is_event_stream(response):
            first = await self._upstream.read_first(request, response)
            if looks_whole(first):
                return await self._whole(request, conversation, response, first)
        return AnswerStream(
            response,
            request,
            decoder=EventDecoder(),
            reader=EventReader(
                self._judge,
                response.status,
                unix_s=self._unix_s(),
                fallback_id=request.request_id,
                changed=request.attempt.parameters_changed,
                signs_apart=needs_signatures_apart(conversation.dialect),
            ),
            judge=self._judge,
            clock=self._clock,
            first_piece=first,
        )

    async def embed(self, request: ProviderRequest, texts: EmbeddingRequest) -> EmbeddingAnswer:
        """Turn texts into vectors; see `DialectProvider.embed`."""
        model = request.target.model
        body = encode_embeddings(texts, model, self._parameters(request))
        response = await self._send(request, "batchEmbedContents", body)
        answered = await self._upstream.read(request, response)
        return decode_vectors(answered, response.status, self._judge, texts=texts, model=model)

    async def count_tokens(self, request: ProviderRequest, conversation: Conversation) -> int:
        """Return how many input tokens the conversation has, by the API's own count."""
        body = encode_count(conversation, request.target.model, self._parameters(request))
        response = await self._send(request, "countTokens", body)
        answered = await self._upstream.read(request, response)
        try:
            return decode_token_count(answered).total_tokens
        except MALFORMED as error:
            raise self._judge.broken(FailureClass.PROTOCOL, "no count of tokens") from error

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._upstream.close()

    def _parameters(self, request: ProviderRequest) -> Parameters:
        model = request.target.model
        parameters = Parameters(self._mode, self.name, request.attempt.parameters_changed)
        if request.requested_model != model:
            parameters.note("model", f"{request.requested_model or 'absent'} -> {model}")
        return parameters

    async def _send(
        self, request: ProviderRequest, method: str, body: bytes, *, streams: bool = False
    ) -> HttpResponse:
        path = f"{self._path}/{quote(resource(request.target.model))}:{method}"
        headers = self._stream_headers if streams else self._plain_headers
        return await self._upstream.send(request, Call(path, headers, body))

    async def _whole(
        self,
        request: ProviderRequest,
        conversation: Conversation,
        response: HttpResponse,
        first: bytes,
    ) -> EventStream:
        """Hand an answer that came whole on as the events it stands for."""
        answered = await self._upstream.read(request, response, first_piece=first, in_stream=True)
        request.attempt.first_token_ns = request.attempt.end_ns
        return ReadyStream(events_of(self._decoded(request, conversation, response, answered)))

    def _decoded(
        self,
        request: ProviderRequest,
        conversation: Conversation,
        response: HttpResponse,
        body: bytes,
    ) -> Answer:
        return decode_answer(
            body,
            response.status,
            self._judge,
            unix_s=self._unix_s(),
            fallback_id=request.request_id,
            signs_apart=needs_signatures_apart(conversation.dialect),
        )

    def _no_dialect(self, request: ProviderRequest) -> UpstreamError:
        return self._judge.broken(
            FailureClass.UNKNOWN, f"{request.dialect} is not passed through to this kind"
        )

    def _unix_s(self) -> int:
        return self._clock.unix_ns() // _NS_PER_S
