"""What every provider promises, told by the same scripts in process and over a socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.abort import AbortSignal
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import Provider
from pointsman.providers.mock.client import MockClient
from pointsman.providers.mock.player import Counters, ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer
from pointsman.providers.openai.client import OpenAiProvider
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify
from provider_scenarios import CLOCK, call, collect, text_of

F = FailureClass
PREFIX = "Mock gateway response from gpt-4o-mini: hello there"


class Staged(NamedTuple):
    """A provider over a script, and what the script's player has counted."""

    provider: Provider
    counters: Counters


Stage = Callable[..., Awaitable[Staged]]


@pytest.fixture(params=["in process", "over a socket"])
async def stage(request: pytest.FixtureRequest, tmp_path) -> AsyncIterator[Stage]:
    """Build a provider that plays the steps given, in process or behind a real server."""
    closing: list[Any] = []

    async def put(*steps: dict[str, Any], repeat: bool = False) -> Staged:
        script = {"rules": [{"steps": list(steps), "repeat": repeat}]} if steps else {}
        if request.param == "in process":
            path = tmp_path / "script.json"
            path.write_text(json.dumps(script))
            config = ProviderConfig(kind="mock", script=str(path))
            provider = build("p", config, CLOCK, classify)
            assert isinstance(provider, OpenAiProvider)
            assert isinstance(provider._upstream._http, MockClient)
            closing.append(provider)
            return Staged(provider, provider._upstream._http.counters)
        server = MockServer(ScriptPlayer(parse_script(script)), CLOCK)
        await server.start()
        base_url = f"http://127.0.0.1:{server.port}/v1"
        config = ProviderConfig(
            kind="openai", base_url=base_url, api_key=Secret("sk-planted", "...nted")
        )
        provider = build("p", config, CLOCK, classify)
        closing.extend([provider, server])
        return Staged(provider, server.player.counters)

    yield put
    for part in closing:
        await part.close()


async def test_a_plain_answer_comes_whole_and_described(stage: Stage):
    """GW-01, GW-09, GW-10: the mock's answer with its usage, finish reason and model."""
    provider, _ = await stage()

    answer = await provider.complete(call())

    body = json.loads(answer.body)
    assert body["id"].startswith("chatcmpl_mock_")
    assert body["choices"][0]["message"]["content"] == PREFIX
    assert body["usage"]["total_tokens"] == 3 + 13
    assert answer.response_id == body["id"]
    assert answer.model == "gpt-4o-mini"
    assert answer.finish_reasons == ["stop"]
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 13)
    assert answer.output_characters == len(PREFIX)


async def test_the_attempt_tells_what_was_called_and_when(stage: Stage):
    """OBS: endpoint without secrets, status, changes, and times since the request's start."""
    provider, _ = await stage({"headers": {"x-request-id": "up-7"}})
    request = call(start_ns=1_000_000_000, drop_keys=("tenant_id",), extra={"tenant_id": "acme"})

    await provider.complete(request)

    attempt = request.attempt
    assert attempt.status == 200
    assert attempt.upstream_request_id == "up-7"
    assert attempt.endpoint is not None
    assert attempt.endpoint.endswith("/v1/chat/completions")
    assert attempt.parameters_changed == ["model: auto -> gpt-4o-mini", "tenant_id: dropped"]
    assert attempt.first_byte_ns is not None
    assert attempt.end_ns is not None
    assert 1_000_000_000 <= attempt.first_byte_ns <= attempt.end_ns < 11_000_000_000


async def test_a_stream_comes_in_chunks_and_ends(stage: Stage):
    """AP-14, AP-15: usage is recorded, and not shown to a client that did not ask for it."""
    provider, _ = await stage()
    request = call(stream=True)

    chunks, failure = await collect(provider, request)

    assert failure is None
    assert text_of(chunks) == PREFIX
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert [chunk.for_gateway_only for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.input_tokens, chunks[-1].usage.output_tokens) == (3, 13)
    assert sum(chunk.output_characters for chunk in chunks) == len(PREFIX)
    assert request.attempt.first_token_ns is not None
    assert request.attempt.parameters_changed == [
        "model: auto -> gpt-4o-mini",
        "stream_options.include_usage: absent -> true",
    ]


async def test_a_client_that_asks_for_usage_gets_its_chunk(stage: Stage):
    """AP-15: the chunk with empty choices is forwarded to those who asked."""
    provider, _ = await stage()

    chunks, _ = await collect(provider, call(stream=True, wants_usage=True))

    assert not any(chunk.for_gateway_only for chunk in chunks)
    assert json.loads(chunks[-1].data)["choices"] == []


async def test_usage_on_the_last_content_chunk_is_taken_and_hidden(stage: Stage):
    """AP-14: Mistral sends usage with the finish reason, asked for or not."""
    provider, _ = await stage({"usage": "with_finish"})

    chunks, _ = await collect(provider, call(stream=True))

    assert chunks[-1].usage is not None
    assert chunks[-1].finish_reason == "stop"
    assert "usage" not in json.loads(chunks[-1].data)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_in_the_body_lead_to_a_tool_call(stage: Stage, stream: bool):
    """Tool calls pass through; their arguments count as output."""
    arguments = '{"city":"Oslo"}'
    provider, _ = await stage({"tool_call": {"name": "weather", "arguments": arguments}})
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    request = call(stream=stream, extra={"tools": tools})

    if stream:
        chunks, failure = await collect(provider, request)
        delta = json.loads(chunks[0].data)["choices"][0]["delta"]
        characters = sum(chunk.output_characters for chunk in chunks)
        reasons = [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
        assert failure is None
    else:
        answer = await provider.complete(request)
        delta = json.loads(answer.body)["choices"][0]["message"]
        characters, reasons = answer.output_characters, answer.finish_reasons

    assert delta["tool_calls"][0]["function"]["arguments"] == arguments
    assert characters == len(arguments)
    assert reasons == ["tool_calls"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": "context_length_exceeded"}, F.CONTEXT_TOO_LONG),
        (400, {}, F.CALLER_FAULT),
        (401, {"code": "invalid_api_key"}, F.BAD_CREDENTIAL),
        (404, {"code": "model_not_found"}, F.MODEL_UNAVAILABLE),
        (413, {}, F.CALLER_FAULT),
        (429, {"code": "rate_limit_exceeded"}, F.RATE_LIMITED),
        (429, {"code": "insufficient_quota"}, F.QUOTA_EXHAUSTED),
        (500, {}, F.SERVER_ERROR),
        (529, {"type": "overloaded_error"}, F.OVERLOADED),
    ],
)
async def test_an_error_status_is_raised_with_its_class(
    stage: Stage, stream: bool, status: int, error: dict[str, str], expected: FailureClass
):
    """MM-04: one unified error, with status, code, wait and body."""
    body = {"message": "no", "type": "x", **error}
    provider, _ = await stage({"status": status, "error": body, "headers": {"Retry-After": "7"}})
    request = call(stream=stream)

    with pytest.raises(UpstreamError) as caught:
        await (provider.stream(request) if stream else provider.complete(request))

    failure = caught.value
    assert failure.failure_class is expected
    assert failure.upstream_status == status
    assert failure.upstream_code == body.get("code", body["type"])
    assert failure.retry_after_s == 7.0
    assert json.loads(failure.upstream_body)["error"]["message"] == "no"
    assert request.attempt.status == status
    assert request.attempt.end_ns is not None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, F.RATE_LIMITED),
        ({"error": {"code": 429, "message": "rate limited"}}, F.RATE_LIMITED),
        ({"error": "something exploded"}, F.PROTOCOL),
        ({"detail": "prompt is too long"}, F.CONTEXT_TOO_LONG),
        ({"message": "nope", "type": "server_error"}, F.SERVER_ERROR),
        ("<html><body>Bad gateway</body></html>", F.PROTOCOL),
        ("", F.PROTOCOL),
        ("[1, 2]", F.PROTOCOL),
        ({"choices": []}, F.PROTOCOL),
        ({"object": "chat.completion"}, F.PROTOCOL),
    ],
)
async def test_a_success_status_with_an_error_body_is_a_failure(
    stage: Stage, stream: bool, body: object, expected: FailureClass
):
    """MM-04, MM-05: it is found before anything is handed on, and has no success status."""
    provider, _ = await stage({"body": body})
    request = call(stream=stream)

    with pytest.raises(UpstreamError) as caught:
        await (provider.stream(request) if stream else provider.complete(request))

    assert caught.value.failure_class is expected
    assert caught.value.upstream_status is None
    assert request.attempt.status == 200


async def test_a_whole_answer_to_a_stream_request_becomes_chunks(stage: Stage):
    """A server that ignores `stream: true` still gives the client what it asked for."""
    whole = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    provider, _ = await stage({"body": whole})

    chunks, failure = await collect(provider, call(stream=True))

    assert failure is None
    assert text_of(chunks) == "hi"
    assert [chunk.finish_reason for chunk in chunks] == [None, "stop", None]
    assert chunks[-1].for_gateway_only
    assert chunks[-1].usage is not None


@pytest.mark.parametrize("done", ["separate", "no_space", "embedded", "none"])
@pytest.mark.parametrize("line_end", ["lf", "crlf", "cr"])
async def test_every_form_of_a_complete_stream_is_complete(stage: Stage, done: str, line_end: str):
    """MM-01, MM-02: the marker in any form, or none after a finish reason; any line ends."""
    provider, _ = await stage({"done": done, "line_end": line_end, "heartbeats": True})

    chunks, failure = await collect(provider, call(stream=True))

    assert failure is None
    assert text_of(chunks) == PREFIX
    assert chunks[-1].usage is not None


BROKEN: list[tuple[dict[str, Any], FailureClass, int]] = [
    ({"done": "none", "finish_reason": None}, F.TRUNCATED, 6),
    ({"cut_after_chunks": 2}, F.TRUNCATED, 2),
    ({"cut_after_chunks": 2, "cut": "reset", "chunk_delay": "20ms"}, F.CONNECTION, 2),
    ({"cut_after_bytes": 260}, F.TRUNCATED, 1),
    ({"malformed_after_chunks": 3}, F.PROTOCOL, 3),
    ({"error_after_chunks": 2}, F.SERVER_ERROR, 2),
    ({"error_after_chunks": 0, "error": {"code": "429"}}, F.RATE_LIMITED, 0),
    ({"error_after_chunks": 1, "error": {"type": "overloaded_error"}}, F.OVERLOADED, 1),
]


@pytest.mark.parametrize(("step", "expected", "chunks_before"), BROKEN)
async def test_a_broken_stream_says_how_after_what_came(
    stage: Stage, step: dict[str, Any], expected: FailureClass, chunks_before: int
):
    """MM-02, AP-05: nothing that came is lost, and the end is never taken for a success."""
    words = ["one ", "two ", "three ", "four ", "five ", "six"]
    provider, _ = await stage({"chunks": words, "usage": "none", **step})

    chunks, failure = await collect(provider, call(stream=True))

    assert failure is not None
    assert failure.failure_class is expected
    assert text_of(chunks) == "".join(words[:chunks_before])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("connection", ["reset", "refuse"])
async def test_a_broken_connection_is_a_connection_failure(
    stage: Stage, stream: bool, connection: str
):
    """A reset before the head and a refusal count against the target, not the caller."""
    provider, _ = await stage({"connection": connection})
    request = call(stream=stream)

    with pytest.raises(UpstreamError) as caught:
        await (provider.stream(request) if stream else provider.complete(request))

    assert caught.value.failure_class is F.CONNECTION
    assert request.attempt.end_ns is not None


async def test_a_plain_answer_that_is_cut_is_truncated(stage: Stage):
    """Half a JSON object is no answer."""
    provider, _ = await stage({"cut_after_bytes": 20})

    with pytest.raises(UpstreamError) as caught:
        await provider.complete(call())

    assert caught.value.failure_class is F.TRUNCATED


TIMEOUTS: list[tuple[dict[str, Any], dict[str, float], str]] = [
    ({"head_delay": "1h"}, {"first_token_s": 0.05}, "first_byte"),
    ({"first_chunk_delay": "1h"}, {"first_token_s": 0.05, "idle_s": 0.01}, "first_token"),
    ({"stall_after_chunks": 1}, {"first_token_s": 5.0, "idle_s": 0.05}, "idle"),
    ({"stall_after_chunks": 1}, {"total_s": 0.05}, "total"),
    ({"chunk_count": 1000, "chunk_delay": "10ms"}, {"total_s": 0.1, "idle_s": 1.0}, "total"),
]


@pytest.mark.parametrize(("step", "limits", "phase"), TIMEOUTS)
async def test_each_phase_of_a_stream_has_its_limit(
    stage: Stage, step: dict[str, Any], limits: dict[str, float], phase: str
):
    """AP-02, FO-16: the limit that ran out is the one that is named."""
    provider, _ = await stage(step)

    _, failure = await collect(provider, call(stream=True, **limits))

    assert failure is not None
    assert failure.failure_class is F.TIMEOUT
    assert failure.phase == phase


async def test_the_deadline_of_the_call_bounds_the_attempt(stage: Stage):
    """FO-19: an attempt does not outlive the call, whatever its own limits allow."""
    provider, _ = await stage({"head_delay": "1h"})

    with pytest.raises(UpstreamError) as caught:
        await provider.complete(call(deadline_s=0.05))

    assert caught.value.failure_class is F.TIMEOUT
    assert caught.value.phase == "total"


@pytest.mark.parametrize(
    "step", [{"head_delay": "1h"}, {"first_chunk_delay": "1h"}, {"stall_after_chunks": 2}]
)
async def test_a_client_that_leaves_ends_the_exchange_at_once(stage: Stage, step: dict[str, Any]):
    """AP-04: the provider is left too, and nobody is blamed."""
    provider, counters = await stage(step)
    abort = AbortSignal()
    running = asyncio.ensure_future(collect(provider, call(stream=True, abort=abort)))
    await asyncio.sleep(0.03)

    left_at_ns = CLOCK.monotonic_ns()
    abort.abort("client_left")
    _, failure = await running

    assert failure is not None
    assert failure.failure_class is F.CLIENT_LEFT
    assert CLOCK.monotonic_ns() - left_at_ns < 50_000_000
    async with asyncio.timeout(5):
        while counters.aborted != 1:
            await asyncio.sleep(0.001)


async def test_the_provider_stops_producing_when_the_client_has_left(stage: Stage):
    """AP-04: chunks are counted at the provider; none follow once it has noticed."""
    provider, counters = await stage({"chunk_count": 10_000, "chunk_delay": "1ms"})
    stream = await provider.stream(call(stream=True))
    await stream.next_chunks()

    stream.close()

    async with asyncio.timeout(5):
        while counters.aborted != 1:
            await asyncio.sleep(0.001)
    produced = counters.chunks
    await asyncio.sleep(0.02)
    assert counters.chunks == produced < 1000


async def test_a_flapping_provider_follows_its_script_by_call_number(stage: Stage):
    """Chaos: two failures, then a good answer, and again."""
    provider, _ = await stage({"status": 503, "times": 2}, {}, repeat=True)

    outcomes = []
    for _ in range(6):
        try:
            await provider.complete(call())
            outcomes.append("ok")
        except UpstreamError as error:
            outcomes.append(error.failure_class.value)

    assert outcomes == ["server_error", "server_error", "ok"] * 2


async def test_calls_do_not_disturb_each_other(stage: Stage):
    """A provider is called concurrently."""
    provider, _ = await stage({"chunk_count": 20, "chunk_delay": "1ms"})

    results = await asyncio.gather(*(collect(provider, call(stream=True)) for _ in range(20)))

    assert [failure for _, failure in results] == [None] * 20
    assert len({chunks[0].response_id for chunks, _ in results}) == 20


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_serves_the_next_call(stage: Stage, stream: bool):
    """The end of a stream is read, so that its connection goes back to the pool."""
    provider, _ = await stage()
    attempts = []
    for _ in range(3):
        request = call(stream=stream)
        if stream:
            await collect(provider, request)
        else:
            await provider.complete(request)
        attempts.append(request.attempt)

    assert [attempt.reused_connection for attempt in attempts[1:]] == [True, True]
    assert [attempt.connect_ns for attempt in attempts[1:]] == [0, 0]
