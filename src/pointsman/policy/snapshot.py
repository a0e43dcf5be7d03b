"""`KeyDirectory`: every key a gateway knows, from its file and from the collector's snapshot.

Holds the snapshot with its plans and tenants too, and tells when those change.

Answers as `Authenticator` does, and changes under requests by swapping one object. Knows neither
where snapshots come from (`snapshot_follower`) nor where they are kept (`snapshot_file`).

A gateway that has once had keys stays closed to callers without: revoking the last key, or losing
what was known of the keys, must not open it to everybody.
"""

from collections.abc import Callable
from hmac import compare_digest

from msgspec import Struct, structs

from pointsman.core.clock import Clock
from pointsman.core.errors import AuthenticationError
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.policy.authenticate import (
    UNKNOWN_KEY,
    Authenticator,
    key_aliases,
    shown_digest,
)
from pointsman.state.snapshot import Snapshot, SnapshotKey

_PREFIX_BYTES = 8
_MS = 1_000_000
_NEVER_NS = 2**63


class _IssuedKey(Struct, frozen=True):
    digest: bytes
    principal: Principal
    expires_unix_ns: int
    is_revoked: bool


class KeyDirectory:
    """The keys of one gateway worker.

    Args:
        clock: Tells when keys expire.
        configured: The keys of the configuration; they win over issued ones.
    """

    def __init__(self, clock: Clock, configured: Authenticator) -> None:
        self._clock = clock
        self._configured = configured
        # As in `Authenticator`: a prefix finds, the whole is compared in constant time.
        self._issued: dict[bytes, _IssuedKey] = {}
        self._confirmed_ns: int | None = None
        self._age_before_ns = 0
        self.snapshot: Snapshot | None = None
        """The one in force; None when none ever came. Its `keys_required` is never taken back."""
        self.has_keys = configured.has_keys
        """Whether callers must show a key. Once there was one, it stays so."""
        self._had_keys = configured.has_keys
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever plans or tenants have changed; it must not raise or wait."""
        self._listeners.append(listener)

    def authenticate(self, authorization: str | None, x_api_key: str | None = None) -> Principal:
        """Return who is calling.

        Args:
            authorization: The `Authorization` header. When present, it alone counts.
            x_api_key: The `x-api-key` header, as Anthropic's clients send it.

        Raises:
            AuthenticationError: The gateway has keys, and none, an unknown, a revoked or an expired
                one was shown.
        """
        if not self.has_keys:
            return ANONYMOUS

        digest = shown_digest(authorization, x_api_key)
        principal = self._configured.find(digest)
        if principal is not None:
            return principal

        known = self._issued.get(digest[:_PREFIX_BYTES])
        if known is None or not compare_digest(known.digest, digest):
            raise AuthenticationError(UNKNOWN_KEY)
        # Who shows the right key may know what became of it.
        if known.is_revoked:
            raise AuthenticationError(f"the API key `{known.principal.key_name}` was revoked")
        if known.expires_unix_ns <= self._clock.unix_ns():
            raise AuthenticationError(f"the API key `{known.principal.key_name}` has expired")
        return known.principal

    @property
    def age_ms(self) -> int | None:
        """How long ago the collector last said that the snapshot is current.

        None when there is no snapshot.
        """
        if self._confirmed_ns is None:
            return None
        return (self._clock.monotonic_ns() - self._confirmed_ns + self._age_before_ns) // _MS

    def configure(self, configured: Authenticator) -> None:
        """Take over the keys of a reloaded configuration."""
        self._configured = configured
        self._had_keys = self._had_keys or configured.has_keys
        self.has_keys = self.has_keys or configured.has_keys

    def replace(self, snapshot: Snapshot) -> None:
        """Take over a snapshot that the collector has just sent, whatever its version is."""
        self._take(snapshot)
        self.confirm()

    def restore(self, snapshot: Snapshot) -> None:
        """Take over a snapshot that was saved before; its age counts from when it was made."""
        self._take(snapshot)
        self._confirmed_ns = self._clock.monotonic_ns()
        self._age_before_ns = max(0, self._clock.unix_ns() - snapshot.made_unix_ns)

    def confirm(self) -> None:
        """Note that the collector has just said that the snapshot is current."""
        self._confirmed_ns = self._clock.monotonic_ns()
        self._age_before_ns = 0

    def require_keys(self) -> None:
        """Ask every caller for a key until a snapshot says whether any was ever issued."""
        self.has_keys = True

    def _take(self, snapshot: Snapshot) -> None:
        before = self.snapshot
        if before is not None and before.keys_required and not snapshot.keys_required:
            snapshot = structs.replace(snapshot, keys_required=True)
        issued = [_issued(key) for key in snapshot.keys]
        self._had_keys = self._had_keys or snapshot.keys_required or bool(issued)
        # One assignment: a request sees the old keys or the new ones.
        self._issued = {key.digest[:_PREFIX_BYTES]: key for key in issued}
        self.has_keys = self._had_keys
        self.snapshot = snapshot
        if before is None or _terms(before) != _terms(snapshot):
            for listener in self._listeners:
                listener()


def _terms(snapshot: Snapshot) -> tuple[object, object]:
    return snapshot.tenants, snapshot.plans


def _issued(key: SnapshotKey) -> _IssuedKey:
    principal = Principal(
        key_name=key.name,
        tenant=key.tenant,
        plan=key.plan,
        user=key.user,
        team=key.team,
        models=key.models,
        routes=key.routes,
        dialects=key.dialects,
        aliases=key_aliases(key.name, key.aliases, f"state.keys.{key.id}.aliases"),
        scopes=frozenset(key.scopes),
        may_set_tenant=key.may_set_tenant,
    )
    expires_unix_ns = _NEVER_NS if key.expires_unix_ns is None else key.expires_unix_ns
    return _IssuedKey(
        bytes.fromhex(key.sha256), principal, expires_unix_ns, key.revoked_unix_ns is not None
    )
