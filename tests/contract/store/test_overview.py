"""Figures over time."""

import pytest

from pointsman.core.records import Attempt, Cost
from pointsman.core.usage import Usage
from pointsman.store.errors import StoreQueryError
from pointsman.store.query import EVERYTHING, Figures
from stored_records import SECOND_NS, at, batch_of, make_failure, make_record


async def test_an_empty_store_has_empty_figures(store):
    """Every step of the axis is there, also without requests."""
    found = await store.overview(at(0), at(10), 5, EVERYTHING)

    assert found.totals == Figures()
    assert [bucket.start_unix_ns for bucket in found.buckets] == [at(n) for n in (0, 2, 4, 6, 8)]
    assert found.reasons == ()


async def test_requests_are_counted_in_the_step_they_started_in(store):
    """The start of the axis counts, its end does not."""
    await store.write_batch(batch_of(*(make_record(number) for number in (0, 1, 2, 5, 9, 10))))

    found = await store.overview(at(0), at(10), 5, EVERYTHING)

    assert [bucket.figures.requests for bucket in found.buckets] == [2, 1, 1, 0, 1]
    assert found.totals.requests == 5


async def test_sums_keep_the_unknown_apart(store):
    """An unknown cost is not zero: it is counted beside the sum."""
    failed_over = [Attempt("a", "p", "m"), Attempt("b", "p", "m", kind="failover")]
    await store.write_batch(
        batch_of(
            make_record(1, cost=Cost(total_nano_usd=7), usage=Usage(100, 20)),
            make_record(2, cost=None, usage=Usage(1, None), attempts=failed_over),
            make_failure(3),
        )
    )

    totals = (await store.overview(at(0), at(10), 1, EVERYTHING)).totals

    assert (totals.cost_nano_usd, totals.unknown_costs) == (7, 2)
    assert (totals.input_tokens, totals.output_tokens) == (101, 20)
    assert (totals.errors, totals.fallbacks) == (1, 1)
    assert totals.fallback_ratio == pytest.approx(1 / 3)


async def test_latency_quantiles_are_right_to_about_one_percent(store):
    """Of each step and of the whole."""
    records = [make_record(n, duration_ns=(n + 1) * SECOND_NS // 100) for n in range(100)]
    records.append(make_record(100, duration_ns=None))
    await store.write_batch(batch_of(*records))

    found = await store.overview(at(0), at(101), 1, EVERYTHING)

    for figures in (found.totals, found.buckets[0].figures):
        assert figures.p50_ns == pytest.approx(0.50 * SECOND_NS, rel=0.012)
        assert figures.p95_ns == pytest.approx(0.95 * SECOND_NS, rel=0.012)
        assert figures.p99_ns == pytest.approx(0.99 * SECOND_NS, rel=0.012)


async def test_the_most_frequent_values_come_first_with_their_course(store):
    """Reasons, models and targets; ten at the most."""
    await store.write_batch(
        batch_of(
            make_record(0, reason="b"),
            make_record(1, reason="a"),
            make_record(5, reason="b"),
            *(make_record(20 + number, served_model=f"m{number:02}") for number in range(12)),
        )
    )

    found = await store.overview(at(0), at(10), 2, EVERYTHING)
    later = await store.overview(at(20), at(40), 1, EVERYTHING)

    assert [(one.name, one.total, one.counts) for one in found.reasons] == [
        ("b", 2, (1, 1)),
        ("a", 1, (1, 0)),
    ]
    assert [one.name for one in found.targets] == ["small"]
    assert [one.name for one in later.models] == [f"m{number:02}" for number in range(10)]


@pytest.mark.parametrize(
    ("start", "end", "buckets"), [(0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 1, 9999)]
)
async def test_an_axis_that_is_none_is_refused(store, start, end, buckets):
    """Bounds come from a URL."""
    with pytest.raises(StoreQueryError):
        await store.overview(at(start), at(end), buckets, EVERYTHING)
