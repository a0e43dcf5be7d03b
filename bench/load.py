"""Load from wrk, bounded in connections and time, and the CPU that the server spent on it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.scenario import BODY
from bench.servers import KEY, LOAD_CORE

_SCRIPT = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
wrk.body = [[{body}]]
"""
_UNIT_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Load:
    """What one run of the load came to."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us_per_request: float | None


def run_load(
    folder: Path, port: int, *, connections: int, seconds: int, pid: int | None = None
) -> Load:
    """Send the scenario's request as fast as it is answered."""
    script = folder / "load.lua"
    script.write_text(_SCRIPT.format(key=KEY, body=BODY.decode()))
    before_s = _cpu_s(pid)
    output = subprocess.run(
        [
            "taskset",
            "-c",
            str(LOAD_CORE),
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(script),
            f"http://127.0.0.1:{port}/v1/chat/completions",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    ).stdout
    spent_s = _cpu_s(pid) - before_s
    return _parse(output, spent_s if pid is not None else None)


def _parse(output: str, cpu_s: float | None) -> Load:
    total = int(re.search(r"(\d+) requests in", output)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    socket_errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output
    )
    errors = int(bad[1]) if bad else 0
    if socket_errors:
        errors += sum(map(int, socket_errors.groups()))
    return Load(
        requests_per_s=float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
        p50_ms=_latency(output, "50"),
        p99_ms=_latency(output, "99"),
        errors=errors,
        cpu_us_per_request=cpu_s * 1e6 / total if cpu_s is not None and total else None,
    )


def _latency(output: str, percentile: str) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", output)
    return float(found[1]) * _UNIT_MS[found[2]]


def _cpu_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    times = [process.cpu_times()] + [child.cpu_times() for child in process.children(True)]
    return sum(each.user + each.system for each in times)
