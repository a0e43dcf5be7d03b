"""The seam between the loop over attempts and the code that speaks to one API family.

A `Provider` is built once at start and called concurrently. It turns the client's body into the
provider's, sends it, and hands back the answer in the client's dialect with what the answer says
about itself. It makes exactly one upstream request per call: retry and failover are not its
business. It fills the timings of the attempt record it is given, also when it raises.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from pointsman.core.abort import AbortSignal
from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.canonical.events import EventStream
from pointsman.core.deadline import Deadline
from pointsman.core.records import Attempt
from pointsman.core.target import Target
from pointsman.core.usage import Usage


class ProviderRequest(Struct, kw_only=True):
    """One attempt, as the provider is asked to make it."""

    request_id: str
    target: Target
    body: bytes
    """The client's body, unchanged, in `dialect`."""
    dialect: str
    """The client's dialect: `openai.chat`, `anthropic.messages` …"""
    requested_model: str | None
    """The `model` in `body`; None when the body has none."""
    stream: bool
    client_wants_usage: bool
    """Whether the client itself asked for usage in the stream."""
    drop_keys: tuple[str, ...]
    """Top-level keys of the body that were meant for the gateway and must not be forwarded."""
    deadline: Deadline
    """The end of the whole call; `target.timeouts` bounds this attempt within it."""
    abort: AbortSignal
    """Aborted when the client has left: the upstream exchange must end at once."""
    traceparent: str
    passed_headers: Mapping[str, str] = {}
    """The client's headers that belong to the dialect of `body`, and go with it unchanged."""
    idempotency_key: str | None = None
    """The client's `Idempotency-Key`, forwarded unchanged."""
    is_repeatable: bool = True
    """Whether sending the same bytes twice does no harm beyond its price."""
    attempt: Attempt
    """Filled in place: timings, status, upstream request id, parameters changed."""


class Completion(Struct, kw_only=True):
    """A whole answer."""

    body: bytes
    """A JSON object in the client's dialect."""
    response_id: str | None = None
    model: str | None = None
    """The model that answered, by its own word."""
    finish_reasons: list[str] = field(default_factory=list)
    """One per choice that says its own, whatever the client's dialect: in OpenAI's words as the
    provider wrote them, elsewhere as `canonical.FinishReason`; empty is unknown."""
    usage: Usage | None = None
    """None when the answer has none."""
    output_characters: int = 0
    """Code points of text in the answer; the base of an estimate when `usage` is None."""


class StreamChunk(Struct):
    """One event of a streamed answer, in the client's dialect."""

    data: bytes
    """The JSON payload, without `data:` and line ends."""
    output_characters: int = 0
    """Code points of text, reasoning and tool arguments that this chunk carries."""
    finish_reason: str | None = None
    usage: Usage | None = None
    """Set on the chunk that reports usage."""
    for_gateway_only: bool = False
    """The client did not ask for this chunk (usage it did not request): record, do not forward."""
    model: str | None = None
    response_id: str | None = None
    event: str | None = None
    """The event's name, where the client's dialect names events."""


class CompletionStream(Protocol):
    """A streamed answer whose head has arrived with a success status."""

    async def next_chunks(self) -> list[StreamChunk]:
        """Return the next chunks, as many as one read brought.

        Returns:
            An empty list at the end of a complete stream (`[DONE]`, or the end of the body after
            a finish reason).

        Raises:
            UpstreamError: The stream broke: `TRUNCATED` (ended early), `TIMEOUT` (first token,
                idle or total), `PROTOCOL` (malformed), `CONNECTION` (reset), `CLIENT_LEFT`
                (aborted), or the class of an error event that the provider sent in the stream.
        """
        ...

    def close(self) -> None:
        """Let the connection go: back to the pool after a complete stream, aborted otherwise."""
        ...


class Provider(Protocol):
    """One configured provider."""

    name: str
    """Its name in the configuration."""
    kind: str
    """The API family: `openai`, `mock` …"""
    telemetry_name: str
    """The value of OpenTelemetry's `gen_ai.provider.name`."""
    is_mock: bool

    async def complete(self, request: ProviderRequest) -> Completion:
        """Make one upstream call and wait for the whole answer.

        Raises:
            UpstreamError: With its failure class; the attempt record holds the timings so far.
        """
        ...

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Make one upstream call and return once the head of a streamed answer is there.

        Raises:
            UpstreamError: Nothing of the answer has been handed on yet.
        """
        ...

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        ...


class DialectProvider(Protocol):
    """A provider as its folder under `providers/` writes it: in its own words or canonically.

    What is in `dialects` is passed through by `complete` and `stream`, as a `Provider` does. Any
    other dialect is decoded first and asked by `answer`, `answer_stream` or `embed`.
    """

    name: str
    kind: str
    telemetry_name: str
    is_mock: bool
    dialects: frozenset[str]
    """The client dialects that this provider speaks itself; their bytes are left alone."""

    async def complete(self, request: ProviderRequest) -> Completion:
        """Pass a request through; see `Provider.complete`."""
        ...

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Pass a request through; see `Provider.stream`."""
        ...

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        """Ask and wait for the whole answer.

        `request.attempt.parameters_changed` gets what was mapped, clamped or dropped on the way.

        Raises:
            UpstreamError: With its failure class; `CALLER_FAULT` with status 400 and the code
                `unsupported_parameter` when the conversation says what this provider cannot be
                told and the configuration says to refuse that.
        """
        ...

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        """Ask and return once the head of a streamed answer is there. Raises as `answer`."""
        ...

    async def embed(self, request: ProviderRequest, texts: EmbeddingRequest) -> EmbeddingAnswer:
        """Turn texts into vectors. Raises as `answer`; also where it has no embeddings."""
        ...

    async def count_tokens(
        self, request: ProviderRequest, conversation: Conversation
    ) -> int | None:
        """Return how many input tokens the conversation has here; None when it cannot tell."""
        ...

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        ...
