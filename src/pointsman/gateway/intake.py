"""Reading a request: decode the body once, collect the facts that decisions may use.

Knows the client's dialect. Does not decide, and does not keep prompt text anywhere but in the
call itself.
"""

import msgspec

from pointsman.core.errors import InvalidRequestError
from pointsman.core.facts import Facts
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import ChatMessage, ChatRequest, decode_request

_CLIENT_SIDE_TOOLS = frozenset({"function", "custom"})
AUTO = "auto"
"""The model name that leaves the choice to the gateway; also what a missing name means."""
MAX_OUTPUT_TOKENS = 100_000_000
MAX_CHOICES = 1024
"""Larger numbers are taken as these: no model is near them, and money is counted in 64 bits."""


def read_chat_request(body: bytes) -> ChatRequest:
    """Decode the body of a chat completion.

    Raises:
        InvalidRequestError: Not JSON, or not the shape of a chat request; the message says where.
    """
    try:
        request = decode_request(body)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"the body is not a chat request: {error}") from None
    except MALFORMED as error:
        raise InvalidRequestError(
            f"the body is not valid JSON: {error}", code="invalid_json"
        ) from None
    if not request.messages:
        raise InvalidRequestError("messages must not be empty", param="messages")
    return request


def facts_of(request: ChatRequest) -> Facts:
    """Return what conditions and filters may read of a request."""
    characters, image_count = _measure(request.messages)
    tools = request.tools
    response_format = request.response_format
    return Facts(
        model=request.model if request.model is not None else AUTO,
        stream=bool(request.stream),
        characters=characters,
        estimated_input_tokens=(characters + 3) // 4,
        message_count=len(request.messages),
        max_output_tokens=_bounded(request.max_completion_tokens, MAX_OUTPUT_TOKENS)
        or _bounded(request.max_tokens, MAX_OUTPUT_TOKENS),
        choice_count=_bounded(request.n, MAX_CHOICES) or 1,
        tool_count=len(tools) if tools is not None else 0,
        provider_tool_count=_executed_by_provider(request),
        image_count=image_count,
        json_schema=response_format is not None and response_format.type == "json_schema",
    )


def _bounded(number: int | None, largest: int) -> int | None:
    """Return a number that something can be planned with; the provider judges what was sent."""
    return min(number, largest) if number is not None and number > 0 else None


def _executed_by_provider(request: ChatRequest) -> int:
    """Count the tools that the provider runs by itself: repeating such a call repeats them."""
    # `function` and `custom` come back as calls for the client to make:
    # https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools (read 2026-11).
    tools = request.tools or ()
    count = sum(1 for tool in tools if tool.type not in _CLIENT_SIDE_TOOLS)
    return count + (request.web_search_options is not None)


def _measure(messages: list[ChatMessage]) -> tuple[int, int]:
    """Count the code points of text and the images in all messages."""
    characters = 0
    images = 0
    for message in messages:
        content = message.content
        if isinstance(content, str):
            characters += len(content)
        elif content is not None:
            for part in content:
                if part.text is not None:
                    characters += len(part.text)
                elif part.type.startswith(("image", "input_image")):
                    images += 1
    return characters, images
