"""What goes and what stays, and the configurations that were in force."""

import pytest

from pointsman.store.protocol import RetentionPolicy
from pointsman.store.query import EVERYTHING, CallFilter
from pointsman.store.rows import ConfigVersion
from pointsman.store.thinning import is_kept, threshold
from stored_records import (
    at,
    batch_of,
    make_content,
    make_failure,
    make_record,
    make_span,
    request_id,
    trace_id,
)

DAY_S = 86_400


async def _numbers(store):
    page = await store.requests(CallFilter(), EVERYTHING, limit=500)
    return [int(row.request_id[16:], 16) for row in page.rows]


async def test_no_policy_keeps_everything(store):
    """Nothing is removed that nobody asked to remove."""
    await store.write_batch(batch_of(make_record(1), contents=[make_content(1)]))
    await store.write_spans([make_span(1, 0)])

    result = await store.retention(RetentionPolicy(), at(1_000 * DAY_S))

    assert (result.calls, result.spans, result.contents) == (0, 0, 0)
    assert await _numbers(store) == [1]


async def test_successes_are_thinned_by_trace_and_failures_stay(store):
    """Calls and spans of a trace share its fate; a trace with a failure stays whole."""
    records = [make_record(number) for number in range(40)]
    records += [make_failure(number) for number in range(40, 60)]
    records.append(make_record(60, trace_id=trace_id(41)))
    records.append(make_record(61, outcome="truncated"))
    await store.write_batch(batch_of(*records))
    await store.write_spans([make_span(number, 0) for number in range(41)])
    await store.write_spans([make_span(70, 0, status="ERROR"), make_span(70, 1)])
    policy = RetentionPolicy(thin_after_s=DAY_S, thin_keep_ratio=0.25)

    result = await store.retention(policy, at(2 * DAY_S))

    limit = threshold(0.25)
    kept = [number for number in range(40) if is_kept(trace_id(number), limit)]
    assert 0 < len(kept) < 25
    assert sorted(await _numbers(store)) == [*kept, *range(40, 62)]
    assert (result.calls, result.spans) == (40 - len(kept), 40 - len(kept))
    stats = await store.stats()
    assert (stats.rows["spans"], stats.rows["attempts"]) == (len(kept) + 3, len(kept) + 22)


async def test_what_is_young_is_not_thinned(store):
    """Age counts from the start of the request."""
    await store.write_batch(batch_of(make_record(1), make_record(100)))

    policy = RetentionPolicy(thin_after_s=50, thin_keep_ratio=0)
    await store.retention(policy, at(120))

    assert await _numbers(store) == [100]


async def test_everything_goes_at_its_last_age(store):
    """Failures too."""
    await store.write_batch(batch_of(make_failure(1), make_failure(100)))
    await store.write_spans([make_span(1, 0), make_span(100, 0)])

    result = await store.retention(RetentionPolicy(drop_after_s=50), at(120))

    assert (result.calls, result.spans) == (1, 1)
    assert await _numbers(store) == [100]


async def test_contents_have_their_own_lifetime(store):
    """The record stays when its prompt goes; a system prompt goes with its last user."""
    contents = [make_content(1, system_hash="old"), make_content(100)]
    await store.write_batch(batch_of(make_record(1), make_record(100), contents=contents))

    result = await store.retention(RetentionPolicy(content_after_s=50), at(120))

    assert result.contents == 1
    assert await store.content(request_id(1), EVERYTHING) is None
    assert await store.content(request_id(100), EVERYTHING) == make_content(100)
    assert await _numbers(store) == [100, 1]
    assert (await store.stats()).rows["system_prompts"] == 1


async def test_the_oldest_contents_go_when_all_are_too_large(store):
    """A cap on bytes, counted as UTF-8."""
    contents = [make_content(number, prompt="é" * 50, response=None) for number in range(10)]
    records = [make_record(number) for number in range(10)]
    await store.write_batch(batch_of(*records, contents=contents))

    await store.retention(RetentionPolicy(content_max_bytes=350), at(20))

    kept = [n for n in range(10) if await store.content(request_id(n), EVERYTHING) is not None]
    assert kept == [7, 8, 9]


async def test_contents_go_with_the_record_they_belong_to(store):
    """Thinning must not leave prompts that no list shows."""
    await store.write_batch(batch_of(make_record(1), contents=[make_content(1)]))

    await store.retention(RetentionPolicy(drop_after_s=DAY_S), at(2 * DAY_S))

    assert (await store.stats()).rows["contents"] == 0


@pytest.mark.parametrize(("ratio", "kept"), [(0.0, 0), (1.0, 100)])
def test_the_ends_of_thinning_are_nothing_and_everything(ratio, kept):
    """Exactly."""
    limit = threshold(ratio)

    assert sum(is_kept(trace_id(number), limit) for number in range(100)) == kept
    assert is_kept("f" * 32, limit) is (ratio == 1.0)
    assert is_kept("0" * 32, limit) is (ratio == 1.0)


async def test_a_configuration_is_kept_once_under_its_hash(store):
    """With the moment it was first seen, the latest first."""
    await store.write_config_version(ConfigVersion("aaa", at(1), "a: 1"))
    await store.write_config_version(ConfigVersion("bbb", at(2), "a: 2"))
    await store.write_config_version(ConfigVersion("aaa", at(3), "other"))

    assert await store.config_version("aaa") == ConfigVersion("aaa", at(1), "a: 1")
    assert [one.hash for one in await store.config_versions()] == ["bbb", "aaa"]
    assert await store.config_version("zzz") is None
