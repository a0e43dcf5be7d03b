"""One life of a role: its process and the pipes to it.

`Child` is what the rest of this room knows; tests bring their own.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from pointsman.supervisor.lines import read_lines
from pointsman.supervisor.messages import Order, Report, decode_report, encode_line

Show = Callable[[str, str], None]
"""Shows a line of a role on the terminal: the role's name, the line."""
MAX_LINE_BYTES = 65_536
_COMMAND = (sys.executable, "-P", "-m", "pointsman.cli.main")
"""`-P`: a folder of the same name in the working directory is not what is meant."""
_LAST_LINES_S = 1.0


class Child(Protocol):
    """A running role."""

    @property
    def pid(self) -> int:
        """Its number in the system."""
        ...

    def send(self, order: Order) -> None:
        """Give an order; a role that has ended hears nothing. Never blocks."""
        ...

    def reports(self) -> AsyncIterator[Report]:
        """Yield what it reports, until it closes its output."""
        ...

    async def wait(self) -> int:
        """Return its exit code once it has ended; negative for a signal."""
        ...

    def kill(self) -> None:
        """End it at once, as `kill -9` does; nothing happens when it has ended."""
        ...


Spawn: TypeAlias = Callable[[], Awaitable[Child]]


class RoleCommand(Struct, frozen=True, kw_only=True):
    """How to start a role."""

    name: str
    arguments: Sequence[str]
    """What follows `pointsman` on the command line."""
    fds: tuple[int, ...]
    """Descriptors that it inherits under the same numbers."""


class SpawnedRole:
    """A role in a process of its own.

    Args:
        name: The role's name.
        spawned: The process.
        show: Gets what it logs and prints.
    """

    def __init__(self, name: str, spawned: Process, show: Show) -> None:
        self._name = name
        self._spawned = spawned
        self._show = show
        self._logging = asyncio.get_running_loop().create_task(self._show_log())

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._spawned.pid

    def send(self, order: Order) -> None:
        """Write an order to its input; what its pipe cannot take waits in memory."""
        stdin = self._spawned.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode_line(order))

    async def reports(self) -> AsyncIterator[Report]:
        """Yield what it reports; show what is no report."""
        stdout = self._spawned.stdout
        if stdout is None:
            return
        async for line in read_lines(stdout, MAX_LINE_BYTES):
            report = decode_report(line)
            if report is not None:
                yield report
            elif line.strip():
                self._show(self._name, _text(line))

    async def wait(self) -> int:
        """Return the exit code once it has ended and its last lines are shown."""
        code = await self._spawned.wait()
        # Whatever still holds the other end of the pipe must not hold the restart.
        await asyncio.wait([self._logging], timeout=_LAST_LINES_S)
        self._logging.cancel()
        await asyncio.gather(self._logging, return_exceptions=True)
        if self._spawned.stdin is not None:
            self._spawned.stdin.close()
        return code

    def kill(self) -> None:
        """Send SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self._spawned.kill()

    async def _show_log(self) -> None:
        stderr = self._spawned.stderr
        if stderr is None:
            return
        async for line in read_lines(stderr, MAX_LINE_BYTES):
            self._show(self._name, _text(line))


async def spawn(command: RoleCommand, show: Show) -> SpawnedRole:
    """Start a role.

    It gets a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone, also
    in the moments before the role can ignore it.

    Raises:
        OSError: The system has no room for another process.
    """
    spawned = await asyncio.create_subprocess_exec(
        *_COMMAND,
        *command.arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        pass_fds=command.fds,
        start_new_session=True,
    )
    return SpawnedRole(command.name, spawned, show)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip()
