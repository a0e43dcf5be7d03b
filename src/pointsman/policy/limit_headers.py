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
    tightest: dict[bool, tuple[int, RateGate, Meter]] = {}
    for look in looks:
        gate, meter = look.gate, look.counter
        if isinstance(gate, RateGate) and isinstance(meter, Meter) and not gate.dry_run:
            remaining = gate.remaining(meter)
            known = tightest.get(gate.counts_tokens)
            if known is None or remaining < known[0]:
                tightest[gate.counts_tokens] = (remaining, gate, meter)
    headers: dict[str, str] = {}
    for counts_tokens, (remaining, gate, meter) in tightest.items():
        unit = "tokens" if counts_tokens else "requests"
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
