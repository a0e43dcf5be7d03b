"""`Snapshot`: what gateways need to know of the state, and the source that hands it out.

Owns the wire form and the waiting. Knows no SQL: the source is given a reader. No secret is in a
snapshot, only digests of keys, but it says who may call, so it is for the gateways alone.
"""

import asyncio
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, Struct

from pointsman.config.policy import PlanConfig
from pointsman.state.errors import SnapshotError

SNAPSHOT_SCHEMA = 1
MAX_WAIT_S = 30.0
"""Longest wait of one poll; an answer at least this often tells a gateway that all is well."""
MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024

Sha256Hex = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class SnapshotKey(Struct, frozen=True, kw_only=True):
    """One issued key."""

    id: str
    name: str
    sha256: Sha256Hex
    tenant: str | None = None
    plan: str | None = None
    """The key's own; None takes the tenant's."""
    routes: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    user: str | None = None
    team: str | None = None
    models: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    may_set_tenant: bool = False
    expires_unix_ns: int | None = None
    revoked_unix_ns: int | None = None
    """Revoked keys stay for a while, so that a refusal can say why."""


class SnapshotPlan(Struct, frozen=True, kw_only=True):
    """One plan that was made at run time."""

    name: str
    terms: PlanConfig = PlanConfig()


class SnapshotTenant(Struct, frozen=True, kw_only=True):
    """One tenant."""

    id: str
    plan: str | None = None
    is_disabled: bool = False
    terms: PlanConfig = PlanConfig()
    """What differs for it."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """The state at one version."""

    schema: int = SNAPSHOT_SCHEMA
    state_id: str
    """Which database it comes from: versions of two databases cannot be compared."""
    version: int
    """Grows with every change."""
    made_unix_ns: int
    keys_required: bool
    """Whether a key was ever issued. Stays true when the last one is revoked, so that a gateway
    never becomes open by that."""
    keys: tuple[SnapshotKey, ...] = ()
    tenants: tuple[SnapshotTenant, ...] = ()
    plans: tuple[SnapshotPlan, ...] = ()


class SnapshotReader(Protocol):
    """Where snapshots are made from."""

    async def current(self) -> tuple[str, int]:
        """Return the id of the database and its version now."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return the state as of one moment."""
        ...


class SnapshotSource:
    """Hands the newest snapshot to whoever waits for it. For one event loop."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._changed = asyncio.Event()
        self._made: Snapshot | None = None
        self._making = asyncio.Lock()
        self._is_closed = False

    def announce(self) -> None:
        """Wake every waiter: something was committed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def close(self) -> None:
        """Answer every waiter now and make no one wait any more, so that a server can stop."""
        self._is_closed = True
        self.announce()

    @property
    def is_closed(self) -> bool:
        """Whether nobody waits here any more; who asks in a loop must end it."""
        return self._is_closed

    async def wait_for_newer(
        self, version: int, timeout_s: float, *, state_id: str | None = None
    ) -> Snapshot | None:
        """Return the newest snapshot as soon as it is another than the one that is known.

        Another, not a later one: a database restored from a backup has a lower version, and
        gateways must follow it back. Looks once more at the end of the wait, which finds what
        another collector has written to a shared database.

        Args:
            version: What the caller has; 0 for nothing.
            timeout_s: How long to wait, at most `MAX_WAIT_S`.
            state_id: The database that `version` belongs to; None takes it to be this one.

        Returns:
            None when there was nothing else within the wait.
        """
        known = (state_id, version)
        clock = asyncio.get_running_loop().time
        # In this order, what is not a number is no wait.
        until = clock() + min(max(0.0, timeout_s), MAX_WAIT_S)
        while True:
            # Taken before the look, so that a commit between look and wait is not missed.
            changed = self._changed
            found = await self._other_than(known)
            remaining_s = until - clock()
            if found is not None or self._is_closed or remaining_s <= 0:
                return found
            await _wait(changed, remaining_s)

    async def _other_than(self, known: tuple[str | None, int]) -> Snapshot | None:
        state_id, version = await self._reader.current()
        if version == known[1] and known[0] in (None, state_id):
            return None

        async with self._making:
            # One of many waiters makes it; it may be newer than what was seen above.
            made = self._made
            if made is None or (made.state_id, made.version) != (state_id, version):
                made = self._made = await self._reader.snapshot()
        return made


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return the JSON of a snapshot."""
    return msgspec.json.encode(snapshot)


def decode_snapshot(body: bytes) -> Snapshot:
    """Read the JSON of a snapshot.

    Raises:
        SnapshotError: It is not one, or a newer release wrote it in a form that this one might
            misread.
    """
    try:
        snapshot = msgspec.json.decode(body, type=Snapshot)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # What could not be read is not repeated: it may hold anything.
        raise SnapshotError("this is not a snapshot of keys") from None
    if snapshot.schema > SNAPSHOT_SCHEMA:
        raise SnapshotError(
            f"the snapshot has schema {snapshot.schema} and this release reads up to "
            f"{SNAPSHOT_SCHEMA}; start the gateway of the collector's release"
        )
    return snapshot
