"""The tables of the state. Their history is in `migrations`; a test compares the two.

Times are integer nanoseconds. Secrets are there as SHA-256 digests only.
"""

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite numbers rows by themselves only in columns that are called exactly INTEGER.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Base of the tables."""


class MetaRow(Base):
    """The one row about the state itself."""

    __tablename__ = "meta"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Always 1."""
    state_id: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(BigInteger)
    keys_required: Mapped[bool]


class TenantRow(Base):
    """Whom keys are bound to."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(String(256), primary_key=True)
    plan: Mapped[str | None] = mapped_column(String(256))
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)


class KeyRow(Base):
    """An issued key."""

    __tablename__ = "keys"
    __table_args__ = (Index("keys_by_name", "name"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    tenant: Mapped[str | None] = mapped_column(ForeignKey("tenants.id"))
    plan: Mapped[str | None] = mapped_column(String(256))
    user: Mapped[str | None] = mapped_column(String(256))
    team: Mapped[str | None] = mapped_column(String(256))
    models: Mapped[list[str]] = mapped_column(JSON)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    may_set_tenant: Mapped[bool]
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)
    expires_unix_ns: Mapped[int | None] = mapped_column(BigInteger)
    revoked_unix_ns: Mapped[int | None] = mapped_column(BigInteger)
    last_four: Mapped[str] = mapped_column(String(4))


class AuditRow(Base):
    """Who did what, when. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)

    sequence: Mapped[int] = mapped_column(_SEQUENCE, primary_key=True, autoincrement=True)
    at_unix_ns: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(256))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(256))
    details: Mapped[dict[str, object]] = mapped_column(JSON)


class AdminRow(Base):
    """Somebody who may use the console."""

    __tablename__ = "admins"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)


class LoginTokenRow(Base):
    """A one-time login link."""

    __tablename__ = "login_tokens"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    admin: Mapped[str] = mapped_column(ForeignKey("admins.name"))
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)
    expires_unix_ns: Mapped[int] = mapped_column(BigInteger)


class SessionRow(Base):
    """A browser that is logged in."""

    __tablename__ = "sessions"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    admin: Mapped[str] = mapped_column(ForeignKey("admins.name"))
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)
    expires_unix_ns: Mapped[int] = mapped_column(BigInteger)


class ConfigVersionRow(Base):
    """A configuration version that some process has run."""

    __tablename__ = "config_versions"

    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_seen_unix_ns: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(1024))
    """The file it came from, or `environment`."""
