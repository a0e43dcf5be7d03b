"""A whole message to a request that asked for a stream, handed on as the chunks it stands for."""

import msgspec

from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import Completion, StreamChunk
from pointsman.wire.malformed import MALFORMED

_decode = msgspec.json.Decoder(dict[str, object]).decode
_encode = msgspec.json.Encoder().encode


def chunks_of(answer: Completion) -> list[StreamChunk]:
    """Return the events of a stream that says what a whole answer says.

    Raises:
        UpstreamError: A part that nobody had looked at is no JSON.
    """
    try:
        message = _decode(answer.body)
    except MALFORMED as error:
        what = "a whole answer to a request for a stream cannot be read"
        raise UpstreamError(what, FailureClass.PROTOCOL) from error
    content, usage = message.get("content"), message.get("usage")
    blocks = content if isinstance(content, list) else []
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    chunks = [_chunk("message_start", message=start)]
    for index, block in enumerate(blocks):
        chunks.append(_chunk("content_block_start", index=index, content_block=block))
        chunks.append(_chunk("content_block_stop", index=index))
    ending = {key: message.get(key) for key in ("stop_reason", "stop_sequence")}
    chunks.append(_chunk("message_delta", delta=ending, usage=usage))
    chunks.append(_chunk("message_stop"))
    chunks[0].model, chunks[0].response_id = answer.model, answer.response_id
    chunks[0].output_characters = answer.output_characters
    chunks[-2].usage = answer.usage
    chunks[-2].finish_reason = next(iter(answer.finish_reasons), None)
    return chunks


def _chunk(kind: str, **fields: object) -> StreamChunk:
    return StreamChunk(_encode({"type": kind, **fields}), event=kind)
