"""The quota rule: a budget that keeps, or replaces, the target that was chosen.

Stands after the choice, because it needs its price. Refusing is the reservation's business, which
every attempt makes (`policy/admission.py`). A request is moved only when its tenant allows it, only
to the target that the budget names, only when that one is eligible and not dearer; the record then
shows the model before and after, the rule, and both values that were compared.
"""

from pointsman.core.records import CallRecord, Candidate
from pointsman.core.target import Target
from pointsman.gateway.call import Call
from pointsman.gateway.runtime import Runtime
from pointsman.policy.admission import BudgetMove, note_check

REASON = "budget_route"


def apply_quota_rule(runtime: Runtime, call: Call) -> None:
    """Put a budget's cheaper target first, where one asks for it; else leave the plan as it is."""
    admission = call.admission
    if admission is None or not admission.may_move or not call.targets:
        return
    if call.detour is not None:
        return  # a prompt rule says who alone may see this request
    began_ns = runtime.clock.monotonic_ns()
    record, first = call.record, call.targets[0]
    bound = runtime.attempts.upper_bound(first, record)
    move = admission.move(bound, first.name)
    if move is None:
        return
    found = runtime.planner.consider(record, move.target)
    if found is not None:
        target, candidate = found
        cheaper = runtime.attempts.upper_bound(target, record)
        is_dearer = bound is not None and cheaper is not None and cheaper > bound
        if candidate.eligible and not is_dearer:
            _note(record, move, first, target)
            if not move.is_dry_run:
                _move(call, target, candidate)
    call.stage("quota_rule", began_ns, runtime.clock.monotonic_ns())


def _note(record: CallRecord, move: BudgetMove, first: Target, target: Target) -> None:
    check = move.check
    check.refused = False
    check.reserved, check.after = 0, check.before
    check.model_before, check.model_after = first.model, target.model
    note_check(record, check)


def _move(call: Call, target: Target, candidate: Candidate) -> None:
    """Make the cheaper target the first choice; those chosen before stay as failover."""
    record = call.record
    others = [one for one in record.candidates if one.target != target.name]
    record.candidates = [candidate, *others]
    call.targets = [target, *(one for one in call.targets if one.name != target.name)]
    record.reason = REASON
    if record.override_source is not None:
        # The caller named a target and its tenant lets budgets move it: told, not silent.
        record.override_rejected = f"{others[0].target}: {REASON}" if others else None
        record.override_source = None
