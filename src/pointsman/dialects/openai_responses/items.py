"""Items of the input to turns of the conversation."""

from typing import Literal

from pointsman.core.canonical.conversation import Turn
from pointsman.core.canonical.parts import (
    FilePart,
    ImagePart,
    Part,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import InvalidRequestError
from pointsman.dialects.openai_responses.read import SYSTEM_ROLES
from pointsman.dialects.openai_responses.sealed import unseal
from pointsman.wire.openai.data_url import read_data_url
from pointsman.wire.openai.responses import InputItem, InputPart


def turn_of(item: InputItem, where: str) -> Turn:
    """Return what an item says, as a turn of its own.

    Raises:
        InvalidRequestError: Its type, role or a part cannot be understood.
    """
    match item.type:
        case "message":
            return Turn(_role(item, where), _parts(item.content, f"{where}.content"))
        case "function_call":
            call_id = _needed(item.call_id, f"{where}.call_id")
            name = _needed(item.name, f"{where}.name")
            return Turn("assistant", [ToolCallPart(call_id, name, item.arguments or "{}")])
        case "function_call_output":
            return Turn("user", [_result(item, where)])
        case "reasoning":
            text = "".join(part.text for part in item.summary or [])
            return Turn("assistant", [unseal(text, item.encrypted_content)])
        case _:
            raise InvalidRequestError(
                f"{where}.type: only the provider that made such an item understands it",
                param=f"{where}.type",
                code="unsupported_parameter",
            )


def _role(item: InputItem, where: str) -> Literal["user", "assistant", "system"]:
    if item.role in SYSTEM_ROLES:
        return "system"
    if item.role == "user":
        return "user"
    if item.role == "assistant":
        return "assistant"
    raise InvalidRequestError(
        f"{where}.role must be user, assistant, system or developer", param=f"{where}.role"
    )


def _result(item: InputItem, where: str) -> ToolResultPart:
    parts = [
        part
        for part in _parts(item.output, f"{where}.output")
        if isinstance(part, TextPart | ImagePart | FilePart)
    ]
    return ToolResultPart(_needed(item.call_id, f"{where}.call_id"), parts, item.name)


def _parts(content: str | list[InputPart] | None, where: str) -> list[Part]:
    if content is None:
        raise InvalidRequestError(f"{where} is missing", param=where)
    if isinstance(content, str):
        return [TextPart(content)]
    return [_part(part, f"{where}[{at}]") for at, part in enumerate(content)]


def _part(part: InputPart, where: str) -> Part:
    match part.type:
        case "input_text" | "output_text" | "text":
            return TextPart(_needed(part.text, f"{where}.text"))
        case "refusal":
            return RefusalPart(_needed(part.refusal, f"{where}.refusal"))
        case "input_image":
            return _image(part, where)
        case "input_file":
            return _file(part)
        case _:
            raise InvalidRequestError(
                f"{where}.type is not text, an image or a file", param=f"{where}.type"
            )


def _image(part: InputPart, where: str) -> ImagePart:
    url = part.image_url
    if url is None:
        raise InvalidRequestError(
            f"{where}: an image by file id is understood by OpenAI only",
            param=where,
            code="unsupported_parameter",
        )
    held = read_data_url(url)
    if held is None:
        return ImagePart(url=url, detail=part.detail)
    return ImagePart(data=held.data, media_type=held.media_type, detail=part.detail)


def _file(part: InputPart) -> FilePart:
    held = read_data_url(part.file_data or "")
    return FilePart(
        url=part.file_url,
        file_id=part.file_id,
        data=held.data if held is not None else part.file_data,
        media_type=held.media_type if held is not None else None,
        filename=part.filename,
    )


def _needed(value: str | None, where: str) -> str:
    if value is None:
        raise InvalidRequestError(f"{where} is missing", param=where)
    return value
