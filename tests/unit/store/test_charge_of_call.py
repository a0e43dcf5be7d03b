"""What a record costs, call by call, and what somebody should know of it."""

import pytest
from hypothesis import given

from arbitrary_records import records
from pointsman.core.records import Attempt, Candidate, Cost, Exclusion, LimitCheck
from pointsman.core.usage import Usage
from pointsman.resilience.probes import OPERATION
from pointsman.store.charge_of_call import (
    OWN_OPERATIONS,
    charge_rows,
    fell_back,
    first_choice,
    notice_rows,
)
from stored_records import make_crash, make_failure, make_record


def test_each_attempt_is_charged_where_it_was_made():
    """With its own usage and cost; the record's are their sum."""
    left = Attempt("large", "openai", "gpt-4o", end_ns=5, usage=Usage(9, 1), cost=Cost(70))
    last = Attempt("sonnet", "anthropic", "claude", kind="failover", end_ns=9)
    last.usage, last.cost = Usage(12, 34), Cost(5, price_version="v")
    record = make_record(1, attempts=[left, last], cost=Cost(75), usage=last.usage, user="ada")

    first, second = charge_rows(record)

    assert (first.model, first.cost_nano_usd, first.is_last) == ("gpt-4o", 70, False)
    assert (second.model, second.cost_nano_usd, second.is_last) == ("claude", 5, True)
    assert (second.input_tokens, second.price_version, second.user_name) == (12, "v", "ada")
    assert {first.kind, second.kind} == {"first", "failover"}


def test_a_record_whose_attempts_say_nothing_is_charged_as_a_whole():
    """As an older gateway, or one that crashed, has written it."""
    (charge,) = charge_rows(make_record(1, cost=Cost(7)))

    assert (charge.cost_nano_usd, charge.input_tokens) == (7, 12)


def test_what_an_attempt_was_charged_is_not_charged_to_another():
    """The record's cost is the sum of what its attempts say; a silent one stays unknown."""
    left = Attempt("a", "p", "m", end_ns=5, failure_class="truncated", usage=Usage(1, 1))
    left.cost = Cost(70)
    last = Attempt("b", "p", "m", kind="failover", end_ns=9)

    charges = charge_rows(make_record(1, attempts=[left, last], cost=Cost(70), usage=left.usage))

    assert [each.cost_nano_usd for each in charges] == [70, None]
    assert [each.input_tokens for each in charges] == [1, None]


def test_a_repair_that_failed_leaves_the_answer_that_served_the_last_word():
    """The request is counted where it was served, and no cost twice."""
    served = Attempt("small", "p", "m", end_ns=5, usage=Usage(1, 1), cost=Cost(9))
    failed = Attempt("small", "p", "m", kind="repair", end_ns=9, failure_class="timeout")

    first, second = charge_rows(make_record(1, attempts=[served, failed], cost=Cost(9)))

    assert (first.is_last, second.is_last) == (True, False)
    assert (first.cost_nano_usd, second.cost_nano_usd) == (9, None)


def test_a_request_that_called_nobody_is_a_charge_of_nothing():
    """It is counted, and it is not unknown."""
    (charge,) = charge_rows(make_record(1, attempts=[], cost=None, usage=None))

    assert (charge.was_called, charge.is_last, charge.cost_nano_usd) == (False, True, None)


def test_a_crash_is_charged_at_what_was_held():
    """Marked as an estimate."""
    (charge,) = charge_rows(make_crash(1, cost=Cost(900, estimated=True)))

    assert (charge.cost_nano_usd, charge.cost_estimated) == (900, True)


def test_probes_are_the_gateways_own_calls():
    """By the operation that they are recorded with (CP-22)."""
    assert OPERATION in OWN_OPERATIONS
    assert charge_rows(make_record(1, operation=OPERATION))[0].is_own
    assert not charge_rows(make_record(1))[0].is_own


@pytest.mark.parametrize("name", ["health", "breaker"])
def test_the_first_choice_is_known_though_it_was_never_called(name):
    """Silent failover is one too (MM-24)."""
    ill = Candidate("small", "openai", "m", False, Exclusion(name, "down", "down", "degraded"))
    far = Candidate("far", "openai", "m", False, Exclusion("context", "too_long", 9, 5))
    record = make_record(
        1,
        candidates=[far, ill, Candidate("sonnet", "anthropic", "claude")],
        attempts=[Attempt("sonnet", "anthropic", "claude", end_ns=9)],
        reason="provider_failover",
    )

    assert (first_choice(record), fell_back(record)) == ("small", True)


def test_the_first_choice_is_what_was_asked_first_otherwise():
    """Whether it served or was left."""
    assert first_choice(make_record(1)) == "small"
    assert not fell_back(make_record(1))
    assert first_choice(make_record(1, attempts=[])) is None
    tried = [Attempt("a", "p", "m"), Attempt("b", "p", "m", kind="failover")]
    failed = make_failure(1, attempts=tried, reason="rule_match")
    assert (first_choice(failed), fell_back(failed)) == ("a", True)


def test_budgets_are_told_of_when_they_warn_or_refuse():
    """A rule on trial, a count, and a budget with room are not."""
    money = {"scope": "key:ci", "kind": "spend_nano_usd_day", "limit": 100, "rule": "daily"}
    checks = [
        LimitCheck(before=50, after=60, **money),
        LimitCheck(before=91, after=95, warning=True, **money),
        LimitCheck(before=100, refused=True, **money),
        LimitCheck(before=100, refused=True, dry_run=True, **money),
        LimitCheck("key:ci", "requests_day", 9, limit=9, refused=True),
    ]

    told = notice_rows(make_record(1, limits=checks))

    assert [(each.state, each.amount, each.bound) for each in told] == [
        ("warned", 91, 100),
        ("refused", 100, 100),
    ]
    assert {each.rule for each in told} == {"daily"}


@pytest.mark.parametrize(("before", "after", "states"), [
    (None, "open", ["open"]), ("half_open", "open", ["open"]), ("half_open", None, ["closed"]),
    (None, None, []), ("open", "open", []),
])  # fmt: skip
def test_breakers_are_told_of_when_they_change(before, after, states):
    """None is closed."""
    attempt = Attempt("small", "p", "m", end_ns=5, breaker_before=before, breaker_after=after)

    assert [each.state for each in notice_rows(make_record(1, attempts=[attempt]))] == states


def test_an_attempt_without_an_end_changes_no_breaker():
    """Its gateway did not live to count it."""
    attempt = Attempt("small", "p", "m", breaker_before="half_open")

    assert notice_rows(make_record(1, attempts=[attempt])) == []


@given(records)
def test_every_record_is_charged_and_each_request_once(record):
    """Whatever it says: one row per attempt, exactly one of them the last."""
    try:
        rows = charge_rows(record)
    except ValueError:
        return

    assert len(rows) == max(1, len(record.attempts))
    assert sum(row.is_last for row in rows) == 1
