"""A message request to the canonical form."""

from typing import Literal, cast

import msgspec
from msgspec import UNSET, Raw

from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ProviderTool,
    ReasoningWish,
    Tool,
    ToolChoice,
    Turn,
)
from pointsman.core.canonical.parts import (
    CacheHint,
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import InvalidRequestError
from pointsman.dialects.reading import read_body
from pointsman.wire.anthropic import blocks as wire
from pointsman.wire.anthropic.request import (
    Message,
    MessagesRequest,
    OutputConfig,
    Thinking,
    decode_request,
)
from pointsman.wire.anthropic.request import Tool as WireTool
from pointsman.wire.anthropic.request import ToolChoice as WireToolChoice

_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_KNOWN = frozenset(MessagesRequest.__struct_encode_fields__)
_FOR_GATEWAY = frozenset({"tenant_id"})
_MODES: dict[str, Literal["auto", "none", "required", "named"]] = {
    "auto": "auto",
    "any": "required",
    "tool": "named",
    "none": "none",
}


def decode_messages(body: bytes, dialect: str) -> Conversation:
    """Decode the body of a message request, or of one that counts tokens.

    Raises:
        InvalidRequestError: A part cannot be understood; the message says where.
    """
    request = read_body(decode_request, body, "a messages request")
    choice = request.tool_choice
    metadata = request.metadata
    return Conversation(
        dialect=dialect,
        model=request.model,
        system=_system(request.system),
        turns=[_turn(message, index) for index, message in enumerate(request.messages)],
        tools=[_tool(tool) for tool in request.tools or [] if _is_own(tool)],
        provider_tools=_provider_tools(request, body),
        tool_choice=_choice(choice) if choice is not None else None,
        parallel_tool_calls=_parallel(choice),
        output=_output(request.output_config),
        max_output_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=request.stop_sequences or [],
        reasoning=_reasoning(request.thinking, request.output_config),
        service_tier=request.service_tier,
        user=metadata.user_id if metadata is not None else None,
        stream=bool(request.stream),
        extras=_extras(body),
    )


def _extras(body: bytes) -> dict[str, Raw]:
    fields = _decode_fields(body)
    return {key: fields[key] for key in fields if key not in _KNOWN and key not in _FOR_GATEWAY}


def _system(system: str | list[wire.TextBlock] | None) -> list[TextPart]:
    if system is None:
        return []
    if isinstance(system, str):
        return [TextPart(system)] if system else []
    return [TextPart(block.text, _cache(block.cache_control)) for block in system]


def _turn(message: Message, index: int) -> Turn:
    if message.role not in ("user", "assistant", "system"):
        where = f"messages[{index}].role"
        raise InvalidRequestError(f"{where} must be user or assistant", param=where)
    role = cast("Literal['user', 'assistant', 'system']", message.role)
    if isinstance(message.content, str):
        return Turn(role, [TextPart(message.content)])
    where = f"messages[{index}].content"
    return Turn(role, [_part(block, f"{where}[{at}]") for at, block in enumerate(message.content)])


def _part(block: wire.RequestBlock, where: str) -> Part:
    match block:
        case wire.TextBlock() | wire.ImageBlock() | wire.DocumentBlock():
            return _shown(block, where)
        case wire.ThinkingBlock():
            return ReasoningPart(block.thinking, signature=block.signature or None)
        case wire.RedactedThinkingBlock():
            return ReasoningPart(encrypted=block.data)
        case wire.ToolUseBlock():
            arguments = bytes(block.input).decode()
            cache = _cache(block.cache_control)
            return ToolCallPart(block.id, block.name, arguments, cache=cache)
        case wire.ToolResultBlock():
            return _tool_result(block, where)


def _shown(
    block: wire.TextBlock | wire.ImageBlock | wire.DocumentBlock, where: str
) -> TextPart | ImagePart | FilePart:
    """Return what may be shown to a model, in a message or in the result of a tool."""
    match block:
        case wire.TextBlock():
            return TextPart(block.text, _cache(block.cache_control))
        case wire.ImageBlock():
            return _image(block, where)
        case wire.DocumentBlock():
            return _document(block, where)


def _tool_result(block: wire.ToolResultBlock, where: str) -> ToolResultPart:
    content = block.content
    parts: list[TextPart | ImagePart | FilePart]
    if isinstance(content, list):
        parts = [_shown(inner, f"{where}.content[{at}]") for at, inner in enumerate(content)]
    else:
        parts = [TextPart(content)] if content is not None else []
    return ToolResultPart(
        block.tool_use_id,
        parts,
        is_error=bool(block.is_error),
        cache=_cache(block.cache_control),
    )


def _image(block: wire.ImageBlock, where: str) -> ImagePart:
    cache = _cache(block.cache_control)
    match block.source:
        case wire.Base64Source(media_type, data):
            return ImagePart(data=data, media_type=media_type, cache=cache)
        case wire.UrlSource(url):
            return ImagePart(url=url, cache=cache)
        case _:
            raise _untranslatable(f"{where}.source", "an image by file id")


def _document(block: wire.DocumentBlock, where: str) -> FilePart:
    cache, name = _cache(block.cache_control), block.title
    if block.context is not None or block.citations not in (UNSET, None):
        raise _untranslatable(where, "a document with context or citations")
    match block.source:
        case wire.Base64Source(media_type, data):
            return FilePart(data=data, media_type=media_type, filename=name, cache=cache)
        case wire.UrlSource(url):
            return FilePart(url=url, filename=name, cache=cache)
        case wire.FileSource(file_id):
            return FilePart(file_id=file_id, filename=name, cache=cache)
        case wire.TextSource(media_type, text):
            return FilePart(text=text, media_type=media_type, filename=name, cache=cache)
        case wire.ContentSource():
            raise _untranslatable(f"{where}.source", "a document made of blocks")


def _untranslatable(where: str, what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{where}: {what} is understood by Anthropic only, and the target is another provider",
        param=where,
        code="unsupported_parameter",
    )


def _cache(control: wire.CacheControl | None) -> CacheHint | None:
    return CacheHint(control.ttl) if control is not None else None


def _is_own(tool: WireTool) -> bool:
    return tool.type in (None, "custom")


def _tool(tool: WireTool) -> Tool:
    return Tool(
        tool.name,
        tool.description,
        _raw(tool.input_schema),
        strict=tool.strict,
        cache=_cache(tool.cache_control),
    )


def _provider_tools(request: MessagesRequest, body: bytes) -> list[ProviderTool]:
    if all(map(_is_own, request.tools or [])):
        return []
    written = msgspec.json.decode(_decode_fields(body)["tools"], type=list[Raw])
    return [
        ProviderTool(tool.type or "", definition)
        for tool, definition in zip(request.tools or [], written, strict=True)
        if not _is_own(tool)
    ]


def _choice(choice: WireToolChoice) -> ToolChoice:
    mode = _MODES.get(choice.type)
    if mode is None:
        known = ", ".join(_MODES)
        raise InvalidRequestError(
            f"tool_choice.type must be one of {known}", param="tool_choice.type"
        )
    return ToolChoice(mode, choice.name)


def _parallel(choice: WireToolChoice | None) -> bool | None:
    if choice is None or choice.disable_parallel_tool_use is None:
        return None
    return not choice.disable_parallel_tool_use


def _output(config: OutputConfig | None) -> OutputFormat | None:
    if config is None or config.format is None:
        return None
    return OutputFormat("json_schema", schema=_raw(config.format.schema))


def _reasoning(thinking: Thinking | None, config: OutputConfig | None) -> ReasoningWish | None:
    effort = config.effort if config is not None else None
    if thinking is None:
        return ReasoningWish(effort) if effort is not None else None
    if thinking.type == "disabled":
        return ReasoningWish("none")
    return ReasoningWish(
        effort,
        budget_tokens=thinking.budget_tokens,
        summary=thinking.display,
        is_adaptive=thinking.type == "adaptive",
    )


def _raw(schema: dict[str, object] | None) -> Raw | None:
    return Raw(_encode(schema)) if schema is not None else None
