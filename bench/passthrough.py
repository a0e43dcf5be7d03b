"""A small chat completion: straight to the upstream, through nginx, the prototype, Pointsman.

Interleaved rounds, so that a slow minute of the machine hits everyone. Ratios of medians are the
result; absolute figures belong to this machine and this minute.
"""

import contextlib
import statistics
import tempfile
from pathlib import Path

from bench.load import Load, run_load
from bench.servers import bare, nginx_proxy, pointsman, upstream

NAMES = ("direct", "nginx", "bare", "pointsman")


def measure(*, rounds: int, seconds: int, connections: int = 32) -> dict[str, list[Load]]:
    """Run the rounds; return every load by subject."""
    results: dict[str, list[Load]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        upstream_port = stack.enter_context(upstream(folder))
        subjects: dict[str, tuple[int, int | None]] = {
            "direct": (upstream_port, None),
            "nginx": stack.enter_context(nginx_proxy(folder, upstream_port)),
            "bare": stack.enter_context(bare(folder, upstream_port)),
            "pointsman": stack.enter_context(pointsman(folder, upstream_port)),
        }
        for round_index in range(rounds + 1):
            for subject, (port, pid) in subjects.items():
                load = run_load(folder, port, connections=connections, seconds=seconds, pid=pid)
                if round_index:  # the first round warms up
                    results[subject].append(load)
    return results


def summary(results: dict[str, list[Load]]) -> dict[str, dict[str, float]]:
    """Return medians by subject, with ratios to Pointsman."""
    table = {
        subject: {
            "requests_per_s": _median(loads, "requests_per_s"),
            "p50_ms": _median(loads, "p50_ms"),
            "p99_ms": _median(loads, "p99_ms"),
            "errors": float(sum(load.errors for load in loads)),
        }
        for subject, loads in results.items()
    }
    for subject, loads in results.items():
        if all(load.cpu_us_per_request is not None for load in loads):
            table[subject]["cpu_us_per_request"] = _median(loads, "cpu_us_per_request")
    ours = table["pointsman"]["requests_per_s"]
    for figures in table.values():
        figures["times_pointsman"] = figures["requests_per_s"] / ours
    return table


def _median(loads: list[Load], name: str) -> float:
    return float(statistics.median(getattr(load, name) for load in loads))
