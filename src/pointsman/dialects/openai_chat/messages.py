"""The messages of a chat completion request to system instructions and turns.

    system, developer at the head     `Conversation.system`
    system, developer further on      a system turn
    user                              a user turn
    assistant                         a turn: reasoning, text, refusal, tool calls
    tool, function                    a user turn with a tool result

Reasoning comes back in `reasoning_details`, with what proves it, or in `reasoning_content`.
"""

from collections.abc import Sequence

from pointsman.core.canonical.conversation import Turn
from pointsman.core.canonical.parts import (
    AudioPart,
    CacheHint,
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import InvalidRequestError
from pointsman.wire.openai import chat_request as wire
from pointsman.wire.openai.data_url import is_data_url, read_data_url

_SYSTEM = frozenset({"system", "developer"})
_DEFAULT_FILE_TYPE = "application/pdf"
"""What a file without a type is: the one kind of document that every provider of files takes."""


def invalid(path: str, what: str) -> InvalidRequestError:
    """Return the error for a part of the body; `path` is as in `messages[2].content[0]`."""
    return InvalidRequestError(f"{path}: {what}", param=path)


def decode_messages(messages: Sequence[wire.Message]) -> tuple[list[TextPart], list[Turn]]:
    """Return the instructions at the head, and the turns.

    Raises:
        InvalidRequestError: A role or a part that is not known, or a message that lacks something.
    """
    system: list[TextPart] = []
    turns: list[Turn] = []
    function_calls: list[ToolCallPart] = []
    for position, message in enumerate(messages):
        path = f"messages[{position}]"
        if message.role in _SYSTEM:
            texts = _texts(message.content, path)
            if turns:
                turns.append(Turn("system", list(texts), message.name))
            else:
                system.extend(texts)
        elif message.role == "user":
            turns.append(Turn("user", _user_parts(message.content, path), message.name))
        elif message.role == "assistant":
            parts = _assistant_parts(message, path)
            if message.function_call is not None:
                function_calls.append(_function_call(message.function_call, position))
                parts.append(function_calls[-1])
            turns.append(Turn("assistant", parts, message.name))
        elif message.role == "tool":
            turns.append(Turn("user", [_tool_result(message, path)]))
        elif message.role == "function":
            turns.append(Turn("user", [_function_result(message, path, function_calls)]))
        else:
            raise invalid(f"{path}.role", "is not a role of this API")
    return system, turns


def _texts(content: str | list[wire.Part] | None, path: str) -> list[TextPart]:
    if content is None:
        return []
    if isinstance(content, str):
        return [TextPart(content)]
    texts: list[TextPart] = []
    for position, part in enumerate(content):
        if part.type != "text" or part.text is None:
            raise invalid(f"{path}.content[{position}]", "only text can stand here")
        texts.append(TextPart(part.text, _cache(part)))
    return texts


def _user_parts(content: str | list[wire.Part] | None, path: str) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [TextPart(content)]
    return [_user_part(part, f"{path}.content[{at}]") for at, part in enumerate(content)]


def _user_part(part: wire.Part, path: str) -> Part:
    if part.type == "text" and part.text is not None:
        return TextPart(part.text, _cache(part))
    if part.type == "image_url" and part.image_url is not None:
        return _image(part, part.image_url, f"{path}.image_url")
    if part.type == "input_audio" and part.input_audio is not None:
        return AudioPart(part.input_audio.data, f"audio/{part.input_audio.format}")
    if part.type == "file" and part.file is not None:
        return _file(part, part.file, f"{path}.file")
    if part.type in ("text", "image_url", "input_audio", "file"):
        raise invalid(f"{path}.{part.type}", "is missing")
    raise invalid(f"{path}.type", "is not a kind of content that is known here")


def _image(part: wire.Part, image: wire.ImageUrl | str, path: str) -> ImagePart:
    url, detail = (image, None) if isinstance(image, str) else (image.url, image.detail)
    if not is_data_url(url):
        return ImagePart(url=url, detail=detail, cache=_cache(part))
    held = read_data_url(url)
    if held is None:
        raise invalid(f"{path}.url", "a data URL must be base64")
    return ImagePart(data=held.data, media_type=held.media_type, detail=detail, cache=_cache(part))


def _file(part: wire.Part, file: wire.FileReference, path: str) -> FilePart:
    data = file.file_data
    if data is None:
        if file.file_id is None:
            raise invalid(path, "needs `file_data` or `file_id`")
        return FilePart(file_id=file.file_id, filename=file.filename, cache=_cache(part))
    if data.startswith(("https://", "http://")):
        # OpenRouter's: https://openrouter.ai/docs/features/multimodal/pdfs (read 2026-11).
        return FilePart(url=data, filename=file.filename, cache=_cache(part))
    held = read_data_url(data)
    if held is None and is_data_url(data):
        raise invalid(f"{path}.file_data", "a data URL must be base64")
    return FilePart(
        data=held.data if held is not None else data,
        media_type=held.media_type if held is not None else _DEFAULT_FILE_TYPE,
        filename=file.filename,
        cache=_cache(part),
    )


def _assistant_parts(message: wire.Message, path: str) -> list[Part]:
    if message.audio and bytes(message.audio) != b"null":
        raise invalid(f"{path}.audio", "an answer in sound is known to the provider alone")
    parts: list[Part] = list(_reasoning(message))
    content = message.content
    if isinstance(content, list):
        parts.extend(_said(part, f"{path}.content[{at}]") for at, part in enumerate(content))
    elif content:
        parts.append(TextPart(content))
    if message.refusal:
        parts.append(RefusalPart(message.refusal))
    for position, call in enumerate(message.tool_calls or ()):
        parts.append(_tool_call(call, f"{path}.tool_calls[{position}]"))
    return parts


def _said(part: wire.Part, path: str) -> TextPart | RefusalPart:
    if part.type == "text" and part.text is not None:
        return TextPart(part.text, _cache(part))
    if part.type == "refusal" and part.refusal is not None:
        return RefusalPart(part.refusal)
    raise invalid(path, "only text and refusals can stand here")


def _reasoning(message: wire.Message) -> list[ReasoningPart]:
    if message.reasoning_details:
        return [
            ReasoningPart(
                text=detail.text or detail.summary or "",
                signature=detail.signature,
                encrypted=detail.data,
                id=detail.id,
            )
            for detail in message.reasoning_details
        ]
    text = message.reasoning_content or message.reasoning
    return [ReasoningPart(text)] if text else []


def _tool_call(call: wire.CalledTool, path: str) -> ToolCallPart:
    if call.function is None:
        what = "only calls of functions can be passed to this provider"
        raise invalid(f"{path}.{'type' if call.type != 'function' else 'function'}", what)
    google = call.extra_content.google if call.extra_content is not None else None
    return ToolCallPart(
        id=call.id,
        name=call.function.name,
        arguments=call.function.arguments,
        signature=google.thought_signature if google is not None else None,
    )


def _tool_result(message: wire.Message, path: str) -> ToolResultPart:
    if message.tool_call_id is None:
        raise invalid(f"{path}.tool_call_id", "is missing")
    content = message.content
    if content is None or isinstance(content, str):
        return ToolResultPart(message.tool_call_id, [TextPart(content or "")], message.name)
    parts: list[TextPart | ImagePart | FilePart] = []
    for at, part in enumerate(content):
        decoded = _user_part(part, f"{path}.content[{at}]")
        if not isinstance(decoded, TextPart | ImagePart | FilePart):
            raise invalid(f"{path}.content[{at}].type", "cannot be the result of a tool")
        parts.append(decoded)
    return ToolResultPart(message.tool_call_id, parts, message.name)


def _function_call(call: wire.Function, position: int) -> ToolCallPart:
    """Return a call of the time before ids, with one made of its position."""
    return ToolCallPart(f"call_function_{position}", call.name, call.arguments)


def _function_result(
    message: wire.Message, path: str, calls: Sequence[ToolCallPart]
) -> ToolResultPart:
    for call in reversed(calls):
        if call.name == message.name:
            return ToolResultPart(call.id, list(_texts(message.content, path)), message.name)
    raise invalid(f"{path}.name", "names no function that was called before")


def _cache(part: wire.Part) -> CacheHint | None:
    mark = part.cache_control or part.prompt_cache_breakpoint
    return CacheHint(mark.ttl) if mark is not None else None
