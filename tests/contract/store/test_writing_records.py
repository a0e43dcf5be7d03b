"""Batches are kept exactly once, whole, and nothing in one row can spoil another."""

import msgspec
import pytest

from pointsman.core.records import SCHEMA, Rule
from pointsman.store.errors import StoreSchemaError, StoreUnavailableError
from pointsman.store.protocol import RecordBatch
from pointsman.store.query import EVERYTHING, CallFilter, Scope
from stored_records import (
    START_NS,
    at,
    batch_of,
    encoded,
    make_content,
    make_crash,
    make_failure,
    make_record,
    request_id,
    trace_id,
)


async def test_a_record_comes_back_as_it_was_sent(store):
    """The whole record is kept, not only its columns."""
    record = make_record(1, tags={"a": 'quo"te\n\u0000é🚂'}, rule=Rule("routes.auto.rules[0]"))

    result = await store.write_batch(batch_of(record))

    found = await store.request(request_id(1), EVERYTHING)
    assert found.record == record
    assert msgspec.json.decode(found.json) == msgspec.json.decode(encoded(record))
    assert (result.is_new, result.stored, found.position) == (True, 1, result.last_position)


async def test_a_batch_that_is_sent_again_changes_nothing(store):
    """Senders repeat what was not answered: the id of the batch is kept with it."""
    await store.write_batch(batch_of(make_record(1), batch_id="a"))

    result = await store.write_batch(batch_of(make_record(1), make_record(2), batch_id="a"))

    assert result.is_new is False
    assert (await store.stats()).rows["calls"] == 1


async def test_a_request_in_two_batches_is_kept_once(store):
    """A gateway that restarts may cut its journal into other batches."""
    await store.write_batch(batch_of(make_record(1), make_record(2), batch_id="a"))

    result = await store.write_batch(batch_of(make_record(2), make_record(3), batch_id="b"))

    assert (result.stored, result.known) == (1, 1)
    stats = await store.stats()
    assert (stats.rows["calls"], stats.rows["attempts"]) == (3, 3)


async def test_a_request_twice_in_one_batch_is_kept_once(store):
    """The first wins."""
    result = await store.write_batch(batch_of(make_record(1), make_record(1, status=201)))

    assert (result.stored, result.known) == (1, 1)
    assert (await store.request(request_id(1), EVERYTHING)).record.status == 200


async def test_the_real_end_replaces_what_a_crash_made_us_assume(store):
    """Recovery may call a request crashed whose end turns up in a later segment."""
    await store.write_batch(batch_of(make_crash(1), batch_id="a"))

    result = await store.write_batch(batch_of(make_record(1), batch_id="b"))

    found = await store.request(request_id(1), EVERYTHING)
    assert (found.record.outcome, found.position) == ("success", result.last_position)
    assert (result.stored, result.replaced) == (1, 1)
    assert (await store.stats()).rows["attempts"] == 1


async def test_a_crash_never_replaces_a_real_end(store):
    """Whichever comes first."""
    await store.write_batch(batch_of(make_record(1), batch_id="a"))

    result = await store.write_batch(batch_of(make_crash(1), batch_id="b"))

    assert (result.stored, result.known) == (0, 1)
    assert (await store.request(request_id(1), EVERYTHING)).record.outcome == "success"


async def test_a_crash_and_its_real_end_in_one_batch_leave_the_end(store):
    """The order within the batch does not matter."""
    await store.write_batch(batch_of(make_crash(1), make_record(1), make_crash(1)))

    found = await store.requests(CallFilter(), EVERYTHING)
    assert [row.outcome for row in found.rows] == ["success"]


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b"{}",
        encoded(make_record(1, request_id="req_1")),
        encoded(make_record(1, trace_id="'; DROP TABLE calls")),
        encoded(make_record(1, schema=SCHEMA + 1)),
        encoded(make_record(1, duration_ns=2**64)),
        encoded(make_record(1, started_unix_ns=-1)),
        b'{"schema":1,"request_id":"\xff"}',
    ],
)
async def test_a_row_that_can_never_be_kept_is_named_and_the_others_are_kept(store, line):
    """One poisoned record must not hold up the journal for ever."""
    batch = RecordBatch(batch_id="a", schema=SCHEMA, calls=[line, encoded(make_record(2))])

    result = await store.write_batch(batch)

    assert (result.stored, [one.index for one in result.rejected]) == (1, [0])
    assert await store.request(request_id(2), EVERYTHING) is not None


async def test_a_record_over_several_lines_is_kept(store):
    """JSON may hold line breaks between its tokens."""
    line = msgspec.json.format(encoded(make_record(1)), indent=2)

    await store.write_batch(RecordBatch(batch_id="a", schema=SCHEMA, calls=[line]))

    assert (await store.request(request_id(1), EVERYTHING)).record == make_record(1)


async def test_fields_that_this_release_does_not_know_stay_in_the_record(store):
    """A field may be added without a new schema; an older collector must not lose it."""
    line = encoded(make_record(1))[:-1] + b',"added_later":{"a":[1]}}'

    await store.write_batch(RecordBatch(batch_id="a", schema=SCHEMA, calls=[line]))

    found = await store.request(request_id(1), EVERYTHING)
    assert msgspec.json.decode(found.json)["added_later"] == {"a": [1]}


async def test_a_batch_of_a_newer_schema_is_refused_whole(store):
    """Its sender keeps it until the collector has been upgraded."""
    with pytest.raises(StoreSchemaError):
        await store.write_batch(RecordBatch(batch_id="a", schema=SCHEMA + 1, calls=[]))


async def test_an_empty_batch_is_remembered_too(store):
    """A batch may hold nothing but what was rejected."""
    empty = RecordBatch(batch_id="a", schema=SCHEMA, calls=[])
    await store.write_batch(empty)

    assert (await store.write_batch(empty)).is_new is False


async def test_contents_are_kept_apart_and_system_prompts_once(store):
    """A thousand requests with one system prompt hold it once."""
    contents = [make_content(1), make_content(2), make_content(3, tenant="other")]
    await store.write_batch(batch_of(make_record(1), make_record(2), contents=contents))

    found = await store.content(request_id(2), EVERYTHING)
    assert found == make_content(2)
    assert (await store.stats()).rows["system_prompts"] == 2


async def test_hostile_text_comes_back_unchanged(store):
    """Text is data in every column, whatever it looks like."""
    hostile = "'; DROP TABLE calls; -- \\ \" \n\r\t\u0000 <script> %_ 🚂 \u2028"
    record = make_failure(1, hostile, user=hostile, tenant=hostile, tags={hostile: hostile})
    content = make_content(1, tenant=hostile, prompt=hostile, response=hostile)

    await store.write_batch(batch_of(record, contents=[content]))

    page = await store.requests(CallFilter(user=hostile, error_text=hostile), Scope(hostile))
    assert [row.error_text for row in page.rows] == [hostile]
    assert await store.content(request_id(1), Scope(hostile)) == content
    assert (await store.request(request_id(1), Scope(hostile))).record == record


async def test_content_of_an_impossible_request_is_named_and_the_others_are_kept(store):
    """As with records."""
    result = await store.write_batch(
        batch_of(make_record(1), contents=[make_content(1, request_id="x"), make_content(1)])
    )

    assert [(one.index, one.part) for one in result.rejected] == [(0, "contents")]
    assert await store.content(request_id(1), EVERYTHING) == make_content(1)


async def test_the_columns_say_what_the_record_says(store):
    """Lists and filters read columns."""
    await store.write_batch(batch_of(make_failure(1, parent_span_id="00f067aa0ba902b7")))

    (row,) = (await store.requests(CallFilter(), EVERYTHING)).rows

    assert (row.request_id, row.trace_id, row.started_unix_ns) == (
        request_id(1),
        trace_id(1),
        at(1),
    )
    assert (row.failed, row.error_class, row.status) == (True, "connection", 502)
    assert (row.target, row.provider, row.cost_nano_usd) == ("small", "openai", None)
    assert row.request_ms == (START_NS // 1_000_000) + 1_000


async def test_a_closed_store_says_so(store):
    """Closing twice is harmless, using it after is an error with a sentence."""
    await store.close()
    await store.close()

    with pytest.raises(StoreUnavailableError):
        await store.write_batch(batch_of(make_record(1)))
