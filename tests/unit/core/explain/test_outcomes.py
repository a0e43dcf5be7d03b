"""How each kind of ending is told."""

import pytest

from pointsman.core.explain import flat, flat_cost, flat_route, paragraph, reason_sentence, tree
from pointsman.core.reasons import ROUTE_REASONS
from pointsman.core.records import (
    SCHEMA,
    Attempt,
    CallFailure,
    CallRecord,
    Candidate,
    Cost,
    CostLine,
    Draw,
    Evaluated,
    Exclusion,
    LimitCheck,
    Rule,
    RuleEvaluation,
    Stage,
    StreamTruth,
)
from pointsman.core.usage import Usage

MS = 1_000_000
SMALL = Candidate("small", "openai", "gpt-4o-mini", cost_nano_usd=21_000)
SONNET = Candidate("sonnet", "anthropic", "claude-sonnet", cost_nano_usd=510_000)


def record(**changes) -> CallRecord:
    values = {
        "schema": SCHEMA,
        "request_id": "req_1",
        "trace_id": "ab" * 16,
        "span_id": "1",
        "started_unix_ns": 1_790_000_000_000_000_000,
        "duration_ns": 900 * MS,
        "tenant": "acme",
        "requested_model": "auto",
        "route": "auto",
        "reason": "short_prompt_default",
        "candidates": [SMALL, SONNET],
    }
    return CallRecord(**(values | changes))


def served(**changes) -> CallRecord:
    values = {
        "status": 200,
        "outcome": "success",
        "served_model": "gpt-4o-mini-2024",
        "served_target": "small",
        "served_provider": "openai",
        "attempts": [
            Attempt("small", "openai", "gpt-4o-mini", start_ns=12 * MS, end_ns=853 * MS, status=200)
        ],
        "usage": Usage(input_tokens=20, output_tokens=30),
        "cost": Cost(
            21_000,
            [
                CostLine("input_tokens", 10, 1, 2_000),
                CostLine("cache_read_tokens", 10, 1, 1_000),
                CostLine("output_tokens", 20, 1, 12_000),
                CostLine("reasoning_tokens", 10, 1, 6_000),
            ],
        ),
    }
    return record(**(values | changes))


def says(told: str, *parts: str) -> None:
    for part in parts:
        assert part in told, f"{part!r} is not in: {told}"


def test_a_success_tells_choice_time_money_and_alternatives():
    """CP-01, CP-03, GW-22: reason, latency by step, cost, and what others would have cost."""
    told = paragraph(served(stages=[Stage("route_request", 0, 12_000)]))

    says(
        told,
        "from tenant acme asked for model auto.",
        "to gpt-4o-mini at openai (target small) because the prompt is short enough",
        "The gateway decided this, not the caller.",
        "Attempt 1 at small answered with status 200 after 841 ms.",
        "The model that answered calls itself gpt-4o-mini-2024",
        "It took 900 ms, of it 0.012 ms routing and 841 ms upstream.",
        "It used 20 input tokens and 30 output tokens. It cost $0.000021.",
        "The same tokens would have cost $0.00051 on sonnet.",
    )


def test_a_rule_is_told_with_both_values_that_were_compared():
    """CP-02: why this rule and not the one before it."""
    first, second = Rule("routes.auto.rules[0]", "pointsman.yaml", 21), Rule("routes.auto.rules[1]")
    long = Evaluated(False, "characters", "<=", 1000, 5000)
    both = Evaluated(
        True,
        op="AND",
        parts=[
            Evaluated(True, "tier", "==", "enterprise", "enterprise"),
            Evaluated(
                True, op="NOT", parts=[Evaluated(False, "team", "glob", "ci-*", missing=True)]
            ),
        ],
    )
    made = served(
        rule=second,
        rules_evaluated=[RuleEvaluation(first, False, long), RuleEvaluation(second, True, both)],
    )

    says(
        paragraph(made),
        "Rule routes.auto.rules[0] (pointsman.yaml:21) did not match: "
        "characters <= 1000, was 5000.",
        "Rule routes.auto.rules[1] matched: tier is enterprise, was enterprise; "
        "team is like ci-*, there was none.",
    )
    says(
        tree(made),
        "✗ rule routes.auto.rules[0] (pointsman.yaml:21)",
        "✗ characters <= 1000, was 5000",
        "✓ AND",
        "✓ NOT",
    )


def test_only_the_parts_that_made_a_condition_false_are_told():
    """Of an AND that failed, the part that held explains nothing."""
    condition = Evaluated(
        False,
        op="AND",
        parts=[Evaluated(True, "tier", "==", "a", "a"), Evaluated(False, "team", "==", "b", "c")],
    )
    made = record(rules_evaluated=[RuleEvaluation(Rule("r"), False, condition)])

    assert "did not match: team is b, was c." in paragraph(made)


@pytest.mark.parametrize(
    ("excluded", "phrase"),
    [
        (
            Exclusion("context", "too_long", 12_000, 8_192),
            "the request needs about 12000 tokens, its context holds 8192",
        ),
        (
            Exclusion("health", "provider_down", "down", "degraded"),
            "its provider is down; the worst that serves is degraded",
        ),
        (
            Exclusion("key_scope", "name_not_allowed", "gpt-4.1", "gpt-4o*"),
            "the key may not ask for gpt-4.1, only for gpt-4o*",
        ),
        (Exclusion("region", "outside", "us", "eu"), "region outside, found us against eu"),
    ],
)
def test_an_excluded_candidate_is_told_with_the_two_values(excluded, phrase):
    """The gap this product fills: what excluded each candidate."""
    llama = Candidate("llama", "local", "llama3.1", False, excluded)
    made = served(candidates=[SMALL, llama])

    assert f"Excluded was llama: {phrase}." in paragraph(made)
    assert f"excluded: {phrase}" in tree(made)


def test_a_failover_tells_what_failed_and_why_the_next_was_asked():
    """CP-05, CP-07: a slow provider or an eager gateway shows in times and failure classes."""
    made = served(
        reason="provider_failover",
        served_target="sonnet",
        served_model="claude-sonnet",
        attempts=[
            Attempt(
                "small", "openai", "gpt-4o-mini", end_ns=120 * MS, status=503,
                failure_class="overloaded", upstream_code="engine_overloaded",
            ),
            Attempt(
                "small", "openai", "gpt-4o-mini", kind="retry", why="overloaded", backoff_ms=250.0,
                backoff_source="retry-after", start_ns=370 * MS, end_ns=400 * MS,
                failure_class="timeout", timeout_phase="connect",
            ),
            Attempt(
                "sonnet", "anthropic", "claude-sonnet", kind="failover", why="timeout",
                start_ns=400 * MS, end_ns=800 * MS, status=200,
            ),
        ],
    )  # fmt: skip

    says(
        paragraph(made),
        "to claude-sonnet at anthropic (target sonnet) because the first choice failed",
        "Attempt 1 at small failed after 120 ms with status 503, code engine_overloaded: "
        "the provider had no capacity.",
        "Attempt 2 at small (the same target again, since the provider had no capacity) after "
        "waiting 250 ms (retry-after) failed after 30.0 ms: it ran out of time in phase connect.",
        "Attempt 3 at sonnet (the next target, since it ran out of time) answered with status 200 "
        "after 400 ms.",
        "550 ms upstream",
    )
    assert flat_route(made) == {
        "route_reason": "provider_failover",
        "selected_provider": "anthropic",
        "selected_model": "claude-sonnet",
        "retry_count": 1,
        "failover_used": True,
        "tenant_id": "acme",
        "trace_id": "trc_" + "ab" * 16,
    }


def test_the_flat_record_splits_time_and_money():
    """CP-03: latency into routing and provider call, cost into input and output."""
    made = served(stages=[Stage("route_request", 0, 12 * MS)])

    assert flat_cost(made)["latency_ms"] == {"routing": 12.0, "provider_call": 841.0}
    assert flat_cost(made)["cost"] == {"input": 0.000003, "output": 0.000018}
    assert flat(made)["request_id"] == "req_1"


def test_an_unknown_cost_is_not_zero_and_no_cost_is():
    """Unknown is unknown; a request that called nobody cost nothing."""
    unknown = served(cost=Cost())
    estimated = served(cost=Cost(5_000, estimated=True))

    assert flat_cost(unknown)["cost"] == {"input": None, "output": None}
    assert flat_cost(estimated)["cost"] == {"input": None, "output": None}
    assert flat_cost(record(attempts=[]))["cost"] == {"input": 0.0, "output": 0.0}
    assert "It cost an unknown amount." in paragraph(unknown)
    assert "It cost $0.000005 (estimated)." in paragraph(estimated)


def test_a_refused_key_is_told_without_a_route():
    """401: nothing was decided, and that is what is said."""
    made = record(
        tenant=None, requested_model=None, route=None, reason="not_routed", candidates=[],
        status=401, outcome="refused", error=CallFailure("invalid_api_key", "the key is not known"),
    )  # fmt: skip

    told = paragraph(made)

    says(
        told,
        "named no model. No route was chosen.",
        "it was refused before any target was called; the client got status 401 "
        "and the error invalid_api_key: the key is not known.",
    )
    assert "gateway decided" not in told
    assert flat_route(made)["selected_model"] is None


def test_no_eligible_target_is_told_with_every_exclusion():
    """503: the on-call person sees what was down."""
    down = Exclusion("health", "provider_down", "down", "degraded")
    made = record(
        candidates=[
            Candidate("small", "openai", "gpt-4o-mini", False, down),
            Candidate("sonnet", "anthropic", "claude-sonnet", False, down),
        ],
        candidates_omitted={"health": 3},
        status=503,
        outcome="refused",
        error=CallFailure("no_target_available", "no target is available"),
    )

    says(
        paragraph(made),
        "No target was chosen: 2 candidates looked at, none eligible.",
        "Excluded was small:",
        "Excluded was sonnet:",
        "3 candidates not shown (health).",
        "status 503",
    )


@pytest.mark.parametrize(
    ("terminal", "outcome", "phrase"),
    [
        ("done", "success", "The stream was complete; 12 chunks and 3400 bytes went to the client"),
        ("cut", "failure", "cut off by the provider before its end; 12 chunks"),
        ("stalled", "failure", "given up because the provider fell silent"),
        ("malformed", "failure", "broken off because the provider sent something unreadable"),
        ("client_left", "client_left", "left by the client before its end"),
    ],
)
def test_a_stream_tells_how_it_really_ended(terminal, outcome, phrase):
    """HTTP 200 alone is not success."""
    truth = StreamTruth(committed_ns=400 * MS, chunks=12, bytes=3_400, terminal=terminal)
    made = served(stream=truth, stream_requested=True, outcome=outcome)

    says(paragraph(made), "asked for model auto as a stream", phrase, "the first after 400 ms")
    assert ("✓ stream" in tree(made)) == (terminal == "done")


def test_a_crash_of_the_gateway_is_told_as_one():
    """What was held is charged and said to be an estimate (invariant 11)."""
    made = record(
        duration_ns=None,
        candidates=[],
        reason="not_routed",
        outcome="gateway_crashed",
        error=CallFailure("gateway_crashed", "the gateway ended"),
        attempts=[Attempt("small", "openai", "gpt-4o-mini")],
        cost=Cost(5_000, estimated=True),
    )

    says(
        paragraph(made),
        "to gpt-4o-mini at openai (target small); the record does not say why.",
        "Attempt 1 at small has no end in the record (the gateway ended while it was under way).",
        "In the end the gateway ended while it was under way",
        "It cost $0.000005 (estimated).",
    )


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"override_source": "model"}, "The caller chose this, by naming the model."),
        ({"override_source": "header"}, "The caller chose this, by a header."),
        ({}, "The gateway decided this, not the caller."),
        (
            {"override_rejected": "large: scope_missing"},
            "The caller's wish for large was refused: the key lacks the scope `override`.",
        ),
    ],
)
def test_who_decided_is_always_said(changes, phrase):
    """GW-18, CP-10: an override is honoured or refused, never silently replaced."""
    assert phrase in paragraph(served(**changes))


@pytest.mark.parametrize(
    ("choice", "phrase"),
    [
        ("local", "was counted by this worker alone"),
        ("closed", "could not be counted"),
        ("open", "was not applied"),
    ],
)
def test_a_store_that_was_away_is_told_with_what_was_done_without_it(choice: str, phrase: str):
    """Limits that silently become limits of one process are what others do."""
    check = LimitCheck(
        "key:ci", "requests_day", 3, limit=9, store="local", age_ms=2500.0, on_loss=choice
    )

    told = f"The limit requests_day of key:ci {phrase}, because the shared store was away"
    assert f"{told} (last read 2.5 s before)." in paragraph(served(limits=[check]))


def test_a_draw_and_a_refusing_limit_are_told_with_their_values():
    """AP: a random choice can be made again; a limit shows its counter."""
    made = served(
        draw=Draw({"large": 0.9, "small": 0.1}, 0.93, "small"),
        limits=[LimitCheck("key:ci", "spend_nano_usd_day", 9_000, limit=10_000, refused=True)],
    )

    says(
        paragraph(made),
        "The draw was 0.93 over the shares large 0.9 and small 0.1.",
        "The limit spend_nano_usd_day of key:ci refused it, with $0.000009 of $0.00001 counted.",
    )


def test_every_reason_has_its_sentence_and_declared_ones_theirs():
    """CP-02: the vocabulary is closed and documented."""
    for code, sentence in ROUTE_REASONS.items():
        assert reason_sentence(code) == sentence
    assert reason_sentence("night", {"night": "it is night"}) == "it is night"
    assert reason_sentence("night") == "its reason is `night`"
    assert "because it is night." in paragraph(served(reason="night"), {"night": "it is night"})


def test_a_name_cannot_move_the_cursor_of_a_terminal():
    """Model names and provider errors are other people's text."""
    made = served(requested_model="\x1b[2Jgpt\r\n", served_model="m\x07")

    told = paragraph(made) + tree(made)

    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\r" not in told


def test_colours_come_only_when_asked_for():
    """Pipes and NO_COLOR get plain text."""
    assert "\x1b" not in tree(served())
    assert "\x1b[32m✓ " in tree(served(), colour=True)
    assert "\x1b[31m✗ " in tree(served(outcome="failure"), colour=True)


def test_a_dry_run_says_where_a_request_would_go():
    """`pointsman route` uses the same words."""
    made = record(outcome="preview", attempts=[])

    says(paragraph(made), "It would go on route auto to gpt-4o-mini", "nobody was called")


def test_the_tree_is_drawn_with_closed_branches():
    """The last branch of each level ends, no line hangs in the air."""
    made = record(tenant=None, candidates=[], route=None, reason="not_routed", outcome="refused")

    assert tree(made).splitlines() == [
        "req_1  refused  900 ms",
        "├─ asked: auto",
        f"│  └─ trace trc_{'ab' * 16}",
        "├─ decided: not_routed (the request was refused before a route was chosen)",
        "└─ ✗ outcome: refused (it was refused before any target was called)",
    ]
