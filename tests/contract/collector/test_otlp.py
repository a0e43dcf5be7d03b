"""`POST /v1/traces` as OTLP/HTTP asks for it, and traces handed back as OTLP."""

import gzip
import zlib

import msgspec
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otlp_bodies import first_span, make_request, put, span_id
from pointsman.collector.bodies import MAX_IN_HAND_BYTES
from pointsman.store.errors import StoreFullError
from pointsman.wire.record_batch import RECORDS_PATH
from record_batches import batch_body
from stored_records import START_NS, make_record, trace_id

PATH = "/v1/traces"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


async def send(collector, body, media_type=PROTOBUF, *, token="ingest", **headers):
    return await collector.ask(
        "POST", PATH, token=token, data=body, headers={"content-type": media_type, **headers}
    )


async def spans_of(collector, number: int = 1) -> list[dict]:
    return (await collector.read(f"/api/v1/traces/{trace_id(number)}"))["spans"]


def json_request(trace: int = 1, **changes) -> dict:
    """Return an export request in the JSON of OTLP."""
    span = {
        "traceId": trace_id(trace).upper(),
        "spanId": span_id(1),
        "name": "step 1",
        "kind": 3,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": START_NS + 5,
        "attributes": [
            {"key": "n", "value": {"intValue": "7"}},
            {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
        ],
        "status": {"code": 2, "message": "broken"},
        "unknownField": {"x": 1},
        **changes,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope = {"scope": {"name": "agent"}, "spans": [span]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}


async def test_protobuf_spans_are_kept(collector):
    """The answer is an empty response of the same type."""
    status, headers, body = await send(collector, make_request(count=3).SerializeToString())

    assert (status, headers["content-type"], body) == (200, PROTOBUF, b"")
    kept = await spans_of(collector)
    assert [span["span_id"] for span in kept] == [span_id(1), span_id(2), span_id(3)]
    assert kept[1]["parent_span_id"] == span_id(1)
    assert (kept[0]["service"], kept[0]["scope_name"], kept[0]["kind"]) == (
        "shop",
        "shop.agent",
        "CLIENT",
    )


async def test_json_spans_are_kept(collector):
    """Ids are hex in any case, 64-bit numbers text or numbers, unknown fields are ignored."""
    status, headers, body = await send(collector, msgspec.json.encode(json_request()), JSON)

    assert (status, headers["content-type"], body) == (200, JSON, b"{}")
    (span,) = await spans_of(collector)
    assert span["attributes"] == {"n": 7, "list": [True]}
    assert (span["status"], span["status_message"]) == ("ERROR", "broken")
    assert span["start_unix_ns"] == START_NS


@pytest.mark.parametrize(("media_type", "empty"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b"")])
async def test_an_empty_request_succeeds(collector, media_type, empty):
    """The standard says so."""
    status, _, _ = await send(collector, empty, media_type)

    assert status == 200


@pytest.mark.parametrize(
    ("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_requests_may_be_compressed(collector, coding, compress):
    """Exporters do it by default or by one setting."""
    body = compress(make_request(count=2).SerializeToString())

    status, _, _ = await send(collector, body, **{"content-encoding": coding})

    assert status == 200
    assert len(await spans_of(collector)) == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"trace_id": b"short"}, "trace id"),
        ({"trace_id": bytes(16)}, "trace id"),
        ({"span_id": bytes(8)}, "span id"),
        ({"start_time_unix_nano": 0}, "start time"),
        ({"start_time_unix_nano": 2**63, "end_time_unix_nano": 2**63}, "is not between"),
    ],
)
async def test_spans_that_cannot_be_kept_are_counted(collector, change, why):
    """The others are kept; the answer tells how many were not, and why the first was not."""
    request = make_request(count=2)
    for name, value in change.items():
        setattr(first_span(request), name, value)

    status, _, body = await send(collector, request.SerializeToString())

    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_spans) == (200, 1)
    assert why in partial.error_message


async def test_json_tells_of_rejected_spans_in_its_own_way(collector):
    """Numbers of 64 bits are text."""
    body = msgspec.json.encode(json_request(traceId="12"))

    _, _, answer = await send(collector, body, JSON)

    assert msgspec.json.decode(answer)["partialSuccess"]["rejectedSpans"] == "1"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (PROTOBUF, b"\xff\xff\xff"),
        (JSON, b"{"),
        (JSON, b'{"resourceSpans":7}'),
        (JSON, b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}'),
    ],
)
async def test_malformed_requests_get_a_status_in_their_own_encoding(collector, media_type, body):
    """400, and nothing in it is a bug of ours."""
    status, headers, answer = await send(collector, body, media_type)

    assert (status, headers["content-type"]) == (400, media_type)
    if media_type == PROTOBUF:
        told = Status.FromString(answer)
        code, message = told.code, told.message
    else:
        told = msgspec.json.decode(answer)
        code, message = told["code"], told["message"]
    assert code == 3
    assert message


async def test_other_types_are_not_supported(collector):
    """415 for what is neither protobuf nor JSON."""
    assert (await send(collector, b"x", "text/plain"))[0] == 415


async def test_a_compressed_bomb_is_refused(collector):
    """The bound holds after decompression."""
    status, _, answer = await send(
        collector, gzip.compress(bytes(100_000_000)), **{"content-encoding": "gzip"}
    )

    assert status == 413
    assert Status.FromString(answer).code == 8


async def test_a_full_store_asks_for_the_spans_again(collector):
    """503 with Retry-After, which exporters honour."""
    collector.store.failing = StoreFullError("no room")

    status, headers, _ = await send(collector, make_request().SerializeToString())

    assert status == 503
    assert int(headers["retry-after"]) > 0


async def test_too_much_at_once_is_asked_to_come_again(collector):
    """429 with Retry-After while the hands are full."""
    desk = collector.collector.desk
    with desk.intake.room({"content-length": "20971520"}):
        desk.intake.in_hand_bytes += MAX_IN_HAND_BYTES
        status, headers, answer = await send(collector, make_request().SerializeToString())
        desk.intake.in_hand_bytes -= MAX_IN_HAND_BYTES

    assert (status, headers["retry-after"]) == (429, "1")
    assert Status.FromString(answer).code == 8


async def test_without_a_token_nothing_is_taken(collector):
    """A web page can reach this port, too."""
    status, _, answer = await send(collector, make_request().SerializeToString(), token=None)

    assert status == 401
    assert Status.FromString(answer).code == 16


async def test_the_token_may_come_in_a_header_of_its_own(collector):
    """For exporters whose Authorization header is somebody else's."""
    status, _, _ = await send(
        collector,
        make_request().SerializeToString(),
        token=None,
        **{"x-pointsman-ingest-token": collector.folder.token("ingest")},
    )

    assert status == 200


async def test_old_names_become_todays(collector):
    """One question finds spans of old and new instrumentations."""
    request = make_request()
    for name, value in (
        ("gen_ai.system", "az.ai.openai"),
        ("gen_ai.usage.prompt_tokens", 12),
        ("gen_ai.usage.completion_tokens", 34),
        ("gen_ai.request.model", "gpt-4o"),
    ):
        put(first_span(request).attributes, name, value)

    await send(collector, request.SerializeToString())

    (span,) = await spans_of(collector)
    assert span["attributes"] == {
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 34,
        "gen_ai.request.model": "gpt-4o",
    }
    (trace,) = (await collector.read("/api/v1/traces"))["traces"]
    assert (trace["input_tokens"], trace["models"]) == (12, ["gpt-4o"])


async def test_text_is_redacted_before_it_is_kept(collector):
    """Prompts in attributes, in JSON within them, in events and in error messages."""
    request = make_request()
    span = first_span(request)
    put(
        span.attributes, "gen_ai.input.messages", '[{"parts":[{"content":"me\\u0040example.com"}]}]'
    )
    put(span.attributes, "note", "call me@example.com")
    event = span.events.add()
    event.name, event.time_unix_nano = "gen_ai.user.message", START_NS
    put(event.attributes, "content", "me@example.com")
    span.status.message = "me@example.com was refused"

    await send(collector, request.SerializeToString())

    (kept,) = await spans_of(collector)
    text = msgspec.json.encode(kept).decode()
    assert "example.com" not in text
    assert text.count("[redacted: email]") == 4


async def test_a_trace_comes_back_as_otlp(collector):
    """Sent here, fetched, sent on: the same spans, in both encodings."""
    request = make_request(count=2)
    span = first_span(request)
    for name, value in (("n", 1), ("truth", True), ("ratio", 0.5), ("text", "x")):
        put(span.attributes, name, value)
    span.events.add().name = "started"
    link = span.links.add()
    link.trace_id, link.span_id = bytes.fromhex(trace_id(9)), bytes.fromhex(span_id(9))
    span.status.code = 2
    await send(collector, request.SerializeToString())
    path = f"/v1/traces/{trace_id(1)}"

    _, _, protobuf = await collector.ask("GET", path, token="admin", headers={"accept": PROTOBUF})
    _, _, text = await collector.ask("GET", path, token="admin", headers={"accept": JSON})

    assert ExportTraceServiceRequest.FromString(protobuf) == request
    first = msgspec.json.decode(text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert (first["traceId"], first["spanId"]) == (trace_id(1), span_id(1))
    assert first["links"][0]["traceId"] == trace_id(9)
    assert (
        MessageToDict(request)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"]
        == (first["name"])
    )


async def test_application_and_gateway_form_one_tree(collector):
    """The gateway's root hangs below the application span that called it (OBS-33)."""
    await send(collector, make_request(trace=5).SerializeToString())
    record = make_record(5, parent_span_id=span_id(1))
    await collector.ask("POST", RECORDS_PATH, token="ingest", data=batch_body(record))

    spans = {span["span_id"]: span for span in await spans_of(collector, 5)}

    roots = [span for span in spans.values() if span["parent_span_id"] not in spans]
    assert [root["name"] for root in roots] == ["step 1"]
    assert spans[record.span_id]["parent_span_id"] == span_id(1)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_bad_data_is_never_a_bug_of_ours(data):
    """Whatever the bytes: kept, partly kept or malformed."""
    from pointsman.collector import otlp_json, otlp_protobuf
    from pointsman.collector.normalise_spans import SpanNormaliser
    from pointsman.collector.wire_span import MalformedSpansError
    from pointsman.core.redaction.engine import Redactor
    from pointsman.store.duckdb.write_spans import _lines

    whole = data.draw(st.sampled_from([_rich_request(), msgspec.json.encode(json_request())]))
    body = bytearray(whole)
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=8)
    ):
        body[place] = byte
    cut = data.draw(st.integers(0, len(body)))
    read = data.draw(st.sampled_from([otlp_json.read_spans, otlp_protobuf.read_spans]))
    normaliser = SpanNormaliser("redacted", Redactor())
    try:
        spans = read(bytes(body[:cut] if data.draw(st.booleans()) else body))
    except MalformedSpansError:
        return
    for span in spans:
        try:
            row = normaliser.row(span, None)
        except ValueError:
            continue
        _lines([row])


def _rich_request() -> bytes:
    request = make_request(count=2)
    span = first_span(request)
    put(span.attributes, "text", "some text")
    nested = span.attributes.add()
    nested.key = "nested"
    pair = nested.value.kvlist_value.values.add()
    pair.key = "inner"
    pair.value.array_value.values.add().bytes_value = b"\x00\x01"
    span.events.add().name = "happened"
    return request.SerializeToString()


@pytest.mark.parametrize("depth", [50, 5_000, 15_000])
async def test_deep_nesting_is_bounded(collector, depth):
    """Attributes nested beyond reason are cut or refused."""
    value = b'{"arrayValue":{"values":[' * depth + b"]}}" * depth
    start = msgspec.json.encode(json_request()).replace(b'{"intValue":"7"}', value)

    status, _, _ = await send(collector, start, JSON)

    assert status == (200 if depth == 50 else 400)


async def test_many_attributes_are_bounded_and_counted(collector):
    """What is left out is told."""
    request = make_request()
    for number in range(200):
        put(first_span(request).attributes, f"a{number}", number)

    await send(collector, request.SerializeToString())

    (span,) = await spans_of(collector)
    assert len(span["attributes"]) == 129
    assert span["attributes"]["pointsman.dropped_attributes"] == 72
