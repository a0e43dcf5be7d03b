"""`SharedStore`: one worker's way to the state that it shares with others.

One task owns the connection. It begins a session, lets the joiners tell their absolute figures,
and then is up: it sends what is asked for, in order, and shows every half second that the worker
lives. Any failure ends the session: everything asked for fails at once, `run` raises until there is
a new one, and a request therefore never waits longer than `shared.timeout`.

Since a lost session leaves it open what Redis has taken in, nothing is ever sent twice: the next
session's joiners say how things stand. A worker that was silent for its lease loses its session and
its places; see `beat.lua`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.shared.connection import Argument, RedisConnection, Reply, Statement, connect
from pointsman.shared.errors import SharedLostError
from pointsman.shared.outbox import Land, Operation, Outbox
from pointsman.shared.script import Script
from pointsman.shared.session import ENDED, GONE, Session, SessionRegister
from pointsman.shared.settings import SharedSettings

_logger = logging.getLogger("pointsman.shared")
_STOP_S = 2.0


class SharedStats(Struct):
    """What became of the connection since the worker started."""

    sessions: int = 0
    losses: int = 0
    batches: int = 0
    """Round trips."""
    statements: int = 0
    places_returned: int = 0
    """Workers whose lease was found to be over by this one."""
    last_error: str | None = None
    doubt: str | None = None
    """What is doubtful about the server, in words."""


Joiner: TypeAlias = Callable[[Session], Awaitable[None]]
Watcher: TypeAlias = Callable[[], Awaitable[None]]
Prelude: TypeAlias = Callable[[], Statement | None]


class SharedStore:
    """The shared state, as one worker sees it.

    Args:
        settings: Address and patience.
        clock: Tells since when Redis is lost.
        worker: Name of this worker, unique among all that share the state, and the same after a
            restart.
    """

    def __init__(self, settings: SharedSettings, clock: Clock, worker: str) -> None:
        self._settings = settings
        self._clock = clock
        self._outbox = Outbox()
        self._joiners: list[Joiner] = []
        self._watchers: list[Watcher] = []
        self._listeners: list[Callable[[bool], None]] = []
        self._prelude: Prelude | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._first_try = asyncio.Event()
        self._came_up = asyncio.Event()
        self._is_stopping = False
        self._session: Session | None = None
        self._register = SessionRegister(settings.prefix, worker, settings.lease_s)
        self.worker = worker
        self.prefix = settings.prefix
        self.is_up = False
        """Whether `run` can succeed right now."""
        self.lost_since_unix_ns: int | None = clock.unix_ns()
        """Since when it cannot; None while it can."""
        self.stats = SharedStats()

    @property
    def session(self) -> int:
        """Number of the present session; 0 without one. Scripts that count compare it."""
        return self._session.number if self._session is not None else 0

    @property
    def sessions_key(self) -> str:
        """Where the scripts find who has which session: a hash, worker -> number."""
        return self._register.sessions_key

    def add_joiner(self, joiner: Joiner) -> None:
        """Have something done at the begin of each session, before anybody else is let in."""
        self._joiners.append(joiner)

    def add_watcher(self, watcher: Watcher) -> None:
        """Have something done every half second while the store is up, as one task.

        It may call `run`; that it raises `SharedLostError` is not told.
        """
        self._watchers.append(watcher)

    def add_listener(self, listener: Callable[[bool], None]) -> None:
        """Be told when the store comes up (True) or is lost (False); must not raise."""
        self._listeners.append(listener)

    def set_prelude(self, prelude: Prelude) -> None:
        """Have a statement sent in front of each batch; None sends none. Its reply is not read."""
        self._prelude = prelude

    def start(self) -> None:
        """Begin to connect, and to connect again whenever Redis is lost."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._live()), loop.create_task(self._watch())]

    async def first_try(self) -> bool:
        """Wait until the first session has begun, or failed to; tell which."""
        await self._first_try.wait()
        return self.is_up

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        land: Land | None = None,
        undo: Land | None = None,
    ) -> Reply:
        """Run a script as one step, after everything that was asked for before.

        Args:
            script: What to run.
            keys: Its keys.
            args: Its arguments.
            land: Called with the reply as soon as it is there, also when the asking task was
                cancelled meanwhile. Not called when Redis is lost.
            undo: Called after `land` when the asking task was cancelled.

        Raises:
            SharedLostError: Redis is away, or went away; it may or may not have run.
        """
        if not self.is_up:
            raise SharedLostError(self.stats.last_error or "Redis is not reached yet")
        operation = Operation(Statement(script, keys, args), land, undo)
        self._outbox.put(operation)
        return await operation.reply()

    def wake(self) -> None:
        """Have the prelude sent soon, also when nothing else is asked for."""
        self._outbox.wake.set()

    async def stop(self) -> None:
        """Send what is left, end the session in order and close the connection."""
        self._is_stopping = True
        self._outbox.wake.set()
        self._came_up.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=_STOP_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._lose("the worker stops")

    async def _live(self) -> None:
        pause_s = self._settings.first_pause_s
        while not self._is_stopping:
            sessions = self.stats.sessions
            try:
                await self._one_session()
            except SharedLostError as error:
                self._lose(error.message)
            finally:
                self._first_try.set()
            if self.stats.sessions > sessions:
                pause_s = self._settings.first_pause_s
            if not self._is_stopping:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, self._settings.longest_pause_s)

    async def _one_session(self) -> None:
        """Connect, join and serve until the connection is lost or the store is stopped."""
        connection, doubt = await connect(self._settings)
        try:
            session = await self._register.begin(connection)
            for joiner in self._joiners:
                await joiner(session)
            self._rise(session, doubt)
            await self._serve(connection, session)
        except SharedLostError as error:
            self._lose(error.message)  # before the connection is closed, which may take a moment
        finally:
            await connection.close()

    async def _serve(self, connection: RedisConnection, session: Session) -> None:
        loop = asyncio.get_running_loop()
        wake = self._outbox.wake
        beat_at = 0.0
        while True:
            timer = loop.call_at(max(beat_at, loop.time()), wake.set)
            try:
                await wake.wait()
            finally:
                timer.cancel()
            wake.clear()
            operations = self._outbox.take()
            if loop.time() >= beat_at:
                operations.append(Operation(self._register.beat(session), self._note_ended))
                beat_at = loop.time() + self._settings.beat_s
            await self._exchange(connection, operations)
            if self._is_stopping and not wake.is_set():
                await session.execute([self._register.leave(session)])
                return

    async def _exchange(self, connection: RedisConnection, operations: list[Operation]) -> None:
        """Send one batch, the prelude in front, and hand the replies over."""
        statements = [one.statement for one in operations]
        told = self._prelude() if self._prelude is not None else None
        if told is not None:
            statements.insert(0, told)
        if not statements:
            return
        try:
            replies = await connection.execute(statements)
        except SharedLostError as error:
            for operation in operations:
                operation.fail(error.message)
            raise
        except BaseException:
            for operation in operations:
                operation.fail("the worker stops")
            raise
        self.stats.batches += 1
        self.stats.statements += len(statements)
        own = replies if told is None else replies[1:]
        for operation, reply in zip(operations, own, strict=True):
            if reply == GONE:
                operation.fail(ENDED)
            else:
                operation.succeed(reply)
        if GONE in replies:
            raise SharedLostError(ENDED)

    def _note_ended(self, reply: Reply) -> None:
        if isinstance(reply, list) and reply:
            self.stats.places_returned += len(reply)
            names = ", ".join(name.decode("utf-8", "replace") for name in reply)
            _logger.warning("no sign of life from %s; its places are free again", names)

    async def _watch(self) -> None:
        while not self._is_stopping:
            await self._came_up.wait()
            for watcher in self._watchers:
                await self._look(watcher)
            await asyncio.sleep(self._settings.beat_s)

    async def _look(self, watcher: Watcher) -> None:
        try:
            if self.is_up:
                await watcher()
        except SharedLostError:
            return
        except Exception:
            _logger.exception("a look at the shared state failed")

    def _rise(self, session: Session, doubt: str | None) -> None:
        self._session = session
        self.is_up = True
        self._first_try.set()
        self._came_up.set()
        stats, lost_ns = self.stats, self.lost_since_unix_ns
        stats.sessions += 1
        if stats.losses and lost_ns is not None:
            _logger.info("Redis is back after %.1f s", (self._clock.unix_ns() - lost_ns) / 1e9)
        if doubt is not None and doubt != stats.doubt:
            _logger.warning("%s", doubt)
        stats.doubt = doubt
        self.lost_since_unix_ns = None
        for listener in self._listeners:
            listener(True)

    def _lose(self, why: str) -> None:
        self.stats.last_error = why
        was_up, self.is_up = self.is_up, False
        self._session = None
        self._came_up.clear()
        self._outbox.fail_all(why)
        if not was_up and self.stats.losses:
            return
        if self.lost_since_unix_ns is None:
            self.lost_since_unix_ns = self._clock.unix_ns()
        if not self._is_stopping:
            self.stats.losses += 1
            _logger.warning("%s; shared.on_loss decides until it is back", why)
        for listener in self._listeners:
            listener(False)
