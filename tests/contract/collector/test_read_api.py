"""The read API: who sees what, filters and pages, errors, its description."""

import asyncio

import msgspec
import pytest

from otlp_bodies import first_span, make_request, put
from pointsman.store.errors import StoreTimeoutError
from pointsman.wire.record_batch import RECORDS_PATH
from record_batches import batch_body, content_entry
from serving_collector import serving_collector
from stored_records import at, make_failure, make_record, request_id, trace_id

KEYS = """
keys:
  acme-reader: {key: acme-key-0123456789, tenant: acme, scopes: [call, explain]}
  globex-reader: {key: globex-key-0123456789, tenant: globex, scopes: [explain]}
  caller: {key: caller-key-0123456789, tenant: acme, scopes: [call]}
"""


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def fill(collector, *records, **options) -> None:
    body = batch_body(*records, **options)
    status, _, text = await collector.ask("POST", RECORDS_PATH, token="ingest", data=body)
    assert status == 200, text


@pytest.fixture
async def keyed(tmp_path):
    async with serving_collector(tmp_path, KEYS) as serving:
        await fill(serving, make_record(1), make_record(2, tenant="globex"))
        yield serving


async def test_one_request_is_told_whole(collector):
    """The record as it was sent, and a paragraph made from it."""
    await fill(collector, make_record(1))

    told = await collector.read(f"/api/v1/requests/{request_id(1)}")

    assert told["record"]["trace_id"] == trace_id(1)
    assert request_id(1) in told["explanation"]


async def test_requests_are_filtered_by_the_query(collector):
    """Filters join; an empty one does not filter."""
    await fill(collector, make_record(1), make_failure(2), make_record(3, user="ann"))

    async def ids(query: str) -> list[str]:
        rows = (await collector.read(f"/api/v1/requests?{query}"))["requests"]
        return [row["request_id"] for row in rows]

    assert await ids("failed=true") == [request_id(2)]
    assert await ids("user=ann&failed=") == [request_id(3)]
    assert await ids("error=REFUSED") == [request_id(2)]
    assert await ids(f"from={at(3)}") == [request_id(3)]
    assert await ids("model=auto&min_duration_ms=9999") == []


async def test_pages_follow_each_other(collector):
    """Each row once, whatever arrives in between."""
    await fill(collector, *(make_record(number) for number in range(5)))
    seen, cursor = [], ""
    while cursor is not None:
        page = await collector.read(f"/api/v1/requests?limit=2{cursor and '&cursor=' + cursor}")
        seen += [row["request_id"] for row in page["requests"]]
        cursor = page["next_cursor"]

    assert seen == [request_id(number) for number in reversed(range(5))]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/requests?colour=red",
        "/api/v1/requests?cursor=nonsense",
        "/api/v1/requests?limit=0",
        "/api/v1/requests?limit=501",
        "/api/v1/requests?status=abc",
        "/api/v1/requests?from=yesterday",
        "/api/v1/traces?key=x",
        "/api/v1/overview?buckets=0",
        "/api/v1/overview?from_unix_ns=5&to_unix_ns=5",
    ],
)
async def test_a_wrong_question_is_the_callers_fault(collector, path):
    """400, with the error object that all routes share."""
    status, _, body = await collector.ask("GET", path, token="admin")

    error = msgspec.json.decode(body)["error"]
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert error["message"]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/requests/{request_id(77)}",
        "/api/v1/requests/nonsense",
        f"/api/v1/requests/{request_id(77)}/content",
        f"/api/v1/traces/{trace_id(77)}",
        "/v1/traces/nonsense",
        "/api/v1/nothing",
    ],
)
async def test_what_is_not_there_is_not_found(collector, path):
    """404, with the same object."""
    status, _, body = await collector.ask("GET", path, token="admin")

    assert (status, msgspec.json.decode(body)["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/requests", f"/api/v1/requests/{request_id(1)}", "/api/v1/traces", "/api/v1/overview",
     f"/api/v1/traces/{trace_id(1)}", f"/v1/traces/{trace_id(1)}", "/api/v1/health",
     "/api/v1/arrivals", "/internal/v1/keys", "/internal/v1/snapshot",
     f"/api/v1/requests/{request_id(1)}/content"],
)  # fmt: skip
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
async def test_nobody_reads_without_a_token_or_a_key(collector, path, headers):
    """Also where no key is configured: the gateway may be open, the register is not."""
    await fill(collector, make_record(1))

    status, _, _ = await collector.ask("GET", path, headers=headers)

    assert status == 401


async def test_a_key_of_a_tenant_sees_its_tenant_only(keyed):
    """In lists, by id, by trace, in sums and as OTLP."""
    headers = bearer("acme-key-0123456789")

    async def status(path: str) -> int:
        return (await keyed.ask("GET", path, headers=headers))[0]

    _, _, body = await keyed.ask("GET", "/api/v1/requests", headers=headers)
    assert [row["tenant"] for row in msgspec.json.decode(body)["requests"]] == ["acme"]
    assert await status(f"/api/v1/requests/{request_id(1)}") == 200
    assert await status(f"/api/v1/requests/{request_id(2)}") == 404
    assert await status(f"/api/v1/traces/{trace_id(2)}") == 404
    assert await status(f"/v1/traces/{trace_id(2)}") == 404
    _, _, body = await keyed.ask("GET", "/api/v1/overview?from_unix_ns=0", headers=headers)
    assert msgspec.json.decode(body)["totals"]["requests"] == 1
    _, _, body = await keyed.ask("GET", "/api/v1/requests?tenant=globex", headers=headers)
    assert msgspec.json.decode(body)["requests"] == []


async def test_a_key_without_the_scope_may_not_read(keyed):
    """Explaining shows endpoints and counters."""
    status, _, _ = await keyed.ask(
        "GET", "/api/v1/requests", headers=bearer("caller-key-0123456789")
    )

    assert status == 403


async def test_content_is_for_the_admin_and_reading_it_is_audited(keyed):
    """A key does not read it; the row is there before the content is."""
    await fill(
        keyed,
        make_record(3),
        batch_id="b3",
        contents=(content_entry(3, "request", b'"prompt"'),),
    )
    path = f"/api/v1/requests/{request_id(3)}/content"

    refused, _, _ = await keyed.ask("GET", path, headers=bearer("acme-key-0123456789"))
    kept = await keyed.read(path)

    assert (refused, kept["prompt"]) == (403, '"prompt"')
    (entry,) = await keyed.collector.desk.audit.page(subject=request_id(3))
    assert (entry.actor, entry.action) == ("admin", "content.read")


async def test_prompts_in_spans_are_content_too(keyed):
    """A key sees that there is something; the admin sees it, and that is audited."""
    request = make_request(trace=7)
    put(request.resource_spans[0].resource.attributes, "pointsman.tenant", "acme")
    put(first_span(request).attributes, "gen_ai.input.messages", "where is my order")
    put(first_span(request).attributes, "gen_ai.request.model", "gpt-4o")
    event = first_span(request).events.add()
    event.name, event.time_unix_nano = "gen_ai.user.message", at(7)
    put(event.attributes, "content", "where is my order")
    headers = {"content-type": "application/x-protobuf"}
    body = request.SerializeToString()
    await keyed.ask("POST", "/v1/traces", token="ingest", data=body, headers=headers)
    key = bearer("acme-key-0123456789")

    for path in (f"/api/v1/traces/{trace_id(7)}", f"/v1/traces/{trace_id(7)}"):
        status, _, hidden = await keyed.ask("GET", path, headers=key)
        _, _, shown = await keyed.ask("GET", path, token="admin")
        assert (status, hidden.count(b"my order"), shown.count(b"my order")) == (200, 0, 2)
        assert b"gpt-4o" in hidden
    assert len(await keyed.collector.desk.audit.page(subject=trace_id(7))) == 2


async def test_an_issued_key_works_at_once_and_not_after_its_revocation(collector):
    """The collector knows issued keys as gateways do."""
    await fill(collector, make_record(1))
    body = msgspec.json.encode({"name": "ci", "tenant": "acme", "scopes": ["explain"]})
    status, _, answer = await collector.ask("POST", "/internal/v1/keys", token="admin", data=body)
    assert status == 201
    headers = bearer(msgspec.json.decode(answer)["secret"])

    async def becomes(wanted: int) -> None:
        async with asyncio.timeout(5):
            while (await collector.ask("GET", "/api/v1/requests", headers=headers))[0] != wanted:
                await asyncio.sleep(0.01)

    await becomes(200)
    status, _, _ = await collector.ask("DELETE", "/internal/v1/keys/ci", token="admin")
    assert status == 200
    await becomes(401)


async def test_a_snapshot_is_for_gateways(collector):
    """By the ingest token; 204 when there is nothing newer."""
    status, _, body = await collector.ask("GET", "/internal/v1/snapshot", token="ingest")
    version = msgspec.json.decode(body)["version"]

    again, _, _ = await collector.ask(
        "GET", f"/internal/v1/snapshot?after={version}&wait_s=0", token="ingest"
    )

    assert (status, again) == (200, 204)
    assert (await collector.ask("GET", "/internal/v1/snapshot", token="admin"))[0] == 401


async def test_arrivals_come_in_order_and_wake_who_waits(collector):
    """What `tail` follows."""
    start = await collector.read("/api/v1/arrivals")
    waiting = asyncio.ensure_future(
        collector.read(f"/api/v1/arrivals?after={start['position']}&wait_s=10")
    )

    await fill(collector, make_record(2), make_record(1))

    arrived = await waiting
    assert [row["request_id"] for row in arrived["requests"]] == [request_id(2), request_id(1)]
    after = await collector.read(f"/api/v1/arrivals?after={arrived['position']}")
    assert after["requests"] == []


async def test_figures_add_up(collector):
    """Over the time span that is asked for."""
    await fill(collector, make_record(1), make_failure(2))

    figures = await collector.read(
        f"/api/v1/overview?from_unix_ns={at(0)}&to_unix_ns={at(10)}&buckets=2"
    )

    assert (figures["totals"]["requests"], figures["totals"]["errors"]) == (2, 1)
    assert len(figures["buckets"]) == 2


async def test_the_api_describes_itself(collector):
    """Every path with its filters; nothing from another host."""
    status, _, body = await collector.ask("GET", "/api/openapi.json")
    described = msgspec.json.decode(body)

    assert status == 200
    assert set(described["paths"]) >= {
        "/api/v1/requests",
        "/api/v1/requests/{request_id}",
        "/api/v1/requests/{request_id}/content",
        "/api/v1/traces",
        "/api/v1/traces/{trace_id}",
        "/api/v1/overview",
    }
    assert not any(path.startswith("/internal") for path in described["paths"])
    names = {each["name"] for each in described["paths"]["/api/v1/requests"]["get"]["parameters"]}
    assert {"from", "min_cost_usd", "cursor", "limit"} <= names


async def test_a_question_that_takes_too_long_is_told_so(collector, monkeypatch):
    """504, and the log says which."""

    async def too_slow(*_, **__):
        raise StoreTimeoutError("too slow")

    monkeypatch.setattr(collector.store, "requests", too_slow, raising=False)
    status, _, body = await collector.ask("GET", "/api/v1/requests", token="admin")

    assert (status, msgspec.json.decode(body)["error"]["code"]) == (504, "store_timeout")


async def test_a_bug_is_answered_without_its_details(collector, monkeypatch):
    """The traceback is for the log."""

    async def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(collector.store, "requests", broken, raising=False)
    status, _, body = await collector.ask("GET", "/api/v1/requests", token="admin")

    assert status == 500
    assert b"secret detail" not in body


async def test_health_needs_no_token_and_says_little(collector):
    """For whoever watches processes."""
    assert (await collector.ask("GET", "/health"))[0] == 200
    assert (await collector.ask("GET", "/ready"))[2] == b'{"ready":true}'
    assert (await collector.read("/api/v1/health"))["engine"] == "duckdb"
