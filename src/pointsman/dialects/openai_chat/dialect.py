"""`POST /v1/chat/completions`."""

from collections.abc import Mapping, Sequence

from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.dialect import Asked, Frame, Operation, StreamEncoder, WireError
from pointsman.dialects.openai_chat.answer_text import (
    answer_text,
    streamed_text,
    with_answer_text,
)
from pointsman.dialects.openai_chat.assemble import assemble
from pointsman.dialects.openai_chat.decode import decode
from pointsman.dialects.openai_chat.encode import encode
from pointsman.dialects.openai_chat.read import read_chat
from pointsman.dialects.openai_chat.stream import ChatStreamEncoder
from pointsman.dialects.openai_chat.tool_calls import (
    answered_calls,
    streamed_calls,
    with_feedback,
)
from pointsman.dialects.openai_errors import encode_openai_error, openai_error_frame


class OpenAiChat:
    """OpenAI chat completions; see `core.dialect.ChatDialect`."""

    name = "openai.chat"
    operation: Operation = "chat"
    passed_headers: tuple[str, ...] = ()
    closing_frames = b"data: [DONE]\n\n"

    def read(self, body: bytes) -> Asked:
        """Read what deciding needs; see `Dialect.read`."""
        return read_chat(body)

    def encode_error(self, error: WireError) -> bytes:
        """Return the body of an error answer."""
        return encode_openai_error(error)

    def error_frame(self, error: WireError) -> Frame:
        """Return the error as an event."""
        return openai_error_frame(error)

    def assemble(self, payloads: Sequence[bytes]) -> bytes:
        """Return text and tool calls of a streamed answer."""
        return assemble(payloads)

    def decode(self, body: bytes) -> Conversation:
        """Decode a body in full; see `ChatDialect.decode`."""
        return decode(body)

    def encode(self, answer: Answer, conversation: Conversation) -> bytes:
        """Return the body of a whole answer."""
        return encode(answer, conversation)

    def stream_encoder(self, conversation: Conversation, *, wants_usage: bool) -> StreamEncoder:
        """Return what writes a streamed answer to this conversation."""
        return ChatStreamEncoder(conversation, wants_usage=wants_usage)

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
