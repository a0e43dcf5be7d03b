"""Turns of a conversation to messages: roles alternate, results come first, nothing is empty.

What the API demands of messages (https://platform.claude.com/docs/en/api/messages, read 2026-11):
they begin with the user's; a `tool_use` is answered by `tool_result` blocks at the start of the
next; no text is empty; ids are letters, digits, `_` and `-`. Consecutive turns of one role are
joined here, so that results of parallel calls, which OpenAI sends one by one, stand together.
"""

import base64
import binascii
import re

from msgspec import UNSET, Raw

from pointsman.core.canonical.conversation import Conversation, Turn
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
from pointsman.providers.call_arguments import object_of
from pointsman.providers.parameters import Parameters
from pointsman.wire.anthropic.blocks import (
    Base64Source,
    CacheControl,
    DocumentBlock,
    FileSource,
    ImageBlock,
    RedactedThinkingBlock,
    RequestBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from pointsman.wire.anthropic.request import Message

ResultContent = TextBlock | ImageBlock | DocumentBlock

_TTLS = frozenset({"5m", "1h"})
_UNFIT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_OPENING = "."
"""The user's part of a conversation that begins with the assistant's."""


class TurnEncoder:
    """Encodes the turns of one conversation.

    Args:
        conversation: What is said.
        parameters: Gets what had to be changed.
    """

    __slots__ = ("_conversation", "_is_anthropic", "_noted", "_parameters")

    def __init__(self, conversation: Conversation, parameters: Parameters) -> None:
        self._conversation = conversation
        self._is_anthropic = conversation.dialect.startswith("anthropic.")
        self._parameters = parameters
        self._noted: set[str] = set()

    def encode(self) -> tuple[list[TextBlock], list[Message]]:
        """Return the system blocks and the messages.

        Raises:
            UpstreamError: A part of the conversation has no place in the API, or the changes that
                it needs are refused.
        """
        system = [_text_block(part) for part in self._conversation.system if part.text.strip()]
        messages: list[Message] = []
        for turn in self._conversation.turns:
            if turn.name is not None:
                self._drop_once("messages.name")
            if turn.role == "system":
                self._map_once("messages.role", "system -> the system prompt")
                system.extend(self._system_blocks(turn))
                continue
            blocks = [block for part in turn.parts for block in self._blocks(part, turn.role)]
            _append(messages, turn.role, blocks)
        self._open(system, messages)
        return system, messages

    def _open(self, system: list[TextBlock], messages: list[Message]) -> None:
        """See that there is a message, and that the first is the user's."""
        if not messages and system:
            self._map_once("messages", "the system prompt is sent as the user's")
            _append(messages, "user", list(system))
            system.clear()
        elif messages and messages[0].role == "assistant":
            self._map_once("messages", "a message of the user put first")
            messages.insert(0, Message("user", _OPENING))

    def _system_blocks(self, turn: Turn) -> list[TextBlock]:
        texts = [part for part in turn.parts if isinstance(part, TextPart) and part.text.strip()]
        return [_text_block(part) for part in texts]

    def _blocks(self, part: Part, role: str) -> list[RequestBlock]:
        match part:
            case TextPart():
                return [_text_block(part)] if part.text.strip() else []
            case ToolCallPart():
                return [self._tool_use(part)]
            case ToolResultPart():
                return [self._tool_result(part)]
            case ReasoningPart():
                return self._reasoning(part, role)
            case RefusalPart():
                self._map_once("messages.refusal", "sent as text")
                return [TextBlock(part.text)] if part.text.strip() else []
            case _:
                return [self._medium(part)]

    def _medium(self, part: ImagePart | FilePart | AudioPart) -> RequestBlock:
        match part:
            case ImagePart():
                return self._image(part)
            case FilePart():
                return self._document(part)
            case AudioPart():
                raise self._parameters.refusal("messages.input_audio", "is not supported")

    def _reasoning(self, part: ReasoningPart, role: str) -> list[RequestBlock]:
        """Return thoughts that carry Anthropic's own proof; others it would refuse."""
        if role == "assistant" and part.id is None:
            if part.encrypted is not None:
                return [RedactedThinkingBlock(part.encrypted)]
            # Another family's proof is marked with its name and a colon, which base64 has not.
            if part.signature is not None and ":" not in part.signature:
                return [ThinkingBlock(part.text, part.signature)]
        self._drop_once("messages.reasoning")
        return []

    def _image(self, part: ImagePart) -> ImageBlock:
        if part.detail not in (None, "auto"):
            self._drop_once("messages.image_url.detail")
        if part.url is not None:
            return ImageBlock(UrlSource(part.url), cache_control_of(part.cache))
        source = Base64Source(part.media_type or "image/png", part.data or "")
        return ImageBlock(source, cache_control_of(part.cache))

    def _document(self, part: FilePart) -> DocumentBlock:
        return DocumentBlock(
            self._source(part), title=part.filename, cache_control=cache_control_of(part.cache)
        )

    def _source(self, part: FilePart) -> Base64Source | UrlSource | FileSource | TextSource:
        if part.text is not None:
            return TextSource("text/plain", part.text)
        if part.url is not None:
            return UrlSource(part.url)
        if part.file_id is not None:
            if not self._is_anthropic:
                raise self._parameters.refusal("messages.file_id", "is not known")
            return FileSource(part.file_id)
        media_type = part.media_type or "application/pdf"
        if media_type.startswith("text/"):
            return TextSource("text/plain", self._text_of(part.data or ""))
        if media_type != "application/pdf":
            raise self._parameters.refusal("messages.file", f"of type {media_type} is not taken")
        return Base64Source(media_type, part.data or "")

    def _text_of(self, data: str) -> str:
        try:
            return base64.b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise self._parameters.refusal("messages.file", "is no text and not taken") from error

    def _tool_use(self, part: ToolCallPart) -> ToolUseBlock:
        if part.signature is not None:
            self._drop_once("messages.tool_calls.signature")
        return ToolUseBlock(
            self._id(part.id),
            part.name,
            self._arguments(part.arguments),
            cache_control_of(part.cache),
            UNSET,
        )

    def _arguments(self, text: str) -> Raw:
        """Return the arguments as an object, as the API wants what models write as text."""
        arguments, is_object = object_of(text)
        if not is_object:
            self._map_once("messages.tool_calls.arguments", "no JSON object, sent within one")
        return arguments

    def _tool_result(self, part: ToolResultPart) -> ToolResultBlock:
        content: list[ResultContent] = []
        for each in part.parts:
            match each:
                case TextPart():
                    if each.text:
                        content.append(_text_block(each))
                case ImagePart():
                    content.append(self._image(each))
                case FilePart():
                    content.append(self._document(each))
        return ToolResultBlock(
            self._id(part.call_id),
            _plain(content),
            part.is_error or None,
            cache_control_of(part.cache),
        )

    def _id(self, text: str) -> str:
        fit = _UNFIT_IN_ID.sub("_", text) or "_"
        if fit != text and "id" not in self._noted:
            self._noted.add("id")
            self._parameters.note("messages.tool_calls.id", "other characters written as _")
        return fit

    def _drop_once(self, param: str) -> None:
        if param not in self._noted:
            self._noted.add(param)
            self._parameters.drop(param)

    def _map_once(self, param: str, change: str) -> None:
        if param not in self._noted:
            self._noted.add(param)
            self._parameters.map(param, change)


def _append(messages: list[Message], role: str, blocks: list[RequestBlock]) -> None:
    """Add a turn's blocks to the last message of the same role, or as a message of their own."""
    if not blocks:
        return
    last = messages[-1] if messages else None
    if last is None or last.role != role or isinstance(last.content, str):
        messages.append(Message(role, _results_first(blocks)))
    else:
        last.content = _results_first([*last.content, *blocks])


def _results_first(blocks: list[RequestBlock]) -> list[RequestBlock]:
    results = [block for block in blocks if isinstance(block, ToolResultBlock)]
    if not results:
        return blocks
    return [*results, *(block for block in blocks if not isinstance(block, ToolResultBlock))]


def _text_block(part: TextPart) -> TextBlock:
    return TextBlock(part.text, cache_control_of(part.cache))


def _plain(content: list[ResultContent]) -> str | list[ResultContent] | None:
    """Return a lone text as a string, which is what most results are."""
    match content:
        case []:
            return None
        case [TextBlock(text=text, cache_control=None)]:
            return text
        case _:
            return content


def cache_control_of(hint: CacheHint | None) -> CacheControl | None:
    """Return the breakpoint that a wish for caching stands for; unknown lifetimes are left out."""
    if hint is None:
        return None
    return CacheControl("ephemeral", hint.ttl if hint.ttl in _TTLS else None)
