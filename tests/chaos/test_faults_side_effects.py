"""Calls that must not run twice, and `Retry-After` on its way to the client."""

from pathlib import Path

import pytest

from watched_gateway import client_of, plain, story, upstreams, watched_gateway

CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a}}
  b: {{provider: pb, model: m-b}}
routes: {{chat: {{targets: [a, b]}}}}
resilience: {{retry: {{max_retries: 1, base_delay: 10ms}}}}
"""
SEARCH = {"tools": [{"type": "web_search"}]}
OPTIONS = {"web_search_options": {}}
FUNCTION = {"tools": [{"type": "function", "function": {"name": "pay", "parameters": {}}}]}
KEYED = {"Idempotency-Key": "order-17"}


@pytest.mark.parametrize(
    ("extra", "headers", "fault", "expected"),
    [
        (SEARCH, {}, {"status": 500}, "a first server_error: failure"),
        (OPTIONS, {}, {"connection": "reset"}, "a first connection: failure"),
        (SEARCH, KEYED, {"status": 500}, "a first server_error, b failover ok: success"),
        (FUNCTION, {}, {"status": 500}, "a first server_error, b failover ok: success"),
        (
            SEARCH,
            {},
            {"status": 429},
            "a first rate_limited, a retry rate_limited, b failover ok: success",
        ),
    ],
)
async def test_a_tool_that_the_provider_runs_is_not_run_twice(
    tmp_path: Path, extra, headers, fault, expected
):
    """AP-13: but for a key, or a failure which shows that nothing was done."""
    async with upstreams("a", "b") as providers:
        providers["a"].play(fault)
        ports = {name: each.server.port for name, each in providers.items()}
        async with (
            watched_gateway(tmp_path, CONFIG.format(**ports)) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            await plain(client, "chat", extra_body=extra, extra_headers=headers)
        calls = providers["a"].calls
        record = gateway.records[0]

    assert story(record) == expected
    assert calls == sum(attempt.target == "a" for attempt in record.attempts)


async def test_what_the_provider_asks_the_gateway_to_wait_reaches_the_client(tmp_path: Path):
    """FO-04: the soonest of both; a client is asked back then, and not forbidden to come."""
    async with upstreams("a", "b") as providers:
        for name, seconds in (("a", "120"), ("b", "45")):
            providers[name].play({"status": 429, "headers": {"retry-after": seconds}})
        ports = {name: each.server.port for name, each in providers.items()}
        async with (
            watched_gateway(tmp_path, CONFIG.format(**ports)) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            with pytest.raises(Exception, match="all 2 targets failed") as caught:
                await client.chat.completions.create(
                    model="chat", messages=[{"role": "user", "content": "x"}]
                )
        calls = [upstream.calls for upstream in providers.values()]

    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "45"
    assert "x-should-retry" not in caught.value.response.headers
    assert calls == [1, 1], "what is too long to wait for is not asked for again"
    told = caught.value.body["metadata"]["attempts"]
    assert [(each["target"], each["failure_class"]) for each in told] == [
        ("a", "rate_limited"),
        ("b", "rate_limited"),
    ]


async def test_the_waits_of_retries_are_told_apart_from_the_answer(tmp_path: Path):
    """CP-12: which attempt waited how long and on whose word, what each cost."""
    async with upstreams("a", "b") as providers:
        providers["a"].play({"status": 429, "headers": {"retry-after": "0.2"}}, {})
        ports = {name: each.server.port for name, each in providers.items()}
        async with (
            watched_gateway(tmp_path, CONFIG.format(**ports)) as gateway,
            client_of(gateway) as client,
        ):
            await plain(client, "chat")
        first, retry = gateway.records[0].attempts

    assert (first.retry_after_s, first.usage) == (0.2, None)
    assert (retry.kind, retry.why) == ("retry", "rate_limited")
    assert (retry.backoff_ms, retry.backoff_source) == (200.0, "retry_after")
    assert retry.start_ns - first.end_ns >= 200_000_000
    assert retry.usage is not None
