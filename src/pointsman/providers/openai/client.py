"""The `openai` kind: one upstream call to any server that speaks OpenAI's APIs.

Joins the parts: the body by `encode` or, for clients of another dialect, `conversation`; the
exchange by `exchange`; what the bytes say by `decode`, `stream` and `responses`, or `canonical` and
`events`.
"""

from collections.abc import Mapping

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
from pointsman.providers.answer_stream import AnswerStream, Item, PayloadReader, ReadyStream
from pointsman.providers.exchange import Call, HttpSender, Upstream, is_event_stream, looks_whole
from pointsman.providers.headers import bearer, request_headers
from pointsman.providers.judge import Judge
from pointsman.providers.openai.canonical import decode_canonical
from pointsman.providers.openai.conversation import encode_conversation
from pointsman.providers.openai.decode import decode_answer
from pointsman.providers.openai.embeddings import decode_embedding, encode_embedding
from pointsman.providers.openai.encode import EncodeSettings, encode_body
from pointsman.providers.openai.events import EventReader
from pointsman.providers.openai.passage import CHAT, EMBEDDINGS, PASSAGES, Passage
from pointsman.providers.openai.stream import ChunkReader
from pointsman.providers.openai.traits import COMPATIBLE, Traits
from pointsman.providers.parameters import ParameterMode, Parameters
from pointsman.providers.whole_answer import events_of
from pointsman.transport.exchange import HttpResponse
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.sse import EventDecoder


class OpenAiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One configured provider."""

    name: str
    vendor: str
    """Whose words its errors are: the preset's name."""
    telemetry_name: str
    origin: str
    """Scheme and authority that are called, for the record."""
    prefix: str
    """What stands before `/chat/completions` in the path that is called."""
    dialects: frozenset[str] = frozenset({"openai.chat"})
    """What it speaks itself."""
    key: Secret | None = None
    headers: Mapping[str, Secret] = {}
    encode: EncodeSettings = EncodeSettings()
    traits: Traits = COMPATIBLE
    parameters: ParameterMode = "drop"
    kind: str = "openai"
    is_mock: bool = False


class OpenAiProvider:
    """A configured provider; see `core.provider.DialectProvider`. Opens nothing until called."""

    def __init__(
        self, settings: OpenAiSettings, http: HttpSender, clock: Clock, classify: Classify
    ) -> None:
        self.name = settings.name
        self.kind = settings.kind
        self.telemetry_name = settings.telemetry_name
        self.is_mock = settings.is_mock
        self.dialects = settings.dialects
        self._settings = settings
        self._judge = Judge(settings.name, settings.vendor, classify, settings.key)
        self._upstream = Upstream(self._judge, http, clock, settings.origin)
        self._encodes = {
            name: passage.settings(settings.encode) for name, passage in PASSAGES.items()
        }
        self._paths = {name: settings.prefix + each.path for name, each in PASSAGES.items()}
        credential = bearer(settings.key)
        self._plain_headers = request_headers(credential, settings.headers, streams=False)
        self._stream_headers = request_headers(credential, settings.headers, streams=True)

    async def complete(self, request: ProviderRequest) -> Completion:
        """Make one call and wait for the whole answer; see `Provider.complete`."""
        response = await self._pass_on(request, self._plain_headers)
        body = await self._upstream.read(request, response)
        return PASSAGES[request.dialect].decode(body, response.status, self._judge)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Make one call and return once the head is there; see `Provider.stream`.

        An answer that is no event stream is read as a whole: an error is raised as what it is, an
        answer is handed on as chunks.
        """
        passage = PASSAGES[request.dialect]
        response = await self._pass_on(request, self._stream_headers)
        first = b""
        if not is_event_stream(response):
            first = await self._upstream.read_first(request, response)
            if looks_whole(first):
                return await self._whole_as_chunks(request, response, first, passage)
        reader = passage.reader(self._judge, response.status, request)
        return self._read_events(request, response, reader, first)

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        """Ask and wait for the whole answer; see `DialectProvider.answer`."""
        response = await self._ask(request, conversation, self._plain_headers)
        body = await self._upstream.read(request, response)
        return self._canonical(request, body, response.status)

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        """Ask and return once the head is there; see `DialectProvider.answer_stream`."""
        response = await self._ask(request, conversation, self._stream_headers)
        first = b""
        if not is_event_stream(response):
            first = await self._upstream.read_first(request, response)
            if looks_whole(first):
                body = await self._upstream.read(
                    request, response, first_piece=first, in_stream=True
                )
                answer = self._canonical(request, body, response.status)
                request.attempt.first_token_ns = request.attempt.end_ns
                return ReadyStream(events_of(answer))
        reader = EventReader(
            ChunkReader(self._judge, response.status, wants_usage=True),
            fallback_id=request.request_id,
            unix_s=self._unix_s(),
        )
        return self._read_events(request, response, reader, first)

    async def embed(self, request: ProviderRequest, texts: EmbeddingRequest) -> EmbeddingAnswer:
        """Turn texts into vectors; see `DialectProvider.embed`."""
        parameters = self._parameters(request)
        if EMBEDDINGS not in self.dialects:
            raise parameters.refusal("input", "cannot be embedded")
        body = encode_embedding(texts, request.target.model, parameters)
        call = Call(self._paths[EMBEDDINGS], self._plain_headers, body)
        response = await self._upstream.send(request, call)
        received = await self._upstream.read(request, response)
        return decode_embedding(received, response.status, self._judge)

    async def count_tokens(
        self, request: ProviderRequest, conversation: Conversation
    ) -> int | None:
        """Return None: this API cannot count without answering."""
        del request, conversation
        return None

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._upstream.close()

    async def _pass_on(self, request: ProviderRequest, headers: dict[str, str]) -> HttpResponse:
        """Send the client's own body, with what must be changed changed."""
        try:
            body, changes = encode_body(request, self._encodes[request.dialect])
        except MALFORMED as error:
            raise UpstreamError(
                "the request body is not a JSON object", FailureClass.CALLER_FAULT
            ) from error
        request.attempt.parameters_changed.extend(changes)
        return await self._upstream.send(request, Call(self._paths[request.dialect], headers, body))

    async def _ask(
        self, request: ProviderRequest, conversation: Conversation, headers: dict[str, str]
    ) -> HttpResponse:
        """Send a conversation in this API's words."""
        body = encode_conversation(
            conversation,
            request.target.model,
            self._settings.traits,
            self._parameters(request),
            asks_for_usage=self._settings.encode.takes_stream_options,
        )
        return await self._upstream.send(request, Call(self._paths[CHAT], headers, body))

    def _read_events(
        self,
        request: ProviderRequest,
        response: HttpResponse,
        reader: PayloadReader[Item],
        first_piece: bytes,
    ) -> AnswerStream[Item]:
        return AnswerStream(
            response,
            request,
            decoder=EventDecoder(),
            reader=reader,
            judge=self._judge,
            clock=self._upstream.clock,
            first_piece=first_piece,
        )

    async def _whole_as_chunks(
        self, request: ProviderRequest, response: HttpResponse, first: bytes, passage: Passage
    ) -> CompletionStream:
        body = await self._upstream.read(request, response, first_piece=first, in_stream=True)
        answer = passage.decode(body, response.status, self._judge)
        request.attempt.first_token_ns = request.attempt.end_ns
        return ReadyStream(passage.chunks(answer, request))

    def _canonical(self, request: ProviderRequest, body: bytes, status: int) -> Answer:
        decode_answer(body, status, self._judge)
        return decode_canonical(body, fallback_id=request.request_id, unix_s=self._unix_s())

    def _parameters(self, request: ProviderRequest) -> Parameters:
        changed = request.attempt.parameters_changed
        return Parameters(self._settings.parameters, self.name, changed)

    def _unix_s(self) -> int:
        return self._upstream.clock.unix_ns() // 1_000_000_000
