"""A canonical answer to a response object."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.conversation import Conversation, OutputFormat, Tool, ToolChoice
from pointsman.core.canonical.parts import (
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from pointsman.core.usage import Usage
from pointsman.dialects.openai_responses.sealed import seal
from pointsman.wire.openai.response_object import (
    FunctionCallItem,
    IncompleteDetails,
    InputTokensDetails,
    MessageItem,
    OutputItem,
    OutputRefusal,
    OutputText,
    OutputTokensDetails,
    ReasoningItem,
    ResponseObject,
    ResponseUsage,
    SummaryText,
)

_encode = msgspec.json.Encoder().encode
_INCOMPLETE: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


def encode_response(answer: Answer, conversation: Conversation) -> bytes:
    """Return a response object; of several choices, which nobody can ask for here, the first."""
    choice = answer.choices[0] if answer.choices else AnswerChoice([], None)
    response = response_of(answer.id, answer.model, answer.created_unix_s, conversation)
    response.output = items_of(choice.parts, answer.id)
    finish(response, choice.finish_reason, answer.usage)
    return _encode(response)


def response_of(
    answer_id: str, model: str, created_unix_s: int, conversation: Conversation
) -> ResponseObject:
    """Return a response that has begun, with what it says of its request."""
    wish = conversation.reasoning
    return ResponseObject(
        id=answer_id if answer_id.startswith("resp_") else f"resp_{answer_id}",
        created_at=created_unix_s,
        status="in_progress",
        instructions="\n".join(part.text for part in conversation.system) or None,
        max_output_tokens=conversation.max_output_tokens,
        model=model,
        output=[],
        parallel_tool_calls=conversation.parallel_tool_calls is not False,
        reasoning={
            "effort": wish.effort if wish is not None else None,
            "summary": wish.summary if wish is not None else None,
        },
        temperature=conversation.temperature,
        text=_text(conversation.output),
        tool_choice=_choice(conversation.tool_choice),
        tools=[*map(_tool, conversation.tools)]
        + [each.definition for each in conversation.provider_tools],
        top_p=conversation.top_p,
        user=conversation.user,
    )


def finish(response: ResponseObject, reason: FinishReason | None, usage: Usage | None) -> None:
    """Tell how a response ended."""
    cut = _INCOMPLETE.get(reason) if reason is not None else None
    response.status = "completed" if cut is None else "incomplete"
    response.incomplete_details = IncompleteDetails(cut) if cut is not None else None
    if cut is not None and response.output and isinstance(response.output[-1], MessageItem):
        response.output[-1].status = "incomplete"
    response.usage = _usage(usage)


def items_of(parts: Sequence[Part], answer_id: str) -> list[OutputItem]:
    """Return the items that parts stand for; text and refusals side by side are one message."""
    items: list[OutputItem] = []
    for part in parts:
        if isinstance(part, TextPart | RefusalPart):
            if not items or not isinstance(items[-1], MessageItem):
                items.append(MessageItem(item_id("msg", answer_id, len(items)), []))
            message = items[-1]
            if isinstance(message, MessageItem):
                message.content.append(content_of(part))
        elif isinstance(part, ToolCallPart):
            place = item_id("fc", answer_id, len(items))
            items.append(FunctionCallItem(place, part.id, part.name, part.arguments))
        elif isinstance(part, ReasoningPart):
            summary = [SummaryText(part.text)] if part.text else []
            place = part.id or item_id("rs", answer_id, len(items))
            items.append(ReasoningItem(place, summary, seal(part.signature, part.encrypted)))
    return items


def content_of(part: TextPart | RefusalPart) -> OutputText | OutputRefusal:
    """Return the content of a message that a part stands for."""
    return OutputText(part.text) if isinstance(part, TextPart) else OutputRefusal(part.text)


def item_id(kind: str, answer_id: str, index: int) -> str:
    """Return the id of an item of an answer; the same for a whole answer and its stream."""
    return f"{kind}_{answer_id}_{index}"


def _usage(usage: Usage | None) -> ResponseUsage | None:
    if usage is None:
        return None
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    return ResponseUsage(
        read,
        written,
        read + written,
        InputTokensDetails(usage.cache_read_tokens or 0, usage.cache_write_tokens or 0),
        OutputTokensDetails(usage.reasoning_tokens or 0),
    )


def _text(form: OutputFormat | None) -> dict[str, object]:
    if form is None:
        return {"format": {"type": "text"}}
    if form.kind == "json":
        return {"format": {"type": "json_object"}}
    said = {
        "type": "json_schema",
        "name": form.name or "answer",
        "description": form.description,
        "schema": form.schema or Raw(b"{}"),
        "strict": form.strict,
    }
    return {"format": {name: value for name, value in said.items() if value is not None}}


def _choice(choice: ToolChoice | None) -> object:
    if choice is None:
        return "auto"
    if choice.mode == "named":
        return {"type": "function", "name": choice.name}
    return choice.mode


def _tool(tool: Tool) -> Raw:
    said = {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
        "strict": tool.strict,
    }
    return Raw(_encode(said))
