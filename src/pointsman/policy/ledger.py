"""The ledger in memory: what each key and tenant has spent and holds.

Owns the counters of one worker and every hold. These counters limit nothing: budgets do, which a
hold is written to as well when the request comes with an admission. A hold belongs to the UTC day
on which it was made and is settled on that day's account, also after midnight.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.identity import Principal
from pointsman.core.ledger import Admission, MoneyAccount
from pointsman.core.money import NanoUsd
from pointsman.core.records import LimitCheck, Reservation

MAX_SCOPES = 10_000
"""Accounts kept. Tenant names may come from callers, so there is a bound; idle ones go first."""
SPEND_DAY = "spend_nano_usd_day"
_DAY_NS = 86_400_000_000_000
_EVICTION_SEARCH = 64


class Account(Struct):
    """The counters of one scope (`key:<name>` or `tenant:<id>`), in nano-USD."""

    day: int
    """Days since 1970-01-01 UTC that `spent_today` and `held_today` belong to."""
    spent_today: NanoUsd = 0
    held_today: NanoUsd = 0
    spent: NanoUsd = 0
    """Since the ledger was made, and what was restored into it."""
    held: NanoUsd = 0
    """All holds, those of days before included."""


class _Hold(Struct, frozen=True):
    scopes: tuple[str, ...]
    amount: NanoUsd
    day: int
    budgets: Sequence[MoneyAccount] = ()


class MemoryLedger:
    """Counts and holds in the memory of one worker; implements `core.ledger.Ledger`.

    Nothing here waits, so every method is atomic for the tasks of one event loop.

    Args:
        clock: Says which day it is.
        max_scopes: Bound of the accounts. Beyond it the longest unused without holds are dropped
            and counted in `evicted`; an account with a hold is never dropped.
    """

    __slots__ = (
        "_accounts",
        "_clock",
        "_day",
        "_holds",
        "_id_prefix",
        "_made",
        "_max_scopes",
        "evicted",
    )

    def __init__(self, clock: Clock, *, max_scopes: int = MAX_SCOPES) -> None:
        self._clock = clock
        self._max_scopes = max_scopes
        self._day = 0
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._holds: dict[str, _Hold] = {}
        # The start time keeps ids of successive processes apart in one journal.
        self._id_prefix = f"rsv_{clock.unix_ns():x}_"
        self._made = 0
        self.evicted = 0
        """Accounts dropped to stay within the bound; their spend of today is forgotten."""

    async def reserve(
        self,
        principal: Principal,
        tenant: str | None,
        upper_bound: NanoUsd | None,
        admission: Admission | None = None,
    ) -> tuple[Reservation, list[LimitCheck]]:
        """Hold `upper_bound` nano-USD for one attempt on key, tenant and the request's budgets.

        Args:
            principal: Whose key it is.
            tenant: Whose request it is.
            upper_bound: The most that the attempt may cost; None is unknown and holds nothing.
            admission: Has the budgets; None when no rule is configured.

        Raises:
            ValueError: `upper_bound` is negative.
            BudgetExceededError: It does not fit under a cap; nothing is held then.
            RateLimitedError: The same, but only for what requests under way hold.
        """
        amount = upper_bound or 0
        if amount < 0:
            raise ValueError(f"a hold must not be negative, got {amount}")
        budgets = admission.hold(upper_bound) if admission is not None else ()
        return self.hold(principal, tenant, amount, budgets)

    def hold(
        self,
        principal: Principal,
        tenant: str | None,
        amount: NanoUsd,
        budgets: Sequence[MoneyAccount],
    ) -> tuple[Reservation, list[LimitCheck]]:
        """Hold on key and tenant what the request's budgets hold already.

        Args:
            principal: Whose key it is.
            tenant: Whose request it is.
            amount: In nano-USD.
            budgets: Are settled with it.
        """
        day = self._today()
        scopes = scopes_of(principal.key_name, tenant)
        checks: list[LimitCheck] = []
        for scope in scopes:
            account = self._account(scope, day)
            before = account.spent_today + account.held_today
            account.held += amount
            account.held_today += amount
            checks.append(LimitCheck(scope, SPEND_DAY, before, amount, before + amount))
        self._made += 1
        reservation = Reservation(f"{self._id_prefix}{self._made:x}", amount)
        self._holds[reservation.id] = _Hold(scopes, amount, day, budgets)
        return reservation, checks

    async def settle(self, reservation: Reservation, actual: NanoUsd) -> None:
        """Replace the hold by the real cost, which may be more, and note it on the reservation.

        Raises:
            ValueError: The reservation is not held (settled, released or unknown), or `actual` is
                negative; the hold stays then.
        """
        if actual < 0:
            raise ValueError(f"a cost must not be negative, got {actual}")
        hold = self._holds.pop(reservation.id, None)
        if hold is None:
            raise ValueError(f"reservation {reservation.id} is not held")

        reservation.settled_nano_usd = actual
        for budget in hold.budgets:
            budget.settle(hold.amount, actual)
        today = self._today()
        for scope in hold.scopes:
            account = self._account(scope, today)
            account.held -= hold.amount
            account.spent += actual
            if account.day == hold.day:
                account.held_today -= hold.amount
                account.spent_today += actual

    async def release(self, reservation: Reservation) -> None:
        """Give the whole hold back. Raises as `settle` does."""
        await self.settle(reservation, 0)

    def restore(self, spent_today: Mapping[str, NanoUsd]) -> None:
        """Take in what calls of earlier processes cost today; call it before serving.

        Args:
            spent_today: `key:<name>` or `tenant:<id>` -> cost of this UTC day's calls. Negative
                amounts are a fault of the journal and ignored.
        """
        today = self._today()
        for scope, spent in spent_today.items():
            if spent > 0:
                account = self._account(scope, today)
                account.spent += spent
                account.spent_today += spent

    def outstanding(self) -> int:
        """Return how many reservations are neither settled nor released."""
        return len(self._holds)

    def account_of(self, scope: str) -> Account | None:
        """Return the account of `key:<name>` or `tenant:<id>`; None when it has none."""
        account = self._accounts.get(scope)
        if account is not None:
            _turn_page(account, self._today())
        return account

    def _today(self) -> int:
        # A clock that is set back does not bring an old day again: holds and accounts must agree.
        self._day = max(self._day, self._clock.unix_ns() // _DAY_NS)
        return self._day

    def _account(self, scope: str, day: int) -> Account:
        account = self._accounts.get(scope)
        if account is None:
            self._make_room()
            account = self._accounts[scope] = Account(day)
        else:
            self._accounts.move_to_end(scope)
            _turn_page(account, day)
        return account

    def _make_room(self) -> None:
        """Drop the longest unused account without holds; grow when all that were seen hold."""
        if len(self._accounts) < self._max_scopes:
            return
        for position, (scope, account) in enumerate(self._accounts.items()):
            if account.held == 0:
                del self._accounts[scope]
                self.evicted += 1
                return
            if position >= _EVICTION_SEARCH:
                return


def scopes_of(key_name: str | None, tenant: str | None) -> tuple[str, ...]:
    """Return the accounts that a call of this key and tenant is written to."""
    if key_name is None:
        return (f"tenant:{tenant}",) if tenant is not None else ()
    return (f"key:{key_name}", f"tenant:{tenant}") if tenant is not None else (f"key:{key_name}",)


def _turn_page(account: Account, day: int) -> None:
    """Begin a new day when there is one."""
    if day > account.day:
        account.day = day
        account.spent_today = account.held_today = 0
