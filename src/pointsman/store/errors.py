"""What can go wrong with a store.

    StoreError                     anything below
    ├─ StoreLockedError            another process owns the file
    ├─ StoreSchemaError            the file was written by a newer release
    ├─ StoreFullError              no room: nothing of the batch was kept, send it again later
    ├─ StoreBusyError              too much is waiting: try again shortly
    ├─ StoreTimeoutError           a question took too long and was stopped
    ├─ StoreUnavailableError       the engine failed or is closed; nothing was acknowledged
    └─ StoreQueryError             the question itself is wrong: a cursor or column nobody knows

Foreign exceptions of an engine are translated where the engine is called, in one place.
"""

from pointsman.core.errors import PointsmanError


class StoreError(PointsmanError):
    """Base of all errors of a store."""

    code = "store_error"
    http_status = 503


class StoreLockedError(StoreError):
    """Another process has the file open; only one may."""

    code = "store_locked"


class StoreSchemaError(StoreError):
    """The data is of a schema that this release does not know."""

    code = "store_schema_unknown"


class StoreFullError(StoreError):
    """The disk (or a quota) is full. The transaction was rolled back."""

    code = "store_full"
    http_status = 507


class StoreBusyError(StoreError):
    """The bounded queue in front of the engine is full."""

    code = "store_busy"


class StoreTimeoutError(StoreError):
    """A query was stopped at its time limit."""

    code = "store_timeout"
    http_status = 504


class StoreUnavailableError(StoreError):
    """The engine cannot work now: it is closed, or it failed and is being opened again."""

    code = "store_unavailable"


class StoreQueryError(StoreError):
    """A cursor or a name in a query is not one that this store gave out."""

    code = "invalid_query"
    http_status = 400
