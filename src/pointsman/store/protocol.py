"""The seam between what is kept and where: one protocol, several engines.

Engines agree in every answer that `tests/contract/store` asks for.
"""

from typing import Protocol

from msgspec import Struct, field

from pointsman.store.money_protocol import MoneyStore
from pointsman.store.query import (
    CallFilter,
    MenuColumn,
    Overview,
    Page,
    Scope,
    TraceFilter,
)
from pointsman.store.rows import (
    CallRow,
    ConfigVersion,
    ContentRow,
    SpanRow,
    StoredCall,
    TraceRow,
)


class RecordBatch(Struct, kw_only=True):
    """What one gateway worker sends at once. Kept whole or not at all."""

    batch_id: str
    """Unique over all senders; the same batch is sent again under the same id."""
    schema: int
    """`core.records.SCHEMA` of the sender."""
    calls: list[bytes]
    """Each a `CallRecord` as JSON."""
    contents: list[ContentRow] = field(default_factory=list)


class Rejected(Struct, frozen=True):
    """A row that can never be kept, and why. The others of its batch are."""

    index: int
    """Its place in the list, from 0."""
    why: str
    part: str = "calls"
    """Which list: `calls`, `contents` or `spans`."""


class WriteResult(Struct, frozen=True, kw_only=True):
    """What became of a batch. It is on disk when this is returned."""

    is_new: bool = True
    """False for a batch that was already kept; nothing changed then."""
    stored: int = 0
    replaced: int = 0
    """Of `stored`: took the place of a record that said the gateway had crashed."""
    known: int = 0
    """Left out because a row of that id was there already."""
    rejected: tuple[Rejected, ...] = ()
    last_position: int = 0
    """The position of the newest call in the store after this batch."""


class RetentionPolicy(Struct, frozen=True, kw_only=True):
    """How long what is kept. None keeps for ever."""

    thin_after_s: float | None = None
    """Age from which successes are thinned."""
    thin_keep_ratio: float = 0.1
    """Share of traces that thinning keeps, chosen by trace id: a trace stays or goes as one."""
    drop_after_s: float | None = None
    """Age at which everything goes, failures too."""
    content_after_s: float | None = None
    """Age at which prompts and answers go."""
    content_max_bytes: int | None = None
    """Prompts and answers together; the oldest go first."""


class RetentionResult(Struct, frozen=True, kw_only=True):
    """Rows that were removed."""

    calls: int = 0
    spans: int = 0
    contents: int = 0


class StoreStats(Struct, frozen=True, kw_only=True):
    """How much is kept."""

    engine: str
    schema: int
    rows: dict[str, int]
    """Table -> rows."""
    bytes_on_disk: int
    last_position: int


class TraceStore(MoneyStore, Protocol):
    """Where records and spans are kept. Safe to use from many tasks of one event loop."""

    async def write_batch(self, batch: RecordBatch) -> WriteResult:
        """Keep a batch exactly once, in one transaction with its id.

        A record whose request id is already known is left out, except that any other record
        replaces one with outcome `gateway_crashed`: that one was a guess made after a crash.

        Raises:
            StoreSchemaError: The sender's schema is newer than this release.
            StoreFullError, StoreBusyError, StoreUnavailableError: Nothing was kept; send again.
        """
        ...

    async def write_spans(self, spans: list[SpanRow]) -> WriteResult:
        """Keep spans of applications; one already known by trace and span id is left out.

        Raises:
            StoreFullError, StoreBusyError, StoreUnavailableError: Nothing was kept; send again.
        """
        ...

    async def write_config_version(self, version: ConfigVersion) -> None:
        """Keep a configuration under its hash; a no-op when it is known."""
        ...

    async def requests(
        self, wanted: CallFilter, scope: Scope, *, cursor: str | None = None, limit: int = 50
    ) -> Page[CallRow]:
        """Return requests, the last started first.

        Raises:
            StoreQueryError: The cursor is not one of this store's.
        """
        ...

    async def request(self, request_id: str, scope: Scope) -> StoredCall | None:
        """Return one request with its whole record; None when unknown or outside the scope."""
        ...

    async def requests_of_trace(self, trace_id: str, scope: Scope) -> list[StoredCall]:
        """Return the calls of a trace, the first started first; at most `MAX_PAGE`."""
        ...

    async def spans_of_trace(self, trace_id: str, scope: Scope) -> list[SpanRow]:
        """Return the spans of applications and of the gateway, the first started first."""
        ...

    async def traces(
        self, wanted: TraceFilter, scope: Scope, *, cursor: str | None = None, limit: int = 50
    ) -> Page[TraceRow]:
        """Return traces, the one with the latest matching call or span first.

        Raises:
            StoreQueryError: The cursor is not one of this store's.
        """
        ...

    async def content(self, request_id: str, scope: Scope) -> ContentRow | None:
        """Return prompt and answer; None when not captured, gone, or outside the scope."""
        ...

    async def overview(
        self, from_unix_ns: int, to_unix_ns: int, buckets: int, scope: Scope
    ) -> Overview:
        """Return figures for `buckets` equal steps of the time span.

        Raises:
            StoreQueryError: The span is empty, or `buckets` is not in 1 .. `MAX_BUCKETS`.
        """
        ...

    async def distinct(self, column: MenuColumn, scope: Scope) -> list[str]:
        """Return the values that occur in a column, sorted, at most `MAX_CHOICES`.

        Raises:
            StoreQueryError: The column is not one of `MenuColumn`.
        """
        ...

    async def since(self, position: int, scope: Scope, *, limit: int = 100) -> list[CallRow]:
        """Return calls that arrived after `position`, in order of arrival."""
        ...

    async def config_version(self, config_hash: str) -> ConfigVersion | None:
        """Return a configuration by its hash; None when unknown."""
        ...

    async def config_versions(self, *, limit: int = 50) -> list[ConfigVersion]:
        """Return configurations, the last seen first."""
        ...

    async def retention(self, policy: RetentionPolicy, now_unix_ns: int) -> RetentionResult:
        """Remove what the policy no longer keeps."""
        ...

    async def stats(self) -> StoreStats:
        """Return how much is kept."""
        ...

    async def close(self) -> None:
        """Finish what is under way and release the data. Closing twice is a no-op."""
        ...
