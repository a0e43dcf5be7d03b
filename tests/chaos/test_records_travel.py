"""`kill -9` of collector and gateway, in turn, under load: each answer has exactly one record."""

import http.client
import threading
import time
from collections import Counter

import msgspec
import pytest

from running_collector import RunningCollector, running_collector

from running_gateway import free_port, running_gateway

BODY = b'{"model":"auto","messages":[{"role":"user","content":"hello"}]}'
CLIENTS = 4
PACE_S = 0.008
"""Between two requests of a client: 500 requests/s over all of them."""


class Load:
    """Clients that ask without pause; a request counts when its answer has come whole."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        self.answered: list[str] = []
        self.refused: Counter[int] = Counter()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            try:
                self._ask_on(connection)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # the gateway is down: its client tries again
            finally:
                connection.close()

    def _ask_on(self, connection: http.client.HTTPConnection) -> None:
        while not self._stop.is_set():
            headers = {"content-type": "application/json"}
            connection.request("POST", "/v1/chat/completions", BODY, headers)
            response = connection.getresponse()
            response.read()
            if response.status == 200:
                self.answered.append(response.headers["x-pointsman-request-id"])
            else:
                self.refused[response.status] += 1
            time.sleep(PACE_S)

    def wait_for(self, more: int) -> None:
        """Wait until `more` requests have been answered from now on."""
        wanted, deadline = len(self.answered) + more, time.monotonic() + 20
        while len(self.answered) < wanted:
            assert time.monotonic() < deadline, "the gateway does not answer"
            time.sleep(0.01)


def stored(collector: RunningCollector) -> list[dict]:
    """Return every row of the store."""
    rows, cursor = [], ""
    while cursor is not None:
        page = collector.read(f"/api/v1/requests?limit=500{cursor and '&cursor=' + cursor}")
        rows += page["requests"]
        cursor = page["next_cursor"]
    return rows


def wait_for_all(collector: RunningCollector, answered: list[str]) -> list[dict]:
    """Wait until the store has every answered request; return its rows."""
    deadline = time.monotonic() + 30
    while True:
        rows = stored(collector)
        missing = set(answered) - {row["request_id"] for row in rows}
        if not missing:
            return rows
        assert time.monotonic() < deadline, f"{len(missing)} records did not arrive"
        time.sleep(0.1)


@pytest.mark.timeout(120)
def test_each_answer_has_one_record_whatever_is_killed(tmp_path):
    """The collector twice, the gateway twice; clients of a killed gateway try again."""
    port = free_port()
    with running_collector(tmp_path) as collector:
        options = ("--collector", collector.url)
        with running_gateway(tmp_path, port=port, options=options) as gateway, Load(port) as load:
            load.wait_for(200)
            for _ in range(2):
                collector.kill()
                load.wait_for(200)  # the gateway answers with the collector dead
                collector.start()
                load.wait_for(200)
            gateway.process.kill()
            gateway.process.wait(20)
            with running_gateway(tmp_path, port=port, options=options) as second:
                load.wait_for(200)
                second.process.kill()
                second.process.wait(20)
            with running_gateway(tmp_path, port=port, options=options) as last:
                load.wait_for(200)
                load.__exit__()
                rows = wait_for_all(collector, load.answered)
                assert last.stop() == 0

        counts = Counter(row["request_id"] for row in rows)
        assert max(counts.values()) == 1
        assert len(set(load.answered)) == len(load.answered)
        assert not load.refused
        outcomes = Counter(row["outcome"] for row in stored(collector))
        assert set(outcomes) <= {"success", "gateway_crashed", "client_left"}
        # Those that were under way when a gateway was killed: at most one for each client.
        assert outcomes["gateway_crashed"] <= 2 * CLIENTS
        health = collector.read("/api/v1/health")
        assert health["taken"]["rejected_records"] == 0


@pytest.mark.timeout(60)
def test_a_gateway_answers_without_a_collector_and_catches_up(tmp_path):
    """Started first, with nobody there to deliver to."""
    collector = RunningCollector(tmp_path, tmp_path / "data", free_port())
    port = free_port()
    options = ("--collector", collector.url)
    with running_gateway(tmp_path, port=port, options=options) as gateway:
        with Load(port) as load:
            load.wait_for(100)
        assert not load.refused
        collector.start()
        try:
            wait_for_all(collector, load.answered)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/ready")
            ready = msgspec.json.decode(connection.getresponse().read())
            connection.close()
            assert ready["ready"]
            assert gateway.stop() == 0
        finally:
            collector.stop()
