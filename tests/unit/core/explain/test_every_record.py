"""What holds for the telling of any record at all."""

import re
from math import isfinite

from hypothesis import HealthCheck, assume, given, settings
from msgspec.json import decode, encode

from arbitrary_records import numbers_in, records
from pointsman.core.explain import (
    as_json,
    flat,
    flat_cost,
    flat_route,
    paragraph,
    tree,
    tree_lines,
)
from pointsman.core.explain.amounts import (
    clean,
    duration_text,
    figure_text,
    instant_text,
    money_text,
)
from pointsman.core.explain.selection import before_last_ns, routing_ns, upstream_ns
from pointsman.core.records import CallRecord

quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")


def own_numbers(record: CallRecord) -> set[str]:
    """Every way in which a number of the record may be printed."""
    numbers = {*numbers_in(record), routing_ns(record) or 0, upstream_ns(record) or 0}
    numbers.add(before_last_ns(record) or 0)
    for attempt in record.attempts:
        numbers.add((attempt.end_ns or 0) - attempt.start_ns)
    texts = {str(count) for count in range(1, 7)}  # attempts and what is left out are counted
    texts |= {instant_text(record.started_unix_ns), tree_of_counts(record)}
    texts |= {instant_text(one.resets_unix_ns) for one in record.limits if one.resets_unix_ns}
    texts.add(instant_text(0))  # an end of a period at the begin of time
    for number in numbers:
        texts |= {str(number), figure_text(number)}
        if isinstance(number, int):
            texts |= {duration_text(number), money_text(number)}
    return {found for text in texts for found in NUMBER.findall(text)}


def tree_of_counts(record: CallRecord) -> str:
    lists = (record.candidates, record.attempts, record.rules_evaluated, record.limits)
    return " ".join(str(len(each)) for each in lists)


@quick
@given(records)
def test_no_record_breaks_its_telling_or_prints_a_hole(record):
    """The gateway must be able to explain whatever it wrote (CP-18)."""
    told, drawn = paragraph(record), tree(record)

    assert "None" not in told + drawn
    assert told.isprintable()
    assert drawn.replace("\n", "").isprintable()
    assert len(drawn.splitlines()) == len(tree_lines(record))
    flat(record)


@quick
@given(records)
def test_every_number_told_is_the_records_own(record):
    """An explanation that invents a figure is worse than none."""
    own = own_numbers(record)

    assert set(NUMBER.findall(paragraph(record))) <= own
    assert set(NUMBER.findall(tree(record))) <= own


@quick
@given(records)
def test_the_served_model_is_always_named(record):
    """Which model answered is the first question."""
    if record.served_model is not None:
        assert clean(record.served_model) in paragraph(record)
        assert clean(record.served_model) in tree(record)


@quick
@given(records)
def test_flat_records_have_exactly_the_published_keys(record):
    """Programs rely on them (CP-18)."""
    assert list(flat_route(record)) == [
        "route_reason",
        "selected_provider",
        "selected_model",
        "retry_count",
        "failover_used",
        "tenant_id",
        "trace_id",
    ]
    cost = flat_cost(record)
    assert list(cost) == [
        "request_id",
        "route_reason",
        "selected_provider",
        "selected_model",
        "fallback_used",
        "latency_ms",
        "cost",
        "trace_id",
    ]
    assert list(cost["latency_ms"]) == ["routing", "provider_call"]
    assert list(cost["cost"]) == ["input", "output"]
    assert flat(record).keys() == flat_route(record).keys() | cost.keys()
    assert decode(as_json(cost))["request_id"] == record.request_id


@quick
@given(records)
def test_what_was_stored_is_told_as_what_was_made(record):
    """`why` reads the journal; the answer to the request told it from memory."""
    assume(all(isfinite(number) for number in numbers_in(record)))  # JSON has no others

    stored = decode(encode(record), type=CallRecord)

    assert paragraph(stored) == paragraph(record)
    assert tree(stored) == tree(record)
