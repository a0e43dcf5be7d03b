"""Canonical instructions and turns as the messages of a chat completion request.

`Conversation.system`     one message at the head, as `system` or `developer`
a user turn               its tool results first, a message each; then the rest
an assistant turn         one message: text, refusal, calls, and reasoning where it is taken
"""

from collections.abc import Sequence

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
from pointsman.providers.openai.traits import Traits
from pointsman.providers.parameters import Parameters
from pointsman.wire.openai.data_url import write_data_url

Fields = dict[str, object]

# https://platform.openai.com/docs/guides/audio (read 2026-11): `wav` and `mp3`. Others' names for
# the same types are mapped.
_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
}


def encode_messages(
    conversation: Conversation, model: str, traits: Traits, parameters: Parameters
) -> list[Fields]:
    """Return the messages of a request; see `conversation.encode_conversation`."""
    writer = _Writer(traits, parameters, conversation.dialect)
    role = traits.instruction_role(model)
    messages: list[Fields] = []
    if conversation.system:
        messages.append({"role": role, "content": writer.texts(conversation.system)})
    for turn in conversation.turns:
        if turn.role == "assistant":
            messages.append(writer.assistant(turn))
        elif turn.role == "system":
            texts = [part for part in turn.parts if isinstance(part, TextPart)]
            messages.append(writer.named(turn, {"role": role, "content": writer.texts(texts)}))
        else:
            messages.extend(writer.user(turn))
    return messages


class _Writer:
    """Writes the turns of one conversation; notes a kind of change once."""

    __slots__ = ("_dialect", "_noted", "_parameters", "_traits")

    def __init__(self, traits: Traits, parameters: Parameters, dialect: str) -> None:
        self._traits = traits
        self._parameters = parameters
        self._dialect = dialect
        self._noted: set[str] = set()

    def texts(self, parts: Sequence[TextPart]) -> str | list[Fields]:
        """Return text as one string where it is one, as a list of parts where that is taken."""
        if len(parts) == 1 and (parts[0].cache is None or not self._traits.takes_cache_marks):
            self._note_cache(parts[0].cache)
            return parts[0].text
        if not self._traits.takes_part_lists:
            return "\n\n".join(part.text for part in parts)
        return [self._text(part) for part in parts]

    def user(self, turn: Turn) -> list[Fields]:
        """Return the messages of a user turn.

        Results stand before what else was said: servers want them right behind the calls.
        """
        messages: list[Fields] = []
        rest: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResultPart):
                messages.append(self._tool_result(part, rest))
            else:
                rest.append(part)
        if rest or not messages:
            messages.append(self.named(turn, {"role": "user", "content": self._content(rest)}))
        return messages

    def assistant(self, turn: Turn) -> Fields:
        """Return the message of an earlier answer."""
        message = self.named(turn, {"role": "assistant"})
        texts = [part for part in turn.parts if isinstance(part, TextPart)]
        calls = [part for part in turn.parts if isinstance(part, ToolCallPart)]
        refusals = [part.text for part in turn.parts if isinstance(part, RefusalPart)]
        if texts or not (calls or refusals):
            message["content"] = self.texts(texts) if texts else ""
        if refusals:
            message["refusal"] = "".join(refusals)
        if calls:
            message["tool_calls"] = [self._call(call) for call in calls]
        self._put_reasoning(
            message, [part for part in turn.parts if isinstance(part, ReasoningPart)]
        )
        return message

    def named(self, turn: Turn, message: Fields) -> Fields:
        """Put the speaker's name into a message where names are taken."""
        if turn.name is not None:
            if "name" not in self._traits.lacks:
                message["name"] = turn.name
            elif self._is_first("name"):
                self._parameters.drop("messages.name")
        return message

    def _content(self, parts: Sequence[Part]) -> str | list[Fields]:
        texts = [part for part in parts if isinstance(part, TextPart)]
        if len(texts) == len(parts):
            return self.texts(texts) if texts else ""
        return [self._part(part) for part in parts]

    def _part(self, part: Part) -> Fields:
        match part:
            case TextPart():
                return self._text(part)
            case ImagePart():
                return self._image(part)
            case AudioPart():
                return self._audio(part)
            case FilePart():
                return self._file(part)
            case _:
                raise self._parameters.refusal("messages.content", "cannot be carried")

    def _text(self, part: TextPart) -> Fields:
        return self._marked({"type": "text", "text": part.text}, part.cache)

    def _image(self, part: ImagePart) -> Fields:
        url = part.url
        if url is None:
            url = write_data_url(part.media_type or "image/png", part.data or "")
        image: Fields = {"url": url}
        if part.detail is not None:
            image["detail"] = part.detail
        return self._marked({"type": "image_url", "image_url": image}, part.cache)

    def _audio(self, part: AudioPart) -> Fields:
        sound = _AUDIO_FORMATS.get(part.media_type.lower())
        if sound is None:
            raise self._parameters.refusal("messages.audio", f"of {part.media_type} is not taken")
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": sound}}

    def _file(self, part: FilePart) -> Fields:
        if part.text is not None:
            if self._is_first("file"):
                self._parameters.map("messages.file", "plain text -> text")
            return self._text(TextPart(part.text, part.cache))
        file: Fields = {}
        if part.filename is not None:
            file["filename"] = part.filename
        if part.data is not None:
            file["file_data"] = write_data_url(part.media_type or "application/pdf", part.data)
            file.setdefault("filename", "file")
        elif part.file_id is not None and self._dialect.startswith("openai."):
            file["file_id"] = part.file_id
        if not self._traits.takes_files or file.keys() <= {"filename"}:
            raise self._parameters.refusal("messages.file", "is not taken in this form")
        return self._marked({"type": "file", "file": file}, part.cache)

    def _tool_result(self, part: ToolResultPart, rest: list[Part]) -> Fields:
        """Return the message of a result; what is no text in it is said by the user after it."""
        if part.is_error and self._is_first("is_error"):
            self._parameters.map("tool_result.is_error", "left to its text")
        texts = [inner for inner in part.parts if isinstance(inner, TextPart)]
        if len(texts) < len(part.parts):
            if self._is_first("tool_result"):
                self._parameters.map("tool_result.content", "images and files -> user message")
            rest.extend(inner for inner in part.parts if not isinstance(inner, TextPart))
        content = self.texts(texts) if texts else ""
        return {"role": "tool", "tool_call_id": part.call_id, "content": content}

    def _call(self, part: ToolCallPart) -> Fields:
        function: Fields = {"name": part.name, "arguments": part.arguments}
        call: Fields = {"id": part.id, "type": "function", "function": function}
        if part.signature is not None and self._is_first("signature"):
            self._parameters.note("tool_calls.signature", "left out")
        return call

    def _put_reasoning(self, message: Fields, blocks: list[ReasoningPart]) -> None:
        if not blocks:
            return
        key = self._traits.reasoning_back
        if key == "reasoning_details":
            message[key] = [_detail(block) for block in blocks]
        elif key is not None:
            message[key] = "".join(block.text for block in blocks)
        elif self._is_first("reasoning"):
            # No other provider can read it, nor needs it.
            self._parameters.note("messages.reasoning", "left out")

    def _marked(self, part: Fields, cache: CacheHint | None) -> Fields:
        if cache is not None and self._traits.takes_cache_marks:
            mark: Fields = {"type": "ephemeral"}
            if cache.ttl is not None:
                mark["ttl"] = cache.ttl
            part["cache_control"] = mark
        else:
            self._note_cache(cache)
        return part

    def _note_cache(self, cache: CacheHint | None) -> None:
        if cache is not None and self._is_first("cache"):
            self._parameters.note("cache_control", "left to the provider, which caches by itself")

    def _is_first(self, kind: str) -> bool:
        if kind in self._noted:
            return False
        self._noted.add(kind)
        return True


def _detail(block: ReasoningPart) -> Fields:
    detail: Fields = {"type": "reasoning.text", "text": block.text}
    if block.encrypted is not None:
        detail = {"type": "reasoning.encrypted", "data": block.encrypted}
    if block.signature is not None:
        detail["signature"] = block.signature
    if block.id is not None:
        detail["id"] = block.id
    return detail
