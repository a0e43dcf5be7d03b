"""`POST /v1/messages` and `POST /v1/messages/count_tokens`."""

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.dialect import Asked, Frame, Operation, StreamEncoder, WireError
from pointsman.dialects.anthropic_messages.answer_text import (
    answer_text,
    streamed_text,
    with_answer_text,
)
from pointsman.dialects.anthropic_messages.assemble import assemble_message
from pointsman.dialects.anthropic_messages.decode import decode_messages
from pointsman.dialects.anthropic_messages.encode import encode_message
from pointsman.dialects.anthropic_messages.errors import (
    anthropic_error_frame,
    encode_anthropic_error,
)
from pointsman.dialects.anthropic_messages.read import read_messages
from pointsman.dialects.anthropic_messages.stream import MessageEncoder
from pointsman.dialects.anthropic_messages.tool_calls import (
    answered_calls,
    streamed_calls,
    with_feedback,
)

_encode = msgspec.json.Encoder().encode


class AnthropicMessages:
    """Anthropic's messages; see `core.dialect.ChatDialect`."""

    name = "anthropic.messages"
    operation: Operation = "chat"
    passed_headers: tuple[str, ...] = ("anthropic-beta", "anthropic-version")
    closing_frames = b""
    path = "/v1/messages"

    def read(self, body: bytes) -> Asked:
        """Read what deciding needs; see `Dialect.read`."""
        return read_messages(body, path=self.path, dialect=self.name, operation=self.operation)

    def decode(self, body: bytes) -> Conversation:
        """Decode a body; see `ChatDialect.decode`."""
        return decode_messages(body, self.name)

    def encode(self, answer: Answer, conversation: Conversation) -> bytes:  # noqa: ARG002 # the seam's
        """Return a `message` object."""
        return encode_message(answer)

    def stream_encoder(
        self,
        conversation: Conversation,  # noqa: ARG002 # the seam's
        *,
        wants_usage: bool,  # noqa: ARG002 # the seam's
    ) -> StreamEncoder:
        """Return what writes named events; they always tell the usage."""
        return MessageEncoder()

    def encode_error(self, error: WireError) -> bytes:
        """Return the body of an error answer."""
        return encode_anthropic_error(error)

    def error_frame(self, error: WireError) -> Frame:
        """Return the error as an event."""
        return anthropic_error_frame(error)

    def assemble(self, payloads: Sequence[bytes]) -> bytes:
        """Return text, reasoning and tool calls of a streamed answer."""
        return assemble_message(payloads)

    def answered_calls(self, answer: bytes) -> list[ToolCallPart]:
        """Return the tool calls of a whole answer."""
        return answered_calls(answer)

    def streamed_calls(self, payloads: Sequence[bytes]) -> list[ToolCallPart]:
        """Return the tool calls of a streamed answer."""
        return streamed_calls(payloads)

    def answer_text(self, answer: bytes) -> str | None:
        """Return the text of a whole answer."""
        return answer_text(answer)

    def with_answer_text(self, answer: bytes, text: str) -> bytes:
        """Return a whole answer whose text is another."""
        return with_answer_text(answer, text)

    def streamed_text(self, payloads: Sequence[bytes]) -> str | None:
        """Return the text of a streamed answer."""
        return streamed_text(payloads)

    def with_feedback(self, body: bytes, answer: bytes, feedback: Mapping[str, str]) -> bytes:
        """Return the request again, with what is wrong with the calls of its answer."""
        return with_feedback(body, answer, feedback)


class AnthropicTokenCount(AnthropicMessages):
    """Counting the tokens of a conversation; see `core.dialect.CountingDialect`."""

    name = "anthropic.count_tokens"
    operation: Operation = "count_tokens"
    path = "/v1/messages/count_tokens"

    def encode_count(self, input_tokens: int) -> bytes:
        """Return the count."""
        return _encode({"input_tokens": input_tokens})
