"""How a gateway worker hands its records to the collector: one request body, one answer.

    {"schema":1,"batch_id":"…","worker":"gateway-0","calls":2,"contents":1}
    {…}          each call record, as it stands in the journal
    {…}
    {…}          each prompt or answer, as it stands in the journal

One JSON object per line: JSON text holds no line feed outside its strings and escapes those inside,
so payloads are copied as they are and nothing is encoded twice. Answered 200 only after everything
is on disk.
"""

import msgspec
from msgspec import Struct, field

RECORDS_PATH = "/internal/v1/records"
RECORDS_TYPE = "application/x-ndjson"
MAX_LINES = 10_000
"""Records and contents of one batch."""


class BatchHead(Struct, frozen=True, kw_only=True):
    """The first line."""

    schema: int
    """Schema of the sender's records."""
    batch_id: str
    """The same bytes are always sent under the same id, other bytes never."""
    worker: str
    calls: int
    """Lines that follow with call records."""
    contents: int = 0
    """Lines after them with prompts and answers."""
    spool: "Spool | None" = None
    """How delivery goes; not a part of what is sent, so the batch id does not depend on it."""


class Spool(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one worker's delivery goes, by its own count since it started."""

    waiting_bytes: int = 0
    """Of its journal, this batch included."""
    rejected: int = 0
    lost: int = 0


class Refusal(Struct, frozen=True):
    """A line that can never be kept."""

    part: str
    """`calls` or `contents`."""
    index: int
    """Its place among the lines of that part, from 0."""
    why: str


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """What became of a batch; it is on disk."""

    stored: int = 0
    known: int = 0
    """Records that were there already."""
    resent: bool = False
    """The whole batch was kept before."""
    rejected: list[Refusal] = field(default_factory=list)


_encode = msgspec.json.Encoder().encode
_decode_head = msgspec.json.Decoder(BatchHead).decode
_decode_answer = msgspec.json.Decoder(BatchAnswer).decode


class MalformedBatchError(ValueError):
    """The body is not a batch; the message says which part."""


class ReceivedBatch(Struct, frozen=True):
    """A body taken apart; nothing in the lines has been looked at."""

    head: BatchHead
    calls: list[bytes]
    contents: list[bytes]


def encode_batch(head: BatchHead, lines: list[bytes]) -> bytes:
    """Return the body.

    Args:
        head: Its counts must be those of `lines`.
        lines: Call records, then contents, each JSON without a line feed.
    """
    return b"\n".join((_encode(head), *lines))


def decode_batch(body: bytes) -> ReceivedBatch:
    """Take a body apart.

    Raises:
        MalformedBatchError: There is no head, or the lines are not as many as it says.
    """
    first, _, rest = body.partition(b"\n")
    try:
        head = _decode_head(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBatchError(f"the first line is not the head of a batch: {error}") from None
    lines = rest.removesuffix(b"\n").split(b"\n") if rest else []
    if min(head.calls, head.contents) < 0 or not 0 < len(head.batch_id) <= 200:
        raise MalformedBatchError("the head of the batch has impossible values")
    if len(lines) > MAX_LINES or len(lines) != head.calls + head.contents:
        raise MalformedBatchError(
            f"the head announces {head.calls} records and {head.contents} contents, "
            f"the body has {len(lines)} lines (at most {MAX_LINES})"
        )
    return ReceivedBatch(head, lines[: head.calls], lines[head.calls :])


def encode_answer(answer: BatchAnswer) -> bytes:
    """Return the body of the answer."""
    return _encode(answer)


def decode_answer(body: bytes) -> BatchAnswer | None:
    """Read an answer; None when it is not one."""
    try:
        return _decode_answer(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
