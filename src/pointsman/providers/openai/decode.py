"""The provider's words to ours: whole answers and their text.

Reading is tolerant: a field of a surprising type is treated as absent and the answer passes on as
the bytes it is. What cannot be missing is the JSON object and its choices.
"""

from msgspec import Raw

from pointsman.core.provider import Completion
from pointsman.cost.usage import from_openai_chat
from pointsman.providers.judge import Judge
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import (
    AnswerMessage,
    ChatCompletion,
    decode_completion,
    decode_tool_call,
)

_NO_ERROR = (Raw(), Raw(b"null"))


def decode_answer(body: bytes, status: int, judge: Judge) -> Completion:
    """Read a whole answer that came with a success status.

    Raises:
        UpstreamError: It is an error body, not JSON, or has no choices.
    """
    try:
        answer = decode_completion(body)
    except MALFORMED:
        answer = decode_tolerantly(body, ChatCompletion) or ChatCompletion()
    if is_error(answer.error) or not answer.choices:
        raise judge.error(status, body)

    return Completion(
        body=body,
        response_id=answer.id,
        model=answer.model,
        finish_reasons=[choice.finish_reason for choice in answer.choices if choice.finish_reason],
        usage=from_openai_chat(answer.usage),
        output_characters=sum(
            count_characters(choice.message)
            for choice in answer.choices
            if choice.message is not None
        ),
    )


def is_error(error: Raw) -> bool:
    """Tell whether an `error` field is present and says something."""
    return error not in _NO_ERROR


def count_characters(message: AnswerMessage) -> int:
    """Return the code points of text, reasoning, refusal and tool arguments."""
    count = len(message.content) if message.content else 0
    reasoning = message.reasoning_content or message.reasoning
    if reasoning:
        count += len(reasoning)
    if message.refusal:
        count += len(message.refusal)
    if message.tool_calls:
        count += sum(_argument_characters(call) for call in message.tool_calls)
    return count


def _argument_characters(call: Raw) -> int:
    try:
        function = decode_tool_call(call).function
    except MALFORMED:
        return len(bytes(call))
    return len(function.arguments or "") if function is not None else 0
