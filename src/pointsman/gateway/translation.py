"""Any dialect to any provider: passed through where both speak the same, translated where not.

`TranslatingProvider` stands between the loop over attempts and a provider, so that everybody above
it sees answers in the client's dialect only. Knows neither vendors nor the words of a dialect.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias, TypeVar, cast

import msgspec

from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.events import (
    Event,
    EventStream,
    Finished,
    Started,
    UsageReported,
)
from pointsman.core.canonical.events import output_characters as characters_of_event
from pointsman.core.canonical.parts import output_characters
from pointsman.core.dialect import (
    ChatDialect,
    CountingDialect,
    Dialect,
    EmbeddingDialect,
    Frame,
    StreamEncoder,
)
from pointsman.core.errors import InvalidRequestError, UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.model_memory import ModelMemory
from pointsman.core.provider import (
    Completion,
    CompletionStream,
    DialectProvider,
    ProviderRequest,
    StreamChunk,
)
from pointsman.core.usage import Usage
from pointsman.cost.token_estimator import TokenEstimator

T = TypeVar("T")
EstimateTokens: TypeAlias = Callable[[str, int], int]
_encode = msgspec.json.Encoder().encode


class TranslatingProvider:
    """A provider that answers in every dialect; see `core.provider.Provider`.

    Args:
        inner: Speaks its own dialects, and the canonical form.
        dialects: Name -> what clients may speak.
        estimate: Model and characters -> tokens, for providers that cannot count; None takes four
            characters a token.
    """

    def __init__(
        self,
        inner: DialectProvider,
        dialects: Mapping[str, Dialect],
        estimate: EstimateTokens | None = None,
    ) -> None:
        self.name = inner.name
        self.kind = inner.kind
        self.telemetry_name = inner.telemetry_name
        self.is_mock = inner.is_mock
        self._inner = inner
        self._own = inner.dialects
        self._dialects = dialects
        self._estimate = estimate or TokenEstimator().input_tokens

    @property
    def memory(self) -> ModelMemory | None:
        """What tells which models are in memory; None where nobody can."""
        return self._inner if isinstance(self._inner, ModelMemory) else None

    async def complete(self, request: ProviderRequest) -> Completion:
        """Make one upstream call and wait for the whole answer; see `Provider.complete`."""
        if request.dialect in self._own:
            return await self._inner.complete(request)
        dialect = self._dialects[request.dialect]
        match dialect.operation:
            case "chat":
                return await self._answer(request, cast("ChatDialect", dialect))
            case "embeddings":
                return await self._embed(request, cast("EmbeddingDialect", dialect))
            case "count_tokens":
                return await self._count(request, cast("CountingDialect", dialect))

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Make one upstream call and return once the head is there; see `Provider.stream`."""
        if request.dialect in self._own:
            return await self._inner.stream(request)
        dialect = cast("ChatDialect", self._dialects[request.dialect])
        conversation = _decoded(request, dialect)
        with _as_deep_as_can_be_sent(request):
            events = await self._inner.answer_stream(request, conversation)
        encoder = dialect.stream_encoder(conversation, wants_usage=request.client_wants_usage)
        return TranslatedStream(events, encoder)

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._inner.close()

    async def _answer(self, request: ProviderRequest, dialect: ChatDialect) -> Completion:
        conversation = _decoded(request, dialect)
        with _as_deep_as_can_be_sent(request):
            answer = await self._inner.answer(request, conversation)
        return Completion(
            body=dialect.encode(answer, conversation),
            response_id=answer.id,
            model=answer.model,
            finish_reasons=_finish_reasons(answer),
            usage=answer.usage,
            output_characters=sum(output_characters(choice.parts) for choice in answer.choices),
        )

    async def _embed(self, request: ProviderRequest, dialect: EmbeddingDialect) -> Completion:
        try:
            texts = dialect.decode_embedding(request.body)
        except InvalidRequestError as error:
            raise _refused(request, error) from error
        answer = await self._inner.embed(request, texts)
        return Completion(
            body=dialect.encode_embedding(answer, request.body),
            model=answer.model,
            usage=answer.usage,
        )

    async def _count(self, request: ProviderRequest, dialect: CountingDialect) -> Completion:
        conversation = _decoded(request, dialect)
        with _as_deep_as_can_be_sent(request):
            tokens = await self._inner.count_tokens(request, conversation)
        if tokens is None:
            request.attempt.sends = 0  # nobody was asked
            request.attempt.parameters_changed.append("input_tokens: estimated from characters")
            tokens = self._estimate(request.target.model, _characters(conversation))
        # Counting is free, and what was counted is no input of this call.
        return Completion(
            body=dialect.encode_count(tokens),
            model=request.target.model,
            usage=Usage(input_tokens=0, output_tokens=0),
        )


class TranslatedStream:
    """A stream of events as chunks in the client's dialect; see `CompletionStream`."""

    __slots__ = ("_encoder", "_events", "_has_ended", "_id", "_model")

    def __init__(self, events: EventStream, encoder: StreamEncoder) -> None:
        self._events = events
        self._encoder = encoder
        self._has_ended = False
        self._id: str | None = None
        self._model: str | None = None

    async def next_chunks(self) -> list[StreamChunk]:
        """Return the next chunks; an empty list is the end of a complete stream."""
        while not self._has_ended:
            events = await self._events.next_events()
            if not events:
                self._has_ended = True
                return [StreamChunk(each.data, event=each.event) for each in self._encoder.end()]
            chunks = [chunk for event in events for chunk in self._chunks(event)]
            if chunks:
                return chunks
        return []

    def close(self) -> None:
        """Let the connection go."""
        self._events.close()

    def _chunks(self, event: Event) -> list[StreamChunk]:
        """Return the frames of one event; what it says of itself goes with the last of them."""
        if isinstance(event, Started):
            self._id, self._model = event.id, event.model
        chunks = [self._chunk(frame) for frame in self._encoder.encode((event,))]
        characters = characters_of_event(event)
        reason = event.reason if isinstance(event, Finished) else None
        usage = event.usage if isinstance(event, UsageReported | Started) else None
        if characters or reason is not None or usage is not None:
            if not chunks:
                chunks.append(StreamChunk(b"", for_gateway_only=True))
            last = chunks[-1]
            last.output_characters, last.finish_reason, last.usage = characters, reason, usage
        return chunks

    def _chunk(self, frame: Frame) -> StreamChunk:
        return StreamChunk(frame.data, model=self._model, response_id=self._id, event=frame.event)


def _decoded(request: ProviderRequest, dialect: ChatDialect | CountingDialect) -> Conversation:
    try:
        return dialect.decode(request.body)
    except InvalidRequestError as error:
        raise _refused(request, error) from error


@contextmanager
def _as_deep_as_can_be_sent(request: ProviderRequest) -> Iterator[None]:
    """Refuse what could just be read, and is nested too deeply to be written in other words."""
    try:
        yield
    except RecursionError as error:
        if request.attempt.endpoint is not None:
            raise  # it has been sent
        raise _refused(request, InvalidRequestError("the body is nested too deeply")) from error


def _refused(request: ProviderRequest, error: InvalidRequestError) -> UpstreamError:
    """Return the caller's fault in the form in which a provider's own refusal is passed on."""
    request.attempt.sends = 0
    said = {
        "message": error.message,
        "type": error.error_type,
        "param": error.param,
        "code": error.wire_code,
    }
    return UpstreamError(
        error.message,
        FailureClass.CALLER_FAULT,
        upstream_status=error.http_status,
        upstream_code=error.wire_code,
        upstream_body=_encode({"error": said}),
    )


def _finish_reasons(answer: Answer) -> list[str]:
    reasons = (choice.finish_reason for choice in answer.choices)
    return [reason for reason in reasons if reason is not None]


def _characters(conversation: Conversation) -> int:
    parts = [part for turn in conversation.turns for part in turn.parts]
    system = sum(len(part.text) for part in conversation.system)
    tools = sum(len(bytes(tool.schema or b"")) for tool in conversation.tools)
    return system + tools + output_characters(parts)
