"""READ SECOND: what the collector does with telemetry. The order of stages is the order of lines.

    call records from gateways ┐
    OTLP/HTTP from any app     ┴─► receive -> normalise -> store -> announce

Answered only after the store has committed. A sender that got no answer sends the same again, and
the store knows what it has: by batch id, by request id, by trace and span id.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from pointsman.collector.normalise_records import normalise
from pointsman.collector.normalise_spans import SpanNormaliser
from pointsman.collector.wire_span import WireSpan
from pointsman.core.clock import Clock, SystemClock
from pointsman.store.arrivals import Arrivals
from pointsman.store.protocol import TraceStore
from pointsman.store.rows import SpanRow
from pointsman.wire.record_batch import BatchAnswer, BatchHead, Refusal, Spool, decode_batch

T = TypeVar("T")
MAX_WORKERS = 256
SMALL_BYTES = 32_768
"""Bodies up to this are taken apart on the event loop: a thread would cost more than it saves."""


class PipelineStats(Struct):
    """What was taken since the start."""

    records: int = 0
    known_records: int = 0
    """Sent again by a gateway that had got no answer."""
    resent_batches: int = 0
    rejected_records: int = 0
    spans: int = 0
    known_spans: int = 0
    rejected_spans: int = 0


class WorkerSeen(Struct, frozen=True, kw_only=True):
    """What a gateway worker said of its delivery with its last batch."""

    worker: str
    seen_unix_ns: int
    spool: Spool


class SpansTaken(Struct, frozen=True):
    """What became of the spans of one request."""

    stored: int
    rejected: int
    why: str = ""
    """Of the first that was rejected."""


class TelemetryPipeline:
    """Takes records and spans to the store."""

    def __init__(
        self,
        store: TraceStore,
        arrivals: Arrivals,
        spans: SpanNormaliser,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._arrivals = arrivals
        self._spans = spans
        self.stats = PipelineStats()
        self.workers: dict[str, WorkerSeen] = {}
        """By name; those that were seen first go when there are too many."""

    async def take_records(self, body: bytes) -> BatchAnswer:
        """Keep a batch of a gateway.

        Raises:
            MalformedBatchError: It is not a batch.
            StoreSchemaError: Its sender is newer than this release.
            StoreError: Nothing was kept; the same may be sent again.
        """
        # receive
        received = await _off_loop(len(body), lambda: decode_batch(body))
        # normalise
        batch, refused = await _off_loop(len(body), lambda: normalise(received))
        # store
        result = await self._store.write_batch(batch)
        # announce
        self._arrivals.announce(result.last_position)
        self._note_worker(received.head)

        refused += [Refusal(each.part, each.index, each.why) for each in result.rejected
                    if each.part == "calls"]  # fmt: skip
        self.stats.records += result.stored
        self.stats.known_records += result.known
        self.stats.resent_batches += not result.is_new
        self.stats.rejected_records += len(refused)
        return BatchAnswer(
            stored=result.stored, known=result.known, resent=not result.is_new, rejected=refused
        )

    def _note_worker(self, head: BatchHead) -> None:
        self.workers.pop(head.worker, None)
        if len(self.workers) >= MAX_WORKERS:
            self.workers.pop(next(iter(self.workers)))
        self.workers[head.worker] = WorkerSeen(
            worker=head.worker, seen_unix_ns=self._clock.unix_ns(), spool=head.spool or Spool()
        )

    async def take_spans(
        self, body: bytes, read: Callable[[bytes], list[WireSpan]], tenant: str | None
    ) -> SpansTaken:
        """Keep the spans of an export request.

        Args:
            body: As it came, decompressed.
            read: Decodes its encoding.
            tenant: Whose spans they are; None believes what their resource says.

        Raises:
            MalformedSpansError: It is not an export request.
            StoreError: Nothing was kept; the same may be sent again.
        """
        # receive, normalise
        rows, whys = await _off_loop(len(body), lambda: self._rows(read(body), tenant))
        # store
        stored = 0
        if rows:
            result = await self._store.write_spans(rows)
            stored = result.stored
            whys += [each.why for each in result.rejected]
            self.stats.known_spans += result.known

        self.stats.spans += stored
        self.stats.rejected_spans += len(whys)
        return SpansTaken(stored, len(whys), whys[0] if whys else "")

    def _rows(self, spans: list[WireSpan], tenant: str | None) -> tuple[list[SpanRow], list[str]]:
        rows: list[SpanRow] = []
        whys: list[str] = []
        for span in spans:
            try:
                rows.append(self._spans.row(span, tenant))
            except ValueError as error:
                whys.append(str(error))
        return rows, whys


async def _off_loop(size_bytes: int, work: Callable[[], T]) -> T:
    """Run what takes long for long bodies on a thread, so that answers to others are not late."""
    return work() if size_bytes <= SMALL_BYTES else await asyncio.to_thread(work)
