"""Rates, requests under way and quotas: exact, in order, and told."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.clock import ManualClock
from pointsman.core.errors import BudgetExceededError, RateLimitedError
from pointsman.policy.limit_headers import duration
from pointsman.policy.refusals import RequestNeverFitsError
from policy_rules import Desk, used

NOON_UTC = 1_790_000_000_000_000_000  # 2026-09-21 14:13:20 UTC


async def test_requests_over_the_rate_are_refused_and_told_when_there_is_room():
    """PO-01: Retry-After is the moment at which the next request fits, not a guess."""
    desk = Desk("limits: {rpm: {requests_per_minute: 2}}")
    await desk.admit(key="ci")
    await desk.admit(key="ci")

    with pytest.raises(RateLimitedError) as refused:
        await desk.admit(key="ci")
    desk.clock.advance_s(refused.value.retry_after_s - 0.001)
    with pytest.raises(RateLimitedError):
        await desk.admit(key="ci")
    desk.clock.advance_s(0.002)
    await desk.admit(key="ci")

    assert refused.value.retry_after_s == 30.0
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.value.metadata["rule"] == "policy.limits.rpm"


async def test_each_owner_has_a_counter_and_leaving_the_name_out_is_no_way_around():
    """PO-01: users of two tenants are two users; those without a name share one."""
    desk = Desk("limits: {rpm: {scope: user, requests_per_minute: 1}}")
    await desk.admit(tenant="a", user="bob")
    await desk.admit(tenant="b", user="bob")
    await desk.admit(tenant="a")

    with pytest.raises(RateLimitedError):
        await desk.admit(tenant="a")


async def test_a_refused_request_is_counted_by_no_rule():
    """A caller that is turned away by one limit does not use up another."""
    desk = Desk(
        "limits: {wide: {scope: gateway, requests_per_minute: 3}, narrow: {requests_per_minute: 1}}"
    )
    await desk.admit(key="loud")
    for _ in range(5):
        with pytest.raises(RateLimitedError):
            await desk.admit(key="loud")

    await desk.admit(key="one")
    await desk.admit(key="two")
    with pytest.raises(RateLimitedError):
        await desk.admit(key="three")


async def test_every_rule_that_was_looked_at_is_in_the_record():
    """Design §5: scope, kind, rule, before, reserved, after, limit; also of what let it pass."""
    desk = Desk(
        "limits: {a: {requests_per_minute: 5, concurrent: 2}, b: {match: {tier: x}, concurrent: 1}}"
    )
    record = desk.record(key="ci")

    await desk.admit(record)

    assert [
        (check.scope, check.kind, check.before, check.after, check.limit, check.rule)
        for check in record.limits
    ] == [
        ("key:ci", "requests_minute", 0, 1, 5, "policy.limits.a"),
        ("key:ci", "concurrent_calls", 0, 1, 2, "policy.limits.a"),
    ]


async def test_a_dry_run_records_what_it_would_refuse_and_lets_pass():
    """PO-01: a limit can be tried on live traffic before it hurts."""
    desk = Desk("limits: {rpm: {requests_per_minute: 1, dry_run: true}}")
    await desk.admit(key="ci")
    record = desk.record(key="ci")

    admission = await desk.admit(record)

    assert [(check.refused, check.dry_run) for check in record.limits] == [(True, True)]
    assert admission.headers == {}


async def test_tokens_are_counted_in_advance_and_corrected_after_the_call():
    """PO-01: an answer shorter than its bound gives the rest back, a longer one is owed."""
    desk = Desk("limits: {tpm: {tokens_per_minute: 1000}}")
    record = desk.record(key="ci", estimated_input_tokens=100, max_output_tokens=800)
    admission = await desk.admit(record)
    with pytest.raises(RateLimitedError):
        await desk.admit(key="ci", estimated_input_tokens=200, max_output_tokens=1)

    used(record, 150)
    await admission.close()
    await admission.close()
    second = desk.record(key="ci", estimated_input_tokens=200, max_output_tokens=600)
    await desk.admit(second)

    assert admission.headers["x-ratelimit-remaining-tokens"] == "100"
    assert second.limits[0].before == 150


async def test_a_request_larger_than_the_whole_limit_is_told_so():
    """Waiting cannot help: no Retry-After, and the SDK is told not to try again."""
    desk = Desk("limits: {tpm: {tokens_per_minute: 1000}}")

    with pytest.raises(RequestNeverFitsError) as refused:
        await desk.admit(key="ci", estimated_input_tokens=1001, max_output_tokens=1)

    assert refused.value.retry_after_s is None
    assert refused.value.should_retry is False


async def test_a_request_without_a_bound_on_its_answer_is_not_kept_out_by_a_guess():
    """The 1,024 tokens that are assumed for it are no more than the limit leaves."""
    desk = Desk("limits: {tpm: {tokens_per_minute: 500}}")

    await desk.admit(key="ci", estimated_input_tokens=10)


async def test_places_of_requests_under_way_come_back_when_they_end():
    """PO-01: concurrent calls, given back once however often a call is closed."""
    desk = Desk("limits: {few: {concurrent: 2}}")
    first = await desk.admit(key="ci")
    await desk.admit(key="ci")
    with pytest.raises(RateLimitedError):
        await desk.admit(key="ci")

    await first.close()
    await first.close()
    await desk.admit(key="ci")
    with pytest.raises(RateLimitedError):
        await desk.admit(key="ci")


@pytest.mark.parametrize(
    ("zone", "resets"),
    [("UTC", "2026-09-22T00:00:00+00:00"), ("Asia/Tokyo", "2026-09-22T00:00:00+09:00")],
)
async def test_a_quota_belongs_to_the_day_of_the_tenant(zone: str, resets: str):
    """PO-02: the day begins at midnight of the tenant's time zone."""
    desk = Desk(
        f"tenants: {{acme: {{time_zone: {zone}}}}}\n"
        "limits: {q: {scope: tenant, requests_per_day: 1}}"
    )
    await desk.admit(tenant="acme")

    with pytest.raises(BudgetExceededError) as refused:
        await desk.admit(tenant="acme")
    assert refused.value.metadata["reason"] == "quota_exceeded"
    assert refused.value.metadata["resets_at"] == resets
    assert refused.value.should_retry is False
    desk.clock.advance_s(refused.value.retry_after_s)
    await desk.admit(tenant="acme")


async def test_a_token_quota_ends_with_what_was_really_used():
    """PO-02: the estimate is held while the call is under way; only what was used stays."""
    desk = Desk("limits: {q: {tokens_per_month: 1000}}")
    record = desk.record(key="ci", estimated_input_tokens=0, max_output_tokens=1000)
    admission = await desk.admit(record)
    with pytest.raises(RateLimitedError, match="try again"):
        await desk.admit(key="ci", estimated_input_tokens=1, max_output_tokens=1)

    used(record, 990)
    await admission.close()
    with pytest.raises(BudgetExceededError, match="is spent"):
        await desk.admit(key="ci", estimated_input_tokens=1, max_output_tokens=50)
    await desk.admit(key="ci", estimated_input_tokens=1, max_output_tokens=9)


async def test_a_rate_does_not_notice_that_the_wall_clock_is_set():
    """Rates run on the monotonic clock; a clock set back must not lock a caller out."""
    desk = Desk("limits: {rpm: {requests_per_minute: 1}}")
    await desk.admit(key="ci")
    desk.clock.step_wall_s(-7200)
    with pytest.raises(RateLimitedError):
        await desk.admit(key="ci")
    desk.clock.step_wall_s(86_400)
    with pytest.raises(RateLimitedError):
        await desk.admit(key="ci")
    desk.clock.advance_s(60)
    await desk.admit(key="ci")


async def test_a_day_that_the_clock_comes_back_to_is_the_same_day():
    """A clock set forward by mistake and back again gives nobody a second quota."""
    desk = Desk("limits: {q: {requests_per_day: 1}}", ManualClock(NOON_UTC))
    await desk.admit(key="ci")
    desk.clock.step_wall_s(86_400)
    await desk.admit(key="ci")
    desk.clock.step_wall_s(-86_400)

    with pytest.raises(BudgetExceededError):
        await desk.admit(key="ci")


async def test_a_reload_keeps_what_was_counted():
    """Raising a limit raises it; it does not begin again."""
    desk = Desk("limits: {q: {requests_per_day: 2}}")
    await desk.admit(key="ci")
    await desk.admit(key="ci")
    desk.configure("limits: {q: {requests_per_day: 3}}")
    await desk.admit(key="ci")

    with pytest.raises(BudgetExceededError):
        await desk.admit(key="ci")


async def test_counters_are_bounded_and_those_of_calls_under_way_are_kept():
    """Names come from callers: a flood of them costs the longest unused, counted."""
    desk = Desk("limits: {few: {scope: user, concurrent: 1}}", max_counters=10)
    admission = await desk.admit(user="held")
    for number in range(500):
        await (await desk.admit(user=f"u{number}")).close()

    assert len(desk.store) <= 10
    assert desk.store.evicted == 491
    with pytest.raises(RateLimitedError):
        await desk.admit(user="held")
    await admission.close()
    await desk.admit(user="held")


async def test_without_rules_nothing_is_looked_at():
    """A gateway without limits pays nothing for them."""
    desk = Desk("{}")

    assert await desk.admissions.admit(desk.record(key="ci")) is None


@given(
    limit=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 60)), max_size=60),
)
@settings(max_examples=100, deadline=None)
def test_no_window_lets_more_pass_than_a_full_bucket_and_what_flowed_in(limit, steps):
    """Over any window of t seconds at most `limit` plus `limit * t / 60` requests pass."""

    async def run() -> list[float]:
        desk = Desk(f"limits: {{rpm: {{requests_per_minute: {limit}}}}}")
        passed, now_s = [], 0.0
        for wait_s, burst in steps:
            desk.clock.advance_s(wait_s)
            now_s += wait_s
            for _ in range(burst):
                try:
                    await desk.admit(key="k")
                except RateLimitedError:
                    break
                passed.append(now_s)
        return passed

    passed = asyncio.run(run())
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            window_s = passed[last] - begin
            assert last - first + 1 <= limit + limit * window_s / 60 + 1e-6


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0ms"),
        (1, "1ms"),
        (999_000_000, "999ms"),
        (1_000_000_001, "2s"),
        (360_000_000_000, "6m0s"),
    ],
)
def test_durations_are_written_as_clients_read_them(nanoseconds: int, text: str):
    """The form that OpenAI sends: never earlier than the truth."""
    assert duration(nanoseconds) == text
