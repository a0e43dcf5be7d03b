"""What was spent: sums by any column, exact, with the unknown kept apart."""

import pytest

from pointsman.core.records import Attempt, Cost
from pointsman.core.usage import Usage
from pointsman.store.costs import DAY_NS, NOBODY, CostFilter, CostSums
from pointsman.store.errors import StoreQueryError
from pointsman.store.protocol import RetentionPolicy
from pointsman.store.query import EVERYTHING, CallFilter, Scope
from stored_records import at, batch_of, make_crash, make_failure, make_record

ALL = CostFilter()


def attempt(model="gpt-4o-mini", cost=None, usage=None, **changes):
    """Return one upstream call."""
    values = {"target": "small", "provider": "openai", "model": model, "end_ns": 9}
    return Attempt(**(values | changes), usage=usage, cost=cost)


def spent(nano_usd, **changes):
    """Return a known cost."""
    return Cost(total_nano_usd=nano_usd, **changes)


async def asked(store, *groups, wanted=ALL, scope=EVERYTHING, **options):
    """Ask for the costs of the first hundred seconds."""
    return await store.costs(groups, at(0), at(100), wanted, scope, **options)


async def by(store, *groups, **options):
    """Return group values -> total."""
    found = await asked(store, *groups, **options)
    return {tuple(row.group.values()): row.total_nano_usd for row in found.rows}


async def test_nothing_spent_is_an_answer_too(store):
    """Without rows the totals are zero and there is no group."""
    found = await asked(store, "model")

    assert found.rows == ()
    assert found.totals == CostSums()


@pytest.mark.parametrize(
    ("group", "change"),
    [
        ("tenant", "tenant"), ("customer", "customer"), ("team", "team"), ("user", "user"),
        ("key", "key"), ("feature", "feature"), ("environment", "environment"),
        ("workload", "workload"), ("route", "route"), ("endpoint", "dialect"),
        ("operation", "operation"),
    ],
)  # fmt: skip
async def test_costs_are_asked_by_whatever_a_request_says_of_itself(store, group, change):
    """One question answers for every name, the dearest first (OBS-28, AC-02)."""
    await store.write_batch(
        batch_of(
            make_record(1, cost=spent(5), **{change: "one"}),
            make_record(2, cost=spent(50), **{change: "two"}),
            make_record(3, cost=spent(6), **{change: "one"}),
        )
    )

    found = await asked(store, group)

    assert [(row.group, row.total_nano_usd) for row in found.rows] == [
        ({group: "two"}, 50),
        ({group: "one"}, 11),
    ]
    assert found.total_nano_usd == 61


async def test_a_model_pays_for_its_own_attempts(store):
    """A target that was left costs where it was, apart from the attempt that ended the request."""
    left = attempt("gpt-4o", spent(7), Usage(10, 3), target="large", failure_class="truncated")
    last = attempt("claude", spent(11), Usage(10, 4), target="sonnet", kind="failover")
    await store.write_batch(
        batch_of(make_record(1, attempts=[left, last], cost=last.cost, usage=last.usage))
    )

    found = await asked(store, "model")
    claude, gpt = found.rows

    assert (claude.group, claude.total_nano_usd, claude.sums.calls) == ({"model": "claude"}, 11, 1)
    assert (gpt.group, gpt.total_nano_usd, gpt.sums.calls) == ({"model": "gpt-4o"}, 7, 0)
    assert (gpt.sums.extra_attempts, gpt.sums.extra_nano_usd) == (1, 7)
    assert (found.totals.measured_nano_usd, found.totals.extra_nano_usd) == (11, 7)
    assert found.totals.output_tokens == 4


async def test_an_answer_that_had_to_be_repaired_costs_twice(store):
    """Both calls are priced, the repair as a step of its own, nothing twice (CP-22)."""
    first = attempt(cost=spent(100), usage=Usage(10, 5))
    repair = attempt(cost=spent(30), usage=Usage(20, 7), kind="repair")
    failed = attempt(kind="repair", failure_class="timeout")
    await store.write_batch(
        batch_of(
            make_record(1, attempts=[first, repair], cost=spent(130), usage=repair.usage),
            make_record(2, attempts=[first, failed], cost=spent(100), usage=first.usage),
        )
    )

    found = await asked(store, "kind")

    assert {row.group["kind"]: row.total_nano_usd for row in found.rows} == {
        "first": 200,
        "repair": 30,
    }
    totals = found.totals
    assert (totals.calls, totals.measured_nano_usd, totals.extra_nano_usd) == (2, 130, 100)
    assert (totals.extra_attempts, totals.extra_unknown, totals.unreported_calls) == (2, 1, 0)


async def test_measured_estimated_and_unknown_are_told_apart(store):
    """Unknown is counted, never taken for nothing."""
    local = attempt("llama3.1", Cost(), Usage(8, 9))
    await store.write_batch(
        batch_of(
            make_record(1, cost=spent(100)),
            make_record(2, cost=spent(30, estimated=True), usage=Usage(5, 6, estimated=True)),
            make_crash(3, cost=spent(9, estimated=True)),
            make_record(4, attempts=[local], cost=Cost(), usage=local.usage),
            make_failure(5),
            make_record(6, attempts=[], cost=None, usage=None, outcome="refused"),
        )
    )

    totals = (await asked(store, "tenant")).totals

    assert totals.calls == 6
    assert (totals.measured_calls, totals.measured_nano_usd) == (1, 100)
    assert (totals.estimated_calls, totals.estimated_nano_usd) == (2, 39)
    assert (totals.unknown_price_calls, totals.unreported_calls, totals.uncalled) == (1, 1, 1)
    assert (totals.input_tokens, totals.output_tokens) == (25, 49)


async def test_tokens_are_summed_by_their_kind(store):
    """Cache reads and writes and reasoning are parts with their own price."""
    await store.write_batch(
        batch_of(
            make_record(1, usage=Usage(100, 20, 60, 10, 5)), make_record(2, usage=Usage(1, 2, 3))
        )
    )

    totals = (await asked(store, "model")).totals

    assert (totals.input_tokens, totals.output_tokens) == (101, 22)
    assert (totals.cache_read_tokens, totals.cache_write_tokens) == (63, 10)
    assert totals.reasoning_tokens == 5


async def test_sums_beyond_64_bits_are_exact(store):
    """Nano-dollars never become floats."""
    most = (1 << 62) - 1
    await store.write_batch(batch_of(*(make_record(n, cost=spent(most)) for n in range(1, 6))))

    assert (await asked(store, "model")).total_nano_usd == 5 * most


async def test_probes_are_nobody_s_traffic(store):
    """Calls that the gateway makes for itself stand in a group of their own (CP-22)."""
    probe = {"operation": "probe", "tenant": None, "key": None, "route": None}
    await store.write_batch(
        batch_of(make_record(1, cost=spent(4), **probe), make_record(2, cost=spent(5), key=None))
    )

    found = await asked(store, "key")
    callers = await by(store, "operation", wanted=CostFilter(own=False))
    own = await by(store, "operation", wanted=CostFilter(own=True))

    assert [(row.own, row.total_nano_usd) for row in found.rows] == [(False, 5), (True, 4)]
    assert callers == {("chat",): 5}
    assert own == {("probe",): 4}


async def test_costs_are_drilled_down_from_feature_to_customer(store):
    """A filter and another group lead from one figure to the next (OBS-28)."""
    names = [("search", "c1"), ("search", "c2"), ("search", "c2"), ("chat", "c1"), (None, None)]
    await store.write_batch(
        batch_of(
            *(
                make_record(n, feature=feature, customer=customer, cost=spent(10**n))
                for n, (feature, customer) in enumerate(names)
            )
        )
    )

    assert await by(store, "customer", wanted=CostFilter(feature="search")) == {
        ("c2",): 110,
        ("c1",): 1,
    }
    assert await by(store, "customer", wanted=CostFilter(feature=NOBODY)) == {(None,): 10_000}
    assert (await by(store, "feature", "customer"))["search", "c2"] == 110


async def test_three_columns_at_once(store):
    """Cost per model per endpoint per feature (MM-14)."""
    await store.write_batch(batch_of(make_record(1, feature="search", cost=spent(3))))

    assert await by(store, "model", "endpoint", "feature") == {
        ("gpt-4o-mini", "openai.chat", "search"): 3
    }


async def test_days_come_in_their_order(store):
    """A day is one of UTC, by when the request started."""
    days = [make_record(n * 86_400, cost=spent(9 - n)) for n in range(3)]
    await store.write_batch(batch_of(*days))

    found = await store.costs(("day",), at(0), at(3 * 86_400), ALL, EVERYTHING)

    starts = [row.group["day"] for row in found.rows]
    assert starts == sorted(starts)
    assert [row.total_nano_usd for row in found.rows] == [9, 8, 7]
    assert DAY_NS == 86_400_000_000_000


async def test_the_span_begins_inclusive_and_ends_exclusive(store):
    """A request belongs to the span in which it started."""
    await store.write_batch(batch_of(*(make_record(n, cost=spent(1)) for n in (0, 99, 100))))

    assert (await asked(store, "model")).totals.calls == 2


async def test_a_tenant_sees_its_own_costs_only(store):
    """Groups and totals both obey the scope."""
    await store.write_batch(
        batch_of(make_record(1, cost=spent(5)), make_record(2, cost=spent(7), tenant="globex"))
    )

    found = await asked(store, "tenant", scope=Scope("globex"))

    assert [row.group["tenant"] for row in found.rows] == ["globex"]
    assert found.total_nano_usd == 7


async def test_the_totals_hold_what_the_list_leaves_out(store):
    """The dearest groups are shown; the sum is of all."""
    await store.write_batch(
        batch_of(*(make_record(n, user=f"u{n}", cost=spent(n)) for n in range(1, 6)))
    )

    found = await asked(store, "user", limit=2)

    assert [row.group["user"] for row in found.rows] == ["u5", "u4"]
    assert found.is_cut
    assert found.total_nano_usd == 15


@pytest.mark.parametrize("groups", [(), ("color",), ("model", "user", "key", "team")])
async def test_groups_that_nobody_knows_are_refused(store, groups):
    """So are too many of them."""
    with pytest.raises(StoreQueryError):
        await asked(store, *groups)


async def test_an_empty_span_is_refused(store):
    """Its end must be after its start."""
    with pytest.raises(StoreQueryError):
        await store.costs(("model",), at(1), at(1), ALL, EVERYTHING)


async def test_money_outlives_the_record_that_thinning_takes(store):
    """Thinning takes successes, never what they cost; dropping takes both."""
    records = [make_record(n, cost=spent(1)) for n in range(60)]
    await store.write_batch(batch_of(*records))
    thin = RetentionPolicy(thin_after_s=1, thin_keep_ratio=0.0)

    await store.retention(thin, at(1_000))
    again = await store.write_batch(batch_of(*records, batch_id="later"))

    assert again.stored == 60
    assert (await asked(store, "model")).total_nano_usd == 60

    await store.retention(RetentionPolicy(drop_after_s=1), at(1_000))
    assert (await asked(store, "model")).totals.calls == 0


async def test_a_crash_that_was_only_a_guess_is_charged_once(store):
    """The record that replaces it brings its own charge."""
    await store.write_batch(batch_of(make_crash(1, cost=spent(900, estimated=True))))
    await store.write_batch(batch_of(make_record(1, cost=spent(7)), batch_id="two"))

    found = await asked(store, "model")

    assert (found.total_nano_usd, found.totals.calls) == (7, 1)


async def test_a_batch_that_is_sent_again_is_charged_once(store):
    """Money is exactly once, as records are."""
    for _ in range(2):
        await store.write_batch(batch_of(make_record(1, cost=spent(7))))
    await store.write_batch(batch_of(make_record(1, cost=spent(7)), batch_id="other"))

    assert (await asked(store, "model")).total_nano_usd == 7


async def test_the_requests_behind_a_figure_are_found(store):
    """Lists filter by the columns that costs are grouped by, and by having no value there."""
    left = attempt("gpt-4o", target="large")
    last = attempt("claude", target="sonnet", kind="failover")
    await store.write_batch(
        batch_of(
            make_record(1, team="red", customer="c1", workload="batch", attempts=[left, last]),
            make_record(2, operation="probe", user="ada"),
        )
    )

    async def found(**wanted):
        page = await store.requests(CallFilter(**wanted), EVERYTHING)
        return [int(row.request_id[16:], 16) for row in page.rows]

    assert await found(team="red") == [1]
    assert await found(team=NOBODY) == [2]
    assert await found(customer="c1", workload="batch") == [1]
    assert await found(operation="probe") == [2]
    assert await found(endpoint="openai.chat") == [2, 1]
    assert await found(called_model="gpt-4o") == [1]
    assert await found(called_target="large") == [1]
    assert await found(called_target="small") == [2]
    assert await found(called_kind="failover") == [1]
    assert await found(user=NOBODY) == [1]
