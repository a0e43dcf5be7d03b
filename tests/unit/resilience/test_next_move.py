"""What follows a failed attempt, for every class, and how long a retry waits."""

import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.config.resilience import RetryConfig
from pointsman.config.section import Duration
from pointsman.core.failures import FailureClass as F
from pointsman.resilience.backoff import wait_before
from pointsman.resilience.next_move import Failed, Move, next_move

CONFIG = RetryConfig(base_delay=Duration(0.2), max_delay=Duration(1.0))


def move(failure: F, draw: float = 0.5, config: RetryConfig = CONFIG, **facts) -> Move:
    facts = {"remaining_s": 30.0, "min_attempt_s": 1.0, "has_alternative": True, **facts}
    return next_move(Failed(failure=failure, **facts), config, lambda: draw).move


ENDS = (F.CALLER_FAULT, F.CONTENT_FILTERED, F.UNKNOWN, F.CLIENT_LEFT)
BOUND = (
    F.QUOTA_EXHAUSTED,
    F.BAD_CREDENTIAL,
    F.MODEL_UNAVAILABLE,
    F.MODEL_RETIRED,
    F.REGION_BLOCKED,
    # Its alternative is one with a larger context.
    F.CONTEXT_TOO_LONG,
)
HARD = (F.CONNECTION, F.TIMEOUT, F.SERVER_ERROR, F.PROTOCOL, F.TRUNCATED)
PRESSURE = (F.RATE_LIMITED, F.OVERLOADED)


def test_every_class_is_in_one_of_the_groups():
    """A class that is added is placed here on purpose."""
    assert {*ENDS, *BOUND, *HARD, *PRESSURE} == set(F)


@pytest.mark.parametrize("failure", ENDS)
@pytest.mark.parametrize("others", [True, False])
def test_what_nobody_can_mend_ends_it(failure: F, others: bool):
    """FO-02: one call, whoever is left."""
    assert move(failure, has_alternative=others, retry_first=True) is Move.END


@pytest.mark.parametrize("failure", BOUND)
def test_what_holds_for_this_target_only_moves_on_and_is_never_retried(failure: F):
    """A spent quota does not come back in a second."""
    assert move(failure) is Move.FAILOVER
    assert move(failure, has_alternative=False) is Move.END


@pytest.mark.parametrize("failure", HARD)
def test_a_hard_failure_moves_on_at_once_while_another_is_left(failure: F):
    """FO-03, FO-21."""
    assert move(failure) is Move.FAILOVER
    assert move(failure, has_alternative=False) is Move.RETRY
    assert move(failure, retry_first=True) is Move.RETRY
    assert move(failure, retry_first=True, retries=2) is Move.FAILOVER
    assert move(failure, has_alternative=False, retries=2) is Move.END


@pytest.mark.parametrize("failure", PRESSURE)
def test_pressure_is_retried_within_bounds_then_moves_on(failure: F):
    """FO-04."""
    moves = [move(failure, retries=count) for count in range(4)]

    assert moves == [Move.RETRY, Move.RETRY, Move.FAILOVER, Move.FAILOVER]


def test_a_wait_longer_than_allowed_moves_on():
    """Neither ignored nor waited for: the next target is asked, or the client told when."""
    assert move(F.RATE_LIMITED, retry_after_s=11) is Move.FAILOVER
    assert move(F.RATE_LIMITED, retry_after_s=11, has_alternative=False) is Move.END
    assert move(F.RATE_LIMITED, retry_after_s=10) is Move.RETRY


def test_an_open_breaker_forbids_the_retry():
    """FO-07: no storm."""
    assert move(F.OVERLOADED, target_lets_pass=False) is Move.FAILOVER
    assert move(F.SERVER_ERROR, target_lets_pass=False, has_alternative=False) is Move.END


@pytest.mark.parametrize("failure", [*HARD, *PRESSURE, *BOUND])
def test_no_attempt_begins_with_less_than_its_minimum(failure: F):
    """FO-19."""
    assert move(failure, remaining_s=0.99) is Move.END
    assert move(F.RATE_LIMITED, remaining_s=5.0, retry_after_s=4.5) is Move.FAILOVER


UNSURE = (F.TIMEOUT, F.SERVER_ERROR, F.PROTOCOL, F.TRUNCATED, F.CONNECTION)


@pytest.mark.parametrize("failure", UNSURE)
def test_tools_that_the_provider_runs_are_not_run_twice(failure: F):
    """AP-13: unless an idempotency key makes it safe, or it never got there."""
    assert move(failure, tools_run_upstream=True) is Move.END
    assert move(failure, tools_run_upstream=True, has_idempotency_key=True) is Move.FAILOVER
    assert move(failure, tools_run_upstream=True, was_sent=False) is Move.FAILOVER


def test_a_refusal_shows_that_no_tool_ran():
    """AP-13: 429 is said before anything is done."""
    assert move(F.RATE_LIMITED, tools_run_upstream=True) is Move.RETRY


def test_a_conflict_is_repeated_only_where_it_can_do_no_harm():
    """Requirements 19.6: 409 with tools needs an idempotency key."""
    conflict = {"status": 409, "has_alternative": False}

    assert move(F.SERVER_ERROR, **conflict) is Move.RETRY
    assert move(F.SERVER_ERROR, **conflict, has_tools=True) is Move.END
    keyed = {**conflict, "has_tools": True, "has_idempotency_key": True}
    assert move(F.SERVER_ERROR, **keyed) is Move.RETRY


@given(st.integers(1, 20), st.floats(0, 1, exclude_max=True))
def test_a_drawn_wait_is_between_nothing_and_a_bound_that_doubles(retry: int, draw: float):
    """GB-13."""
    wait = wait_before(retry, None, CONFIG, lambda: draw)

    assert wait is not None
    assert 0 <= wait.seconds <= min(1.0, 0.2 * 2 ** (retry - 1))
    assert wait.source == "jitter"


def test_clients_that_failed_together_do_not_come_back_together():
    """GB-13: a hundred waits spread over the whole interval."""
    rng = random.Random(7)
    waits = sorted(wait_before(3, None, CONFIG, rng.random).seconds for _ in range(100))

    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert waits[0] < 0.1
    assert waits[-1] > 0.7
    assert max(gaps) < 0.1


def test_what_the_provider_asks_for_is_waited_exactly():
    """FO-04."""
    wait = wait_before(1, 2.5, CONFIG, _never())

    assert (wait.seconds, wait.source) == (2.5, "retry_after")


def _never():
    draws: Iterator[float] = iter(())
    return lambda: next(draws)
