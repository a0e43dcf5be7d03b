"""The seam between the pipeline and what a client speaks.

A `Dialect` is stateless and made once. It reads what the gateway must know of a body, decodes the
body to the canonical form where a provider speaks other words, and writes answers, streams and
errors back in the client's words.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.canonical.events import Event
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.facts import Facts

Operation: TypeAlias = Literal["chat", "embeddings", "count_tokens"]


class Asked(Struct, kw_only=True):
    """What the gateway reads of a request, whatever its dialect."""

    facts: Facts
    model: str | None
    """As in the body; None when it has none."""
    wants_usage: bool = False
    """Whether the client asked for usage in the stream; true where streams always have it."""
    user: str | None = None
    tenant_id: str | None = None
    metadata: dict[str, object] | None = None
    system_text: str = ""
    """All system instructions; only hashed."""
    tool_names: list[str] = []
    wants_json: bool = False
    """Whether the text of the answer must be JSON."""


class Frame(Struct):
    """One event of a stream to the client."""

    data: bytes
    """A JSON object on one line."""
    event: str | None = None
    """The event's name, where the dialect names events."""


class WireError(Struct, kw_only=True):
    """An error as the gateway tells it, before a dialect gives it its shape."""

    status: int
    message: str
    type: str
    """In OpenAI's words: `invalid_request_error`, `server_error` …"""
    code: str | None = None
    param: str | None = None
    metadata: dict[str, object] | None = None
    request_id: str = ""


class StreamEncoder(Protocol):
    """Writes one streamed answer in the client's words. Made anew for every stream."""

    def encode(self, events: Sequence[Event]) -> list[Frame]:
        """Return the frames that say these events; some events say nothing yet."""
        ...

    def end(self) -> list[Frame]:
        """Return what is left to say once the stream is complete; called once."""
        ...


class Dialect(Protocol):
    """What one route of the gateway speaks."""

    name: str
    """`openai.chat`, `openai.responses`, `openai.embeddings`, `anthropic.messages` …"""
    operation: Operation
    passed_headers: tuple[str, ...]
    """Headers that say how the body is to be read; a provider that speaks the same dialect gets
    them with it. Lower case."""
    closing_frames: bytes
    """What follows the last chunk of a complete stream; `data: [DONE]` for OpenAI's chat."""

    def read(self, body: bytes) -> Asked:
        """Read what deciding needs.

        Raises:
            InvalidRequestError: Not JSON, or not the shape of a request; the message says where.
        """
        ...

    def encode_error(self, error: WireError) -> bytes:
        """Return the body of an error answer."""
        ...

    def error_frame(self, error: WireError) -> Frame:
        """Return the event that tells of an error inside a stream."""
        ...

    def assemble(self, payloads: Sequence[bytes]) -> bytes:
        """Return the text of a streamed answer as one JSON object, for the kept content.

        Args:
            payloads: The data of the frames, as far as they were kept.
        """
        ...


class ChatDialect(Dialect, Protocol):
    """A dialect for conversations."""

    def decode(self, body: bytes) -> Conversation:
        """Decode a body that `read` took.

        Raises:
            InvalidRequestError: A part of it cannot be understood; the message says where.
        """
        ...

    def encode(self, answer: Answer, conversation: Conversation) -> bytes:
        """Return the body of a whole answer."""
        ...

    def stream_encoder(self, conversation: Conversation, *, wants_usage: bool) -> StreamEncoder:
        """Return what writes a streamed answer to this conversation."""
        ...

    def answered_calls(self, answer: bytes) -> list[ToolCallPart]:
        """Return the tool calls of a whole answer, in order.

        Args:
            answer: A body in this dialect, as the client gets it.
        """
        ...

    def streamed_calls(self, payloads: Sequence[bytes]) -> list[ToolCallPart]:
        """Return the tool calls of a streamed answer, in order; `payloads` as for `assemble`."""
        ...

    def answer_text(self, answer: bytes) -> str | None:
        """Return the text of a whole answer with one choice; None when it has none, or several."""
        ...

    def with_answer_text(self, answer: bytes, text: str) -> bytes:
        """Return a whole answer whose text is another."""
        ...

    def streamed_text(self, payloads: Sequence[bytes]) -> str | None:
        """Return the text of a streamed answer; `payloads` as for `assemble`."""
        ...

    def with_feedback(self, body: bytes, answer: bytes, feedback: Mapping[str, str]) -> bytes:
        """Return the request again, continued by the answer and what is wrong with its tool calls.

        Args:
            body: The request.
            answer: The whole answer to it, in this dialect.
            feedback: Id of a call -> what the tool "returned": the error.
        """
        ...


class EmbeddingDialect(Dialect, Protocol):
    """A dialect for embeddings."""

    def decode_embedding(self, body: bytes) -> EmbeddingRequest:
        """Decode a body that `read` took.

        Raises:
            InvalidRequestError: A part of it cannot be understood; the message says where.
        """
        ...

    def encode_embedding(self, answer: EmbeddingAnswer, body: bytes) -> bytes:
        """Return the body of an answer; `body` is the request, which says the number format."""
        ...


class CountingDialect(Dialect, Protocol):
    """A dialect that asks how many tokens a conversation has, without an answer to it."""

    def decode(self, body: bytes) -> Conversation:
        """Decode a body; see `ChatDialect.decode`."""
        ...

    def encode_count(self, input_tokens: int) -> bytes:
        """Return the body of an answer."""
        ...
