"""Canonical events as the chunks of a chat completion.

Per choice: the role first, then content, then the finish reason. Usage, when the client asked for
it, is one chunk without choices at the end. A block of reasoning that its provider proves is told
twice: its text as it comes, and the whole block in `reasoning_details` once its signature has come.
"""

from collections.abc import Sequence

from msgspec import UNSET, Raw

from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.events import (
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from pointsman.core.canonical.parts import ReasoningPart
from pointsman.core.dialect import Frame
from pointsman.core.usage import Usage
from pointsman.dialects.openai_chat.encode import (
    encode_json,
    encode_usage,
    finish_word,
    reasoning_detail,
    signature_content,
)
from pointsman.wire.openai import chat_answer as wire


class _Choice:
    """What has been said of one choice."""

    __slots__ = ("block_count", "has_calls", "has_refused", "reasoning")

    def __init__(self) -> None:
        self.has_calls = False
        self.has_refused = False
        self.reasoning: list[str] = []
        """Text of the block of reasoning under way."""
        self.block_count = 0


class ChatStreamEncoder:
    """Writes one stream; see `core.dialect.StreamEncoder`.

    Args:
        conversation: What is being answered.
        wants_usage: Whether the client asked for `stream_options.include_usage`.
    """

    def __init__(self, conversation: Conversation, *, wants_usage: bool) -> None:
        self._as_functions = conversation.calls_are_functions
        self._wants_usage = wants_usage
        self._id = ""
        self._model = conversation.model or ""
        self._created = 0
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def encode(self, events: Sequence[Event]) -> list[Frame]:
        """Return the frames that say these events. Usage waits for the end."""
        frames: list[Frame] = []
        for event in events:
            self._write(event, frames)
        return frames

    def end(self) -> list[Frame]:
        """Return the chunk with the last usage that was reported, if the client asked for it."""
        if not self._wants_usage or self._usage is None:
            return []
        return [self._frame([], self._usage)]

    def _write(self, event: Event, frames: list[Frame]) -> None:
        match event:
            case TextDelta():
                self._say(frames, event.choice, wire.Delta(content=event.text), event.logprobs)
            case ReasoningDelta():
                self._say_reasoning(event, frames)
            case ToolCallDelta():
                self._say(frames, event.choice, self._call_piece(event))
            case ToolCallStarted():
                self._say(frames, event.choice, self._call_start(event))
                self._choices[event.choice].has_calls = True
            case RefusalDelta():
                self._say(frames, event.choice, wire.Delta(refusal=event.text))
                self._choices[event.choice].has_refused = True
            case Finished():
                self._finish(event, frames)
            case Started():
                self._id = event.id
                self._model = event.model
                self._created = event.created_unix_s
                self._open(0, frames)
            case UsageReported():
                self._usage = event.usage

    def _say(
        self, frames: list[Frame], choice: int, delta: wire.Delta, logprobs: Raw | None = None
    ) -> None:
        state = self._open(choice, frames)
        if state.reasoning and delta.reasoning_content is UNSET:
            # Content of another kind ends a block of reasoning.
            state.reasoning.clear()
            state.block_count += 1
        said = wire.ChunkChoice(choice, delta, UNSET if logprobs is None else logprobs)
        frames.append(self._frame([said]))

    def _open(self, choice: int, frames: list[Frame]) -> _Choice:
        state = self._choices.get(choice)
        if state is None:
            state = self._choices[choice] = _Choice()
            role = wire.Delta(role="assistant", content="")
            frames.append(self._frame([wire.ChunkChoice(choice, role)]))
        return state

    def _say_reasoning(self, event: ReasoningDelta, frames: list[Frame]) -> None:
        state = self._open(event.choice, frames)
        delta = wire.Delta(reasoning_content=event.text or UNSET)
        if event.text:
            state.reasoning.append(event.text)
        if event.signature is not None or event.encrypted is not None:
            block = ReasoningPart("".join(state.reasoning), event.signature, event.encrypted)
            delta.reasoning_details = [reasoning_detail(block, state.block_count)]
            state.reasoning.clear()
            state.block_count += 1
        frames.append(self._frame([wire.ChunkChoice(event.choice, delta)]))

    def _call_start(self, event: ToolCallStarted) -> wire.Delta:
        function = wire.Function(event.name, "")
        if self._as_functions:
            return wire.Delta(function_call=function)
        extra = signature_content(event.signature)
        call = wire.Call(event.id, function, extra_content=extra, index=event.index)
        return wire.Delta(tool_calls=[call])

    def _call_piece(self, event: ToolCallDelta) -> wire.Delta:
        piece = wire.FunctionPiece(event.arguments)
        if self._as_functions:
            return wire.Delta(function_call=piece)
        return wire.Delta(tool_calls=[wire.CallPiece(event.index, piece)])

    def _finish(self, event: Finished, frames: list[Frame]) -> None:
        state = self._open(event.choice, frames)
        word = finish_word(
            event.reason,
            has_calls=state.has_calls,
            has_refused=state.has_refused,
            as_functions=self._as_functions,
        )
        said = wire.ChunkChoice(event.choice, wire.Delta(), finish_reason=word)
        frames.append(self._frame([said]))

    def _frame(self, choices: list[wire.ChunkChoice], usage: Usage | None = None) -> Frame:
        chunk = wire.Chunk(self._id, self._created, self._model, choices)
        if usage is not None:
            chunk.usage = encode_usage(usage)
        return Frame(encode_json(chunk))
