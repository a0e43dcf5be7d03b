"""Ollama's whole answers to the canonical form, and the words that streams share with them."""

from datetime import datetime

import msgspec
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.embedding import EmbeddingAnswer
from pointsman.core.canonical.parts import Part, ReasoningPart, TextPart, ToolCallPart
from pointsman.core.usage import Usage
from pointsman.cost.usage import from_ollama
from pointsman.providers.judge import Judge
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.ollama import received as wire

_encode = msgspec.json.Encoder().encode


def read_chat(payload: bytes) -> wire.ChatAnswer | None:
    """Decode an answer or a line of a stream; None when it is no JSON object."""
    try:
        return wire.decode_chat(payload)
    except MALFORMED:
        return decode_tolerantly(payload, wire.ChatAnswer)


def decode_answer(body: bytes, status: int, judge: Judge, *, call_id: str, unix_s: int) -> Answer:
    """Read a whole answer that came with a success status.

    Args:
        body: As it came.
        status: Under which it came.
        judge: Turns an error into the one to raise.
        call_id: Of the request, from which ids are made: the server has none.
        unix_s: When it came, where it does not say when it was made.

    Raises:
        UpstreamError: It is an error body, not JSON, or not done.
    """
    received = read_chat(body)
    if received is None or received.error or received.message is None or not received.done:
        raise judge.error(status, body)
    message = received.message
    parts: list[Part] = []
    if message.thinking:
        parts.append(ReasoningPart(message.thinking))
    if message.content:
        parts.append(TextPart(message.content))
    calls = [call_part(call, call_id, at) for at, call in enumerate(message.tool_calls or ())]
    parts.extend(calls)
    choice = AnswerChoice(
        parts,
        finish_reason(received.done_reason, has_calls=bool(calls)),
        logprobs=logprobs_of(received),
    )
    return Answer(
        id=call_id,
        model=received.model or "",
        created_unix_s=created_unix_s(received, unix_s),
        choices=[choice],
        usage=usage_of(received),
    )


def decode_embedding(body: bytes, status: int, judge: Judge) -> EmbeddingAnswer:
    """Read an answer with vectors.

    Raises:
        UpstreamError: It is an error body, not JSON, or has no vectors.
    """
    try:
        answer = wire.decode_embed(body)
    except MALFORMED:
        answer = wire.EmbedAnswer()
    if answer.error or not answer.embeddings:
        raise judge.error(status, body)
    usage = from_ollama(answer.prompt_eval_count, 0)
    return EmbeddingAnswer(model=answer.model or "", vectors=answer.embeddings, usage=usage)


def call_part(call: wire.Call, call_id: str, position: int) -> ToolCallPart:
    """Return a call; one without an id gets one that no other answer has."""
    return ToolCallPart(
        call.id or f"call_{call_id}_{position}",
        call.function.name,
        bytes(call.function.arguments).decode("utf-8", "replace"),
    )


def finish_reason(word: str | None, *, has_calls: bool) -> FinishReason:
    """Return why an answer ended; the server says `stop` for calls, too."""
    if word == "length":
        return "length"
    return "tool_calls" if has_calls else "stop"


def usage_of(received: wire.ChatAnswer) -> Usage | None:
    """Return the tokens that an answer reports."""
    return from_ollama(received.prompt_eval_count, received.eval_count)


def created_unix_s(received: wire.ChatAnswer, fallback: int) -> int:
    """Return when an answer was made."""
    try:
        return int(datetime.fromisoformat(received.created_at or "").timestamp())
    except ValueError:
        # None, or with more digits of a second than this Python reads.
        return fallback


def logprobs_of(received: wire.ChatAnswer) -> Raw | None:
    """Return log probabilities in OpenAI's shape; see `canonical.answer`."""
    if not received.logprobs:
        return None
    try:
        tokens = [wire.decode_logprob(raw) for raw in received.logprobs]
    except MALFORMED:
        return None
    return Raw(_encode({"content": [_token(each) for each in tokens], "refusal": None}))


def _token(token: wire.Logprob) -> dict[str, object]:
    alternatives = [
        {"token": each.token, "logprob": each.logprob, "bytes": _bytes(each)}
        for each in token.top_logprobs
    ]
    return {
        "token": token.token,
        "logprob": token.logprob,
        "bytes": _bytes(token),
        "top_logprobs": alternatives,
    }


def _bytes(token: wire.Logprob) -> list[int]:
    return token.bytes if token.bytes is not None else list(token.token.encode())
