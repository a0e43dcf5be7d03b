"""`x-ratelimit-*`: what is left under the tightest limits, on successes as on refusals.

Names and the form of durations are those that OpenAI's API sends, which clients read already:
https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers (read 2026-11).
"""

from collections.abc import Mapping, Sequence

from pointsman.policy.counters import Meter
from pointsman.policy.gates import Look, RateGate

_MS_NS = 1_000_000


def limit_headers(looks: Sequence[Look]) -> dict[str, str]:
    """Return the headers for what a request was measured by; dry runs do not count."""
    headers: dict[str, str] = {}
    for unit in ("requests", "tokens"):
        tightest: tuple[int, RateGate, Meter] | None = None
        for look in looks:
            gate, meter = look.gate, look.counter
            is_other = gate.dry_run or gate.counts_tokens is not (unit == "tokens")
            if is_other or not isinstance(gate, RateGate) or not isinstance(meter, Meter):
                continue
            remaining = gate.remaining(meter)
            if tightest is None or remaining < tightest[0]:
                tightest = (remaining, gate, meter)
        if tightest is not None:
            remaining, gate, meter = tightest
            headers[f"x-ratelimit-limit-{unit}"] = str(gate.limit)
            headers[f"x-ratelimit-remaining-{unit}"] = str(remaining)
            headers[f"x-ratelimit-reset-{unit}"] = duration(gate.empties_in_ns(meter))
    return headers


def merged(first: Mapping[str, str] | None, second: Mapping[str, str]) -> Mapping[str, str]:
    """Return both; the first wins."""
    return {**second, **first} if first else second


def duration(nanoseconds: int) -> str:
    """Return a duration as `20ms`, `1s`, `6m0s`, rounded up."""
    milliseconds = -(-nanoseconds // _MS_NS)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds = -(-milliseconds // 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
