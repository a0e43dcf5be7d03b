"""A whole answer to a request that asked for a stream, handed on as the chunks it stands for.

Some servers and proxies ignore `stream: true`. The client asked for chunks and gets them: one per
choice with all its content, one with the finish reason, and one with the usage.
"""

import msgspec

from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import Completion, StreamChunk
from pointsman.wire.malformed import MALFORMED

_encode = msgspec.json.Encoder().encode
_HEAD_KEYS = ("id", "created", "model", "system_fingerprint", "service_tier")


def chunks_of(answer: Completion, *, client_wants_usage: bool) -> list[StreamChunk]:
    """Return the chunks that say what a whole answer says.

    Raises:
        UpstreamError: A part that nobody had looked at is no JSON.
    """
    try:
        whole: dict[str, object] = msgspec.json.decode(answer.body, type=dict[str, object])
    except MALFORMED as error:
        what = "a whole answer to a request for a stream cannot be read"
        raise UpstreamError(what, FailureClass.PROTOCOL) from error
    head: dict[str, object] = {"object": "chat.completion.chunk"}
    head.update((key, whole[key]) for key in _HEAD_KEYS if key in whole)
    choices = whole.get("choices")
    payloads: list[tuple[dict[str, object], str | None]] = []
    for index, choice in enumerate(choices if isinstance(choices, list) else []):
        payloads.extend(_choice_payloads(choice if isinstance(choice, dict) else {}, index))
    chunks = [
        StreamChunk(
            _encode({**head, "choices": [choice]}),
            finish_reason=finish_reason,
            model=answer.model,
            response_id=answer.response_id,
        )
        for choice, finish_reason in payloads
    ]
    chunks[0].output_characters = answer.output_characters
    chunks.append(
        StreamChunk(
            _encode({**head, "choices": [], "usage": whole.get("usage")}),
            usage=answer.usage,
            for_gateway_only=not client_wants_usage,
            model=answer.model,
            response_id=answer.response_id,
        )
    )
    return chunks


def _choice_payloads(
    choice: dict[str, object], position: int
) -> list[tuple[dict[str, object], str | None]]:
    index = choice.get("index", position)
    message = choice.get("message")
    delta = dict(message) if isinstance(message, dict) else {}
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        # A piece of a call says which call it belongs to; a whole one need not.
        delta["tool_calls"] = [
            {"index": at, **call} for at, call in enumerate(calls) if isinstance(call, dict)
        ]
    reason = choice.get("finish_reason")
    finish_reason = reason if isinstance(reason, str) and reason else None
    return [
        ({"index": index, "delta": delta, "finish_reason": None}, None),
        ({"index": index, "delta": {}, "finish_reason": finish_reason}, finish_reason),
    ]
