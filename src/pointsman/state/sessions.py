"""`SessionStore`: who is logged in to the console.

A login link works once; it is exchanged for a session. Both are kept as digests, so a copy of the
database lets nobody in. The token against forged requests is derived from the session's secret and
kept nowhere: a page gets it from the cookie that came with the request for it.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

from msgspec import Struct
from sqlalchemy import delete

from pointsman.state.database import Change, StateDatabase
from pointsman.state.errors import LoginRefusedError
from pointsman.state.models import AdminRow, LoginTokenRow, SessionRow
from pointsman.state.secret_text import digest_of, make_id, make_token

DEFAULT_ADMIN = "admin"
LOGIN_LIFETIME_S = 900
SESSION_LIFETIME_S = 43_200
_S = 1_000_000_000


class ConsoleSession(Struct, frozen=True, kw_only=True):
    """A browser that is logged in."""

    id: str
    """May be shown; lets nobody in."""
    admin: str
    created_unix_ns: int
    expires_unix_ns: int
    csrf_token: str
    """For the forms of its pages, and to compare with what they send back."""

    def accepts_csrf(self, shown: str) -> bool:
        """Tell, in constant time, whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf_token.encode(), shown.encode("utf-8", "replace"))

    def __repr__(self) -> str:
        """Leave the token out of logs and tracebacks."""
        return f"ConsoleSession(id={self.id!r}, admin={self.admin!r})"


class SessionStore:
    """Login links and sessions of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def make_login(
        self, admin: str = DEFAULT_ADMIN, *, actor: str, lifetime_s: int = LOGIN_LIFETIME_S
    ) -> str:
        """Return the secret of a login link that works once within `lifetime_s` seconds."""
        secret = make_token()
        async with self._database.change(actor) as change:
            if await change.session.get(AdminRow, admin) is None:
                change.session.add(AdminRow(name=admin, created_unix_ns=change.at_unix_ns))
                await change.session.flush()
            await _sweep(change)
            change.session.add(
                LoginTokenRow(
                    sha256=digest_of(secret),
                    admin=admin,
                    created_unix_ns=change.at_unix_ns,
                    expires_unix_ns=change.at_unix_ns + lifetime_s * _S,
                )
            )
            change.audit("login.made", admin, {"lifetime_s": lifetime_s})
        return secret

    async def redeem(self, login: str, *, lifetime_s: int = SESSION_LIFETIME_S) -> str:
        """Exchange a login link for the secret of a new session, for the cookie.

        Raises:
            LoginRefusedError: The link is unknown, was used before, or is too old.
        """
        secret = make_token()
        async with self._database.change("console") as change:
            used = delete(LoginTokenRow).where(
                LoginTokenRow.sha256 == digest_of(login),
                LoginTokenRow.expires_unix_ns > change.at_unix_ns,
            )
            admin = await change.session.scalar(used.returning(LoginTokenRow.admin))
            if admin is None:
                raise LoginRefusedError("this login link is not valid any more; make another one")
            row = SessionRow(
                sha256=digest_of(secret),
                id=make_id("session"),
                admin=admin,
                created_unix_ns=change.at_unix_ns,
                expires_unix_ns=change.at_unix_ns + lifetime_s * _S,
            )
            change.session.add(row)
            change.audit("session.opened", row.id, {"admin": admin})
        return secret

    async def find(self, secret: str) -> ConsoleSession | None:
        """Return the session of a cookie; None when it is unknown, ended or too old."""
        async with self._database.transaction() as session:
            row = await session.get(SessionRow, digest_of(secret))
        if row is None or row.expires_unix_ns <= self._database.clock.unix_ns():
            return None
        return ConsoleSession(
            id=row.id,
            admin=row.admin,
            created_unix_ns=row.created_unix_ns,
            expires_unix_ns=row.expires_unix_ns,
            csrf_token=_csrf_token(secret),
        )

    async def end(self, secret: str) -> None:
        """Log out; a no-op when the session is unknown."""
        found = await self.find(secret)
        if found is None:
            return
        async with self._database.change(found.admin) as change:
            await change.session.execute(delete(SessionRow).where(SessionRow.id == found.id))
            change.audit("session.ended", found.id)


async def _sweep(change: Change) -> None:
    """Forget what is too old, so that the tables do not grow with every login."""
    for row in (LoginTokenRow, SessionRow):
        await change.session.execute(delete(row).where(row.expires_unix_ns <= change.at_unix_ns))


def _csrf_token(secret: str) -> str:
    derived = hmac.new(secret.encode(), b"pointsman console forms", sha256).digest()
    return urlsafe_b64encode(derived).decode().rstrip("=")
