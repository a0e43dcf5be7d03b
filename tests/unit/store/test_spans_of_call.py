"""The spans of a call follow from its record, and from nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.records import (
    Attempt,
    Candidate,
    Cost,
    Exclusion,
    LimitCheck,
    PolicyOutcome,
    Rule,
    Stage,
    StreamTruth,
)
from pointsman.core.usage import Usage
from pointsman.store.spans_of_call import child_span_id, spans_of_call
from stored_records import at, make_crash, make_failure, make_record, trace_id

MS = 1_000_000
USAGE = Usage(
    input_tokens=100,
    output_tokens=20,
    cache_read_tokens=60,
    cache_write_tokens=5,
    reasoning_tokens=7,
)
FAILED = Attempt(
    "small",
    "openai",
    "gpt-4o-mini",
    start_ns=4 * MS,
    end_ns=50 * MS,
    status=503,
    failure_class="overloaded",
    error="the provider has no capacity",
    endpoint="http://localhost:8080/v1/chat/completions",
)
SERVED = Attempt(
    "sonnet",
    "bedrock",
    "claude-sonnet-4-6",
    kind="failover",
    why="overloaded",
    span_id="00f067aa0ba902b7",
    start_ns=60 * MS,
    first_token_ns=90 * MS,
    end_ns=240 * MS,
    status=200,
    endpoint="https://api.example.com/v1/messages",
    usage=USAGE,
    cost=Cost(total_nano_usd=4_200),
)


def full_record():
    """Return a record in which every step happened."""
    return make_record(
        1,
        parent_span_id="b7ad6b7169203331",
        stream_requested=True,
        conversation_id="chat-7",
        served_model="claude-sonnet-4-6-20260101",
        reason="provider_failover",
        rule=Rule("routes.auto.rules[0]"),
        stages=[
            Stage("policy_check", 0, 1 * MS),
            Stage("route_request", 1 * MS, 2 * MS),
            Stage("response_shaping", 241 * MS, 2 * MS),
        ],
        candidates=[
            Candidate("small", "openai", "gpt-4o-mini"),
            Candidate(
                "large", "openai", "gpt-4o", False, Exclusion("health", "provider_down", "down")
            ),
        ],
        limits=[LimitCheck("key:ci", "requests_minute", 3, limit=60)],
        policy=[PolicyOutcome("no-cards", "redacted", {"CREDIT_CARD": 2})],
        attempts=[FAILED, SERVED],
        stream=StreamTruth(terminal="done"),
        cost=Cost(total_nano_usd=4_200),
    )


def by_name(record):
    return {span.name: span for span in spans_of_call(record)}


def test_every_step_is_a_child_of_one_root():
    """The published step names, with one client span for each attempt."""
    root, *children = spans_of_call(full_record())

    assert (root.name, root.kind) == ("gateway_request", "SERVER")
    assert (root.span_id, root.parent_span_id) == (f"{2:016x}", "b7ad6b7169203331")
    assert {span.parent_span_id for span in children} == {root.span_id}
    assert [span.attributes["pointsman.step"] for span in children] == [
        "policy_check",
        "quota_rule",
        "route_request",
        "downstream_provider_call",
        "fallback_route",
        "downstream_provider_call",
        "response_shaping",
    ]


def test_a_step_that_did_not_happen_is_absent():
    """No empty spans."""
    refused = make_failure(1, attempts=[], outcome="refused", status=401, stages=[])

    assert [span.name for span in spans_of_call(refused)] == ["gateway_request"]


def test_an_attempt_follows_the_genai_conventions():
    """OBS-29, OBS-32: names, values and units of semantic conventions v1.41.1."""
    span = by_name(full_record())["chat claude-sonnet-4-6"]

    convention = {k: v for k, v in span.attributes.items() if not k.startswith("pointsman.")}
    assert (span.kind, span.span_id, span.status) == ("CLIENT", "00f067aa0ba902b7", "UNSET")
    assert convention == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "claude-sonnet-4-6",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "claude-sonnet-4-6-20260101",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": pytest.approx(0.03),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "gen_ai.conversation.id": "chat-7",
        "http.response.status_code": 200,
        "server.address": "api.example.com",
        "server.port": 443,
    }


def test_a_failed_attempt_says_how_it_failed_and_nothing_of_an_answer():
    """What another attempt answered is not its own."""
    span = by_name(full_record())["chat gpt-4o-mini"]

    assert (span.status, span.status_message) == ("ERROR", "the provider has no capacity")
    assert span.attributes["error.type"] == "overloaded"
    assert span.attributes["server.port"] == 8080
    assert "gen_ai.response.model" not in span.attributes
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert (span.start_unix_ns, span.end_unix_ns) == (at(1) + 4 * MS, at(1) + 50 * MS)


def test_a_fallback_spans_the_time_between_two_targets():
    """From the failure to the next attempt, with why."""
    span = by_name(full_record())["fallback_route"]

    assert (span.start_unix_ns, span.end_unix_ns) == (at(1) + 50 * MS, at(1) + 60 * MS)
    assert span.attributes["pointsman.fallback.from"] == "small"
    assert span.attributes["pointsman.fallback.to"] == "sonnet"
    assert span.attributes["pointsman.fallback.why"] == "overloaded"


def test_our_own_facts_stand_under_our_own_prefix():
    """There is no convention for gateways yet; decisions, versions and cost are ours."""
    spans = by_name(full_record())

    root, route = spans["gateway_request"].attributes, spans["route_request"].attributes
    assert root["pointsman.reason"] == "provider_failover"
    assert root["pointsman.config_version"] == "c0ffee"
    assert root["pointsman.cost_nano_usd"] == 4_200
    assert route["pointsman.candidates"] == ["small", "large"]
    assert route["pointsman.excluded"] == ["large: provider_down"]
    assert route["pointsman.rule"] == "routes.auto.rules[0]"
    assert spans["policy_check"].attributes["pointsman.policy.no-cards"] == "redacted"
    assert spans["quota_rule"].attributes["pointsman.limits"] == ["key:ci requests_minute"]
    assert all(span.resource == {"service.name": "pointsman"} for span in spans.values())


def test_rules_on_a_prompt_and_on_its_answer_are_two_steps():
    """PO-04: verdict and rule are a step, where they were looked at."""
    record = full_record()
    record.stages.append(Stage("guard_output", 90 * MS, 5 * MS))
    record.policy.append(
        PolicyOutcome("policy.rules.out", "flagged", {"email": 2}, side="answer", dry_run=True)
    )

    checks = [span for span in spans_of_call(record) if span.name == "policy_check"]

    assert len({span.span_id for span in checks}) == 2
    assert "pointsman.policy.out" not in checks[0].attributes
    assert checks[1].start_unix_ns == checks[0].start_unix_ns + 90 * MS
    assert checks[1].attributes["pointsman.policy.out"] == "flagged (dry run)"
    assert checks[1].attributes["pointsman.policy.out.found"] == ["email 2"]


def test_a_counter_that_limits_nothing_is_no_quota_rule():
    """CP-04: a step that did not happen is absent."""
    record = full_record()
    record.limits = [LimitCheck("key:ci", "spend_nano_usd_day", before=5, after=9)]

    assert "quota_rule" not in {span.name for span in spans_of_call(record)}


def test_the_root_ends_no_earlier_than_its_children():
    """Shaping the answer comes after the duration was taken, and is part of the request."""
    record = full_record()
    record.stages.append(Stage("response_shaping", record.duration_ns, 2 * MS))

    root, *children = spans_of_call(record)

    assert root.end_unix_ns == max(span.end_unix_ns for span in children)


def test_tokens_and_cost_of_a_call_are_on_its_attempts_only():
    """A backend that sums spans must not count the root a second time."""
    root, *_ = spans_of_call(full_record())

    assert not [name for name in root.attributes if name.startswith("gen_ai.usage")]


@pytest.mark.parametrize(("status", "expected"), [(502, "ERROR"), (401, "UNSET"), (None, "ERROR")])
def test_a_server_span_is_an_error_when_the_server_failed(status, expected):
    """A 4xx is the caller's, as the HTTP conventions say; no status at all is a crash."""
    root, *_ = spans_of_call(make_failure(1, status=status))

    assert root.status == expected
    assert ("error.type" in root.attributes) is (expected == "ERROR")


def test_a_call_that_never_ended_lasts_as_long_as_is_known():
    """After a crash there is no duration."""
    root, attempt = spans_of_call(make_crash(1))

    assert root.end_unix_ns == attempt.end_unix_ns == at(1) + 240 * MS


@pytest.mark.parametrize("endpoint", [None, "", "not a url", "http://[::1", "http://h:99999/"])
def test_an_endpoint_that_cannot_be_read_leaves_no_address(endpoint):
    """Never an exception while somebody looks at a trace."""
    attempt = Attempt("small", "openai", "m", endpoint=endpoint, end_ns=1)

    _, span = spans_of_call(make_record(1, attempts=[attempt]))

    assert "server.address" not in span.attributes
    assert "server.port" not in span.attributes


def test_the_same_record_has_the_same_spans():
    """Spans are not stored: they must come out alike every time."""
    assert spans_of_call(full_record()) == spans_of_call(full_record())
    assert {span.trace_id for span in spans_of_call(full_record())} == {trace_id(1)}


@given(st.integers(0, 2**40), st.integers(0, 40))
def test_span_ids_are_valid_and_differ_within_a_call(number, attempts):
    """16 lower-case hex digits, not all zero."""
    record = make_record(number)
    steps = ["policy_check", "route_request", *["downstream_provider_call"] * attempts]
    ids = {child_span_id(record, step, index) for index, step in enumerate(steps)}

    assert len(ids) == len(steps)
    assert all(re.fullmatch(r"(?!0{16})[0-9a-f]{16}", span_id) for span_id in ids)
