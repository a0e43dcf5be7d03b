"""One connection to Redis: runs batches of scripts in order, within a bounded time, or is lost.

The only file that knows the client library, of which it uses the single connection: pools and
clients connect again by themselves, and then nobody would notice that a server has come back
without what it knew. A connection that failed once is not used again; what had been sent on it may
or may not have happened.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from pointsman.shared.errors import SharedLostError
from pointsman.shared.script import Script
from pointsman.shared.settings import SharedSettings

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

Argument: TypeAlias = str | int | bytes
Reply: TypeAlias = object
"""An integer, bytes, None, or a list of these."""
OLDEST = (7, 0)


class Statement(Struct, frozen=True):
    """One run of a script."""

    script: Script
    keys: Sequence[str]
    args: Sequence[Argument]


class RedisConnection:
    """An open connection; see `connect`."""

    def __init__(self, connection: "AbstractConnection", timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._loaded: set[str] = set()

    async def execute(self, batch: Sequence[Statement]) -> list[Reply]:
        """Run scripts in their order, each as one step, and return their replies.

        Raises:
            SharedLostError: No answer came in time, or one of them failed.
        """
        commands: list[tuple[Argument, ...]] = []
        is_reply: list[bool] = []
        for one in batch:
            if one.script.sha1 not in self._loaded:
                # In its place: what follows must find done what it does. A server that forgets
                # its scripts later refuses, which ends the session.
                commands.append(("SCRIPT", "LOAD", one.script.text))
                self._loaded.add(one.script.sha1)
                is_reply.append(False)
            commands.append(("EVALSHA", one.script.sha1, len(one.keys), *one.keys, *one.args))
            is_reply.append(True)
        replies = await self._exchange(commands)
        return [reply for reply, is_one in zip(replies, is_reply, strict=True) if is_one]

    async def about(self) -> dict[str, str]:
        """Return what the server says of itself.

        Raises:
            SharedLostError: No answer came in time.
        """
        (text,) = await self._exchange([("INFO",)])
        lines = text.decode("utf-8", "replace").splitlines() if isinstance(text, bytes) else []
        return dict(line.split(":", 1) for line in lines if ":" in line)

    async def close(self) -> None:
        """Close the connection; never raises and waits for nobody."""
        from redis.exceptions import RedisError

        try:
            await self._connection.disconnect(nowait=True)
        except (RedisError, OSError):
            return

    async def _exchange(self, commands: Sequence[tuple[Argument, ...]]) -> list[Reply]:
        """Send commands together, and read as many replies."""
        from redis.exceptions import RedisError, ResponseError

        connection = self._connection
        replies: list[Reply] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                packed = connection.pack_commands(commands)
                await connection.send_packed_command(packed, check_health=False)
                for _ in commands:
                    replies.append(await connection.read_response(disable_decoding=True))  # noqa: PERF401 - one after the other
        except TimeoutError:
            raise SharedLostError(f"Redis has not answered within {self._timeout_s:g} s") from None
        except ResponseError as error:
            raise SharedLostError(f"Redis refused: {_text(error)}") from None
        except (RedisError, OSError) as error:
            raise SharedLostError(f"Redis is lost: {_text(error)}") from None
        return replies


async def connect(settings: SharedSettings) -> tuple[RedisConnection, str | None]:
    """Open a connection.

    Returns:
        The connection, and what is doubtful about the server, in words; None when nothing is.

    Raises:
        SharedLostError: Nobody answers there in time, it lets us not in, or it is too old.
    """
    connection = await _open(settings)
    try:
        about = await connection.about()
    except BaseException:
        await connection.close()
        raise
    version = about.get("redis_version", "")
    if _numbers(version) < OLDEST:
        await connection.close()
        raise SharedLostError(f"Redis {version} is too old; 7.0 is needed")
    return connection, _doubt(about)


async def _open(settings: SharedSettings) -> RedisConnection:
    from redis.asyncio.connection import ConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError

    options: dict[str, Any] = {
        "decode_responses": False,
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": settings.connect_timeout_s,
        # A lost answer must never be asked for again by somebody who does not know what it was.
        "retry": Retry(NoBackoff(), 0),
        "client_name": "pointsman",
    }
    if settings.ca_file is not None:
        options["ssl_ca_certs"] = settings.ca_file
    try:
        # Reads the address, opens nothing.
        pool = ConnectionPool.from_url(settings.url, **options)
        opened: Any = pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError):
        # The words of the library may quote the address, which may hold a password.
        raise SharedLostError("shared.url has an option that Redis connections lack") from None
    connection = RedisConnection(opened, settings.timeout_s)
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            await opened.connect()
    except TimeoutError:
        await connection.close()
        text = f"Redis is not reached within {settings.connect_timeout_s:g} s"
        raise SharedLostError(text) from None
    except (RedisError, OSError) as error:
        await connection.close()
        raise SharedLostError(f"Redis is not reached: {_text(error)}") from None
    except BaseException:
        await connection.close()
        raise
    return connection


def _doubt(about: Mapping[str, str]) -> str | None:
    """Say what makes a server lose counters, as it tells of itself."""
    policy = about.get("maxmemory_policy", "noeviction")
    if about.get("maxmemory", "0") != "0" and policy != "noeviction":
        return (
            f"Redis may drop counters when its memory is full (maxmemory-policy {policy}); "
            "set noeviction"
        )
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
