"""Contents joined with their records, and system prompts taken out once."""

import msgspec
import pytest

from pointsman.collector.normalise_records import normalise
from pointsman.core.records import ContentRef
from pointsman.store.rows import ContentRow
from pointsman.wire.record_batch import decode_batch
from record_batches import batch_body, content_entry
from stored_records import make_record, request_id


def rows(record, *contents) -> list[ContentRow]:
    batch, refused = normalise(decode_batch(batch_body(record, contents=contents)))
    assert refused == []
    return batch.contents


def with_system(number: int):
    return make_record(number, content=ContentRef(system_hash="5e5e"))


def prompt(*messages: dict) -> bytes:
    return msgspec.json.encode({"model": "auto", "messages": list(messages)})


def test_the_texts_of_system_messages_are_kept_apart():
    """Their places stay, so the conversation can be shown whole."""
    body = prompt(
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": "Why?"},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
    )

    (row,) = rows(with_system(1), content_entry(1, "request", body))

    assert row.system == "Be terse.\nBe kind."
    assert msgspec.json.decode(row.prompt)["messages"] == [
        {"role": "system", "content": None},
        {"role": "user", "content": "Why?"},
        {"role": "developer", "content": None},
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"role":"system","con',
        b"[]",
        b'{"messages":7}',
        b'{"messages":[7,{"role":"system","content":[{"type":"image_url"}]}]}',
    ],
)
def test_what_cannot_be_taken_apart_stays_as_it_is(body):
    """Cut bodies are no JSON any more; pictures are no text."""
    (row,) = rows(with_system(1), content_entry(1, "request", body))

    assert (row.system, row.system_hash, row.prompt) == (None, None, body.decode())


def test_tenant_and_marks_come_along():
    """The tenant is the record's; one cut or unredacted part marks the row."""
    (row,) = rows(
        make_record(1, tenant="acme"),
        content_entry(1, "request", b"{}"),
        content_entry(1, "response", b"\xff", redacted=False, truncated=True),
    )

    assert (row.tenant, row.captured, row.cut, row.response) == ("acme", "full", True, "\ufffd")


def test_strange_contents_are_refused_with_their_places():
    """Of a newer release, of another request, or no content at all."""
    contents = (
        content_entry(1, "request", b"{}", schema=99),
        content_entry(2, "request", b"{}"),
        content_entry(1, "response", b"{}"),
    )
    _, refused = normalise(decode_batch(batch_body(make_record(1), contents=contents)))

    assert [(each.part, each.index) for each in refused] == [("contents", 0), ("contents", 1)]
    assert request_id(1) not in str(refused)
