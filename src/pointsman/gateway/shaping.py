"""What the gateway adds to an answer: the `pointsman` object, spliced in without re-encoding.

The provider's bytes stay as they are; the object goes before the last brace. Only an answer that
already has that key (a gateway behind a gateway) is taken apart and put together again.
"""

import msgspec
from msgspec import Raw, Struct

from pointsman.core.records import CallRecord

_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode


class RoutingBody(Struct, rename="camel"):
    """How the model was chosen. Keys are the published ones (camelCase)."""

    route_reason: str
    size_class: str
    selected_model: str
    total_characters: int
    estimated_prompt_tokens: int


class RequestBody(Struct, rename="camel"):
    """What was asked."""

    requested_model: str
    message_count: int
    mock_mode: bool
    provider: str


class MetadataBody(Struct, rename="camel"):
    """The object under `server.metadata_key` in answers."""

    trace_id: str
    run_id: str
    routing: RoutingBody
    request: RequestBody


class ExplainedBody(MetadataBody, rename="camel"):
    """The same with the whole record, when the caller asked for it and may see it."""

    decision: CallRecord


def metadata_of(record: CallRecord, *, with_record: bool) -> MetadataBody:
    """Build the object for a served request."""
    facts = record.facts
    routing = RoutingBody(
        route_reason=record.reason,
        size_class=record.size_class or "small",
        selected_model=record.attempts[-1].model if record.attempts else "",
        total_characters=facts.characters if facts is not None else 0,
        estimated_prompt_tokens=facts.estimated_input_tokens if facts is not None else 0,
    )
    request = RequestBody(
        requested_model=facts.model if facts is not None else "",
        message_count=facts.message_count if facts is not None else 0,
        mock_mode=record.mock,
        provider=record.served_provider or "",
    )
    trace_id = f"trc_{record.trace_id}"
    run_id = record.run_id or f"run_{record.trace_id}"
    if with_record:
        return ExplainedBody(trace_id, run_id, routing, request, record)
    return MetadataBody(trace_id, run_id, routing, request)


def splice(body: bytes, key: str, value: MetadataBody) -> bytes:
    """Return the JSON object `body` with `key` set to `value`.

    `body` has been decoded as an object before, so its last byte but white space is a brace.
    """
    quoted = _encode(key)
    addition = _encode(value)
    if quoted in body:
        members = _decode_object(body)
        if key in members:
            members[key] = Raw(addition)
            return _encode(members)
    end = body.rindex(b"}")
    head = body[:end].rstrip()
    separator = b"" if head.endswith(b"{") else b","
    return b"".join((head, separator, quoted, b":", addition, b"}"))
