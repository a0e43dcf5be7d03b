"""A worker's part of shared counters, without Redis: what is told, what is kept."""

from pointsman.core.clock import ManualClock
from pointsman.policy.counters import Meter, Money, Tally
from pointsman.policy.shares import (
    OVERFULL,
    SharedCounterStore,
    SharedMeter,
    SharedMoney,
    SharedTally,
)


def store(max_counters: int = 100) -> SharedCounterStore:
    return SharedCounterStore("p", ManualClock(), max_counters)


def money(counters: SharedCounterStore, name: str = "k") -> SharedMoney:
    made = counters.get(("rule", name), Money, Money)
    assert isinstance(made, SharedMoney)
    return made


def test_names_in_redis_are_the_same_everywhere_and_tell_nothing():
    """Workers of all machines meet at one key, which shows no user or tenant."""
    one, two = money(store()), money(store())

    assert one.share.name == two.share.name
    assert one.share.name.startswith("p:money:")
    assert "rule" not in one.share.name


def test_what_others_have_is_added_to_the_own_part():
    """A rule reads what everybody has spent."""
    counter = money(store())
    counter.landed(30)
    counter.share.read(500, 90, 0, 30)
    assert (counter.spent, counter.held) == (500, 90)

    counter.settle(30, 20)
    assert (counter.spent, counter.held) == (520, 60)
    assert counter.share.take_untold() == (20, -30)
    assert counter.share.take_untold() == (0, 0)


def test_a_server_that_knows_less_of_this_worker_is_told_again():
    """Its data is older than the worker's, or gone."""
    counters = store()
    counter = money(counters)
    counter.settle(0, 100)
    counter.share.take_untold()
    counters.take_untold(10)

    counter.share.read(60, 0, 40, 0)

    assert counter.share.take_untold() == (60, 0)
    assert counters.untold() == 1
    assert counter.spent == 120


def test_a_server_that_knows_more_of_this_worker_is_believed():
    """An earlier process of it has spent what the journal no longer holds."""
    counter = money(store())
    counter.share.read(70, 0, 50, 0)

    assert (counter.spent, counter.share.own_used) == (70, 50)
    assert not counter.share.is_untold


def test_what_was_seen_spent_is_never_taken_for_less():
    """A server that comes back empty gives nobody another budget."""
    counter = money(store())
    counter.share.read(900, 0, 0, 0)
    counter.share.read(0, 0, 0, 0)

    assert counter.spent == 900


def test_untold_counters_are_kept_but_not_without_bound():
    """While Redis is away callers may still bring new names."""
    counters = store(max_counters=5)
    for number in range(100):
        money(counters, str(number)).settle(0, 1)

    assert len(counters) <= OVERFULL * 5 + 2
    assert counters.untold() <= OVERFULL * 5 + 2
    assert counters.evicted > 0


def test_rates_and_tallies_have_parts_too():
    """One kind of counter each, made where a rule asks for the plain one."""
    counters = store()
    meter = counters.get("m", Meter, Meter)
    tally = counters.get("t", Tally, Tally)
    assert isinstance(meter, SharedMeter)
    assert isinstance(tally, SharedTally)

    meter.fill(3)
    meter.correct(-1)
    tally.hold(5)
    tally.settle(5, 2)

    assert meter.take_untold() == 2
    assert tally.share.take_untold() == (2, 0)
    assert (tally.used, tally.held) == (2, 0)
