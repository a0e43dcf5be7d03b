"""Sessions: which life of a worker's connection counts, and until when it counts as alive.

A worker has at most one session, the newest that it began. Scripts that count compare its number,
so that what an older connection still has under way is refused with `GONE`.
"""

from collections.abc import Sequence

from pointsman.shared.connection import RedisConnection, Reply, Statement
from pointsman.shared.errors import SharedLostError
from pointsman.shared.script import read_script

GONE = b"GONE"
"""What a script replies to a session that is over."""
ENDED = "this worker's session was ended by another"
_PACKAGE = "pointsman.shared"


class Session:
    """One session. Until the store is up, joiners run statements of their own in it."""

    __slots__ = ("_connection", "number", "worker")

    def __init__(self, connection: RedisConnection, worker: str, number: int) -> None:
        self._connection = connection
        self.worker = worker
        self.number = number

    async def execute(self, batch: Sequence[Statement]) -> list[Reply]:
        """Run statements.

        Raises:
            SharedLostError: The session is lost.
        """
        replies = await self._connection.execute(batch)
        if GONE in replies:
            raise SharedLostError(ENDED)
        return replies


class SessionRegister:
    """What Redis knows about sessions and leases.

    Args:
        prefix: Begin of the names in Redis.
        worker: Whose sessions.
        lease_s: Silence after which a worker counts as dead.
    """

    def __init__(self, prefix: str, worker: str, lease_s: float) -> None:
        self._prefix = prefix
        self._worker = worker
        self._lease_ms = round(lease_s * 1000)
        self.sessions_key = f"{prefix}:sessions"
        self._keys = (self.sessions_key, f"{prefix}:leases")
        self._hello = read_script(_PACKAGE, "hello.lua")
        self._beat = read_script(_PACKAGE, "beat.lua")
        self._leave = read_script(_PACKAGE, "leave.lua")

    async def begin(self, connection: RedisConnection) -> Session:
        """Begin a session; the one before is over.

        Raises:
            SharedLostError: The connection is lost.
        """
        statement = Statement(self._hello, self._keys, (self._worker, self._lease_ms))
        (number,) = await connection.execute([statement])
        return Session(connection, self._worker, int(str(number)))

    def beat(self, session: Session) -> Statement:
        """Return the sign of life; its reply names workers whose lease was found to be over."""
        args = (self._worker, session.number, self._lease_ms, self._prefix)
        return Statement(self._beat, self._keys, args)

    def leave(self, session: Session) -> Statement:
        """Return what ends a session in order."""
        return Statement(self._leave, self._keys, (self._worker, session.number))
