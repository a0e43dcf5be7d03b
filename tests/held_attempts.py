"""What an attempt holds, for tests: a ledger, health, breakers and places of one worker."""

from pointsman.core.clock import Clock, ManualClock
from pointsman.core.records import Attempt
from pointsman.core.target import Target
from pointsman.policy.ledger import MemoryLedger
from pointsman.resilience.breakers import MemoryBreakers, Permit
from pointsman.resilience.health import HealthTracker
from pointsman.resilience.lease import Holders, Lease
from pointsman.resilience.slots import TargetSlots


def holders_of(clock: Clock, breakers: MemoryBreakers | None = None) -> Holders:
    """Return fresh holders on a clock."""
    breakers = breakers or MemoryBreakers(clock)
    return Holders(
        ledger=MemoryLedger(clock),
        health=HealthTracker(clock, breakers),
        breakers=breakers,
        slots=TargetSlots(),
        clock=clock,
    )


def lease_of(target: Target, attempt: Attempt, holders: Holders | None = None) -> Lease:
    """Return an attempt under way."""
    holders = holders or holders_of(ManualClock())
    holders.health.begin(target.provider, target.name)
    permit = Permit(0, 0, "closed")
    return Lease(holders, target, attempt, permit, request_id="req_1", started_ns=0)
