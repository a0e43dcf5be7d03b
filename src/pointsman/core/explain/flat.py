"""The two flat records, with exactly their published keys, for logs and programs."""

import msgspec

from pointsman.core.explain.selection import (
    retries,
    routing_ns,
    selected,
    upstream_ns,
    used_failover,
)
from pointsman.core.money import NANO_PER_USD
from pointsman.core.records import CallRecord

_ENCODER = msgspec.json.Encoder()
_INPUT_UNITS = ("input", "cache")
_OUTPUT_UNITS = ("output", "reasoning")


def flat_route(record: CallRecord) -> dict[str, object]:
    """Return the flat record of a route; what is unknown is None."""
    chosen = selected(record)
    return {
        "route_reason": record.reason,
        "selected_provider": chosen.provider if chosen else None,
        "selected_model": chosen.model if chosen else None,
        "retry_count": retries(record),
        "failover_used": used_failover(record),
        "tenant_id": record.tenant,
        "trace_id": f"trc_{record.trace_id}",
    }


def flat_cost(record: CallRecord) -> dict[str, object]:
    """Return the flat record of time and money: milliseconds and US dollars, None is unknown."""
    chosen = selected(record)
    return {
        "request_id": record.request_id,
        "route_reason": record.reason,
        "selected_provider": chosen.provider if chosen else None,
        "selected_model": chosen.model if chosen else None,
        "fallback_used": used_failover(record),
        "latency_ms": {
            "routing": _milliseconds(routing_ns(record)),
            "provider_call": _milliseconds(upstream_ns(record)),
        },
        "cost": {
            "input": _dollars(record, _INPUT_UNITS),
            "output": _dollars(record, _OUTPUT_UNITS),
        },
        "trace_id": f"trc_{record.trace_id}",
    }


def flat(record: CallRecord) -> dict[str, object]:
    """Return both flat records in one: every key of each."""
    return flat_route(record) | flat_cost(record)


def as_json(value: CallRecord | dict[str, object], *, indent: int = 0) -> str:
    """Return JSON, on one line unless `indent` is given."""
    encoded = _ENCODER.encode(value)
    return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()


def _milliseconds(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else round(duration_ns / 1e6, 3)


def _dollars(record: CallRecord, units: tuple[str, ...]) -> float | None:
    cost = record.cost
    if cost is None:
        return None if record.attempts else 0.0
    if cost.total_nano_usd is None or (cost.total_nano_usd and not cost.lines):
        return None  # a price is unknown, or the total was not measured line by line
    total = sum(line.nano_usd for line in cost.lines if line.unit.startswith(units))
    return total / NANO_PER_USD
