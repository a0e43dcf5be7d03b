"""`AuditLog`: who did what, when. Rows are added and read, never changed.

Changes of the state write their own rows (`StateDatabase.change`); `note` is for what changes
nothing and is still to be known, such as reading the content of a request.
"""

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy import select

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
        self, limit: int = 100, *, before: int | None = None, subject: str | None = None
    ) -> list[AuditEntry]:
        """Return rows, newest first.

        Args:
            limit: How many, at most `MAX_PAGE`.
            before: Only rows older than this sequence number: the last one of the page before.
            subject: Only rows about this.
        """
        wanted = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(min(limit, MAX_PAGE))
        if before is not None:
            wanted = wanted.where(AuditRow.sequence < before)
        if subject is not None:
            wanted = wanted.where(AuditRow.subject == subject)
        async with self._database.transaction() as session:
            rows = (await session.scalars(wanted)).all()
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
