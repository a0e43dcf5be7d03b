"""Reading a request for a response: decode the body once, collect what decisions may use."""

from collections.abc import Iterator

from pointsman.core.dialect import Asked
from pointsman.core.facts import Facts
from pointsman.dialects.reading import AUTO, MAX_OUTPUT_TOKENS, bounded, read_body
from pointsman.wire.openai.responses import (
    InputItem,
    InputPart,
    ResponsesRequest,
    decode_request,
)

CLIENT_SIDE_TOOLS = frozenset({"function", "custom"})
SYSTEM_ROLES = frozenset({"system", "developer"})
_JSON_FORMATS = frozenset({"json_object", "json_schema"})
_MAX_TOOL_NAMES = 64


def read_response_request(body: bytes, *, path: str, dialect: str) -> Asked:
    """Read the body of a request.

    Args:
        body: As it came.
        path: Of the route it came by.
        dialect: Name of the dialect of that route.

    Raises:
        InvalidRequestError: Not JSON, or not the shape of a request; the message says where.
    """
    request = read_body(decode_request, body, "a responses request")
    tools = request.tools or []
    output = request.text.format if request.text is not None else None
    return Asked(
        facts=_facts_of(request, path, dialect),
        model=request.model,
        wants_usage=True,
        user=request.user,
        tenant_id=request.tenant_id,
        metadata=request.metadata,
        system_text=_system_text(request),
        tool_names=[tool.name for tool in tools[:_MAX_TOOL_NAMES] if tool.name],
        wants_json=output is not None and output.type in _JSON_FORMATS,
    )


def _facts_of(request: ResponsesRequest, path: str, dialect: str) -> Facts:
    items = _items(request)
    characters = len(request.instructions or "")
    characters += len(request.input) if isinstance(request.input, str) else 0
    characters += sum(len(text) for item in items for text in _texts(item))
    tools = request.tools or []
    output = request.text.format if request.text is not None else None
    return Facts(
        endpoint=path,
        dialect=dialect,
        model=request.model if request.model is not None else AUTO,
        stream=bool(request.stream),
        characters=characters,
        estimated_input_tokens=(characters + 3) // 4,
        message_count=1 if isinstance(request.input, str) else len(items),
        max_output_tokens=bounded(request.max_output_tokens, MAX_OUTPUT_TOKENS),
        tool_count=len(tools),
        provider_tool_count=sum(1 for tool in tools if tool.type not in CLIENT_SIDE_TOOLS),
        image_count=sum(1 for item in items for part in _parts(item) if part.type == "input_image"),
        json_schema=output is not None and output.type == "json_schema",
    )


def _items(request: ResponsesRequest) -> list[InputItem]:
    return request.input if isinstance(request.input, list) else []


def _parts(item: InputItem) -> Iterator[InputPart]:
    for content in (item.content, item.output):
        if isinstance(content, list):
            yield from content


def _texts(item: InputItem) -> Iterator[str]:
    for content in (item.content, item.output):
        if isinstance(content, str):
            yield content
    for part in _parts(item):
        if part.text is not None:
            yield part.text


def _system_text(request: ResponsesRequest) -> str:
    texts = [request.instructions] if request.instructions else []
    for item in _items(request):
        if item.role in SYSTEM_ROLES:
            texts += _texts(item)
    return "\n".join(texts)
