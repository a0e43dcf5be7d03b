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
    __table_args__ = (Index("tenants_by_plan", "plan"),)

    id: Mapped[str] = mapped_column(String(256), primary_key=True)
    plan: Mapped[str | None] = mapped_column(String(256))
    terms: Mapped[dict[str, object]] = mapped_column(JSON)
    """What differs for it from its plan."""
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)
    disabled_unix_ns: Mapped[int | None] = mapped_column(BigInteger)


class PlanRow(Base):
    """A plan that was made at run time."""

    __tablename__ = "plans"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    terms: Mapped[dict[str, object]] = mapped_column(JSON)
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)
    changed_unix_ns: Mapped[int] = mapped_column(BigInteger)


class KeyRow(Base):
    """An issued key."""

    __tablename__ = "keys"
    __table_args__ = (Index("keys_by_name", "name"), Index("keys_by_tenant", "tenant"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    tenant: Mapped[str | None] = mapped_column(ForeignKey("tenants.id"))
    plan: Mapped[str | None] = mapped_column(String(256))
    user: Mapped[str | None] = mapped_column(String(256))
    team: Mapped[str | None] = mapped_column(String(256))
    models: Mapped[list[str]] = mapped_column(JSON)
    routes: Mapped[list[str]] = mapped_column(JSON)
    dialects: Mapped[list[str]] = mapped_column(JSON)
    aliases: Mapped[dict[str, str]] = mapped_column(JSON)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    may_set_tenant: Mapped[bool]
    created_unix_ns: Mapped[int] = mapped_column(BigInteger)
    expires_unix_ns: Mapped[int | None] = mapped_column(BigInteger)
    revoked_unix_ns: Mapped[int | None] = mapped_column(BigInteger)
    last_four: Mapped[str] = mapped_column(String(4))


class AuditRow(Base):
    """Who did what, when. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_by_subject", "subject", "sequence"),
        Index("audit_by_action", "action", "sequence"),
        {"sqlite_autoincrement": True},
    )

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


class ConfigInForceRow(Base):
    """The one row about the configuration that was put in force last."""

    __tablename__ = "config_in_force"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Always 1."""
    version: Mapped[str] = mapped_column(String(64))
    leaves: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    """Path -> hash of the value, and what may be shown of it."""
