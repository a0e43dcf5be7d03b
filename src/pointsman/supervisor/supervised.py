"""Runs one role in a process of its own, under a supervisor: follows its orders, ends with it.

Signals of the terminal and of service managers reach the whole family at once; here they are
ignored, because the order in which roles end is the supervisor's. One exception: a role that serves
requests takes SIGTERM as an order to stop, so that it can be renewed while its instance goes on.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from msgspec import Struct

from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError, PointsmanError, Problem
from pointsman.supervisor.lifeline import end_with
from pointsman.supervisor.lines import read_lines
from pointsman.supervisor.messages import (
    Begin,
    Commit,
    Discard,
    Edition,
    Link,
    Live,
    News,
    Order,
    Prepare,
    Prepared,
    Refused,
    Report,
    Started,
    Stop,
    decode_order,
    encode_line,
)
from pointsman.supervisor.role import Role

MAX_ORDER_BYTES = 67_108_864
ORPHAN_GRACE_S = 1.5
"""How long a role may take to end once its supervisor is gone."""

_ORDERS_FD, _REPORTS_FD = 0, 1

LoadEdition = Callable[[Edition], LoadedConfig]
"""Loads and checks a configuration from its text. Raises `ConfigError`."""


class Inheritance(Struct, frozen=True, kw_only=True):
    """What the supervisor has opened for the role."""

    listen_fd: int
    lock_fd: int
    data_dir: Path

    def folder(self) -> DataFolder:
        """Return the data folder, whose lock is shared with the supervisor."""
        os.set_inheritable(self.lock_fd, False)
        return DataFolder(self.data_dir, self.lock_fd)

    def bound(self) -> socket.socket:
        """Return the socket to serve on. The caller closes it."""
        os.set_inheritable(self.listen_fd, False)
        bound = socket.socket(fileno=self.listen_fd)
        bound.setblocking(False)
        return bound


class SupervisedRole:
    """One role and its supervisor's orders.

    Args:
        role: What is run.
        inheritance: What it runs on.
        load: See `LoadEdition`.
        report: Tells the supervisor.
    """

    def __init__(
        self,
        role: Role,
        inheritance: Inheritance,
        load: LoadEdition,
        report: Callable[[Report], None],
    ) -> None:
        self._role = role
        self._inheritance = inheritance
        self._load = load
        self._report = report
        self._prepared: tuple[str, Callable[[], None]] | None = None

    async def follow(self, orders: AsyncIterator[Order]) -> None:
        """Follow orders until one says stop, or until there are no more: the supervisor is gone.

        Raises:
            PointsmanError: The role cannot start.
        """
        grace_s = 0.0
        is_started = False
        try:
            async for order in orders:
                if isinstance(order, Stop):
                    grace_s = order.grace_s
                    break
                if isinstance(order, Begin):
                    await self._begin(order.edition)
                    is_started = True
                else:
                    self._obey(order)
        finally:
            if is_started:
                await self._role.stop(grace_s)

    async def _begin(self, edition: Edition) -> None:
        loaded = self._same(edition)
        bound = self._inheritance.bound()
        await self._role.start(loaded, self._inheritance.folder(), bound, self._tell)
        self._report(Started(loaded.version))

    def _tell(self, label: str, url: str) -> None:
        self._report(Link(label, url))

    def _obey(self, order: Order) -> None:
        match order:
            case Prepare(edition):
                self._prepare(edition)
            case Commit(version):
                self._commit(version)
            case Discard():
                self._prepared = None
            case News(role, state):
                self._role.hear(role, state)

    def _prepare(self, edition: Edition) -> None:
        self._prepared = None
        try:
            take_over = self._role.prepare(self._same(edition))
        except PointsmanError as error:
            self._report(Refused(edition.version, error.message))
            return
        self._prepared = (edition.version, take_over)
        self._report(Prepared(edition.version))

    def _commit(self, version: str) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared[0] != version:
            self._report(Refused(version, "it was not prepared"))
            return
        prepared[1]()
        self._report(Live(version))

    def _same(self, edition: Edition) -> LoadedConfig:
        """Load a configuration and see that it is the supervisor's.

        Raises:
            ConfigError: It is not, or it cannot be used.
        """
        loaded = self._load(edition)
        if loaded.version != edition.version:
            message = (
                f"the configuration is {loaded.version} here and {edition.version} in the "
                "supervisor; has another release been installed?"
            )
            raise ConfigError([Problem(message, hint="start pointsman again")])
        return loaded


async def run_supervised(
    role: Role,
    inheritance: Inheritance,
    load: LoadEdition,
    *,
    own_grace_s: float | None = None,
) -> None:
    """Run a role until its supervisor says stop or is gone.

    Args:
        role: What is run.
        inheritance: What it runs on.
        load: See `LoadEdition`.
        own_grace_s: What requests under way may take after a SIGTERM; None ignores that signal.

    Raises:
        PointsmanError: It cannot start.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_with(_ORDERS_FD, ORPHAN_GRACE_S)
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    told = loop.create_future()
    if own_grace_s is not None:
        loop.add_signal_handler(signal.SIGTERM, _tell_once, told, Stop(own_grace_s))
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream),
        os.fdopen(os.dup(_ORDERS_FD), "rb", buffering=0),
    )
    try:
        await SupervisedRole(role, inheritance, load, _write).follow(_orders(stream, told))
    finally:
        transport.close()


def _tell_once(told: asyncio.Future[Order], order: Order) -> None:
    if not told.done():
        told.set_result(order)


async def _orders(
    stream: asyncio.StreamReader, told: asyncio.Future[Order]
) -> AsyncIterator[Order]:
    """Yield the supervisor's orders until it is gone, or until a signal has told one."""
    lines = read_lines(stream, MAX_ORDER_BYTES)
    while True:
        line = asyncio.ensure_future(anext(lines, None))
        await asyncio.wait((line, told), return_when=asyncio.FIRST_COMPLETED)
        if not line.done():
            line.cancel()
            await asyncio.gather(line, return_exceptions=True)
            yield told.result()
            return
        text = line.result()
        if text is None:
            return
        yield decode_order(text)


def _write(report: Report) -> None:
    # A supervisor that is gone hears nothing; its end is noticed elsewhere.
    with contextlib.suppress(OSError):
        os.write(_REPORTS_FD, encode_line(report))
