"""From a call record to what it cost, call by call, and to what somebody should know of it. Pure.

A charge carries everything by which costs are asked for, so that each such question is one pass
over one table. It outlives its record: thinning takes records, never money.
"""

from msgspec import Struct

from pointsman.core.records import Attempt, CallRecord, Cost
from pointsman.core.usage import Usage
from pointsman.store.checks import check_integers
from pointsman.store.row_of_call import request_ms_of

OWN_OPERATIONS = frozenset({"probe", "judge", "repair", "embed_cache", "route_model", "compress"})
"""Operations of calls that the gateway makes for itself; they are nobody's traffic."""
BUDGET_KIND = "spend_nano_usd"
"""How the kind of a check of a budget in money begins."""
_NO_USAGE = Usage()
_NO_COST = Cost()
_FAILED_OVER = "provider_failover"


class ChargeRow(Struct, kw_only=True):
    """One upstream call with its price, or a request for which nobody was called."""

    started_unix_ns: int
    """Of the request, whichever attempt this is: a request belongs to one day."""
    request_ms: int
    request_id: str
    number: int
    """Of the attempt, from 0."""
    was_called: bool
    """False when no provider was called: it cost nothing, for certain."""
    is_last: bool
    """Whether it is the attempt that served the request, else the last one made; one row of each
    request is."""
    kind: str
    """Of the attempt: `first`, `retry`, `failover`, `repair`, `probe` …; `none` when nobody was
    called."""
    is_own: bool
    """Whether the gateway called for itself, as a probe does."""
    tenant: str | None
    key_name: str | None
    team: str | None
    user_name: str | None
    customer: str | None
    feature: str | None
    environment: str | None
    workload: str | None
    dialect: str
    operation: str
    route: str | None
    first_choice: str | None
    """The target that would have served had all been well."""
    fell_back: bool
    """Whether the request was served, or tried, elsewhere than at its first choice."""
    provider: str | None
    target: str | None
    model: str | None
    """The name that the provider was called with, which is what has a price."""
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    usage_estimated: bool
    cost_nano_usd: int | None
    cost_estimated: bool
    price_version: str | None
    revision: int = 0
    """0 is as the gateway recorded it; each later pricing has its own number."""
    is_current: bool = True
    """Whether it is the newest pricing of this attempt."""
    cache_write_1h_tokens: int | None = None
    """Part of `cache_write_tokens`; None of charges written before it was kept."""


class NoticeRow(Struct, kw_only=True):
    """A budget that warned or refused, or a breaker that changed its state."""

    started_unix_ns: int
    request_ms: int
    request_id: str
    tenant: str | None
    kind: str
    """`budget` or `breaker`."""
    subject: str
    """Whose budget (`key:ci`), or which target."""
    rule: str
    """Of the budget; empty for a breaker."""
    state: str
    """`warned`, `refused`; or the state the breaker went to."""
    amount: int | None = None
    """Nano-USD of the budget that were spent before this request."""
    bound: int | None = None
    """Its cap."""
    resets_unix_ns: int | None = None


def charge_rows(record: CallRecord) -> list[ChargeRow]:
    """Return one row for each upstream call, or one for a request that called nobody.

    Raises:
        ValueError: A number does not fit into 64 bits.
    """
    last = _ending(record)
    rows = [
        _charge(record, number, made, is_last=number == last)
        for number, made in enumerate(record.attempts)
    ] or [_charge(record, 0, None, is_last=True)]
    for row in rows:
        check_integers(row)
    return rows


def notice_rows(record: CallRecord) -> list[NoticeRow]:
    """Return what somebody should know of this request; almost always nothing.

    Raises:
        ValueError: A number does not fit into 64 bits.
    """
    rows: list[NoticeRow] = []
    for check in record.limits:
        is_told = (check.warning or check.refused) and not check.dry_run
        if is_told and check.kind.startswith(BUDGET_KIND) and check.limit is not None:
            state = "refused" if check.refused else "warned"
            row = _notice(record, "budget", check.scope, state)
            row.rule, row.amount, row.bound = check.rule or "", check.before, check.limit
            row.resets_unix_ns = check.resets_unix_ns
            rows.append(row)
    for attempt in record.attempts:
        before, after = attempt.breaker_before or "closed", attempt.breaker_after or "closed"
        if before != after and attempt.end_ns is not None:
            rows.append(_notice(record, "breaker", attempt.target, after))
    for row in rows:
        check_integers(row)
    return rows


def _charge(
    record: CallRecord, number: int, attempt: Attempt | None, *, is_last: bool
) -> ChargeRow:
    usage = _usage(record, attempt, is_last=is_last)
    cost = _cost(record, attempt, is_last=is_last)
    return ChargeRow(
        started_unix_ns=record.started_unix_ns,
        request_ms=request_ms_of(record.request_id),
        request_id=record.request_id,
        number=number,
        was_called=attempt is not None,
        is_last=is_last,
        kind=attempt.kind if attempt else "none",
        is_own=record.operation in OWN_OPERATIONS,
        tenant=record.tenant,
        key_name=record.key,
        team=record.team,
        user_name=record.user,
        customer=record.customer,
        feature=record.feature,
        environment=record.environment,
        workload=record.workload,
        dialect=record.dialect,
        operation=record.operation,
        route=record.route,
        first_choice=first_choice(record),
        fell_back=fell_back(record),
        provider=attempt.provider if attempt else record.served_provider,
        target=attempt.target if attempt else record.served_target,
        model=attempt.model if attempt else record.served_model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        usage_estimated=usage.estimated,
        cost_nano_usd=cost.total_nano_usd,
        cost_estimated=cost.estimated,
        price_version=cost.price_version,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
    )


def _ending(record: CallRecord) -> int:
    """Return the number of the attempt that served, else of the last one made."""
    made = record.attempts
    served = [number for number, each in enumerate(made) if each.failure_class is None]
    return served[-1] if served else len(made) - 1


def _usage(record: CallRecord, attempt: Attempt | None, *, is_last: bool) -> Usage:
    if attempt is not None and attempt.usage is not None:
        return attempt.usage
    # What the record says is the sum of what its attempts say, where any of them does.
    is_alone = is_last and all(each.usage is None for each in record.attempts)
    return (record.usage if is_alone else None) or _NO_USAGE


def _cost(record: CallRecord, attempt: Attempt | None, *, is_last: bool) -> Cost:
    if attempt is not None and attempt.cost is not None:
        return attempt.cost
    is_alone = is_last and all(each.cost is None for each in record.attempts)
    return (record.cost if is_alone else None) or _NO_COST


def fell_back(record: CallRecord) -> bool:
    """Tell whether another target than the first choice was asked, before or after a failure."""
    if record.reason == _FAILED_OVER:
        return True
    return any(attempt.kind == "failover" for attempt in record.attempts)


def first_choice(record: CallRecord) -> str | None:
    """Return the target that would have served had all been well; None when none was chosen.

    When the first choice was known to be ill it was never called: then it is the first candidate
    that its health, or its breaker, excluded.
    """
    tried = record.attempts[0].target if record.attempts else None
    if record.reason != _FAILED_OVER or any(each.kind == "failover" for each in record.attempts):
        return tried
    for candidate in record.candidates:
        excluded = candidate.excluded_by
        if excluded is not None and excluded.filter in ("health", "breaker"):
            return candidate.target
    return tried


def _notice(record: CallRecord, kind: str, subject: str, state: str) -> NoticeRow:
    return NoticeRow(
        started_unix_ns=record.started_unix_ns,
        request_ms=request_ms_of(record.request_id),
        request_id=record.request_id,
        tenant=record.tenant,
        kind=kind,
        subject=subject,
        rule="",
        state=state,
    )
