"""A running instance over a large store: start-up, memory, pages of the read API and the console.

    .venv/bin/python -m bench.pages [--calls 1000000] [--keep FOLDER]

A real `pointsman up`, first on an empty data folder, then on one whose store holds a million calls
(those of `bench.store`). Times are those of one reader over a socket, to the last byte; memory is
resident, at rest for some seconds after the start, and after the pages.
"""

import argparse
import asyncio
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import duckdb
import psutil

from bench.scenario import BODY
from bench.store import FILE_NAME, multiply, seed
from pointsman.config.data_folder import read_token

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from running_instance import RunningInstance, until

from running_gateway import clean_environment, command, free_port

LOOKS = 15
REST_S = 5.0
# Nothing expires while it is measured: the store's calls have times of their own.
CONFIG = """
providers: {mock: {kind: mock, default: true}}
retention: {drop_after: 8000h, content_after: 8000h}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="make or use the large store in this folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        empty, large = Path(name) / "empty", args.keep or Path(name) / "large"
        empty.mkdir()
        print("empty store")
        look_at(empty, ())
        store = large / "data" / "store"
        if not (store / FILE_NAME).exists():
            asyncio.run(seed(store))
            multiply(store, args.calls)
        with duckdb.connect(str(store / FILE_NAME), read_only=True) as connection:
            count = connection.execute("SELECT count(*) FROM calls").fetchone()[0]
            middle = connection.execute(
                "SELECT request_id, trace_id, started_unix_ns FROM calls"
                f" WHERE position = {count // 2}"
            ).fetchone()
        print(f"store of {count:,} calls")
        look_at(large, pages(*middle))


def pages(request_id: str, trace_id: str, middle_ns: int) -> list[tuple[str, str]]:
    day_ns = 86_400 * 10**9
    first, last = middle_ns - day_ns // 2, middle_ns + day_ns // 2
    return [
        ("API: requests, first page", "/api/v1/requests"),
        ("API: requests, 500 rows", "/api/v1/requests?limit=500"),
        ("API: requests, failures", "/api/v1/requests?failed=true"),
        ("API: requests, one target", "/api/v1/requests?target=sonnet"),
        ("API: one request", f"/api/v1/requests/{request_id}"),
        ("API: one trace", f"/api/v1/traces/{trace_id}"),
        ("API: traces, first page", "/api/v1/traces"),
        (
            "API: overview of all calls",
            f"/api/v1/overview?from_unix_ns={first}&to_unix_ns={last}",
        ),
        ("API: health", "/api/v1/health"),
    ]


def look_at(folder: Path, questions: Iterable[tuple[str, str]]) -> None:
    (folder / "pointsman.yaml").write_text(CONFIG)
    port, collector_port = free_port(), free_port()
    arguments = ["up", "--port", str(port), "--collector-port", str(collector_port)]
    arguments += ["--data-dir", str(folder / "data")]
    output = folder / "output.txt"
    began = time.perf_counter()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env=clean_environment(),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    instance = RunningInstance(
        process, port, folder / "data", output, collector_port=collector_port
    )
    try:
        until(lambda: answers(port), "the first request is answered")
        print(
            f"  {'first answered request after the start':<44}{time.perf_counter() - began:8.2f} s"
        )
        until(lambda: instance.collector_state() == "up", "the collector is up", 60)
        print(f"  {'collector up after the start':<44}{time.perf_counter() - began:8.2f} s")
        time.sleep(REST_S)
        memory(instance, "at rest")
        for what, path in questions:
            print(f"  {what:<44}{timed(instance, path)}")
        if questions:
            time.sleep(1)
            memory(instance, "after the pages")
    finally:
        instance.stop()


def answers(port: int) -> bool:
    """Tell whether a request is answered; a start does not take connections at first."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            "POST", "/v1/chat/completions", BODY, {"content-type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return False
    finally:
        connection.close()
    return answer.status == 200


def memory(instance: RunningInstance, when: str) -> None:
    sizes = {"supervisor": instance.process.pid, **instance.roles()}
    for role, pid in sizes.items():
        resident = psutil.Process(pid).memory_info().rss / 1e6
        print(f"  {f'{role}, resident memory {when}':<44}{resident:8.0f} MB")


def timed(instance: RunningInstance, path: str) -> str:
    token = read_token(instance.data_dir, "admin")
    connection = http.client.HTTPConnection("127.0.0.1", instance.collector_port, timeout=30)
    times, size = [], 0
    for _ in range(LOOKS):
        began = time.perf_counter()
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        size = len(answer.read())
        times.append((time.perf_counter() - began) * 1e3)
        assert answer.status == 200, (path, answer.status)
    connection.close()
    median, best, worst = statistics.median(times), min(times), max(times)
    return f"median {median:7.1f} ms   best {best:6.1f}   worst {worst:7.1f}   {size / 1e3:7.1f} kB"


if __name__ == "__main__":
    main()
