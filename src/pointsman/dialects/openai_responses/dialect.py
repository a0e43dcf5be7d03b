"""`POST /v1/responses`."""

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.dialect import Asked, Frame, Operation, StreamEncoder, WireError
from pointsman.dialects.openai_errors import encode_openai_error
from pointsman.dialects.openai_responses.answer_text import (
    answer_text,
    streamed_text,
    with_answer_text,
)
from pointsman.dialects.openai_responses.assemble import assemble_response
from pointsman.dialects.openai_responses.decode import decode_response_request
from pointsman.dialects.openai_responses.encode import encode_response
from pointsman.dialects.openai_responses.read import read_response_request
from pointsman.dialects.openai_responses.stream import ResponseEncoder
from pointsman.dialects.openai_responses.tool_calls import (
    answered_calls,
    streamed_calls,
    with_feedback,
)

_encode = msgspec.json.Encoder().encode


class OpenAiResponses:
    """OpenAI's responses; see `core.dialect.ChatDialect`."""

    name = "openai.responses"
    operation: Operation = "chat"
    passed_headers: tuple[str, ...] = ()
    closing_frames = b""
    path = "/v1/responses"

    def read(self, body: bytes) -> Asked:
        """Read what deciding needs; see `Dialect.read`."""
        return read_response_request(body, path=self.path, dialect=self.name)

    def decode(self, body: bytes) -> Conversation:
        """Decode a body; see `ChatDialect.decode`."""
        return decode_response_request(body, self.name)

    def encode(self, answer: Answer, conversation: Conversation) -> bytes:
        """Return a response object."""
        return encode_response(answer, conversation)

    def stream_encoder(
        self,
        conversation: Conversation,
        *,
        wants_usage: bool,  # noqa: ARG002 # the seam's: the last event always tells it
    ) -> StreamEncoder:
        """Return what writes the named events."""
        return ResponseEncoder(conversation)

    def encode_error(self, error: WireError) -> bytes:
        """Return the body of an error answer."""
        return encode_openai_error(error)

    def error_frame(self, error: WireError) -> Frame:
        """Return the error as an event.

        The event of this API has its words at the top. The `error` object beside them is what makes
        the official client raise instead of ending as if all were well.
        """
        said = msgspec.json.decode(encode_openai_error(error))["error"]
        event = {
            "type": "error",
            "sequence_number": 0,
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "error": said,
        }
        return Frame(_encode(event), "error")

    def assemble(self, payloads: Sequence[bytes]) -> bytes:
        """Return the items of a streamed response."""
        return assemble_response(payloads)

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
