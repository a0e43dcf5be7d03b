"""Whole chat completions to the canonical form, and the words that chunks share with them.

Bodies that come here have been found good by `decode.decode_answer`: they have choices, no error.
"""

from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.parts import (
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from pointsman.cost.usage import from_openai_chat
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai import chat_received as wire
from pointsman.wire.openai.data_url import read_data_url

# https://platform.openai.com/docs/api-reference/chat/object; `model_length` and `error` are
# Mistral's, https://docs.mistral.ai/api; `eos` Together's (read 2026-11).
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def read_received(payload: bytes) -> wire.Received:
    """Decode an answer or a chunk; fields of surprising types count as absent."""
    try:
        return wire.decode_received(payload)
    except MALFORMED:
        return decode_tolerantly(payload, wire.Received) or wire.Received()


def decode_canonical(body: bytes, *, fallback_id: str, unix_s: int) -> Answer:
    """Return what a good body says.

    Args:
        body: A `chat.completion` object.
        fallback_id: The answer's id where it says none.
        unix_s: When it came, where it does not say when it was made.
    """
    received = read_received(body)
    return Answer(
        id=received.id or fallback_id,
        model=received.model or "",
        created_unix_s=received.created or unix_s,
        choices=[_choice(choice) for choice in received.choices or ()],
        usage=from_openai_chat(received.usage),
        service_tier=received.service_tier,
        system_fingerprint=received.system_fingerprint,
    )


def finish_reason(word: str | None, *, has_calls: bool, has_refused: bool) -> FinishReason | None:
    """Return why a choice ended; None when the server gave no reason that is known.

    Servers say `stop` for calls that a named choice asked for, and OpenAI for a refusal.
    """
    reason = _REASONS.get(word) if word else None
    if reason == "stop" or (reason is None and word):
        if has_calls:
            return "tool_calls"
        return "refusal" if has_refused else "stop"
    return reason


def reasoning_of(message: wire.Message) -> list[ReasoningPart]:
    """Return the reasoning of a message or a delta, in blocks where it tells them apart."""
    if message.reasoning_details:
        return [
            ReasoningPart(
                detail.text or detail.summary or "", detail.signature, detail.data, detail.id
            )
            for detail in message.reasoning_details
        ]
    text = message.reasoning_content or message.reasoning
    if not text and isinstance(message.content, list):
        pieces = (piece.thinking or () for piece in message.content)
        text = "".join(inner.text or "" for thinking in pieces for inner in thinking)
    return [ReasoningPart(text)] if text else []


def text_of(message: wire.Message) -> str:
    """Return the text of a message or a delta."""
    content = message.content
    if isinstance(content, list):
        return "".join(piece.text or "" for piece in content)
    return content or ""


def arguments_of(function: wire.Function) -> str:
    """Return arguments as JSON text, whichever way they were sent."""
    raw = bytes(function.arguments)
    if raw in (b"", b"null"):
        return ""
    try:
        return wire.decode_text(raw) if raw.startswith(b'"') else raw.decode()
    except MALFORMED:
        return raw.decode("utf-8", "replace")


def said(value: Raw) -> Raw | None:
    """Return a value that is present and not null."""
    return value if bytes(value) not in (b"", b"null") else None


def _choice(choice: wire.Choice) -> AnswerChoice:
    message = choice.message or wire.Message()
    parts: list[Part] = list(reasoning_of(message))
    text = text_of(message)
    if text:
        parts.append(TextPart(text))
    if message.refusal:
        parts.append(RefusalPart(message.refusal))
    calls = _calls(message)
    parts.extend(calls)
    parts.extend(_image(image) for image in message.images or ())
    return AnswerChoice(
        parts,
        finish_reason(
            choice.finish_reason, has_calls=bool(calls), has_refused=bool(message.refusal)
        ),
        logprobs=said(choice.logprobs),
    )


def _calls(message: wire.Message) -> list[ToolCallPart]:
    received = list(message.tool_calls or ())
    if not received and message.function_call is not None:
        received = [wire.Call(function=message.function_call)]
    return [
        ToolCallPart(
            call.id or f"call_{position}",
            call.function.name or "",
            arguments_of(call.function),
            signature_of(call),
        )
        for position, call in enumerate(received)
        if call.function is not None
    ]


def signature_of(call: wire.Call) -> str | None:
    """Return the proof that belongs to a call; see `wire.openai.chat_request`."""
    google = call.extra_content.google if call.extra_content is not None else None
    return google.thought_signature if google is not None else None


def _image(image: wire.Image) -> ImagePart:
    url = image.image_url.url if image.image_url is not None else ""
    held = read_data_url(url)
    if held is None:
        return ImagePart(url=url)
    return ImagePart(data=held.data, media_type=held.media_type)
