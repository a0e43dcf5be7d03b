"""What a request is charged at, whichever of its attempts served it."""

from pointsman.config.price import PricesConfig
from pointsman.core.facts import Facts
from pointsman.core.records import Attempt, CallRecord
from pointsman.core.target import Target
from pointsman.core.usage import Usage
from pointsman.cost.prices import PriceBook
from pointsman.gateway.accounting import Accountant

AT = 1_790_000_000_000_000_000
MEASURED = Usage(1000, 100)
ONCE = 1_000_000 + 500_000
"""Claude Haiku 4.5: a dollar a million in, five out."""


def attempt(number=0):
    return Attempt(target="claude", provider="anthropic", model="claude-haiku-4-5", start_ns=number)


def record(*attempts):
    return CallRecord(
        schema=1,
        request_id="req_1",
        trace_id="t",
        span_id="s",
        started_unix_ns=AT,
        attempts=list(attempts),
    )


def accountant():
    return Accountant(PriceBook(PricesConfig(), "test"))


def test_an_answer_whose_repair_failed_is_paid_for_once():
    """The answer is charged before it is asked for again and once more when it is what served."""
    first, failed = attempt(), attempt(1)
    told = record(first)
    desk = accountant()

    desk.charge(told, first, MEASURED, 10)
    told.attempts.append(failed)
    spent = desk.charge(told, first, MEASURED, 10)

    assert spent == ONCE
    assert told.cost.total_nano_usd == ONCE
    assert sum(line.nano_usd for line in told.cost.lines) == ONCE


def test_a_repaired_answer_costs_what_both_cost():
    """Each attempt has its own bill; the request has their sum."""
    first, second = attempt(), attempt(1)
    told = record(first)
    desk = accountant()

    desk.charge(told, first, MEASURED, 10)
    told.attempts.append(second)
    spent = desk.charge(told, second, Usage(2000, 100), 10)

    assert spent == ONCE + 1_000_000
    assert told.cost.total_nano_usd == 2 * ONCE + 1_000_000


def test_a_stream_that_was_left_keeps_its_known_input_and_estimates_its_output():
    """AP-17: what was reported is exact, the rest is estimated, and the sum says so."""
    only = attempt()
    told = record(only)
    begun = Usage(1161, None, 1024, 128, cache_write_1h_tokens=100)

    accountant().charge(told, only, begun, 400)

    assert told.usage == Usage(1161, 100, 1024, 128, estimated=True, cache_write_1h_tokens=100)
    assert told.cost.estimated
    # 9 fresh, 1024 read at a tenth, 28 written at 1.25 times, 100 at twice the price of input.
    assert told.cost.total_nano_usd == 9_000 + 102_400 + 35_000 + 200_000 + 500_000


def test_embeddings_are_held_for_although_their_model_has_no_price_of_output():
    """What nothing is held for is in no budget."""
    told = record()
    told.operation = "embeddings"
    told.facts = Facts(estimated_input_tokens=100)
    target = Target(name="t", provider="openai", model="text-embedding-3-small")

    assert accountant().upper_bound(target, told) == 2_000
