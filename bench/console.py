"""Pages of the console over a large store: time to the last byte, size, and compute of a page.

    PYTHONPATH=tests .venv/bin/python -m bench.console [--calls 1000000] [--keep FOLDER]

One reader at a time, over a socket; the store and the pages share the process, as in a collector.
The store is the one of `bench.store`: a million calls are a day.
"""

import argparse
import asyncio
import http.client
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from bench.store import FILE_NAME, multiply, seed
from console_server import serving_console

LOOKS = 15


class ShiftedClock:
    """The system's clock, moved to the end of the store's day."""

    def __init__(self, ahead_ns: int) -> None:
        self._ahead_ns = ahead_ns

    def unix_ns(self) -> int:
        return time.time_ns() + self._ahead_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="make or use the large store in this folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        large = args.keep or Path(name) / "large"
        if not (large / "store" / FILE_NAME).exists():
            asyncio.run(seed(large / "store"))
            multiply(large / "store", args.calls)
        last_ns, request_id, trace_id = _last(large / "store" / FILE_NAME)
        clock = ShiftedClock(last_ns - time.time_ns() + 1_000_000_000)
        with serving_console(large, clock=clock) as console:
            _measure(console, request_id, trace_id)


def _last(file: Path) -> tuple[int, str, str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(
            "SELECT started_unix_ns, request_id, trace_id FROM calls"
            " ORDER BY started_unix_ns DESC LIMIT 1"
        ).fetchone()


def _measure(console, request_id: str, trace_id: str) -> None:
    rows = console.run(console.settings.store.stats()).rows["calls"]
    print(f"{rows:,} calls; milliseconds to the last byte, median and worst of {LOOKS}")
    place = urlsplit(console.url)
    token = console.run(console.settings.sessions.make_login(actor="bench"))
    cookie = console.run(console.settings.sessions.redeem(token))
    pages = {
        "requests, newest": "/requests",
        "requests, failures of a day": "/requests?failed=true&from=24h",
        "requests, one target, one reason": "/requests?target=small&reason=short_prompt_default",
        "requests, text of an error": "/requests?error=no+such+text",
        "one request": f"/requests/{request_id}",
        "one trace": f"/traces/{trace_id}",
        "traces": "/traces",
        "overview of an hour": "/overview?span=1h",
        "overview of a day": "/overview?span=24h",
        "overview of 30 days": "/overview?span=30d",
    }
    connection = http.client.HTTPConnection(place.hostname, place.port)
    for name, path in pages.items():
        times, size = [], 0
        for _ in range(LOOKS):
            began = time.perf_counter()
            connection.request("GET", path, headers={"cookie": f"pointsman_session={cookie}"})
            answer = connection.getresponse()
            size = len(answer.read())
            times.append((time.perf_counter() - began) * 1e3)
            assert answer.status == 200, (path, answer.status)
        median, worst = statistics.median(times), max(times)
        print(f"  {name:<36}{median:>8.1f}{worst:>8.1f} ms {size / 1e3:>8.1f} kB")
    connection.close()


if __name__ == "__main__":
    main()
