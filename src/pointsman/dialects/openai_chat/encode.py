"""A canonical answer as a `chat.completion` body. The words shared with streams live here.

Reasoning is `reasoning_content`; where a provider proved or hid it, `reasoning_details` holds its
blocks with their signatures, and a tool call's `extra_content` the signature of that call. A client
that sends the message back as it came brings them back to the provider.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.parts import (
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from pointsman.core.usage import Usage
from pointsman.wire.openai import chat_answer as wire
from pointsman.wire.openai.chat_request import ReasoningDetail
from pointsman.wire.openai.data_url import write_data_url

encode_json = msgspec.json.Encoder().encode

_FINISH_WORDS: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
}


def encode(answer: Answer, conversation: Conversation) -> bytes:
    """Return the body of a whole answer to a conversation."""
    as_functions = conversation.calls_are_functions
    return encode_json(
        wire.Completion(
            id=answer.id,
            created=answer.created_unix_s,
            model=answer.model,
            choices=[
                _choice(index, choice, as_functions=as_functions)
                for index, choice in enumerate(answer.choices)
            ],
            usage=encode_usage(answer.usage) if answer.usage is not None else UNSET,
            service_tier=answer.service_tier or UNSET,
            system_fingerprint=answer.system_fingerprint or UNSET,
        )
    )


def encode_usage(usage: Usage) -> wire.Usage:
    """Return token counts in OpenAI's words; unknown ones count as 0, which it has no null for."""
    input_tokens = usage.input_tokens or 0
    output_tokens = usage.output_tokens or 0
    prompt = {
        "cached_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    return wire.Usage(
        prompt_tokens=input_tokens,
        completion_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        prompt_tokens_details=_known(prompt),
        completion_tokens_details=_known({"reasoning_tokens": usage.reasoning_tokens}),
    )


def finish_word(
    reason: FinishReason | None, *, has_calls: bool, has_refused: bool, as_functions: bool
) -> str:
    """Return OpenAI's word for why a choice ended.

    A model that declined in its own words has stopped; one that was cut has been filtered. Without
    a reason the content tells: this API has no answer without one.
    """
    if reason is None:
        reason = "tool_calls" if has_calls else "stop"
    if reason == "refusal" and has_refused:
        return "stop"
    if reason == "tool_calls" and as_functions:
        return "function_call"
    return _FINISH_WORDS[reason]


def reasoning_detail(part: ReasoningPart, index: int) -> ReasoningDetail:
    """Return a block of reasoning with what proves or hides it."""
    if part.encrypted is not None:
        return ReasoningDetail(
            "reasoning.encrypted",
            text=part.text or None,
            data=part.encrypted,
            signature=part.signature,
            id=part.id,
            index=index,
        )
    return ReasoningDetail(
        "reasoning.text", text=part.text, signature=part.signature, id=part.id, index=index
    )


def signature_content(signature: str | None) -> dict[str, object] | UnsetType:
    """Return the `extra_content` of a tool call; see `wire.openai.chat_request`."""
    return UNSET if signature is None else {"google": {"thought_signature": signature}}


def _choice(index: int, choice: AnswerChoice, *, as_functions: bool) -> wire.Choice:
    parts = choice.parts
    calls = [_call(part) for part in parts if isinstance(part, ToolCallPart)]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    refusals = [part.text for part in parts if isinstance(part, RefusalPart)]
    uses_functions = as_functions and bool(calls)
    message = wire.Message(
        content="".join(texts) if texts else None,
        refusal="".join(refusals) if refusals else None,
        tool_calls=calls if calls and not uses_functions else UNSET,
        # That form has room for one call only.
        function_call=calls[0].function if uses_functions else UNSET,
        images=[_image(part) for part in parts if isinstance(part, ImagePart)] or UNSET,
    )
    _set_reasoning(message, parts)
    return wire.Choice(
        index,
        message,
        finish_word(
            choice.finish_reason,
            has_calls=bool(calls),
            has_refused=bool(refusals),
            as_functions=as_functions,
        ),
        choice.logprobs,
    )


def _set_reasoning(message: wire.Message, parts: Sequence[Part]) -> None:
    blocks = [part for part in parts if isinstance(part, ReasoningPart)]
    text = "".join(block.text for block in blocks)
    if text:
        message.reasoning_content = text
    if any(block.signature or block.encrypted or block.id for block in blocks):
        message.reasoning_details = [
            reasoning_detail(block, index) for index, block in enumerate(blocks)
        ]


def _call(part: ToolCallPart) -> wire.Call:
    return wire.Call(
        part.id,
        wire.Function(part.name, part.arguments),
        extra_content=signature_content(part.signature),
    )


def _image(part: ImagePart) -> wire.Image:
    url = part.url or write_data_url(part.media_type or "image/png", part.data or "")
    return wire.Image({"url": url})


def _known(counts: dict[str, int | None]) -> dict[str, int] | UnsetType:
    return {name: count for name, count in counts.items() if count is not None} or UNSET
