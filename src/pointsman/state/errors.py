"""What can go wrong with the state.

    StateError                     anything below
    ├─ StateUnavailableError       it cannot be opened, or is closed
    ├─ StateSchemaError            it was written by a newer release
    ├─ NameTakenError              a live key has that name
    ├─ UnknownKeyError             no key has that name or id
    ├─ LoginRefusedError           the login link is unknown, used or too old
    └─ SnapshotError               bytes that are not a snapshot this release can read

Messages never hold a key, a token or a digest of one.
"""

from pointsman.core.errors import PointsmanError


class StateError(PointsmanError):
    """Base of all errors of the state."""

    code = "state_error"
    http_status = 503


class StateUnavailableError(StateError):
    """The database cannot be opened, or has been closed."""

    code = "state_unavailable"


class StateSchemaError(StateError):
    """The database has a revision that this release does not know: a downgrade would misread it."""

    code = "state_schema_unknown"


class NameTakenError(StateError):
    """A live key has the name already."""

    code = "name_taken"
    http_status = 409


class UnknownKeyError(StateError):
    """No key has that name or id."""

    code = "unknown_key"
    http_status = 404


class LoginRefusedError(StateError):
    """The login link is unknown, was used before, or is too old. Which of them is not told."""

    code = "login_refused"
    http_status = 401


class SnapshotError(StateError):
    """Bytes that are not a snapshot which this release can read."""

    code = "snapshot_unreadable"
