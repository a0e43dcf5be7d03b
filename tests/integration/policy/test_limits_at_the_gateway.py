"""Limits, budgets and runs at a running gateway, as the official SDK meets them."""

import asyncio
import re
import signal
import time
from pathlib import Path

import msgspec
import openai
import pytest

from pointsman.core.records import CallRecord
from pointsman.journal.reader import JournalReader

from running_gateway import RunningGateway, get, post, run_command, running_gateway

KEY = "pm-test-key-0123456789"
CONFIG = """
providers: {mock: {kind: mock, default: true}}
targets:
  small: {provider: mock, model: gpt-4o-mini}
  large: {provider: mock, model: gpt-4o}
keys: {ci: {key: "pm-test-key-0123456789", tenant: acme, scopes: [call, explain]}}
policy:
"""
MESSAGES = [{"role": "user", "content": "Say hello"}]


def config(policy: str) -> str:
    return CONFIG + "".join(f"  {line}\n" for line in policy.strip().splitlines())


def client(gateway: RunningGateway, **options) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, **options)


def records(gateway: RunningGateway) -> list[CallRecord]:
    return JournalReader(gateway.data_dir / "journal").newest(10_000)


def _wait_for_records(gateway: RunningGateway, count: int) -> None:
    deadline = time.monotonic() + 5
    while len(records(gateway)) < count:
        assert time.monotonic() < deadline, "the records were not written"


def figure(gateway: RunningGateway, name: str) -> float:
    _, _, text = get(f"{gateway.url}/metrics")
    found = re.search(rf"^{name} (\S+)$", text.decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def test_the_sdk_waits_for_retry_after_and_then_succeeds(tmp_path: Path):
    """PO-01: 429 with Retry-After and x-ratelimit-*; the SDK's own retry gets through."""
    with running_gateway(
        tmp_path, config=config("limits: {rpm: {requests_per_minute: 60}}")
    ) as gateway:
        body = msgspec.json.encode({"model": "small", "messages": MESSAGES})
        headers = {"authorization": f"Bearer {KEY}"}
        answers = [post(f"{gateway.url}/v1/chat/completions", body, headers) for _ in range(61)]
        with client(gateway, max_retries=1) as sdk:
            sdk.chat.completions.create(model="small", messages=MESSAGES)

    assert {status for status, _, _ in answers[:60]} == {200}
    first, last = answers[0][1], answers[-1]
    assert first["x-ratelimit-limit-requests"] == "60"
    assert first["x-ratelimit-remaining-requests"] == "59"
    assert first["x-ratelimit-reset-requests"] == "1s"
    assert last[0] == 429
    assert last[1]["retry-after"] == "1"
    assert "x-should-retry" not in last[1]
    error = msgspec.json.decode(last[2])["error"]
    assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")


def test_a_spent_budget_is_an_error_that_the_sdk_does_not_try_again(tmp_path: Path):
    """AC-07, GB-19: named cap, amount and reset; one request, not three."""
    with (
        running_gateway(tmp_path, config=config("budgets: {daily: {usd: '0.0000001'}}")) as gateway,
        client(gateway) as sdk,
        pytest.raises(openai.RateLimitError) as refused,
    ):
        sdk.chat.completions.create(model="small", messages=MESSAGES, max_tokens=10)
    made = len(records(gateway))

    error = refused.value
    assert error.code == "insufficient_quota"
    assert error.body["metadata"]["reason"] == "spend_limit_exceeded"
    assert re.search(r"daily budget daily of key:ci .* 0 of 0\.0000001 USD.* resets at", str(error))
    assert error.response.headers["x-should-retry"] == "false"
    assert int(error.response.headers["retry-after"]) > 0
    assert made == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_concurrent_calls_never_pass_a_budget_and_records_sum_to_it(
    tmp_path: Path, *, stream: bool
):
    """AC-08, invariant 11: 120 calls at once; the sum of the records is what the budget says."""
    cap = 0.01
    context = running_gateway(tmp_path, config=config(f"budgets: {{daily: {{usd: {cap}}}}}"))
    gateway = await asyncio.to_thread(context.__enter__)
    try:
        async with openai.AsyncOpenAI(
            base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0
        ) as sdk:
            outcomes = await asyncio.gather(*(_ask(sdk, stream=stream) for _ in range(120)))
            message = await _until_spent(sdk)
        held = figure(gateway, "pointsman_reservations")
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
    costs = [one.cost.total_nano_usd for one in records(gateway) if one.cost is not None]

    assert "served" in outcomes
    assert set(outcomes) <= {"served", "rate_limit_exceeded", "insufficient_quota"}
    assert sum(costs) <= cap * 1e9
    assert held == 0
    spent = re.search(r"(\S+) of 0\.01 USD are spent", message)
    assert spent is not None
    assert round(float(spent[1]) * 1e9) == sum(costs)


async def _ask(sdk: openai.AsyncOpenAI, *, stream: bool) -> str:
    try:
        answer = await sdk.chat.completions.create(
            model="large", messages=MESSAGES, max_tokens=100, stream=stream
        )
        if stream:
            async for _ in answer:
                pass
    except openai.RateLimitError as error:
        return str(error.code)
    return "served"


async def _until_spent(sdk: openai.AsyncOpenAI) -> str:
    """Ask for more than is left; return what the refusal says."""
    for _ in range(200):
        try:
            await sdk.chat.completions.create(model="large", messages=MESSAGES, max_tokens=900)
        except openai.RateLimitError as error:
            return str(error)
    raise AssertionError("the budget was never spent")


def test_a_killed_gateway_knows_after_its_restart_what_was_spent(tmp_path: Path):
    """AC-14, invariant 11: neither `kill -9` nor a stop gives anybody a new budget or quota."""
    policy = "budgets: {daily: {usd: 0.002}}\nlimits: {q: {scope: tenant, requests_per_day: 3}}"
    with running_gateway(tmp_path, config=config(policy)) as gateway, client(gateway) as sdk:
        for _ in range(2):
            sdk.chat.completions.create(model="large", messages=MESSAGES, max_tokens=100)
        _wait_for_records(gateway, 2)
        gateway.stop(signal.SIGKILL)
        costs = [one.cost.total_nano_usd for one in records(gateway) if one.cost is not None]

    with (
        running_gateway(tmp_path, config=config(policy)) as gateway,
        client(gateway, max_retries=0) as sdk,
    ):
        with pytest.raises(openai.RateLimitError) as refused:
            sdk.chat.completions.create(model="large", messages=MESSAGES, max_tokens=199)
        with pytest.raises(openai.RateLimitError) as over_quota:
            sdk.chat.completions.create(model="small", messages=MESSAGES, max_tokens=1)

    spent = re.search(r"(\S+) of 0\.002 USD are spent", str(refused.value))
    assert spent is not None
    assert round(float(spent[1]) * 1e9) == sum(costs)
    assert over_quota.value.body["metadata"]["reason"] == "quota_exceeded"


def test_a_tenant_that_allows_it_is_moved_to_the_cheaper_target_and_why_tells(tmp_path: Path):
    """CP-06, CP-11, CP-21: model before and after, rule, both values; reason `budget_route`."""
    policy = """
tenants: {acme: {budget_routes: true}}
budgets: {monthly: {scope: tenant, period: month, usd: 0.004, route_to: small, route_percent: 50}}
"""
    with running_gateway(tmp_path, config=config(policy)) as gateway, client(gateway) as sdk:
        answers = []
        while not answers or answers[-1].headers["x-pointsman-reason"] != "budget_route":
            assert len(answers) < 100
            answers.append(
                sdk.chat.completions.with_raw_response.create(
                    model="large", messages=MESSAGES, max_tokens=100
                )
            )
        request_id = answers[-1].headers["x-pointsman-request-id"]
        why = run_command("why", request_id, "--data-dir", gateway.data_dir)

    made = records(gateway)
    record, first = made[0], made[-1]
    assert len(answers) > 1
    assert first.reason == "explicit_target"
    assert answers[-1].parse().model == "gpt-4o-mini"
    moved = next(check for check in record.limits if check.model_after is not None)
    assert (moved.model_before, moved.model_after) == ("gpt-4o", "gpt-4o-mini")
    assert moved.rule == "policy.budgets.monthly"
    assert moved.before + 1_005_000 > moved.limit / 2
    assert record.requested_vs_served == "budget"
    assert "quota_rule" in [stage.name for stage in record.stages]
    assert "quota_rule" not in [stage.name for stage in first.stages]
    assert "gpt-4o-mini" in why.stdout
    assert "policy.budgets.monthly" in why.stdout


def test_call_nine_of_an_agent_run_never_reaches_a_provider(tmp_path: Path):
    """AC-03: the run is named by header; the SDK does not try it again."""
    with (
        running_gateway(tmp_path, config=config("agent_runs: {}")) as gateway,
        client(gateway, default_headers={"x-pointsman-run-id": "run-7"}) as sdk,
    ):
        for _ in range(8):
            sdk.chat.completions.create(model="small", messages=MESSAGES)
        with pytest.raises(openai.RateLimitError) as refused:
            sdk.chat.completions.create(model="small", messages=MESSAGES)

    made = records(gateway)
    assert refused.value.body["metadata"]["reason"] == "agent_iteration_limit"
    assert [record.iteration for record in reversed(made)] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert made[0].attempts == []
    assert made[0].outcome == "refused"
