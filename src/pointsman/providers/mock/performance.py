"""One call as a list of actions: what is sent, what is waited for and how it ends.

Pure. Played in process by `client` and over a socket by `server`, so that both show the same.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec
from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.providers.mock.answer import (
    MockAnswer,
    content_payloads,
    finish_payload,
    make_answer,
    usage_payload,
    whole_body,
)
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import Step
from pointsman.providers.mock.vectors import embeddings_body
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import ChatRequest, decode_request
from pointsman.wire.openai.embeddings import EmbeddingsRequest
from pointsman.wire.openai.embeddings import decode_request as decode_embeddings_request

_encode = msgspec.json.Encoder().encode
_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream", "cache-control": "no-cache"}
_LINE_ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


class Send(Struct, frozen=True):
    """Send these bytes of the body."""

    data: bytes


class Wait(Struct, frozen=True):
    """Wait, in seconds."""

    seconds: float


class Stop(Struct, frozen=True):
    """End before the body is complete."""

    how: str
    """`close`, `reset` or `stall` (nothing more, for ever)."""


Action = Send | Wait | Stop


class Performance(Struct):
    """One answer."""

    status: int
    headers: dict[str, str]
    actions: list[Action]
    head_delay_s: float = 0.0
    connection: str = "keep"
    """`keep`, or how it fails in place of an answer: `reset`, `refuse`."""
    is_stream: bool = False
    """Whether the length of the body is not told in advance."""


Perform: TypeAlias = Callable[[bytes, str | None, ScriptPlayer, Clock], Performance]
"""Returns how a call goes, from its body, its label, the player and the clock."""


def perform(body: bytes, label: str | None, player: ScriptPlayer, clock: Clock) -> Performance:
    """Return how the call with this request body goes.

    Args:
        body: The request.
        label: Value of the header `x-mock`; None looks into the request's metadata.
        player: Chooses the step and counts the call.
        clock: For `created`.
    """
    try:
        request = decode_request(body)
    except MALFORMED:
        player.counters.requests += 1
        return _error_answer(400, "the body is not a chat completion request")
    model = request.model or "mock"
    stream = bool(request.stream)
    step = player.next_step(model, label or _metadata_label(request), stream=stream)
    if step.status != 200 or step.body is not None:
        return _scripted_body(step)

    answer = make_answer(
        request,
        model,
        step,
        number=player.counters.requests,
        unix_s=clock.unix_ns() // 1_000_000_000,
    )
    if not stream:
        return _finished(step, _JSON, [Send(whole_body(answer, step))])
    options = request.stream_options
    wants_usage = options is not None and bool(options.include_usage)
    return _finished(step, _EVENTS, _stream_actions(answer, step, wants_usage), is_stream=True)


def perform_embedding(
    body: bytes, label: str | None, player: ScriptPlayer, _clock: Clock
) -> Performance:
    """Return how a call for embeddings goes; of a step, what is not about chunks holds for it."""
    try:
        request = decode_embeddings_request(body)
    except MALFORMED:
        player.counters.requests += 1
        return _error_answer(400, "the body is not an embeddings request")
    model = request.model or "mock"
    step = player.next_step(model, label or _metadata_label(request), stream=False)
    if step.status != 200 or step.body is not None:
        return _scripted_body(step)
    return _finished(step, _JSON, [Send(embeddings_body(request, model))])


def performer_of(path: str) -> Perform:
    """Return what plays a call to a path."""
    return perform_embedding if path.endswith("/embeddings") else perform


def _metadata_label(request: ChatRequest | EmbeddingsRequest) -> str | None:
    value = request.metadata.get("mock") if request.metadata is not None else None
    return value if isinstance(value, str) else None


def _scripted_body(step: Step) -> Performance:
    body = step.body
    if body is None:
        body = {"error": {"param": None, "code": None, **step.error}}
    headers = _JSON
    if isinstance(body, str):
        headers = {"content-type": "text/html" if body.startswith("<") else "text/plain"}
    data = body.encode() if isinstance(body, str) else _encode(body)
    return _finished(step, headers, [Send(data)] if data else [])


def _error_answer(status: int, message: str) -> Performance:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Performance(status, _JSON, [Send(_encode({"error": error}))])


def _finished(
    step: Step, headers: dict[str, str], actions: list[Action], *, is_stream: bool = False
) -> Performance:
    """Add what holds for every kind of answer: delays, headers, and a cut by bytes."""
    if step.first_chunk_delay:
        actions = [Wait(step.first_chunk_delay), *actions]
    if not is_stream and (step.cut_after_chunks is not None or step.stall_after_chunks is not None):
        how = "stall" if step.stall_after_chunks is not None else step.cut
        actions = [*actions[:-1], Stop(how)]
    if step.cut_after_bytes is not None:
        actions = _cut(actions, step.cut_after_bytes, step.cut)
    return Performance(
        step.status,
        {**headers, **{name.lower(): value for name, value in step.headers.items()}},
        actions,
        head_delay_s=step.head_delay,
        connection=step.connection,
        is_stream=is_stream,
    )


def _stream_actions(answer: MockAnswer, step: Step, wants_usage: bool) -> list[Action]:
    payloads = content_payloads(answer, step)
    actions: list[Action] = []
    for number, payload in enumerate(payloads):
        ending = _ending(step, number)
        if ending is not None:
            return [*actions, *ending]
        if number and step.chunk_delay:
            actions.append(Wait(step.chunk_delay))
        actions.extend(_frames(payload, step))
        if step.malformed_after_chunks == number + 1:
            actions.extend(_frames(b'{"id":"chatcmpl_mock", "choices":[{"del', step))
    ending = _ending(step, len(payloads))
    if ending is not None:
        return [*actions, *ending]
    if step.chunk_delay:
        actions.append(Wait(step.chunk_delay))
    return [*actions, *_closing(answer, step, wants_usage)]


def _ending(step: Step, chunks: int) -> list[Action] | None:
    """Return how a stream ends early after so many chunks; None when it goes on."""
    if step.error_after_chunks == chunks:
        return list(_frames(_encode({"error": {"param": None, "code": None, **step.error}}), step))
    if step.cut_after_chunks == chunks:
        return [Stop(step.cut)]
    if step.stall_after_chunks == chunks:
        return [Stop("stall")]
    return None


def _closing(answer: MockAnswer, step: Step, wants_usage: bool) -> list[Action]:
    last: list[bytes] = []
    if step.finish_reason is not None or step.tool_call is not None:
        last.append(finish_payload(answer, step))
    if wants_usage and step.usage == "chunk":
        last.append(usage_payload(answer))
    if step.done == "embedded" and last:
        last[-1] += b"[DONE]"
    actions = [frame for payload in last for frame in _frames(payload, step)]
    if step.done == "separate":
        actions.extend(_frames(b"[DONE]", step))
    elif step.done == "no_space":
        end = _LINE_ENDS[step.line_end]
        actions.append(Send(b"data:[DONE]" + end + end))
    return list(actions)


def _frames(payload: bytes, step: Step) -> list[Send]:
    if step.line_end == "lf" and not step.heartbeats:
        return [Send(b"data: " + payload + b"\n\n")]
    end = _LINE_ENDS[step.line_end]
    frame = Send(b"data: " + payload + end + end)
    return [Send(b": keep-alive" + end + end), frame] if step.heartbeats else [frame]


def _cut(actions: list[Action], max_bytes: int, how: str) -> list[Action]:
    kept: list[Action] = []
    left = max_bytes
    for action in actions:
        if isinstance(action, Send):
            if len(action.data) >= left:
                return [*kept, *([Send(action.data[:left])] if left else []), Stop(how)]
            left -= len(action.data)
        kept.append(action)
    return kept
