"""From a gateway's batch to what the store takes: contents joined with the records they belong to.

The journal holds prompt and answer as two entries of bytes; the store keeps one row of text, and a
system prompt once for each tenant and hash. Pure.
"""

import msgspec
from msgspec import Struct

from pointsman.journal.entries import Content, decode_content
from pointsman.store.protocol import RecordBatch
from pointsman.store.rows import ContentRow
from pointsman.wire.record_batch import ReceivedBatch, Refusal

_SYSTEM_ROLES = frozenset({"system", "developer"})
MAX_CONTENT_TEXT = 1_048_576


class _ContentHashes(Struct):
    system_hash: str | None = None


class _Owner(Struct):
    """The part of a record that its content needs."""

    request_id: str
    tenant: str | None = None
    content: _ContentHashes | None = None


_decode_owner = msgspec.json.Decoder(_Owner).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def normalise(received: ReceivedBatch) -> tuple[RecordBatch, list[Refusal]]:
    """Return the batch for the store, and the contents that can never be kept."""
    rows: list[ContentRow] = []
    refused: list[Refusal] = []
    if received.contents:
        rows, refused = _contents(received)
    head = received.head
    batch = RecordBatch(
        batch_id=head.batch_id, schema=head.schema, calls=received.calls, contents=rows
    )
    return batch, refused


def _contents(received: ReceivedBatch) -> tuple[list[ContentRow], list[Refusal]]:
    owners = _owners(received.calls)
    parts: dict[str, list[Content]] = {}
    refused: list[Refusal] = []
    for index, line in enumerate(received.contents):
        content = decode_content(line)
        if content is None:
            refused.append(Refusal("contents", index, "not a content entry that is known here"))
        elif content.request_id not in owners:
            refused.append(Refusal("contents", index, "its record is not in the batch"))
        else:
            parts.setdefault(content.request_id, []).append(content)
    rows = [_row(owners[request_id], entries) for request_id, entries in parts.items()]
    return rows, refused


def _owners(calls: list[bytes]) -> dict[str, _Owner]:
    owners: dict[str, _Owner] = {}
    for line in calls:
        try:
            owner = _decode_owner(line)
        except _UNREADABLE:
            continue  # the store says what is wrong with it
        owners[owner.request_id] = owner
    return owners


def _row(owner: _Owner, entries: list[Content]) -> ContentRow:
    text = {entry.kind: entry.body.decode("utf-8", "replace") for entry in entries}
    system_hash = owner.content.system_hash if owner.content is not None else None
    prompt = text.get("request")
    system: str | None = None
    if system_hash is not None and prompt is not None:
        system, prompt = _without_system(prompt)
    return ContentRow(
        request_id=owner.request_id,
        tenant=owner.tenant,
        captured="redacted" if all(entry.redacted for entry in entries) else "full",
        system_hash=system_hash if system is not None else None,
        system=system,
        prompt=prompt,
        response=text.get("response"),
        cut=any(entry.truncated for entry in entries),
    )


def _without_system(prompt: str) -> tuple[str | None, str]:
    """Take the text of system messages out of a request body; their places stay.

    Returns:
        None and the body as it was when there is nothing to take out, or it is cut and no JSON.
    """
    try:
        body = msgspec.json.decode(prompt.encode("utf-8", "replace"))
    except _UNREADABLE:
        return None, prompt
    messages = body.get("messages") if isinstance(body, dict) else None
    texts: list[str] = []
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") in _SYSTEM_ROLES:
            text = _plain_text(message.get("content"))
            if text is not None:
                texts.append(text)
                message["content"] = None
    if not texts:
        return None, prompt
    return "\n".join(texts), msgspec.json.encode(body).decode()


def _plain_text(content: object) -> str | None:
    """Return the text of a message's content; None when it holds more than text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    known = [text for text in texts if isinstance(text, str)]
    return "\n".join(known) if len(known) == len(texts) else None
