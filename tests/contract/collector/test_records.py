"""`POST /internal/v1/records`: what a gateway may rely on."""

import gzip
import zlib
from io import BytesIO

import msgspec
import pytest

from pointsman.core.records import SCHEMA
from pointsman.core.records import ContentRef as Reference
from pointsman.store.errors import StoreBusyError, StoreFullError, StoreUnavailableError
from pointsman.wire.record_batch import RECORDS_PATH, BatchAnswer
from record_batches import batch_body, content_entry
from stored_records import make_record, request_id

PATH = RECORDS_PATH


async def send(collector, body, **headers):
    status, answered, text = await collector.ask(
        "POST", PATH, token="ingest", data=body, headers=headers
    )
    return status, answered, text


def answer(body: bytes) -> BatchAnswer:
    return msgspec.json.decode(body, type=BatchAnswer)


async def test_a_batch_is_kept_and_can_be_read(collector):
    """What was answered 200 is on disk."""
    status, _, body = await send(collector, batch_body(make_record(1), make_record(2)))

    assert (status, answer(body).stored) == (200, 2)
    listed = await collector.read("/api/v1/requests")
    assert [row["request_id"] for row in listed["requests"]] == [request_id(2), request_id(1)]


async def test_a_resent_batch_changes_nothing(collector):
    """A sender that got no answer sends the same again."""
    body = batch_body(make_record(1))
    await send(collector, body)

    status, _, second = await send(collector, body)

    assert status == 200
    assert answer(second) == BatchAnswer(resent=True)
    assert len((await collector.read("/api/v1/requests"))["requests"]) == 1


async def test_the_same_records_in_another_batch_are_known(collector):
    """A sender whose cursor was lost cuts its batches anew."""
    await send(collector, batch_body(make_record(1)))

    _, _, body = await send(collector, batch_body(make_record(1), make_record(2), batch_id="b2"))

    assert (answer(body).stored, answer(body).known) == (1, 1)


async def test_a_bad_record_is_refused_alone(collector):
    """Its neighbours are kept, and the sender learns which it was."""
    bodies = batch_body(make_record(1), b'{"schema":1}', make_record(3))

    status, _, body = await send(collector, bodies)

    assert (status, answer(body).stored) == (200, 2)
    assert [(each.part, each.index) for each in answer(body).rejected] == [("calls", 1)]


async def test_a_record_of_a_newer_release_is_refused_alone(collector):
    """After a downgrade the journal still holds what the newer release wrote."""
    newer = make_record(2, schema=SCHEMA + 1)

    _, _, body = await send(collector, batch_body(make_record(1), newer))

    assert [each.index for each in answer(body).rejected] == [1]


async def test_a_sender_of_a_newer_release_is_told_so(collector):
    """The collector is upgraded before its gateways."""
    status, _, body = await send(collector, batch_body(make_record(1), schema=SCHEMA + 1))

    assert status == 409
    assert msgspec.json.decode(body)["error"]["code"] == "store_schema_unknown"


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": "x"}])
async def test_without_the_token_nothing_is_taken(collector, header):
    """A local web page, say, has none."""
    status, headers, body = await collector.ask(
        "POST", PATH, data=batch_body(make_record(1)), headers=header
    )

    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert "error" in msgspec.json.decode(body)


async def test_the_admin_token_does_not_send(collector):
    """Each token opens one door."""
    status, _, _ = await collector.ask("POST", PATH, token="admin", data=batch_body(make_record(1)))

    assert status == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_batch_is_the_senders_fault(collector, body):
    """400, whatever the bytes."""
    status, _, _ = await send(collector, body)

    assert status == 400


async def test_a_batch_that_lost_a_line_is_refused_whole(collector):
    """The head says how many lines there are."""
    body = batch_body(make_record(1), make_record(2)).rpartition(b"\n")[0]

    status, _, _ = await send(collector, body)

    assert status == 400
    assert (await collector.read("/api/v1/requests"))["requests"] == []


@pytest.mark.parametrize(
    ("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_batch_may_be_compressed(collector, coding, compress):
    """Gateways on other machines may want to."""
    body = compress(batch_body(make_record(1)))

    status, _, _ = await send(collector, body, **{"content-encoding": coding})

    assert status == 200


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", gzip.compress(bytes(200_000_000)), 413),
        ("gzip", b"not gzip", 400),
        ("gzip", gzip.compress(b"x" * 1000)[:-20], 400),
        ("br", b"x", 415),
    ],
)
async def test_compressed_bodies_are_bounded(collector, coding, body, status):
    """200 MB of zeros are 200 kB of gzip."""
    answered, _, _ = await send(collector, body, **{"content-encoding": coding})

    assert answered == status


async def test_a_body_over_the_bound_is_refused(collector):
    """20 MiB, as for spans."""
    status, _, _ = await send(collector, BytesIO(b"x" * 20_971_521))

    assert status == 413


@pytest.mark.parametrize(
    "error",
    [StoreFullError("no room"), StoreBusyError("busy"), StoreUnavailableError("reopening")],
)
async def test_a_store_that_cannot_take_it_asks_for_it_again(collector, error):
    """503 with Retry-After; after that the same batch is taken."""
    collector.store.failing = error
    body = batch_body(make_record(1))

    status, headers, _ = await send(collector, body)

    assert status == 503
    assert int(headers["retry-after"]) >= 1
    collector.store.failing = None
    assert answer((await send(collector, body))[2]).stored == 1


async def test_prompt_and_answer_are_joined_with_their_record(collector):
    """The journal has two entries of bytes, the store one row of text, the system prompt once."""
    record = make_record(1, content=Reference(system_hash="5e5e", captured="redacted"))
    prompt = (
        b'{"model":"auto","messages":[{"role":"system","content":"Be terse."},'
        b'{"role":"user","content":"Why?"}]}'
    )
    contents = (content_entry(1, "request", prompt), content_entry(1, "response", b'{"ok":true}'))

    await send(collector, batch_body(record, contents=contents))

    kept = await collector.read(f"/api/v1/requests/{request_id(1)}/content")
    assert kept["system"] == "Be terse."
    assert "Be terse." not in kept["prompt"]
    assert "Why?" in kept["prompt"]
    assert (kept["response"], kept["captured"]) == ('{"ok":true}', "redacted")


async def test_content_without_its_record_is_refused(collector):
    """It would belong to nobody, so nobody's rights would guard it."""
    contents = (content_entry(2, "request", b"{}"),)

    _, _, body = await send(collector, batch_body(make_record(1), contents=contents))

    assert [each.part for each in answer(body).rejected] == ["contents"]


async def test_whoever_waits_for_requests_is_woken(collector):
    """The console shows a request as soon as it is on disk."""
    arrivals = collector.collector.arrivals
    before = arrivals.position

    await send(collector, batch_body(make_record(1)))

    assert await arrivals.wait(before, 5.0)


async def test_a_page_of_another_origin_is_refused(collector):
    """Also one that has the token: it has no business here."""
    status, _, _ = await send(collector, batch_body(make_record(1)), origin="http://evil.example")

    assert status == 403


async def test_a_host_that_is_not_ours_is_refused(collector):
    """DNS rebinding: the page's name, this machine's address."""
    status, _, _ = await send(collector, batch_body(make_record(1)), host="evil.example:3101")

    assert status == 403
