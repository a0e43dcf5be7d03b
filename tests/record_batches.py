"""Request bodies of `/internal/v1/records` for tests."""

import msgspec

from pointsman.core.records import SCHEMA, CallRecord
from pointsman.journal.entries import ENTRY_SCHEMA, Content
from pointsman.wire.record_batch import BatchHead, encode_batch
from stored_records import encoded, request_id


def content_entry(number: int, kind: str, body: bytes, **changes) -> Content:
    """Return a prompt or an answer of request `number`."""
    values = {"schema": ENTRY_SCHEMA, "request_id": request_id(number), "kind": kind, "body": body}
    return Content(**(values | changes))


def batch_body(
    *records: CallRecord | bytes,
    batch_id: str = "batch-1",
    contents: tuple[Content, ...] = (),
    schema: int = SCHEMA,
) -> bytes:
    """Return a batch as a gateway sends it."""
    lines = [each if isinstance(each, bytes) else encoded(each) for each in records]
    parts = [msgspec.json.encode(each) for each in contents]
    head = BatchHead(
        schema=schema, batch_id=batch_id, worker="w", calls=len(lines), contents=len(parts)
    )
    return encode_batch(head, lines + parts)
