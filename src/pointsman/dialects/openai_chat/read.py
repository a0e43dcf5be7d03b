"""Reading a chat completion: decode the body once, collect what decisions may use.

Does not keep prompt text but for the system instructions, which are only hashed.
"""

from collections.abc import Sequence

from pointsman.core.dialect import Asked
from pointsman.core.errors import InvalidRequestError
from pointsman.core.facts import Facts
from pointsman.dialects.reading import AUTO, MAX_CHOICES, MAX_OUTPUT_TOKENS, bounded, read_body
from pointsman.wire.openai.chat import ChatMessage, ChatRequest, decode_request

_CLIENT_SIDE_TOOLS = frozenset({"function", "custom"})
_SYSTEM_ROLES = frozenset({"system", "developer"})
_JSON_FORMATS = frozenset({"json_object", "json_schema"})
_MAX_TOOL_NAMES = 64


def read_chat(body: bytes) -> Asked:
    """Read the body of a chat completion.

    Raises:
        InvalidRequestError: Not JSON, or not the shape of a chat request; the message says where.
    """
    request = read_body(decode_request, body, "a chat request")
    if not request.messages:
        raise InvalidRequestError("messages must not be empty", param="messages")
    options = request.stream_options
    return Asked(
        facts=_facts_of(request),
        model=request.model,
        wants_usage=options is not None and bool(options.include_usage),
        user=request.user,
        tenant_id=request.tenant_id,
        metadata=request.metadata,
        system_text=_system_text(request.messages),
        tool_names=_tool_names(request),
        wants_json=request.response_format is not None
        and request.response_format.type in _JSON_FORMATS,
    )


def _facts_of(request: ChatRequest) -> Facts:
    characters, image_count = _measure(request.messages)
    tools = request.tools
    response_format = request.response_format
    return Facts(
        model=request.model if request.model is not None else AUTO,
        stream=bool(request.stream),
        characters=characters,
        estimated_input_tokens=(characters + 3) // 4,
        message_count=len(request.messages),
        max_output_tokens=bounded(request.max_completion_tokens, MAX_OUTPUT_TOKENS)
        or bounded(request.max_tokens, MAX_OUTPUT_TOKENS),
        choice_count=bounded(request.n, MAX_CHOICES) or 1,
        tool_count=len(tools) if tools is not None else 0,
        provider_tool_count=_executed_by_provider(request),
        image_count=image_count,
        json_schema=response_format is not None and response_format.type == "json_schema",
    )


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


def _tool_names(request: ChatRequest) -> list[str]:
    if not request.tools:
        return []
    return [
        tool.function.name
        for tool in request.tools[:_MAX_TOOL_NAMES]
        if tool.function is not None and tool.function.name
    ]


def _system_text(messages: Sequence[ChatMessage]) -> str:
    texts: list[str] = []
    for message in messages:
        if message.role in _SYSTEM_ROLES:
            if isinstance(message.content, str):
                texts.append(message.content)
            elif message.content is not None:
                texts.extend(part.text for part in message.content if part.text is not None)
    return "\n".join(texts)
