"""Application spans and gateway calls as traces: one tree, one list."""

import pytest

from pointsman.core.records import Cost
from pointsman.core.usage import Usage
from pointsman.store import genai
from pointsman.store.errors import StoreQueryError
from pointsman.store.query import EVERYTHING, Scope, TraceFilter
from pointsman.store.rows import SpanEvent, SpanLink
from stored_records import at, batch_of, make_failure, make_record, make_span, trace_id


async def _ids(store, wanted=None, scope=EVERYTHING):
    page = await store.traces(wanted or TraceFilter(), scope)
    return [row.trace_id for row in page.rows]


async def test_a_span_comes_back_as_it_was_sent(store):
    """Typed attribute values, events and links included."""
    span = make_span(
        1,
        0,
        kind="SERVER",
        status="ERROR",
        status_message="no",
        scope_name="shop.instrumentation",
        attributes={"a": 1, "b": 1.5, "c": [True, "x"], "d": {"e": None}, "f": "\u0000'\n"},
        resource={"service.name": "shop", "n": 2**62},
        events=[SpanEvent("exception", at(1), {"exception.type": "KeyError"})],
        links=[SpanLink(trace_id(2), "00f067aa0ba902b7", {"why": "batch"})],
    )

    result = await store.write_spans([span])

    assert result.stored == 1
    assert await store.spans_of_trace(trace_id(1), EVERYTHING) == [span]


async def test_spans_that_are_sent_again_are_kept_once(store):
    """An exporter repeats a batch that was not answered in time."""
    await store.write_spans([make_span(1, 0), make_span(1, 1)])

    result = await store.write_spans([make_span(1, 1), make_span(1, 2), make_span(1, 2)])

    assert (result.stored, result.known) == (1, 2)
    assert (await store.stats()).rows["spans"] == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"trace_id": "1" * 31},
        {"span_id": "G" * 16},
        {"start_unix_ns": -1},
        {"end_unix_ns": 2**63},
        {"end_unix_ns": at(0)},
        {"attributes": {"a": "\ud800"}},
    ],
)
async def test_a_span_that_can_never_be_kept_is_named_and_the_others_are_kept(store, changes):
    """One bad span of an application must not cost the batch."""
    result = await store.write_spans([make_span(1, 0, **changes), make_span(1, 1)])

    assert (result.stored, [(one.index, one.part) for one in result.rejected]) == (
        1,
        [(0, "spans")],
    )


async def test_application_spans_and_gateway_calls_form_one_tree(store):
    """The call's root hangs below the span that sent `traceparent` (OBS-33)."""
    client = make_span(1, 1)
    await store.write_spans([make_span(1, 0), client])
    await store.write_batch(
        batch_of(make_record(1, parent_span_id=client.span_id, started_unix_ns=at(1.5)))
    )

    spans = await store.spans_of_trace(trace_id(1), EVERYTHING)

    names = [span.name for span in spans]
    assert names == ["answer a question", "step 1", "gateway_request", "chat gpt-4o-mini"]
    ids = {span.span_id for span in spans}
    assert [span.name for span in spans if span.parent_span_id not in ids] == ["answer a question"]


async def test_a_trace_in_the_list_sums_its_calls_once(store):
    """An instrumented client reports the same tokens as the gateway: they are not added."""
    tokens = {genai.INPUT_TOKENS: 12, genai.RESPONSE_MODEL: "gpt-4o-mini-2024"}
    await store.write_spans([make_span(1, 0), make_span(1, 1, attributes=tokens)])
    await store.write_batch(
        batch_of(
            make_record(1, started_unix_ns=at(1.2)),
            make_failure(2, trace_id=trace_id(1), started_unix_ns=at(1.1)),
        )
    )

    (row,) = (await store.traces(TraceFilter(), EVERYTHING)).rows

    assert (row.name, row.service) == ("answer a question", "shop")
    assert (row.call_count, row.span_count, row.error_count) == (2, 2, 1)
    assert (row.cost_nano_usd, row.input_tokens, row.output_tokens) == (1_000, 12, 34)
    assert row.models == ("auto", "gpt-4o-mini", "gpt-4o-mini-2024")
    assert (row.started_unix_ns, row.ended_unix_ns) == (at(1), at(2))
    assert row.last_start_unix_ns == at(1.2)


async def test_a_trace_without_calls_shows_what_its_spans_report(store):
    """Applications may call providers without the gateway."""
    tokens = {genai.INPUT_TOKENS: 3, genai.OUTPUT_TOKENS: 4}
    await store.write_spans([make_span(1, 0), make_span(1, 1, attributes=tokens)])

    (row,) = (await store.traces(TraceFilter(), EVERYTHING)).rows

    assert (row.input_tokens, row.output_tokens, row.cost_nano_usd) == (3, 4, None)


async def test_figures_that_cannot_be_true_break_no_list(store):
    """Sums may be larger than any column; the latest moment plus the longest duration fits."""
    largest = 2**62 - 1
    tokens = {genai.INPUT_TOKENS: 2**63 - 1}
    await store.write_spans([make_span(1, n, attributes=tokens) for n in range(3)])
    odd = make_record(
        2, started_unix_ns=largest, duration_ns=largest, usage=Usage(largest, largest)
    )
    await store.write_batch(batch_of(odd))

    rows = (await store.traces(TraceFilter(), EVERYTHING)).rows

    assert [row.input_tokens for row in rows] == [largest, 3 * (2**63 - 1)]
    assert rows[0].ended_unix_ns == 2 * largest
    assert (await store.overview(0, 2**62, 1, EVERYTHING)).totals.input_tokens == largest


async def test_a_call_without_a_tracing_application_is_a_trace(store):
    """Named by what was asked."""
    await store.write_batch(batch_of(make_record(1)))

    (row,) = (await store.traces(TraceFilter(), EVERYTHING)).rows

    assert (row.name, row.service, row.call_count) == ("chat auto", "pointsman", 1)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (TraceFilter(), [3, 2, 1]),
        (TraceFilter(from_unix_ns=at(2)), [3, 2]),
        (TraceFilter(to_unix_ns=at(2)), [1]),
        (TraceFilter(tenant="globex"), [2]),
        (TraceFilter(service="shop"), [1]),
        (TraceFilter(service="pointsman"), [3, 2]),
        (TraceFilter(model="gpt-4o-mini"), [2]),
        (TraceFilter(failed=True), [3]),
        (TraceFilter(min_duration_ns=1_000_000_000), [1]),
    ],
)
async def test_a_filter_keeps_the_traces_with_a_match(store, wanted, expected):
    """One call or span of a trace has to fulfil all of it."""
    await store.write_spans([make_span(1, 0)])
    await store.write_batch(batch_of(make_record(2, tenant="globex"), make_failure(3)))

    assert await _ids(store, wanted) == [trace_id(number) for number in expected]


async def test_pages_of_traces_neither_skip_nor_repeat(store):
    """A trace stands where its latest call or span stands, once."""
    await store.write_spans(
        [make_span(trace, number) for trace in range(6) for number in range(20)]
    )
    late = [make_record(number, trace_id=trace_id(number % 6)) for number in range(20, 40)]
    await store.write_batch(batch_of(*late))
    whole = await _ids(store)
    seen, cursor = [], None

    for _ in range(10):
        page = await store.traces(TraceFilter(), EVERYTHING, cursor=cursor, limit=2)
        seen += [row.trace_id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == whole
    assert len(set(seen)) == 6


async def test_a_trace_with_thousands_of_spans_does_not_hide_the_others(store):
    """The list looks at the latest rows first and must look further when they are all one trace."""
    await store.write_spans([make_span(2, number, end_unix_ns=at(9)) for number in range(2_500)])
    await store.write_spans([make_span(1, 0)])

    assert await _ids(store) == [trace_id(2), trace_id(1)]


async def test_a_cursor_of_somebody_else_is_refused(store):
    """Cursors come from a URL."""
    with pytest.raises(StoreQueryError):
        await store.traces(TraceFilter(), EVERYTHING, cursor="?")


async def test_a_tenant_sees_its_own_part_of_traces(store):
    """Sums too leave out what others did under the same trace id."""
    await store.write_batch(
        batch_of(
            make_record(1, tenant="acme", cost=Cost(total_nano_usd=5)),
            make_record(2, tenant="globex", trace_id=trace_id(1), usage=Usage(input_tokens=99)),
            make_record(3, tenant="globex"),
        )
    )
    await store.write_spans([make_span(1, 0, tenant="globex")])

    (row,) = (await store.traces(TraceFilter(), Scope("acme"))).rows

    assert (row.trace_id, row.call_count, row.span_count) == (trace_id(1), 1, 0)
    assert (row.cost_nano_usd, row.input_tokens) == (5, 12)
    spans = await store.spans_of_trace(trace_id(1), Scope("acme"))
    assert {span.tenant for span in spans} == {"acme"}
