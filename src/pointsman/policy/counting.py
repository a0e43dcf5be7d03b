"""Counts in Redis: one round trip to admit a request, one to hold money, none to settle.

Knows the scripts in `scripts/` and what their replies mean for this worker's shares. What is
settled, corrected or given back is told with the next statement on its way, or by itself within a
moment; nobody waits for it, and it is never lost: the share remembers it, and behind the share
stands the journal, which the answer waits for.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.policy.budgets import BudgetLine
from pointsman.policy.gates import ConcurrencyGate, Look, RateGate
from pointsman.policy.shares import (
    Share,
    SharedCounterStore,
    SharedMeter,
    SharedMoney,
    SharedRun,
    SharedTally,
    Told,
)
from pointsman.shared.connection import Argument, Reply, Statement
from pointsman.shared.script import Script, read_script
from pointsman.shared.session import Session
from pointsman.shared.store import SharedStore

T = TypeVar("T")
_PACKAGE = "pointsman.policy.scripts"
_MOST_TOLD = 100
"""Counters in one statement: Redis does nothing else while it runs."""
_NS_MS = 1_000_000
_AFTER_PERIOD_MS = 86_400_000
"""How long a period's counter is kept beyond its end, for calls that began in it."""
_WITHOUT_PERIOD_MS = 35 * 86_400_000
_RATE_MS = 120_000


class Seen(Struct, frozen=True):
    """What Redis saw at one limit or budget of a request, before it counted."""

    refused: bool
    before: int
    held: int = 0
    """Of `before`, what is held by calls under way."""


class RunAsk(Struct, frozen=True):
    """The agent run of a request."""

    run: SharedRun
    is_guess: bool
    messages: int
    run_id: str
    """Its id if it begins now."""
    limit: int


class Admitted(Struct, frozen=True):
    """What became of asking Redis to admit a request."""

    passes: bool
    seen: list[Seen]
    """One per limit asked about, in order."""
    calls: int = 0
    """Of the run, before this request."""
    run_id: str = ""


class Counting:
    """Asks and tells Redis for one worker.

    Args:
        store: The way there.
        counters: This worker's parts.
        clock: For how long Redis is to keep what.
    """

    def __init__(self, store: SharedStore, counters: SharedCounterStore, clock: Clock) -> None:
        self.store = store
        self.counters = counters
        self._clock = clock
        self._admit = read_script(_PACKAGE, "session.lua", "bucket.lua", "admit.lua")
        self._reserve = read_script(_PACKAGE, "session.lua", "reserve.lua")
        self._tell = read_script(_PACKAGE, "session.lua", "bucket.lua", "tell.lua")
        self._join = read_script(_PACKAGE, "session.lua", "join.lua")
        self._held = read_script(_PACKAGE, "session.lua", "held.lua")
        self._let_go = read_script(_PACKAGE, "session.lua", "let_go.lua")
        store.add_joiner(self.join)
        store.set_prelude(self._telling)
        counters.on_untold(store.wake)

    async def admit(self, looks: Sequence[Look], run: RunAsk | None) -> Admitted:
        """Count a request at all of its limits, or at none.

        Raises:
            SharedLostError: Redis is away; the request is counted nowhere.
        """
        keys, args = self._head()
        args.append(len(looks))
        for look in looks:
            keys.append(_part_of(look.counter).name)
            args += self._limit_args(look)
        if run is not None:
            keys.append(run.run.name)
            args += self._run_args(run)

        def land(reply: Reply) -> None:
            passes, seen, _ = _three(reply)
            for look, figures in zip(looks, _rows(seen), strict=True):
                _land(look, figures, is_taken=bool(passes) and not figures[0])
            if run is not None:
                _land_run(run, reply)

        def undo(reply: Reply) -> None:
            if _list(reply)[0]:
                self.give_back(looks, _refused(reply))

        reply = await self.store.run(self._admit, keys, args, land=land, undo=undo)
        passes, seen, of_run = _three(reply)
        calls, run_id = _run_seen(of_run)
        rows = [_seen_of(look, row) for look, row in zip(looks, _rows(seen), strict=True)]
        return Admitted(bool(passes), rows, calls, run_id)

    def give_back(self, looks: Sequence[Look], refused: Sequence[bool]) -> None:
        """Take back what was counted for a request that does not pass after all.

        Args:
            looks: Its limits.
            refused: Which of them had no room, and have counted nothing.
        """
        for look, is_refused in zip(looks, refused, strict=True):
            if not is_refused:
                _give_back(look)

    async def reserve(self, lines: Sequence[BudgetLine], upper_bound: int | None) -> list[Seen]:
        """Hold the upper bound of an attempt on all of its budgets, or on none.

        Returns:
            One per budget. Money is held when none of those that are no dry run refused.

        Raises:
            SharedLostError: Redis is away; nothing is held.
        """
        amount = upper_bound or 0
        keys, args = self._head()
        args.append(amount)
        moneys = [_money_of(line) for line in lines]
        for line, money in zip(lines, moneys, strict=True):
            money.share.ends_unix_ns = line.ends_unix_ns
            keys.append(money.share.name)
            args += (line.budget.cap, money.spent, money.share.least_held())
            args += (_mode(line, upper_bound), self._keep_ms(line.ends_unix_ns))

        def land(reply: Reply) -> None:
            passes, seen = _two(reply)
            for money, row in zip(moneys, _rows(seen), strict=True):
                if passes:
                    money.landed(amount)
                money.share.read(*row[3:7])

        def undo(reply: Reply) -> None:
            if _two(reply)[0]:
                for money in moneys:
                    money.settle(amount, 0)

        reply = await self.store.run(self._reserve, keys, args, land=land, undo=undo)
        return [Seen(bool(row[0]), row[1] + row[2], row[2]) for row in _rows(_two(reply)[1])]

    async def join(self, session: Session) -> None:
        """Say what this worker has in its counters; give back what it knows nothing of."""
        self.counters.session_ns = self._clock.monotonic_ns()
        (held,) = await session.execute([self._statement(self._held, [], [], session)])
        strange = {_text(name) for names in _lists(held) for name in names}
        for parts in _some(self.counters.told_all()):
            shares = [part for part in parts if isinstance(part, Share)]
            strange.difference_update(share.name for share in shares)
            await self._join_shares(session, shares)
            rest = [part for part in parts if not isinstance(part, Share)]
            if rest:
                await session.execute([self._told(rest, session)])
        for names in _some(sorted(strange)):
            await session.execute([self._statement(self._let_go, names, [], session)])

    async def _join_shares(self, session: Session, shares: Sequence[Share]) -> None:
        if not shares:
            return
        args: list[Argument] = []
        for share in shares:
            share.take_untold()
            args += (share.kind, share.own_used, share.own_held, self._keep_ms(share.ends_unix_ns))
        names = [share.name for share in shares]
        (reply,) = await session.execute([self._statement(self._join, names, args, session)])
        for share, row in zip(shares, _rows(reply), strict=True):
            share.read(*row[:4])

    def _telling(self) -> Statement | None:
        """Return a statement with what Redis was not told yet; None when it knows all."""
        parts = self.counters.take_untold(_MOST_TOLD)
        if self.counters.untold():
            self.store.wake()
        return self._told(parts, None) if parts else None

    def _told(self, parts: Sequence[Told], session: Session | None) -> Statement:
        args: list[Argument] = []
        for part in parts:
            if isinstance(part, Share):
                args += (part.kind, *part.take_untold(), self._keep_ms(part.ends_unix_ns))
            elif isinstance(part, SharedMeter):
                args += ("rate", part.take_untold(), 0, _RATE_MS)
            else:
                args += ("run", *part.take_untold(), part.window_ms)
        return self._statement(self._tell, [part.name for part in parts], args, session)

    def _statement(
        self,
        script: Script,
        names: Sequence[str],
        args: Sequence[Argument],
        session: Session | None,
    ) -> Statement:
        keys, head = self._head(session)
        return Statement(script, [*keys, *names], [*head, *args])

    def _head(self, session: Session | None = None) -> tuple[list[str], list[Argument]]:
        number = self.store.session if session is None else session.number
        return [self.store.sessions_key], [self.store.worker, number, self.store.prefix]

    def _limit_args(self, look: Look) -> Iterator[Argument]:
        gate = look.gate
        yield _kind(look)
        yield gate.limit
        yield look.amount
        yield int(gate.dry_run)
        yield self._keep_ms(look.resets_unix_ns)
        if isinstance(look.counter, SharedTally):
            look.counter.share.ends_unix_ns = look.resets_unix_ns

    def _run_args(self, ask: RunAsk) -> tuple[Argument, ...]:
        run = ask.run
        is_recent = (
            run.read_ns is not None
            and self._clock.monotonic_ns() - run.read_ns < run.window_ms * _NS_MS
        )
        known = run.known if is_recent else 0
        mode = "guess" if ask.is_guess else "named"
        return (mode, run.window_ms, ask.messages, ask.run_id, ask.limit, known, run.known_id)

    def _keep_ms(self, ends_unix_ns: int | None) -> int:
        if ends_unix_ns is None:
            return _WITHOUT_PERIOD_MS
        left_ms = (ends_unix_ns - self._clock.unix_ns()) // _NS_MS
        return max(0, left_ms) + _AFTER_PERIOD_MS


def _kind(look: Look) -> str:
    if isinstance(look.gate, RateGate):
        return "rate"
    if isinstance(look.gate, ConcurrencyGate):
        return "places"
    return "tokens" if look.gate.counts_tokens else "requests"


def _mode(line: BudgetLine, upper_bound: int | None) -> str:
    budget = line.budget
    never = upper_bound is None and budget.refuses_unpriced
    if budget.dry_run:
        return "dry never" if never else "dry"
    return "never" if never else "plain"


def _land(look: Look, row: list[int], *, is_taken: bool) -> None:
    counter = look.counter
    if isinstance(counter, SharedMeter):
        counter.read(row[2])
    elif isinstance(counter, SharedTally):
        if is_taken:
            counter.share.told(*_counted(look))
        counter.share.read(*row[2:6])


def _give_back(look: Look) -> None:
    counter = look.counter
    if isinstance(counter, SharedMeter):
        counter.correct(-look.amount)
    elif isinstance(counter, SharedTally):
        used, held = _counted(look)
        counter.settle(held, -used)


def _counted(look: Look) -> tuple[int, int]:
    """Return what admitting a request adds to used and held."""
    return (look.amount, 0) if _kind(look) == "requests" else (0, look.amount)


def _refused(reply: Reply) -> list[bool]:
    return [bool(row[0]) for row in _rows(_list(reply)[1])]


def _seen_of(look: Look, row: list[int]) -> Seen:
    if isinstance(look.counter, SharedMeter):
        return Seen(bool(row[0]), row[1])
    return Seen(bool(row[0]), row[1], row[3])


def _land_run(ask: RunAsk, reply: Reply) -> None:
    passes, _, of_run = _three(reply)
    calls, run_id = _run_seen(of_run)
    ask.run.landed(run_id, calls + 1 if passes else calls)


def _run_seen(of_run: Reply) -> tuple[int, str]:
    if not isinstance(of_run, list):
        return 0, ""
    return _number(of_run[1]), _text(of_run[2])


def _part_of(counter: object) -> SharedMeter | Share:
    if isinstance(counter, SharedMeter):
        return counter
    if isinstance(counter, SharedTally):
        return counter.share
    raise TypeError(f"{type(counter).__name__} is not shared")


def _money_of(line: BudgetLine) -> SharedMoney:
    if not isinstance(line.counter, SharedMoney):
        raise TypeError("a budget of this worker alone cannot be counted in Redis")
    return line.counter


def _two(reply: Reply) -> tuple[Reply, Reply]:
    first, second, *_ = _list(reply)
    return first, second


def _three(reply: Reply) -> tuple[Reply, Reply, Reply]:
    found = _list(reply)
    return found[0], found[1], found[2] if len(found) > 2 else None


def _rows(reply: Reply) -> list[list[int]]:
    return [[_number(value) for value in _list(row)] for row in _list(reply)]


def _lists(reply: Reply) -> list[list[Reply]]:
    return [_list(part) for part in _list(reply)]


def _list(reply: Reply) -> list[Reply]:
    if not isinstance(reply, list):
        raise TypeError(f"Redis replied {type(reply).__name__} instead of a list")
    return reply


def _number(value: Reply) -> int:
    if not isinstance(value, int):
        raise TypeError(f"Redis replied {type(value).__name__} instead of a number")
    return value


def _some(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return as many at a time as one statement may have."""
    for begin in range(0, len(all_of_them), _MOST_TOLD):
        yield all_of_them[begin : begin + _MOST_TOLD]


def _text(value: Reply) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
