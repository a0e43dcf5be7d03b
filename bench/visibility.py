"""From the answer to its row: how long until the read API shows a request that was just answered.

    .venv/bin/python -m bench.visibility [--rate 1000] [--seconds 10]

A real `pointsman up` with the built-in mock; one process asks at a steady rate and follows
`/api/v1/arrivals` as the console's live list does. A delay runs from the moment an answer is whole
at its client until the row has been read back, and so holds journal, delivery, store and read.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from bench.scenario import BODY
from pointsman.config.data_folder import read_token

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from paced_clients import PacedClients
from running_instance import running_instance

CLIENTS = 32
WARM_UP_S = 2.0
DRAIN_S = 15.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=1_000, help="requests per second")
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_instance(Path(name)) as instance:
        instance.wait_all_up()
        token = read_token(instance.data_dir, "admin")
        follower = Follower(instance.collector_port, token)
        asyncio.run(measure(instance.port, follower, args.rate, args.seconds))


class Follower:
    """Reads what arrives, over one connection, and when."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self.ready = asyncio.Event()
        self.visible_s: dict[str, float] = {}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            position = -1
            while True:
                path = f"/api/v1/arrivals?after={position}&limit=500&wait_s=5"
                head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n"
                writer.write(f"{head}authorization: Bearer {self._token}\r\n\r\n".encode())
                answer = await _read_answer(reader)
                now_s = loop.time()
                for row in answer["requests"]:
                    self.visible_s.setdefault(row["request_id"], now_s)
                position = answer["position"]
                self.ready.set()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _read_answer(reader: asyncio.StreamReader) -> dict:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    start = head.index(b"content-length: ") + 16
    length = int(head[start : head.index(b"\r\n", start)])
    return msgspec.json.decode(await reader.readexactly(length))


async def measure(port: int, follower: Follower, rate: float, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    clients = PacedClients(port, lambda _: BODY, rate=rate, clients=CLIENTS)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follower.run())
        await follower.ready.wait()
        tasks.create_task(clients.run())
        await asyncio.sleep(WARM_UP_S)
        from_s = loop.time()
        await asyncio.sleep(seconds)
        to_s = loop.time()
        clients.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while not clients.answered_s.keys() <= follower.visible_s.keys():
                    await asyncio.sleep(0.01)
        following.cancel()
    answered = {name: at_s for name, at_s in clients.answered_s.items() if from_s <= at_s < to_s}
    missing = answered.keys() - follower.visible_s.keys()
    # A row can be read before its client has got to its answer: visible at once.
    delays = sorted(
        max(0.0, follower.visible_s[name] - at_s) * 1e3
        for name, at_s in answered.items()
        if name not in missing
    )
    cuts = statistics.quantiles(delays, n=100)
    print(
        f"{len(answered) / (to_s - from_s):,.0f} requests/s answered of {rate:,.0f} asked for;"
        f" not visible after {DRAIN_S:g} s: {len(missing)}\n"
        f"from answer to visible, ms: p50 {cuts[49]:.0f}   p90 {cuts[89]:.0f}"
        f"   p99 {cuts[98]:.0f}   max {delays[-1]:.0f}"
    )


if __name__ == "__main__":
    main()
