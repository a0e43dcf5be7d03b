"""Lists of requests: filters, pages, scopes, menus, following what arrives."""

import pytest

from pointsman.core.records import Attempt, Cost
from pointsman.store.errors import StoreQueryError
from pointsman.store.query import EVERYTHING, CallFilter, Scope
from stored_records import (
    at,
    batch_of,
    make_content,
    make_failure,
    make_record,
    request_id,
    trace_id,
)


async def _numbers(store, wanted, scope=EVERYTHING):
    page = await store.requests(wanted, scope)
    return [int(row.request_id[16:], 16) for row in page.rows]


async def test_the_last_started_request_comes_first(store):
    """Whatever order they arrived in."""
    await store.write_batch(batch_of(make_record(2), make_record(3), make_record(1)))

    assert await _numbers(store, CallFilter()) == [3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CallFilter(from_unix_ns=at(2)), [5, 4, 3, 2]),
        (CallFilter(to_unix_ns=at(2)), [1]),
        (CallFilter(status=502), [3]),
        (CallFilter(outcome="truncated"), [4]),
        (CallFilter(failed=True), [3]),
        (CallFilter(failed=False), [5, 4, 2, 1]),
        (CallFilter(tenant="globex"), [2]),
        (CallFilter(model="auto"), [4, 3, 2, 1]),
        (CallFilter(model="gpt-4o"), [5]),
        (CallFilter(target="small"), [4, 3, 2, 1]),
        (CallFilter(target="sonnet"), [5]),
        (CallFilter(provider="anthropic"), [5]),
        (CallFilter(reason="long_prompt_upgrade"), [2]),
        (CallFilter(route="chat"), [4]),
        (CallFilter(key="batch"), [4]),
        (CallFilter(user="ada"), [1]),
        (CallFilter(feature="search"), [2]),
        (CallFilter(environment="production"), [4]),
        (CallFilter(min_cost_nano_usd=1_001), [2]),
        (CallFilter(min_duration_ns=300_000_000), [1]),
        (CallFilter(trace_id=trace_id(2)), [2]),
        (CallFilter(error_text="CONNECTION"), [3]),
        (CallFilter(error_text="100%"), []),
        (CallFilter(error_text="_"), []),
        (CallFilter(model="auto", failed=False, to_unix_ns=at(2)), [1]),
    ],
)
async def test_a_filter_keeps_exactly_what_it_says(store, wanted, expected):
    """A request whose target failed is found under that target too."""
    sonnet = Attempt("sonnet", "anthropic", "claude-sonnet-4-6", kind="failover")
    await store.write_batch(
        batch_of(
            make_record(1, user="ada", duration_ns=300_000_000),
            make_record(
                2,
                tenant="globex",
                reason="long_prompt_upgrade",
                feature="search",
                cost=Cost(total_nano_usd=1_001),
            ),
            make_failure(3),
            make_record(
                4, outcome="truncated", route="chat", key="batch", environment="production"
            ),
            make_record(
                5,
                requested_model="gpt-4o",
                served_target=None,
                served_provider=None,
                attempts=[sonnet],
            ),
        )
    )

    assert await _numbers(store, wanted) == expected


async def test_pages_neither_skip_nor_repeat(store):
    """Also when many requests started in the same nanosecond and new ones arrive in between."""
    records = [make_record(number, started_unix_ns=at(number // 4)) for number in range(20)]
    await store.write_batch(batch_of(*records))
    seen, cursor = [], None

    for turn in range(20):
        page = await store.requests(CallFilter(), EVERYTHING, cursor=cursor, limit=3)
        seen += [row.request_id for row in page.rows]
        await store.write_batch(batch_of(make_record(100 + turn), batch_id=f"later {turn}"))
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [request_id(number) for number in reversed(range(20))]


async def test_the_last_page_says_that_it_is_the_last(store):
    """A full page at the very end offers no empty one after it."""
    await store.write_batch(batch_of(make_record(1), make_record(2)))

    page = await store.requests(CallFilter(), EVERYTHING, limit=2)

    assert (len(page.rows), page.next_cursor) == (2, None)


@pytest.mark.parametrize("cursor", ["", "x", "1.2; DROP", "f" * 16 + ".a", "-1.a", "1." + "a" * 99])
async def test_a_cursor_of_somebody_else_is_refused(store, cursor):
    """Cursors come from a URL."""
    with pytest.raises(StoreQueryError):
        await store.requests(CallFilter(), EVERYTHING, cursor=cursor)


async def test_a_tenant_sees_its_own_rows_only_in_every_question(store):
    """A row without a tenant is for the operator."""
    await store.write_batch(
        batch_of(
            make_record(1, tenant="acme"),
            make_record(2, tenant="globex", served_model="secret-model"),
            make_record(3, tenant=None, served_model="secret-model"),
            contents=[make_content(2, tenant="globex"), make_content(3, tenant=None)],
        )
    )
    acme = Scope("acme")

    assert await _numbers(store, CallFilter(), acme) == [1]
    assert await _numbers(store, CallFilter(tenant="globex"), acme) == []
    assert [row.tenant for row in await store.since(0, acme)] == ["acme"]
    assert await store.distinct("served_model", acme) == ["gpt-4o-mini"]
    for number in (2, 3):
        assert await store.request(request_id(number), acme) is None
        assert await store.content(request_id(number), acme) is None
        assert await store.requests_of_trace(trace_id(number), acme) == []
        assert await store.spans_of_trace(trace_id(number), acme) == []
    assert (await store.overview(at(0), at(10), 1, acme)).totals.requests == 1
    assert await _numbers(store, CallFilter()) == [3, 2, 1]


async def test_the_calls_of_a_trace_come_in_the_order_they_started(store):
    """With their whole records."""
    one = trace_id(7)
    await store.write_batch(
        batch_of(make_record(2, trace_id=one), make_record(1, trace_id=one), make_record(3))
    )

    found = await store.requests_of_trace(one, EVERYTHING)

    assert [call.record.request_id for call in found] == [request_id(1), request_id(2)]


async def test_followers_get_everything_once_in_the_order_it_arrived(store):
    """A request that started earlier may arrive later."""
    await store.write_batch(batch_of(make_record(5), make_record(1), batch_id="a"))
    first = await store.since(0, EVERYTHING, limit=1)
    await store.write_batch(batch_of(make_record(3), batch_id="b"))

    rest = await store.since(first[-1].position, EVERYTHING)

    numbers = [row.request_id for row in [*first, *rest]]
    assert numbers == [request_id(5), request_id(1), request_id(3)]
    assert rest[-1].position == (await store.stats()).last_position


@pytest.mark.parametrize("unknown", ["", "req_1", request_id(9), "x' OR '1'='1"])
async def test_an_unknown_request_is_none(store, unknown):
    """Whatever somebody typed."""
    await store.write_batch(batch_of(make_record(1)))

    assert await store.request(unknown, EVERYTHING) is None
    assert await store.content(unknown, EVERYTHING) is None


@pytest.mark.parametrize("bound", [2**64, -(2**64)])
async def test_a_bound_beyond_every_column_is_just_a_bound(store, bound):
    """Numbers come from a URL."""
    await store.write_batch(batch_of(make_record(1)))
    expected = [1] if bound < 0 else []

    assert await _numbers(store, CallFilter(min_cost_nano_usd=bound)) == expected
    assert await _numbers(store, CallFilter(from_unix_ns=bound)) == expected
    assert len(await store.since(bound, EVERYTHING)) == len(expected)


async def test_menus_offer_what_occurs(store):
    """Sorted, without the unknown."""
    await store.write_batch(
        batch_of(make_record(1, feature="search"), make_record(2, feature="chat"), make_record(3))
    )

    assert await store.distinct("feature", EVERYTHING) == ["chat", "search"]


async def test_a_menu_of_a_column_that_has_none_is_refused(store):
    """Column names come from a URL."""
    with pytest.raises(StoreQueryError):
        await store.distinct("record; DROP TABLE calls", EVERYTHING)
