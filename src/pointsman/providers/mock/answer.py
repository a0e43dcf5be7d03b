"""What a mock answers: an echo of the last user message, as a whole or in chunks.

Deterministic: the same call with the same number gives the same bytes, but for `created`.
"""

import msgspec
from msgspec import Struct

from pointsman.providers.mock.script import Step
from pointsman.wire.openai.chat import ChatMessage, ChatRequest

MAX_ECHO_CHARACTERS = 200
_CHARACTERS_PER_TOKEN = 4
_encode = msgspec.json.Encoder().encode


class MockAnswer(Struct):
    """One answer before it is written in either form."""

    id: str
    model: str
    created: int
    """Unix seconds."""
    pieces: list[str]
    """The text, as it would be streamed."""
    prompt_tokens: int
    completion_tokens: int

    def usage(self) -> dict[str, int]:
        """Return the `usage` object; the total is the sum."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


def make_answer(
    request: ChatRequest, model: str, step: Step, *, number: int, unix_s: int
) -> MockAnswer:
    """Return the answer to a call; `number` counts the calls of this mock from 1."""
    pieces = _pieces(request, model, step)
    tool = step.tool_call
    written = len(tool.arguments) if tool is not None else sum(map(len, pieces))
    return MockAnswer(
        id=f"chatcmpl_mock_{number:08d}",
        model=model,
        created=unix_s,
        pieces=pieces,
        prompt_tokens=_tokens(sum(len(_text(message)) for message in request.messages)),
        completion_tokens=_tokens(written),
    )


def whole_body(answer: MockAnswer, step: Step) -> bytes:
    """Return a `chat.completion` object."""
    message: dict[str, object] = {"role": "assistant", "content": "".join(answer.pieces)}
    finish_reason = step.finish_reason
    if step.tool_call is not None:
        message = {"role": "assistant", "content": None, "tool_calls": [_call(step, None)]}
        finish_reason = "tool_calls"
    body: dict[str, object] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }
    if step.usage != "none":
        body["usage"] = answer.usage()
    return _encode(body)


def content_payloads(answer: MockAnswer, step: Step) -> list[bytes]:
    """Return the payloads of the chunks that carry content, the first with the role."""
    head = _chunk_head(answer)
    if step.tool_call is not None:
        deltas = [{"role": "assistant", "tool_calls": [_call(step, 0)]}]
        return [head + _encode(delta) + b',"finish_reason":null}]}' for delta in deltas]
    opening = head + b'{"content":'
    first = head + b'{"role":"assistant","content":'
    tail = b'},"finish_reason":null}]}'
    return [
        (opening if position else first) + _encode(piece) + tail
        for position, piece in enumerate(answer.pieces)
    ]


def finish_payload(answer: MockAnswer, step: Step) -> bytes:
    """Return the payload of the chunk with the finish reason."""
    reason = "tool_calls" if step.tool_call is not None else step.finish_reason
    end = b',"usage":' + _encode(answer.usage()) if step.usage == "with_finish" else b""
    return _chunk_head(answer) + b'{},"finish_reason":' + _encode(reason) + b"}]" + end + b"}"


def usage_payload(answer: MockAnswer) -> bytes:
    """Return the payload of the chunk that carries usage and no choice."""
    head = _chunk_head(answer)[: -len(_CHOICE_OPEN)]
    return head + b'[],"usage":' + _encode(answer.usage()) + b"}"


_CHOICE_OPEN = b'[{"index":0,"delta":'


def _chunk_head(answer: MockAnswer) -> bytes:
    return b'{"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":%b' % (
        _encode(answer.id),
        answer.created,
        _encode(answer.model),
        _CHOICE_OPEN,
    )


def _call(step: Step, index: int | None) -> dict[str, object]:
    """Return the tool call of the step; pieces of streams say their index."""
    call: dict[str, object] = {} if index is None else {"index": index}
    if step.tool_call is not None:
        function = {"name": step.tool_call.name, "arguments": step.tool_call.arguments}
        call.update({"id": "call_mock_1", "type": "function", "function": function})
    return call


def _pieces(request: ChatRequest, model: str, step: Step) -> list[str]:
    if step.chunks is not None:
        return step.chunks
    if step.chunk_count is not None:
        return [f"word{number} " for number in range(step.chunk_count)]
    text = step.text
    if text is None:
        text = f"Mock gateway response from {model}: {_last_user_text(request)}"
    return [word + " " for word in text.split(" ")[:-1]] + [text.rsplit(" ", 1)[-1]]


def _last_user_text(request: ChatRequest) -> str:
    for message in reversed(request.messages):
        if message.role == "user":
            return _text(message)[:MAX_ECHO_CHARACTERS]
    return ""


def _text(message: ChatMessage) -> str:
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text or "" for part in content)


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
