"""Pricing what is stored once more: beside the old, as a whole, from the tokens that were kept."""

import pytest

from pointsman.config.price import PricesConfig
from pointsman.core.records import Cost
from pointsman.core.usage import Usage
from pointsman.cost.prices import PriceBook
from pointsman.store.costs import CostFilter
from pointsman.store.errors import StoreQueryError
from pointsman.store.query import EVERYTHING
from pointsman.store.recosts import Progress, RecostOrder
from stored_records import at, batch_of, make_crash, make_failure, make_record

ORDER = RecostOrder(from_unix_ns=at(0), to_unix_ns=at(100), actor="ada", price_book="config 2")


def per_token(rate):
    """Return a price of so much for every token."""

    def price(stored):
        usage = stored.usage
        return Cost(rate * (usage.input_tokens + usage.output_tokens), price_version="config 2")

    return price


async def total(store):
    """Return everything spent in the first hundred seconds."""
    found = await store.costs(("model",), at(0), at(100), CostFilter(), EVERYTHING)
    return found.total_nano_usd


async def test_history_is_priced_from_the_tokens_that_were_stored(store):
    """A new price changes what the past cost, and the report says by how much (AP-19)."""
    await store.write_batch(
        batch_of(*(make_record(n, usage=Usage(10, 5), cost=Cost(1_000)) for n in range(3)))
    )

    report = await store.recost(ORDER, per_token(2), Progress())

    assert await total(store) == 90
    assert (report.attempts, report.changed) == (3, 3)
    assert (report.before_nano_usd, report.after_nano_usd) == (3_000, 90)
    assert report.difference_nano_usd == -2_910
    assert report.revision == 1


async def test_tokens_written_for_an_hour_are_kept_for_the_next_pricing(store):
    """OBS-21, AP-19: the same book prices the past to the same nano-dollar, old rows too."""
    book = PriceBook(PricesConfig(), "test")
    usages = [Usage(1161, 12, 1024, 128, cache_write_1h_tokens=100), Usage(1161, 12, 1024, 128)]
    await store.write_batch(
        batch_of(*(make_record(n, usage=each, cost=Cost(1)) for n, each in enumerate(usages)))
    )

    def price(stored):
        return book.cost_of("anthropic", "claude-haiku-4-5", stored.usage, stored.started_unix_ns)

    report = await store.recost(ORDER, price, Progress())

    assert report.after_nano_usd == 406_400 + 331_400
    assert await total(store) == 406_400 + 331_400


async def test_a_dry_run_only_reports(store):
    """Nothing takes effect, and no run is kept."""
    await store.write_batch(batch_of(make_record(1)))
    order = RecostOrder(from_unix_ns=at(0), to_unix_ns=at(100), dry_run=True)

    report = await store.recost(order, per_token(2), Progress())

    assert (report.changed, report.after_nano_usd, report.revision) == (1, 92, 0)
    assert await total(store) == 1_000
    assert await store.recost_runs() == []


async def test_the_newest_pricing_counts_and_every_one_is_remembered(store):
    """Who, when and what changed stays; costs are those of the last run."""
    await store.write_batch(batch_of(make_record(1)))

    await store.recost(ORDER, per_token(2), Progress())
    await store.recost(ORDER, per_token(3), Progress())

    assert await total(store) == 138
    runs = await store.recost_runs()
    assert [run.revision for run in runs] == [2, 1]
    assert {(run.actor, run.report.price_book) for run in runs} == {("ada", "config 2")}
    assert runs[0].report.before_nano_usd == runs[1].report.after_nano_usd == 92


async def test_the_same_prices_change_nothing(store):
    """A second run with the same result keeps no second revision."""
    await store.write_batch(batch_of(make_record(1)))
    await store.recost(ORDER, per_token(2), Progress())

    report = await store.recost(ORDER, per_token(2), Progress())

    assert (report.changed, report.revision) == (0, 0)
    assert len(await store.recost_runs()) == 1


async def test_what_nobody_counted_keeps_its_cost(store):
    """A crash is charged at what was held; a failure without usage stays unknown."""
    await store.write_batch(
        batch_of(make_crash(1, cost=Cost(500, estimated=True)), make_failure(2), make_record(3))
    )

    report = await store.recost(ORDER, per_token(2), Progress())

    assert (report.attempts, report.without_usage) == (1, 2)
    assert await total(store) == 500 + 92


async def test_unknown_prices_become_known_and_back(store):
    """Both are told; an unknown cost is in no sum."""
    await store.write_batch(batch_of(make_record(1, cost=Cost())))

    found = await store.recost(ORDER, per_token(1), Progress())
    lost = await store.recost(ORDER, lambda _: Cost(), Progress())

    assert (found.became_known, found.after_nano_usd) == (1, 46)
    assert (lost.became_unknown, lost.after_nano_usd) == (1, 0)


async def test_only_the_span_that_was_named_is_priced(store):
    """Start inclusive, end exclusive."""
    await store.write_batch(batch_of(make_record(1), make_record(50)))
    order = RecostOrder(from_unix_ns=at(50), to_unix_ns=at(51))

    report = await store.recost(order, per_token(2), Progress())

    assert report.attempts == 1
    assert await total(store) == 1_092


async def test_a_record_that_comes_later_is_charged_as_it_says(store):
    """Its gateway knew the price; only a pricing asked for changes it."""
    await store.write_batch(batch_of(make_record(1)))
    await store.recost(ORDER, per_token(2), Progress())

    await store.write_batch(batch_of(make_record(2), batch_id="two"))

    assert await total(store) == 1_092


async def test_more_than_a_page_is_priced(store):
    """Every attempt once, and the progress counts them."""
    for part in range(5):
        records = [make_record(part * 900 + n, started_unix_ns=at(1)) for n in range(900)]
        await store.write_batch(batch_of(*records, batch_id=f"part-{part}"))
    progress = Progress()

    report = await store.recost(ORDER, per_token(1), progress)

    assert (report.attempts, report.changed) == (4_500, 4_500)
    assert (progress.done, progress.total) == (4_500, 4_500)
    assert await total(store) == 4_500 * 46


async def test_a_pricing_that_is_ended_early_changes_nothing(store):
    """What it had priced by then is not in force, and goes when the next one begins."""
    for part in range(3):
        records = [make_record(part * 900 + n, started_unix_ns=at(1)) for n in range(900)]
        await store.write_batch(batch_of(*records, batch_id=f"part-{part}"))
    before, progress = await total(store), Progress()

    def priced_until_ended(stored):
        progress.is_wanted = False
        return per_token(2)(stored)

    report = await store.recost(ORDER, priced_until_ended, progress)

    assert report.revision == 0
    assert await total(store) == before
    assert await store.recost_runs() == []
    assert (await store.recost(ORDER, per_token(1), Progress())).revision >= 1
    assert await total(store) == 2_700 * 46


async def test_an_empty_span_is_refused(store):
    """Its end must be after its start."""
    with pytest.raises(StoreQueryError):
        await store.recost(RecostOrder(from_unix_ns=5, to_unix_ns=5), per_token(1), Progress())
