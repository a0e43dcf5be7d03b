"""Breakers that several gateways share through Redis: who opened one, and who may try it.

Never on the request path: a request asks this worker's memory, as without Redis. An opening or a
closing is told at once; every half second the worker looks what others have told, and asks for the
right to try the breakers whose time is over. The right is a lease that one worker has at a time, so
that exactly one call of all gateways tries. Each worker counts its own failures; the first one
whose count opens a breaker opens it for all.

While Redis is away each worker goes on with what it knows and tries by itself; records say so
(`breaker_store: lost`). When Redis is back, breakers that are still open are told again.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import cast

import msgspec
from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.resilience.breaker import CLOSED, HALF_OPEN, OPEN, UNDECIDED, Breaker
from pointsman.resilience.breakers import MemoryBreakers, Place
from pointsman.resilience.episodes import Episode
from pointsman.shared.connection import Argument
from pointsman.shared.errors import SharedLostError
from pointsman.shared.script import Script, read_script
from pointsman.shared.store import SharedStore

REDIS = "redis"
LOST = "lost"
WORKER_ALONE = "worker"
"""`breaker_store` where several workers run and share nothing."""
RIGHT_S = 3.0
"""How long the right to try lasts; renewed at every look while it is used or nobody else asks."""
IDLE_RIGHT_S = 1.0
"""A right that was not used for this long is given up to whoever asks for it."""
DEMAND_S = 30.0
"""A worker asks for the right if the breaker stood in the way of a request within this time."""
FORGET_S = 600.0
"""How long Redis remembers a breaker that closed, or that nobody has tried."""
_PACKAGE = "pointsman.resilience"
_S = 1_000_000_000


class Entry(Struct, omit_defaults=True):
    """A breaker as Redis has it."""

    cause: str
    opened_by: str
    opened_unix_ns: str
    """Digits: a number of that size is rounded in a script of Redis."""
    observed: float | None = None
    limit: float | None = None
    state: str = OPEN
    opened_at: str = ""
    """The worker that opened it."""
    until_ms: float = 0
    """When it may be tried, by the clock of Redis."""
    closed_by: str = ""
    told_by: str = ""
    """The worker that made the last change."""
    number: int = 0
    """Goes up with every change of any breaker."""


class BreakerSharing:
    """Joins the breakers of one worker to those of the others.

    Args:
        board: This worker's breakers.
        store: The way to Redis; not started yet.
        clock: For the age of rights.
    """

    def __init__(self, board: MemoryBreakers, store: SharedStore, clock: Clock) -> None:
        self._board = board
        self._store = store
        self._clock = clock
        self._open = read_script(_PACKAGE, "breaker_open.lua")
        self._close = read_script(_PACKAGE, "breaker_close.lua")
        self._look = read_script(_PACKAGE, "breaker_look.lua")
        self._keys = (f"{store.prefix}:breakers", f"{store.prefix}:breaker-trial:")
        self._seen: dict[str, int] = {}
        """Place -> number of the change that was taken over last."""
        self._idle_since_ns: dict[Place, int] = {}
        """Rights of this worker -> since when they are not used."""
        self._changed_ns: dict[str, int] = {}
        """Place -> when this worker last changed it, or had told so: what was asked for before
        then is older."""
        self._untold_closings: dict[Place, str] = {}
        """Breakers that this worker closed while Redis was away, and the request that did."""
        self._telling: set[asyncio.Task[None]] = set()
        board.store = LOST
        board.on_change = self._changed
        store.add_listener(self._hear)
        store.add_watcher(self.look)

    async def close(self) -> None:
        """Wait until what happened last has been told, or cannot be."""
        await asyncio.gather(*self._telling)
        self._board.on_change = None

    async def look(self) -> None:
        """Take over what others have told, and ask for the right to try.

        Raises:
            SharedLostError: Redis went away.
        """
        asked_ns = self._clock.monotonic_ns()
        times = (round(RIGHT_S * 1000), round(FORGET_S * 1000))
        args: list[Argument] = [self._store.worker, *times, *self._wishes(asked_ns)]
        reply = await self._store.run(self._look, self._keys, args)
        now_ms, entries, rights = cast("tuple[int, list[bytes], list[bytes]]", reply)
        told = dict(_pairs(entries))
        for place, raw in told.items():
            if self._changed_ns.get(place, 0) <= asked_ns:
                self._take_over(place, msgspec.json.decode(raw, type=Entry), now_ms)
        for gone in self._seen.keys() - told.keys():
            del self._seen[gone]
            self._changed_ns.pop(gone, None)
        for index in range(0, len(rights), 3):
            place, owner = rights[index].decode(), rights[index + 1].decode()
            self._note_right(_place(place), owner, bool(rights[index + 2]), asked_ns)

    def _hear(self, is_up: bool) -> None:
        """Go on alone, or together again."""
        self._board.store = REDIS if is_up else LOST
        self._seen.clear()
        self._idle_since_ns.clear()
        if is_up:
            for place, by in self._untold_closings.items():
                self._tell(self._close, place, by)
            self._untold_closings.clear()
        for place, breaker in self._board.not_closed().items():
            breaker.kept_by = UNDECIDED if is_up else None
            breaker.right_until_ns = None
            if is_up and breaker.state(self._clock.monotonic_ns()) == OPEN:
                self._changed(place, breaker)

    def _changed(self, place: Place, breaker: Breaker) -> None:
        """Tell the others what an outcome of this worker has done to a breaker."""
        now_ns = self._clock.monotonic_ns()
        is_closed = breaker.state(now_ns) == CLOSED
        if not self._store.is_up:
            self._untold_closings.pop(place, None)
            if is_closed:
                self._untold_closings[place] = breaker.closed_by or ""
            return
        if is_closed:
            self._tell(self._close, place, breaker.closed_by or "")
            return
        episode = self._board.history.current(place)
        if episode is None:
            return
        again = "again" if episode.tried else ""
        breaker.kept_by = UNDECIDED
        self._idle_since_ns.pop(place, None)
        left_ms = round(breaker.left_s(now_ns) * 1000)
        self._tell(self._open, place, left_ms, _encoded(episode), again)

    def _tell(self, script: Script, place: Place, *args: Argument) -> None:
        name = ":".join(place)
        self._changed_ns[name] = self._clock.monotonic_ns()
        telling = asyncio.get_running_loop().create_task(self._run(script, name, args))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _run(self, script: Script, name: str, args: tuple[Argument, ...]) -> None:
        try:
            # What Redis made of it comes back with the next look.
            await self._store.run(script, self._keys, (name, self._store.worker, *args))
        except SharedLostError:
            return  # told again when Redis is back, if it still holds
        finally:
            self._changed_ns[name] = self._clock.monotonic_ns()

    def _wishes(self, now_ns: int) -> Iterator[str]:
        """Yield what is wished for each breaker that may be tried."""
        for place, breaker in self._board.not_closed().items():
            if breaker.state(now_ns) != HALF_OPEN:
                continue
            name = ":".join(place)
            if breaker.tried_by is not None:
                yield f"+{name}"
            elif self._is_given_up(place, now_ns):
                breaker.kept_by = UNDECIDED
                # Or its old demand would take the right back before the other one looks.
                breaker.asked_ns = None
                yield f"-{name}"
            else:
                yield f"+{name}" if _is_wanted(breaker, now_ns) else f"={name}"

    def _is_given_up(self, place: Place, now_ns: int) -> bool:
        """Tell whether somebody else asks for a right that this worker does not use."""
        since_ns = self._idle_since_ns.get(place)
        if since_ns is None or now_ns - since_ns < IDLE_RIGHT_S * _S:
            return False
        del self._idle_since_ns[place]
        return True

    def _take_over(self, place: str, entry: Entry, now_ms: int) -> None:
        if entry.number <= self._seen.get(place, 0):
            return
        self._seen[place] = entry.number
        where = _place(place)
        if entry.told_by == self._store.worker and self._board.find(where) is not None:
            return  # it knows
        if entry.state == CLOSED:
            self._board.close_elsewhere(where, entry.closed_by)
            return
        left_s = (entry.until_ms - now_ms) / 1000
        breaker = self._board.open_elsewhere(where, _episode(where, entry), left_s)
        if breaker is not None:
            breaker.kept_by = UNDECIDED

    def _note_right(self, place: Place, owner: str, is_wanted: bool, asked_ns: int) -> None:
        breaker = self._board.find(place)
        if breaker is None or breaker.state(asked_ns) != HALF_OPEN:
            return
        if owner != self._store.worker:
            breaker.kept_by = owner or UNDECIDED
            self._idle_since_ns.pop(place, None)
            return
        breaker.kept_by = None
        breaker.right_until_ns = asked_ns + round(RIGHT_S * _S)
        if breaker.tried_by is not None or not is_wanted:
            self._idle_since_ns.pop(place, None)
        else:
            self._idle_since_ns.setdefault(place, asked_ns)


def _is_wanted(breaker: Breaker, now_ns: int) -> bool:
    return breaker.asked_ns is not None and now_ns - breaker.asked_ns < DEMAND_S * _S


def _place(name: str) -> Place:
    scope, _, rest = name.partition(":")
    return scope, rest


def _pairs(flat: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    items = iter(flat)
    return ((name.decode(), value) for name, value in zip(items, items, strict=True))


def _encoded(episode: Episode) -> bytes:
    return msgspec.json.encode(
        Entry(
            episode.cause,
            episode.opened_by,
            str(episode.opened_unix_ns),
            observed=episode.observed,
            limit=episode.limit,
        )
    )


def _episode(place: Place, entry: Entry) -> Episode:
    return Episode(
        *place,
        entry.cause,
        entry.opened_by,
        int(entry.opened_unix_ns),
        observed=entry.observed,
        limit=entry.limit,
        opened_at=entry.opened_at,
    )
