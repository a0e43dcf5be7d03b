"""Listening: a bound socket, TLS, the accept loop and a graceful end.

uvicorn gives the protocol and its ASGI plumbing. Its server object is not used: it installs signal
handlers, polls ten times a second and ends the process on errors, all of which is the business of
the application here.
"""

import asyncio
import socket
import ssl
from asyncio import AbstractEventLoop, AbstractServer, TimerHandle
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from uvicorn.config import Config

from pointsman.core.clock import Clock
from pointsman.core.errors import PointsmanError
from pointsman.core.ids import IdSource
from pointsman.server.limits import ServerLimits
from pointsman.server.protocol import ServerProtocol
from pointsman.server.shared_state import SharedState

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_DATE_REFRESH_S = 1.0
_ABORT_GRACE_S = 1.0


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """Where and how to listen."""

    host: str = "127.0.0.1"
    """Name or address to bind; only loopback by default."""
    port: int = 3100
    """0 takes a free port."""
    limits: ServerLimits = ServerLimits()
    header_prefix: str = "pointsman"
    """Answers to refused requests carry `x-<prefix>-request-id`."""
    cert_file: Path | None = None
    """Certificate chain in PEM; None serves plain HTTP."""
    key_file: Path | None = None
    """Private key in PEM; None when it is in `cert_file`."""
    backlog: int = 2048
    """Connections that may wait to be accepted."""


class BindError(PointsmanError):
    """The address cannot be listened on: taken, not ours, or not allowed."""

    code = "cannot_bind"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
        self.host = host
        self.port = port


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a bound TCP socket that is not yet listening. The caller closes it.

    SO_REUSEADDR lets a restart follow a stop at once; a second instance still fails, at the
    latest when it listens.

    Raises:
        BindError: Naming host, port and the system's reason.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise BindError(host, port, error.strerror or str(error)) from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise BindError(host, port, error.strerror or str(error)) from error
    bound.setblocking(False)
    return bound


class Listener:
    """Serves one ASGI application on one socket, inside the running loop.

    Args:
        app: Called with a scope whose `extensions["pointsman.connection"]` is a
            `server.exchange.ClientConnection`.
        settings: Where and how.
        ids: Makes the request ids.
        clock: Gives the `Date` header and the time of a request's first byte.
        bound: A bound socket, from a supervisor; it is closed by `stop`. None binds
            `settings.host` and `settings.port` at `start`.
    """

    def __init__(
        self,
        app: "ASGI3Application",
        settings: ListenerSettings,
        *,
        ids: IdSource,
        clock: Clock,
        bound: socket.socket | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._bound = bound
        self._shared = SharedState(
            settings.limits, ids=ids, clock=clock, header_prefix=settings.header_prefix
        )
        self._config = Config(
            app,
            http=ServerProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        self._server: AbstractServer | None = None
        self._date_timer: TimerHandle | None = None
        self.port = settings.port
        """The port that is listened on; known after `start` when it was 0."""

    @property
    def connection_count(self) -> int:
        """Connections open now."""
        return len(self._shared.connections)

    @property
    def request_count(self) -> int:
        """Requests answered by the application since the start."""
        return self._shared.total_requests

    def rejected(self) -> dict[str, int]:
        """Return error code -> requests refused before the application saw them."""
        return self._shared.rejections.snapshot()

    async def start(self) -> None:
        """Listen.

        Raises:
            BindError: The address is taken or cannot be used.
            OSError: The certificate or key cannot be read (`ssl.SSLError` when malformed).
        """
        settings = self._settings
        tls = _tls_context(settings)
        bound = self._bound or bind_socket(settings.host, settings.port)
        self._bound = bound
        self.port = bound.getsockname()[1]
        self._config.load()
        loop = asyncio.get_running_loop()
        self._refresh_date(loop)
        try:
            self._server = await loop.create_server(
                lambda: ServerProtocol(self._config, self._shared, {}, loop),
                sock=bound,
                ssl=tls,
                backlog=settings.backlog,
                ssl_handshake_timeout=settings.limits.header_timeout_s if tls else None,
            )
        except OSError as error:
            await self.stop(0.0)
            raise BindError(settings.host, self.port, error.strerror or str(error)) from error

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, let requests under way finish, then abort the rest.

        Args:
            grace_s: How long to wait for requests under way; 0 aborts them at once. Aborted
                requests see the reason `shutdown`, and a second later their tasks are cancelled.
        """
        shared = self._shared
        shared.is_stopping = True
        if self._date_timer is not None:
            self._date_timer.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(shared.connections):
            connection.shutdown()
        await self._drain(grace_s)
        for connection in list(shared.connections):
            cast("ServerProtocol", connection).cut("shutdown")
        await self._end_tasks()
        if self._bound is not None:
            self._bound.close()

    async def _drain(self, grace_s: float) -> None:
        """Wait until every request is answered and written out, at most `grace_s`."""
        shared = self._shared
        try:
            async with asyncio.timeout(grace_s):
                # Both can grow again: a request that was on its way, a connection taken last.
                while shared.tasks or shared.connections:
                    shared.all_closed.clear()
                    if shared.tasks:
                        await asyncio.wait(shared.tasks)
                    else:
                        await shared.all_closed.wait()
        except TimeoutError:
            return

    async def _end_tasks(self) -> None:
        tasks = self._shared.tasks
        if tasks:
            await asyncio.wait(tasks, timeout=_ABORT_GRACE_S)
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._shared.connections:
            await self._shared.all_closed.wait()

    def _refresh_date(self, loop: AbstractEventLoop) -> None:
        """Write the `Date` header once a second instead of once per answer."""
        date = formatdate(self._clock.unix_ns() / 1_000_000_000, usegmt=True)
        self._shared.default_headers = [(b"date", date.encode())]
        self._date_timer = loop.call_later(_DATE_REFRESH_S, self._refresh_date, loop)


def _tls_context(settings: ListenerSettings) -> ssl.SSLContext | None:
    if settings.cert_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.cert_file, settings.key_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
