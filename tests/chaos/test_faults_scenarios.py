"""What a broken provider comes to: for the client, for the providers, in the record.

Two targets, `a` and then `b`, each a scripted provider on a socket. For each scenario three things
are held: what the official client saw, how many calls reached whom, and what the record tells.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from watched_gateway import (
    client_of,
    dead_port,
    plain,
    story,
    streamed,
    until,
    upstreams,
    watched_gateway,
)

CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
  dead: {{kind: openai, base_url: "http://127.0.0.1:{dead}/v1", api_key: key-of-nobody}}
  nowhere: {{kind: openai, base_url: "http://no-such-host.invalid/v1", api_key: key-of-nobody}}
targets:
  a: {{provider: pa, model: m-a, timeout: {limits}}}
  b: {{provider: pb, model: m-b, timeout: {limits}}}
  dead: {{provider: dead, model: m-dead, timeout: {limits}}}
  nowhere: {{provider: nowhere, model: m-nowhere, timeout: {limits}}}
  small: {{provider: pa, model: m-a, context_tokens: 8000}}
  as_small: {{provider: pa, model: m-twin, context_tokens: 8000}}
  wide: {{provider: pb, model: m-b, context_tokens: 128000}}
routes:
  chat: {{targets: [a, b], timeout: 4s}}
  alone: {{targets: [a], timeout: 4s}}
  stubborn: {{targets: [a, b], timeout: 4s, retry_first: true}}
  refused: {{targets: [dead, b], timeout: 4s}}
  lost: {{targets: [nowhere, b], timeout: 4s}}
  widening: {{targets: [small, as_small, wide], timeout: 4s}}
  hurried: {{targets: [a, b], timeout: 500ms}}
resilience:
  retry: {{max_retries: 2, base_delay: 20ms, max_delay: 50ms}}
  min_attempt: 200ms
"""
LIMITS = "{connect: 400ms, first_token: 400ms, idle: 300ms, total: 3s}"
LONGEST_S = 4.5
"""The deadline of a route and some room for a busy machine."""

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "failures.md"
OK = "answer of m-a"
MOVED = "answer of m-b"


@dataclass(frozen=True)
class Scenario:
    """One way to fail."""

    name: str
    a: list[dict] = field(default_factory=list)
    plain: str = MOVED
    calls: tuple[int, int] = (1, 1)
    record: str = ""
    """The story of the plain request."""
    stream: str | None = None
    """What a streaming client sees; None is the same as the plain one."""
    stream_calls: tuple[int, int] | None = None
    stream_record: str | None = None
    b: list[dict] = field(default_factory=list)
    model: str = "chat"


def status(code: int, error_code: str | None = None, message: str = "told to", **headers: str):
    error = {"message": message, "type": "error", "code": error_code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status": code, "error": error, "headers": named}


def moved_by(failure: str) -> str:
    return f"a first {failure}, b failover ok: success"


LIMITED = "a first rate_limited, a retry rate_limited, a retry rate_limited"
PIECES = {"chunks": ["The ", "train ", "on ", "track ", "two ", "leaves"]}
SCENARIOS = [
    Scenario("nothing is wrong", plain=OK, calls=(1, 0), record="a first ok: success"),
    Scenario(
        "429 once, Retry-After 50 ms",
        [status(429, retry_after="0.05"), {}],
        plain=OK,
        calls=(2, 0),
        record="a first rate_limited, a retry ok: success",
    ),
    Scenario(
        "429 for ever",
        [status(429)],
        calls=(3, 1),
        record=f"{LIMITED}, b failover ok: success",
        # The fifth failure in a row opened the breaker: no storm, the rest goes to b.
        stream_calls=(2, 1),
    ),
    Scenario(
        "429, Retry-After 1 h", [status(429, retry_after="3600")], record=moved_by("rate_limited")
    ),
    Scenario("529 once", [status(529), {}], OK, (2, 0), "a first overloaded, a retry ok: success"),
    Scenario("500 once", [status(500), {}], record=moved_by("server_error")),
    Scenario(
        "500 once, nobody else",
        [status(500), {}],
        OK,
        (2, 0),
        "a first server_error, a retry ok: success",
        model="alone",
    ),
    Scenario(
        "500 once, retry_first",
        [status(500), {}],
        OK,
        (2, 0),
        "a first server_error, a retry ok: success",
        model="stubborn",
    ),
    Scenario("503 for ever", [status(503)], record=moved_by("server_error")),
    Scenario(
        "connection refused",
        record="dead first connection, b failover ok: success",
        calls=(0, 1),
        model="refused",
    ),
    Scenario(
        "name not found",
        record="nowhere first connection, b failover ok: success",
        calls=(0, 1),
        model="lost",
    ),
    Scenario("reset before the head", [{"connection": "reset"}], record=moved_by("connection")),
    Scenario(
        "reset after the head",
        [{"cut_after_bytes": 0, "cut": "reset"}],
        record=moved_by("connection"),
    ),
    Scenario("no answer", [{"head_delay": "30s"}], record=moved_by("timeout")),
    Scenario("slow first token", [{"first_chunk_delay": "30s"}], record=moved_by("timeout")),
    Scenario(
        "a role, then silence",
        [{"chunks": ["", "late"], "stall_after_chunks": 1}],
        record=moved_by("timeout"),
    ),
    Scenario(
        "a role, then a cut",
        [{"chunks": ["", "late"], "cut_after_chunks": 1}],
        record=moved_by("truncated"),
    ),
    Scenario(
        "cut at two thirds",
        [{**PIECES, "cut_after_chunks": 4}],
        record=moved_by("truncated"),
        stream="4 chunks of m-a, then error upstream_error",
        stream_calls=(1, 0),
        stream_record="a first truncated: failure (cut)",
    ),
    Scenario(
        "reset in mid-stream",
        [{**PIECES, "cut_after_chunks": 4, "cut": "reset", "chunk_delay": "5ms"}],
        record=moved_by("connection"),
        stream="4 chunks of m-a, then error upstream_error",
        stream_calls=(1, 0),
        stream_record="a first connection: failure (cut)",
    ),
    Scenario(
        "silence in mid-stream",
        [{**PIECES, "stall_after_chunks": 2}],
        record=moved_by("timeout"),
        stream="2 chunks of m-a, then error upstream_error",
        stream_calls=(1, 0),
        stream_record="a first timeout: failure (stalled)",
    ),
    Scenario(
        "malformed chunk",
        [{**PIECES, "malformed_after_chunks": 2}],
        plain=OK,
        calls=(1, 0),
        record="a first ok: success",
        stream="2 chunks of m-a, then error upstream_error",
        stream_record="a first protocol: failure (malformed)",
    ),
    Scenario(
        "no [DONE], finish reason there",
        [{"done": "none"}],
        plain=OK,
        calls=(1, 0),
        record="a first ok: success",
        stream_record="a first ok: success (done)",
    ),
    Scenario(
        "200 with an error body",
        [{"status": 200, "body": {"error": {"message": "overloaded", "code": "server_error"}}}],
        record=moved_by("server_error"),
    ),
    Scenario(
        "200 with a web page", [{"body": "<html>maintenance</html>"}], record=moved_by("protocol")
    ),
    Scenario(
        "error event before content",
        [{"error_after_chunks": 0}],
        plain=OK,
        calls=(1, 0),
        record="a first ok: success",
        stream=MOVED,
        stream_calls=(1, 1),
        stream_record="a first server_error, b failover ok: success (done)",
    ),
    Scenario(
        "error event in mid-stream",
        [{**PIECES, "error_after_chunks": 3}],
        plain=OK,
        calls=(1, 0),
        record="a first ok: success",
        stream="3 chunks of m-a, then error server_error",
        stream_record="a first server_error: failure (failed)",
    ),
    Scenario(
        "400, context too long",
        [status(400, "context_length_exceeded")],
        "400 context_length_exceeded",
        (1, 0),
        "a first context_too_long: failure",
    ),
    Scenario(
        "400, context too long, a wider one left",
        [status(400, "context_length_exceeded")],
        record="small first context_too_long, wide failover ok: success",
        model="widening",
    ),
    Scenario(
        "400, content filter",
        [status(400, "content_filter")],
        "400 content_filter",
        (1, 0),
        "a first content_filtered: failure",
    ),
    Scenario(
        "400, the caller's fault",
        [status(400, "bad_value")],
        "400 bad_value",
        (1, 0),
        "a first caller_fault: failure",
    ),
    Scenario("401", [status(401, "invalid_api_key")], record=moved_by("bad_credential")),
    Scenario(
        "quota spent, said as 429",
        [status(429, "insufficient_quota")],
        record=moved_by("quota_exhausted"),
    ),
    Scenario(
        "all down",
        [status(500)],
        "502 upstream_failed",
        (1, 3),
        "a first server_error, b failover server_error, b retry server_error, "
        "b retry server_error: failure",
        b=[status(500)],
        stream_calls=(1, 2),
    ),
    Scenario(
        "all overloaded",
        [status(529)],
        "503 upstream_failed",
        (3, 3),
        "a first overloaded, a retry overloaded, a retry overloaded, b failover overloaded, "
        "b retry overloaded, b retry overloaded: failure",
        b=[status(529)],
        stream_calls=(2, 2),
    ),
    Scenario(
        "no answer and no time left",
        [{"head_delay": "30s"}],
        "504 upstream_failed",
        (1, 0),
        "a first timeout: failure",
        model="hurried",
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_fault_is_survived_or_told_truthfully(
    tmp_path: Path, scenario: Scenario, table: list[tuple[str, ...]]
):
    """FO-02 to FO-07, FO-18 to FO-20, AP-05, AP-06, AP-12, MM-04, MM-05."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        config = CONFIG.format(a=a.server.port, b=b.server.port, dead=dead_port(), limits=LIMITS)
        async with watched_gateway(tmp_path, config) as gateway, client_of(gateway) as client:
            seen, calls, took_s = [], [], []
            for ask in (plain, streamed):
                a.play(*scenario.a)
                b.play(*scenario.b)
                began = time.monotonic()
                seen.append(await ask(client, scenario.model))
                took_s.append(time.monotonic() - began)
                calls.append((a.calls, b.calls))
            await until(lambda: len(gateway.records) == 2)
            stories = [story(record) for record in gateway.records]
            sends = [
                sum(
                    attempt.sends for attempt in record.attempts if attempt.provider in ("pa", "pb")
                )
                for record in gateway.records
            ]
            held = gateway.ledger.outstanding()

    row = (scenario.name, *seen, "{}/{}".format(*calls[0]), stories[0])
    table.append(row)
    expected_stream = scenario.stream if scenario.stream is not None else scenario.plain
    assert seen == [scenario.plain, expected_stream]
    assert calls == [scenario.calls, scenario.stream_calls or scenario.calls]
    assert stories[0] == scenario.record
    if scenario.stream_record is not None:
        assert stories[1] == scenario.stream_record
    assert max(took_s) < LONGEST_S
    assert sends == [sum(each) for each in calls], "a call without an attempt, or the reverse"
    assert held == 0
    assert f"| {' | '.join(row)} |" in PAGE.read_text(), "the page tells otherwise"
