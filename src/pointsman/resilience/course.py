"""Where the loop over attempts stands: whom it asked, what failed, whom it asks next.

Knows the order of the plan and what turns a call away before it begins (a breaker, a full target);
what is turned away is written into its candidate, with the values that were compared.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from pointsman.config.resilience import RetryConfig
from pointsman.core.errors import PointsmanError, UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.records import Attempt, Exclusion
from pointsman.core.target import Target
from pointsman.resilience.backoff import Wait
from pointsman.resilience.breaker import CLOSED
from pointsman.resilience.breakers import Permit
from pointsman.resilience.endings import final_error, nobody_to_ask
from pointsman.resilience.larger_context import not_larger
from pointsman.resilience.next_move import END, Failed, Move, NextMove, next_move
from pointsman.resilience.pause import pause

if TYPE_CHECKING:
    from pointsman.resilience.attempts import AttemptCall, AttemptSettings

_PINNED = Permit(0, 0, CLOSED)


class Step(Struct, frozen=True):
    """The next attempt to make."""

    target: Target
    kind: str
    """`first`, `retry`, `failover` or `repair`."""
    why: str | None
    """The failure class of the attempt before."""
    permit: Permit
    wait: Wait | None = None
    """What was waited before a retry."""
    waited_ms: float | None = None
    """How long it waited for room."""


class Course:
    """The course of one call."""

    def __init__(self, call: "AttemptCall", settings: "AttemptSettings") -> None:
        self._call = call
        self._settings = settings
        self._failures: list[UpstreamError] = []
        self._too_small: list[Target] = []
        """Targets that said that the request does not fit into their context."""
        self._position = -1
        self._retries = 0
        self._move = NextMove(Move.FAILOVER)
        self._note_diverted()

    async def next_step(self) -> Step | None:
        """Return the next attempt to make, with its place taken; None when there is none.

        Waits before a retry, and for room at a target whose concurrency is limited.

        Raises:
            UpstreamError: The client left while this waited.
        """
        wait = self._move.wait
        if self._move.move is Move.RETRY and wait is not None:
            await self._pause(wait)
            self._retries += 1
            step = await self._enter(self._call.targets[self._position], "retry", wait)
            if step is not None:
                return step
        elif self._move.move is Move.END:
            return None
        return await self._next_target()

    def failed(self, attempt: Attempt, error: UpstreamError) -> None:
        """Take note of a failed attempt and decide what follows it."""
        self._failures.append(error)
        call, settings = self._call, self._settings
        if call.abort.is_aborted:
            self._move = END
            return
        target = call.targets[self._position]
        if error.failure_class is FailureClass.CONTEXT_TOO_LONG:
            self._too_small.append(target)
        facts = call.record.facts
        breakers = settings.holders.breakers
        failed = Failed(
            failure=error.failure_class,
            status=error.upstream_status,
            was_sent=attempt.connect_ns is not None or attempt.reused_connection,
            retries=self._retries,
            retry_after_s=error.retry_after_s,
            target_lets_pass=target.health is not None or breakers.lets_pass(target),
            has_alternative=self._has_alternative(),
            retry_first=call.retry_first,
            has_tools=facts is not None and facts.tool_count > 0,
            tools_run_upstream=call.tools_run_upstream,
            has_idempotency_key=call.idempotency_key is not None,
            remaining_s=call.deadline.remaining_s(),
            min_attempt_s=settings.min_attempt_s,
        )
        self._move = next_move(failed, self._retry_config(target), settings.draw)

    def error(self) -> PointsmanError:
        """Return what the client is told when there is no further step."""
        if not self._failures:
            return nobody_to_ask(self._call.record)
        last = self._failures[-1]
        return (
            last if self._call.abort.is_aborted else final_error(self._call.record, self._failures)
        )

    async def _next_target(self) -> Step | None:
        targets = self._call.targets
        self._retries = 0
        while self._position + 1 < len(targets):
            self._position += 1
            too_small = not_larger(targets[self._position], self._too_small)
            if too_small is not None:
                self._turn_away(targets[self._position], too_small)
                continue
            kind = "failover" if self._failures else self._call.first_kind
            step = await self._enter(targets[self._position], kind)
            if step is not None:
                return step
            if self._failures and self._is_too_late():
                return None
        return None

    def _is_too_late(self) -> bool:
        return self._call.deadline.remaining_s() < self._settings.min_attempt_s

    async def _enter(self, target: Target, kind: str, wait: Wait | None = None) -> Step | None:
        """Take a place at a target; None when it turns the call away."""
        holders, abort = self._settings.holders, self._call.abort
        waited_ms = None
        if target.max_concurrent is not None:
            began_ns = holders.clock.monotonic_ns()
            limit_s = self._call.deadline.capped_s(target.max_wait_s)
            has_place = await holders.slots.take(target, limit_s, abort)
            waited_ms = round((holders.clock.monotonic_ns() - began_ns) / 1e6, 3)
            if not has_place:
                self._raise_if_left()
                taken = holders.slots.taken(target.name)
                full = Exclusion("concurrency", "full", taken, target.max_concurrent)
                self._turn_away(target, full)
                return None
        permit = _PINNED
        if target.health is None:
            found = holders.breakers.begin(target, self._call.record.request_id)
            if found is None:
                holders.slots.give_back(target)
                self._turn_away(target, holders.breakers.exclusion(target))
                return None
            permit = found
        why = self._failures[-1].failure_class.value if self._failures else None
        return Step(target, kind, why, permit, wait, waited_ms)

    async def _pause(self, wait: Wait) -> None:
        if wait.seconds > 0:
            await pause(wait.seconds, self._call.abort)
        self._raise_if_left()

    def _raise_if_left(self) -> None:
        if self._call.abort.is_aborted:
            raise UpstreamError("the client left", FailureClass.CLIENT_LEFT)

    def _has_alternative(self) -> bool:
        breakers = self._settings.holders.breakers
        rest = self._call.targets[self._position + 1 :]
        return any(
            (each.health is not None or breakers.lets_pass(each))
            and not_larger(each, self._too_small) is None
            for each in rest
        )

    def _turn_away(self, target: Target, exclusion: Exclusion | None) -> None:
        """Write into the candidate why it was not asked, unless it has been asked before."""
        record = self._call.record
        if any(attempt.target == target.name for attempt in record.attempts):
            return
        for candidate in record.candidates:
            if candidate.target == target.name:
                candidate.eligible, candidate.excluded_by = False, exclusion
        if exclusion is not None and exclusion.opened_by is not None:
            breakers = self._settings.holders.breakers
            breakers.note_diverted(exclusion.opened_by, record.request_id)

    def _note_diverted(self) -> None:
        """Tell the breakers whom the plan turned away, so that it can be asked both ways."""
        record, breakers = self._call.record, self._settings.holders.breakers
        for candidate in record.candidates:
            excluded = candidate.excluded_by
            if excluded is not None and excluded.opened_by is not None:
                breakers.note_diverted(excluded.opened_by, record.request_id)

    def _retry_config(self, target: Target) -> RetryConfig:
        return self._settings.retry_by_target.get(target.name, self._settings.retry)
