"""What goes upstream with a call, and what the attempt record says afterwards."""

import contextlib
import json

import pytest

from pointsman import __version__
from pointsman.config.section import Secret
from pointsman.core.clock import ManualClock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.exchange import MAX_ERROR_BYTES
from pointsman.providers.openai.client import OpenAiProvider, OpenAiSettings
from pointsman.transport.exchange import Timings, TransportError
from provider_scenarios import by_status, call
from scripted_http import ScriptedHttp, WrittenResponse

F = FailureClass
JSON = {"content-type": "application/json"}
ANSWER = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}).encode()


def provider(http: ScriptedHttp, clock: ManualClock | None = None, **changes) -> OpenAiProvider:
    settings = OpenAiSettings(
        name="p",
        vendor="openai",
        telemetry_name="openai",
        origin="https://api.example",
        prefix="/v1",
        **{"key": Secret("sk-planted", "...nted"), **changes},
    )
    return OpenAiProvider(settings, http, clock or ManualClock(), by_status)


async def test_a_call_carries_credential_trace_and_kind():
    """AP-08, CP: bearer key, W3C trace context and our name; extra headers win."""
    http = ScriptedHttp(WrittenResponse([ANSWER], headers=JSON))
    request = call()

    await provider(http, headers={"X-Org": Secret("o1", "...")}).complete(request)

    sent = http.requests[0]
    assert sent.method == "POST"
    assert sent.path == "/v1/chat/completions"
    assert dict(sent.headers) == {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": f"pointsman/{__version__}",
        "authorization": "Bearer sk-planted",
        "traceparent": request.traceparent,
        "x-org": "o1",
    }
    assert sent.is_repeatable
    assert sent.timeouts is request.target.timeouts


async def test_a_provider_without_a_key_sends_no_credential():
    """Local servers want none."""
    http = ScriptedHttp(WrittenResponse([ANSWER], headers=JSON))
    request = call()

    await provider(http, key=None).complete(request)

    assert "authorization" not in http.requests[0].headers
    assert request.attempt.key_alias is None


async def test_the_attempt_gets_its_times_as_offsets_from_the_request():
    """OBS: durations from the exchange, points in time since the request's start."""
    clock = ManualClock()
    started_ns = clock.monotonic_ns()
    http = ScriptedHttp(WrittenResponse([ANSWER], headers=JSON, started_ns=started_ns))
    request = call(start_ns=1_000)
    clock.advance_s(1)

    await provider(http, clock).complete(request)

    attempt = request.attempt
    assert attempt.connect_ns == 2_000
    assert attempt.first_byte_ns == 4_000
    assert attempt.end_ns == 1_000_001_000
    assert attempt.key_alias == "...nted"
    assert attempt.endpoint == "https://api.example/v1/chat/completions"


async def test_a_failed_exchange_still_fills_the_attempt():
    """Failures carry the same record as successes."""
    clock = ManualClock()
    error = TransportError("connect", "refused")
    error.timings = Timings(started_ns=clock.monotonic_ns())
    clock.advance_s(2)
    request = call(start_ns=1_000)

    with pytest.raises(UpstreamError) as caught:
        await provider(ScriptedHttp(error), clock).complete(request)

    assert caught.value.failure_class is F.CONNECTION
    assert request.attempt.connect_ns is None
    assert request.attempt.first_byte_ns is None
    assert request.attempt.end_ns == 2_000_001_000


@pytest.mark.parametrize(
    ("kind", "phase", "expected"),
    [
        ("connect", None, F.CONNECTION),
        ("timeout", "connect", F.TIMEOUT),
        ("timeout", "first_byte", F.TIMEOUT),
        ("reset", None, F.CONNECTION),
        ("truncated", None, F.TRUNCATED),
        ("protocol", None, F.PROTOCOL),
        ("aborted", None, F.CLIENT_LEFT),
    ],
)
async def test_every_failure_of_the_transport_has_its_class(kind, phase, expected):
    """Retry and failover read classes only."""
    http = ScriptedHttp(TransportError(kind, "x", phase=phase))

    with pytest.raises(UpstreamError) as caught:
        await provider(http).complete(call())

    assert caught.value.failure_class is expected
    assert caught.value.phase == phase


async def test_a_long_error_body_is_cut_not_refused():
    """The status is known; a book of an error page does not change it."""
    response = WrittenResponse([b"x" * 50_000] * 10, status=500, headers={})

    with pytest.raises(UpstreamError) as caught:
        await provider(ScriptedHttp(response)).complete(call())

    assert caught.value.failure_class is F.SERVER_ERROR
    assert len(caught.value.upstream_body) == MAX_ERROR_BYTES
    assert response.is_closed


async def test_an_answer_beyond_the_bound_is_refused():
    """A provider that answers without end does not fill our memory."""
    response = WrittenResponse([b"x" * (1 << 20)] * 17, headers=JSON)

    with pytest.raises(UpstreamError) as caught:
        await provider(ScriptedHttp(response)).complete(call())

    assert caught.value.failure_class is F.PROTOCOL


async def test_an_error_whose_body_breaks_off_keeps_its_status():
    """A 429 is a 429, also when the connection ends inside its body."""
    response = WrittenResponse([b'{"err', TransportError("truncated", "x")], 429, {})

    with pytest.raises(UpstreamError) as caught:
        await provider(ScriptedHttp(response)).complete(call())

    assert caught.value.failure_class is F.RATE_LIMITED


async def test_a_client_that_leaves_during_an_error_body_has_left():
    """Nobody is to blame upstream."""
    response = WrittenResponse([TransportError("aborted", "left")], 500, {})

    with pytest.raises(UpstreamError) as caught:
        await provider(ScriptedHttp(response)).complete(call())

    assert caught.value.failure_class is F.CLIENT_LEFT


@pytest.mark.parametrize("headers", [{}, JSON, {"content-type": "text/plain"}])
async def test_events_under_a_wrong_type_are_still_events(headers):
    """What the body begins with tells more than its label."""
    body = (
        b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    http = ScriptedHttp(WrittenResponse([body[:9], body[9:]], headers=headers))

    stream = await provider(http).stream(call(stream=True, first_token_s=1e9))
    chunks = await stream.next_chunks()

    assert len(chunks) == 1
    assert await stream.next_chunks() == []


async def test_a_body_that_is_no_object_is_the_callers_fault():
    """Nothing is sent."""
    http = ScriptedHttp()
    request = call()
    request.body = b"[" * 100_000

    with pytest.raises(UpstreamError) as caught:
        await provider(http).complete(request)

    assert caught.value.failure_class is F.CALLER_FAULT
    assert http.requests == []


async def test_a_response_is_let_go_whatever_happens():
    """No answer may keep a connection."""
    for response in (
        WrittenResponse([ANSWER], headers=JSON),
        WrittenResponse([b"{}"], headers=JSON),
        WrittenResponse([TransportError("reset", "x")], headers=JSON),
    ):
        with contextlib.suppress(UpstreamError):
            await provider(ScriptedHttp(response)).complete(call())
        assert response.is_closed


def test_the_credential_is_in_no_representation():
    """Invariant 13: a secret is never printed."""
    one = provider(ScriptedHttp())

    assert "sk-planted" not in repr(one._settings) + repr(one._judge) + repr(one)
