"""What is said about keys between the command line and the collector's admin API.

The bounds are checked when a message is decoded. Knows no SQL and no HTTP, so that the command line
may import it without waiting.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
"""Of a key: it stands in records, on the command line and in addresses."""
Label = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z")]
"""Of a tenant, plan, user or team: any text of one line."""
Glob = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z")]
Scope = Literal["call", "explain", "override"]
KeyStatus = Literal["live", "expired", "revoked"]

MAX_LIFETIME_S = 315_360_000
"""Ten years of 365 days."""


class IssueKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wish for a key: body of `POST /internal/v1/keys`."""

    name: Name
    """Unique among live keys; free again once its key is revoked or has expired."""
    tenant: Label | None = None
    """Binds the key. A tenant that is not known yet is made."""
    plan: Label | None = None
    """Goes before the tenant's; None takes that."""
    user: Label | None = None
    team: Label | None = None
    models: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ()
    """Globs of names that may be asked for; without `models` and `routes`, every name."""
    routes: Annotated[tuple[Glob, ...], Meta(max_length=64)] = ()
    """Globs of routes: names that lead to one of them may be asked for too."""
    dialects: Annotated[tuple[Glob, ...], Meta(max_length=16)] = ()
    """Globs of dialects that may be used, as `openai.*`; empty allows all."""
    aliases: Annotated[dict[Label, Label], Meta(max_length=32)] = {}
    """Name -> what it means with this key."""
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)] = ("call",)
    may_set_tenant: bool = False
    """Whether `tenant_id` and `x-pointsman-tenant` of its requests are believed."""
    expires_in_s: Annotated[int, Meta(ge=1, le=MAX_LIFETIME_S)] | None = None
    """A length of time, not a moment: the clock of whoever asks does not matter. None is never."""


class KeyView(Struct, frozen=True, kw_only=True):
    """A key as it may be shown: nothing in it lets anybody call."""

    id: str
    name: str
    tenant: str | None
    plan: str | None
    user: str | None
    team: str | None
    models: tuple[str, ...]
    scopes: tuple[str, ...]
    may_set_tenant: bool
    created_unix_ns: int
    expires_unix_ns: int | None
    """None is never."""
    revoked_unix_ns: int | None
    """None when it was not revoked."""
    routes: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    last_four: str
    """The key's last characters, to tell which of two is in somebody's hands."""
    status: KeyStatus
    """At the time of the answer."""


class IssuedKey(Struct, frozen=True, kw_only=True):
    """Answer to `POST /internal/v1/keys`, the only place where the key itself is ever shown."""

    key: KeyView
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out of logs and tracebacks."""
        return f"IssuedKey(key={self.key!r}, secret='***')"


class KeyList(Struct, frozen=True, kw_only=True):
    """Answer to `GET /internal/v1/keys`: newest first."""

    keys: tuple[KeyView, ...]


class LoginMade(Struct, frozen=True):
    """The answer to the wish for a console login."""

    token: str
    """Opens the console once, within a quarter of an hour."""
