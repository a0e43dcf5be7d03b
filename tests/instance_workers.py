"""The gateway workers of a running instance, as its processes and as it tells of them."""

import contextlib

import msgspec
import psutil

from running_gateway import RunningGateway, get


def worker_pids(gateway: RunningGateway) -> dict[str, int]:
    """Return worker -> process, as they are now."""
    found = {}
    for child in psutil.Process(gateway.process.pid).children():
        with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
            line = child.cmdline()
            if "--worker" in line:
                found[line[line.index("--worker") + 1]] = child.pid
    return found


def ready(gateway: RunningGateway) -> dict[str, object]:
    """Return what the worker that answers says of itself and the others."""
    answer: dict[str, object] = msgspec.json.decode(get(f"{gateway.url}/ready")[2])
    return answer


def all_workers_are_up(gateway: RunningGateway, count: int) -> bool:
    """Tell whether whoever answers knows all workers as up."""
    states = ready(gateway).get("workers")
    return isinstance(states, dict) and list(states.values()) == ["up"] * count
