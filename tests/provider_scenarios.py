"""Calls for tests of providers: requests, scripts, and what a caller gets of a stream."""

import json
from typing import Any

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import SystemClock
from pointsman.core.deadline import Deadline
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import ErrorFacts, FailureClass
from pointsman.core.provider import Provider, ProviderRequest, StreamChunk
from pointsman.core.records import Attempt
from pointsman.core.target import Target, Timeouts

CLOCK = SystemClock()
HELLO = [{"role": "user", "content": "hello there"}]


def call(
    body: bytes | None = None,
    *,
    model: str = "gpt-4o-mini",
    stream: bool = False,
    wants_usage: bool = False,
    drop_keys: tuple[str, ...] = (),
    deadline_s: float = 10.0,
    abort: AbortSignal | None = None,
    start_ns: int = 5_000,
    extra: dict[str, Any] | None = None,
    **timeouts: float,
) -> ProviderRequest:
    """Build one attempt; the body says `auto` unless given, further keywords are limits."""
    fields: dict[str, Any] = {"model": "auto", "messages": HELLO, **(extra or {})}
    if stream:
        fields["stream"] = True
    if wants_usage:
        fields["stream_options"] = {"include_usage": True}
    raw = body if body is not None else json.dumps(fields).encode()
    return ProviderRequest(
        request_id="req_1",
        target=Target(name="t", provider="p", model=model, timeouts=Timeouts(**timeouts)),
        body=raw,
        dialect="openai.chat",
        requested_model=json.loads(raw).get("model"),
        stream=stream,
        client_wants_usage=wants_usage,
        drop_keys=drop_keys,
        deadline=Deadline.after(CLOCK, deadline_s),
        abort=abort or AbortSignal(),
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        attempt=Attempt(target="t", provider="p", model=model, start_ns=start_ns),
    )


async def collect(
    provider: Provider, request: ProviderRequest
) -> tuple[list[StreamChunk], UpstreamError | None]:
    """Return the chunks that came, and the failure that ended them; None is a complete stream."""
    chunks: list[StreamChunk] = []
    try:
        stream = await provider.stream(request)
    except UpstreamError as error:
        return chunks, error
    try:
        while more := await stream.next_chunks():
            chunks.extend(more)
    except UpstreamError as error:
        return chunks, error
    finally:
        stream.close()
    return chunks, None


def text_of(chunks: list[StreamChunk]) -> str:
    """Return the text that a client would put together from the chunks it is sent."""
    sent = [json.loads(chunk.data) for chunk in chunks if not chunk.for_gateway_only]
    deltas = [choice["delta"] for payload in sent for choice in payload["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def by_status(facts: ErrorFacts) -> FailureClass:
    """A small classification for tests that are not about classifying."""
    known = {400: FailureClass.CALLER_FAULT, 429: FailureClass.RATE_LIMITED}
    return known.get(facts.status or 0, FailureClass.SERVER_ERROR)
