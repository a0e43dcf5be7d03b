"""What the journal tells of earlier processes, as the policy counts it."""

from collections.abc import Callable

from pointsman.core.clock import Clock
from pointsman.core.facts import Facts
from pointsman.journal.entries import Ending
from pointsman.journal.recovery import CRASHED, Past
from pointsman.policy.admission import Admissions, PastCall


def past_of(admissions: Admissions, clock: Clock) -> Past | None:
    """Return what a recovery is to tell to the rules; None when they count over no period."""
    since_unix_ns = admissions.past_since_unix_ns()
    if since_unix_ns is None:
        return None
    return Past(since_unix_ns, _taker(admissions, clock.unix_ns()))


def _taker(admissions: Admissions, now_unix_ns: int) -> Callable[[Ending], None]:
    def take(ending: Ending) -> None:
        admissions.add_past(past_call(ending), now_unix_ns)

    return take


def past_call(ending: Ending) -> PastCall:
    """Return what one request of the journal has used."""
    usage, cost = ending.usage, ending.cost
    tokens = 0
    if usage is not None:
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    return PastCall(
        facts=ending.facts or _facts(ending),
        started_unix_ns=ending.started_unix_ns,
        cost_nano_usd=(cost.total_nano_usd or 0) if cost is not None else 0,
        tokens=tokens,
        iteration=ending.iteration,
        was_admitted=_was_admitted(ending),
    )


def _was_admitted(ending: Ending) -> bool:
    """Tell whether the request got past the limits: it was routed, or something else stopped it."""
    if ending.outcome == CRASHED:
        return True
    is_refused = any(check.refused and not check.dry_run for check in ending.limits)
    return ending.facts is not None and (ending.reason != "not_routed" or not is_refused)


def _facts(ending: Ending) -> Facts:
    """Return what is known of a request that crashed: names, no sizes."""
    return Facts(
        model=ending.requested_model or "auto",
        tenant=ending.tenant,
        tier=ending.plan,
        key=ending.key,
        team=ending.team,
        user=ending.user,
        feature=ending.feature,
        workload=ending.workload,
        run_id=ending.run_id,
    )
