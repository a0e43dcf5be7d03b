"""Reading a message request: decode the body once, collect what decisions may use.

Does not keep prompt text but for the system instructions, which are only hashed.
"""

from collections.abc import Iterator

from pointsman.core.dialect import Asked, Operation
from pointsman.core.errors import InvalidRequestError
from pointsman.core.facts import Facts
from pointsman.dialects.reading import AUTO, MAX_OUTPUT_TOKENS, bounded, read_body
from pointsman.wire.anthropic.request import ReadBlock, ReadRequest, decode_read_request

_MAX_TOOL_NAMES = 64


def read_messages(body: bytes, *, path: str, dialect: str, operation: Operation) -> Asked:
    """Read the body of a message request.

    Args:
        body: As it came.
        path: Of the route it came by.
        dialect: Name of the dialect of that route.
        operation: What the route does.

    Raises:
        InvalidRequestError: Not JSON, or not the shape of a request; the message says where.
    """
    request = read_body(decode_read_request, body, "a messages request")
    if not request.messages:
        raise InvalidRequestError("messages must not be empty", param="messages")
    tools = request.tools or []
    metadata = request.metadata
    user = metadata.get("user_id") if metadata is not None else None
    facts = _facts_of(request, path, dialect, operation)
    return Asked(
        facts=facts,
        model=request.model,
        wants_usage=True,
        user=user if isinstance(user, str) else None,
        tenant_id=request.tenant_id,
        metadata=metadata,
        system_text="\n".join(_texts(request.system)),
        tool_names=[tool.name for tool in tools[:_MAX_TOOL_NAMES] if tool.name],
        wants_json=facts.json_schema,
    )


def _facts_of(request: ReadRequest, path: str, dialect: str, operation: Operation) -> Facts:
    characters = sum(len(text) for text in _texts(request.system))
    images = 0
    for message in request.messages:
        characters += sum(len(text) for text in _texts(message.content))
        images += sum(1 for block in _blocks(message.content) if block.type == "image")
    tools = request.tools or []
    config = request.output_config
    output = config.format if config is not None else None
    return Facts(
        endpoint=path,
        dialect=dialect,
        operation=operation,
        model=request.model if request.model is not None else AUTO,
        stream=bool(request.stream) and operation == "chat",
        characters=characters,
        estimated_input_tokens=(characters + 3) // 4,
        message_count=len(request.messages),
        max_output_tokens=bounded(request.max_tokens, MAX_OUTPUT_TOKENS),
        tool_count=len(tools),
        # The client runs tools without a type or with `custom`; others with a type are Anthropic's
        # own, some of which (bash, text editor) the client runs too: those are counted as well,
        # for repeating the call is safe only where nothing ran at the provider.
        provider_tool_count=sum(1 for tool in tools if tool.type not in (None, "custom")),
        image_count=images,
        json_schema=output is not None and output.type == "json_schema",
    )


def _blocks(content: object) -> Iterator[ReadBlock]:
    """Return the blocks of a message, and those inside of tool results."""
    if not isinstance(content, list):
        return
    for block in content:
        yield block
        yield from _blocks(block.content)


def _texts(content: str | list[ReadBlock] | None) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    for block in _blocks(content):
        if block.text is not None:
            yield block.text
        if isinstance(block.content, str):
            yield block.content
