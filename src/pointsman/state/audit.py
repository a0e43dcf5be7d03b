"""`AuditLog`: who did what, when. Rows are added and read, never changed.

Changes of the state write their own rows (`StateDatabase.change`); `note` is for what changes
nothing and is still to be known, such as reading the content of a request.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from sqlalchemy import ColumnElement, select

from pointsman.state.database import StateDatabase, audit_row
from pointsman.state.models import AuditRow

MAX_PAGE = 500


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One row."""

    sequence: int
    """Grows; gaps mean nothing."""
    at_unix_ns: int
    actor: str
    action: str
    """As `key.issued`, `key.revoked`, `content.read`."""
    subject: str
    details: dict[str, object]


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which rows are wanted; what is None does not matter."""

    action: str | None = None
    """How it begins: `key.` is everything about keys."""
    subject: str | None = None
    """How it begins: `routes.` is every route of the file."""
    actor: str | None = None
    """How it begins: `cli` is everything from the command line."""
    since_unix_ns: int | None = None
    until_unix_ns: int | None = None


class AuditPage(Struct, frozen=True, kw_only=True):
    """Answer to `GET /internal/v1/audit`: newest first."""

    entries: tuple[AuditEntry, ...]
    next_before: int | None = None
    """`before` of the next page; None at the end."""


class AuditLog:
    """The audit trail of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def note(
        self,
        actor: str,
        action: str,
        subject: str,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Add a row about something that changes no state. Wakes no gateway.

        Await it before what is audited is handed out: what cannot be written down is not done.
        """
        at_unix_ns = self._database.clock.unix_ns()
        async with self._database.transaction() as session:
            session.add(audit_row(at_unix_ns, actor, action, subject, details))

    async def page(
        self,
        limit: int = 100,
        *,
        before: int | None = None,
        subject: str | None = None,
        wanted: AuditFilter | None = None,
    ) -> list[AuditEntry]:
        """Return rows, newest first.

        Args:
            limit: How many, at most `MAX_PAGE`.
            before: Only rows older than this sequence number: the last one of the page before.
            subject: Only rows about this.
            wanted: More to choose by.
        """
        query = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(min(limit, MAX_PAGE))
        if before is not None:
            query = query.where(AuditRow.sequence < before)
        if subject is not None:
            query = query.where(AuditRow.subject == subject)
        if wanted is not None:
            query = query.where(*_conditions(wanted))
        async with self._database.transaction() as session:
            rows = (await session.scalars(query)).all()
        return [
            AuditEntry(
                sequence=row.sequence,
                at_unix_ns=row.at_unix_ns,
                actor=row.actor,
                action=row.action,
                subject=row.subject,
                details=row.details,
            )
            for row in rows
        ]


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.action is not None:
        yield AuditRow.action.startswith(wanted.action, autoescape=True)
    if wanted.subject is not None:
        yield AuditRow.subject.startswith(wanted.subject, autoescape=True)
    if wanted.actor is not None:
        yield AuditRow.actor.startswith(wanted.actor, autoescape=True)
    if wanted.since_unix_ns is not None:
        yield AuditRow.at_unix_ns >= wanted.since_unix_ns
    if wanted.until_unix_ns is not None:
        yield AuditRow.at_unix_ns < wanted.until_unix_ns
