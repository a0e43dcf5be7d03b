"""The three APIs that are passed through: where each is, and who reads what comes back."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct, structs

from pointsman.core.provider import Completion, ProviderRequest, StreamChunk
from pointsman.providers.answer_stream import PayloadReader
from pointsman.providers.judge import Judge
from pointsman.providers.openai.decode import decode_answer
from pointsman.providers.openai.embeddings import decode_whole_embeddings
from pointsman.providers.openai.encode import EncodeSettings
from pointsman.providers.openai.responses import (
    ResponseReader,
    decode_whole_response,
    events_of_response,
)
from pointsman.providers.openai.stream import ChunkReader
from pointsman.providers.openai.whole import chunks_of

CHAT = "openai.chat"
RESPONSES = "openai.responses"
EMBEDDINGS = "openai.embeddings"


class Passage(Struct, frozen=True):
    """One API."""

    path: str
    """Behind the prefix that all share."""
    decode: Callable[[bytes, int, Judge], Completion]
    """Reads a whole answer that came with a success status."""
    reader: Callable[[Judge, int, ProviderRequest], PayloadReader[StreamChunk]]
    """Makes what reads a stream that came with that status."""
    chunks: Callable[[Completion, ProviderRequest], list[StreamChunk]]
    """Makes a stream of an answer that came whole."""
    has_stream_options: bool = False
    has_messages: bool = False
    metadata: Literal["as_chat", "where_known", "never"] = "never"
    """`where_known`: wherever the chat API of the same server knows it at all."""

    def settings(self, of_chat: EncodeSettings) -> EncodeSettings:
        """Return what the server takes here, from what it takes of chat completions."""
        metadata = of_chat.metadata
        if self.metadata == "where_known" and metadata == "with_store":
            metadata = "always"
        return structs.replace(
            of_chat,
            metadata="never" if self.metadata == "never" else metadata,
            takes_stream_options=self.has_stream_options and of_chat.takes_stream_options,
            takes_proofs=of_chat.takes_proofs or not self.has_messages,
        )


PASSAGES: dict[str, Passage] = {
    CHAT: Passage(
        "/chat/completions",
        decode_answer,
        lambda judge, status, request: ChunkReader(
            judge, status, wants_usage=request.client_wants_usage
        ),
        lambda answer, request: chunks_of(answer, client_wants_usage=request.client_wants_usage),
        has_stream_options=True,
        has_messages=True,
        metadata="as_chat",
    ),
    # https://platform.openai.com/docs/api-reference/responses/create (read 2026-11): `metadata`
    # needs no `store`, whose default is true; usage is always in the stream.
    RESPONSES: Passage(
        "/responses",
        decode_whole_response,
        lambda judge, status, _: ResponseReader(judge, status),
        lambda answer, _: events_of_response(answer),
        metadata="where_known",
    ),
    EMBEDDINGS: Passage(
        "/embeddings",
        decode_whole_embeddings,
        lambda judge, status, request: ChunkReader(
            judge, status, wants_usage=request.client_wants_usage
        ),
        lambda answer, _: [StreamChunk(answer.body, usage=answer.usage, model=answer.model)],
    ),
}
