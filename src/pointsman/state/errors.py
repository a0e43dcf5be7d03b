"""What can go wrong with the state.

    StateError                     anything below
    ├─ StateUnavailableError       it cannot be opened, or is closed
    ├─ StateSchemaError            it was written by a newer release
    ├─ NameTakenError              a live key or a tenant has that name
    ├─ InUseError                  a plan that somebody has
    ├─ UnknownKeyError             no key has that name or id
    ├─ UnknownTenantError          no tenant has that id
    ├─ UnknownPlanError            no plan of that name was made at run time
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
    """A live key or a tenant has the name already."""

    code = "name_taken"
    http_status = 409


class UnknownKeyError(StateError):
    """No key has that name or id."""

    code = "unknown_key"
    http_status = 404


class InUseError(StateError):
    """A plan cannot be removed while somebody has it."""

    code = "in_use"
    http_status = 409


class UnknownTenantError(StateError):
    """No tenant has that id."""

    code = "unknown_tenant"
    http_status = 404


class UnknownPlanError(StateError):
    """No plan of that name was made at run time."""

    code = "unknown_plan"
    http_status = 404


class LoginRefusedError(StateError):
    """The login link is unknown, was used before, or is too old. Which of them is not told."""

    code = "login_refused"
    http_status = 401


class SnapshotError(StateError):
    """Bytes that are not a snapshot which this release can read."""

    code = "snapshot_unreadable"
