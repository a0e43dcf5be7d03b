"""`kill -9` of collector and gateway, in turn, under 500 requests/s, against a real `pointsman up`.

What is promised, precisely:

    answered   Each request is: the supervisor holds the listening socket, so a connection waits in
               its backlog while the gateway starts again and none is refused. A request that was
               cut in the middle is an error to its client, which sends it again.
    recorded   Each answer has exactly one record, a success. A cut try that a provider was called
               for has one as well: `gateway_crashed`, charged what was held, or the success that
               its client did not get to see. One that the killed process had not read has none,
               since nothing was done for it.
    accounted  What the budget has counted, over every life of the gateway, is the sum of the costs
               in the records to the nano-USD, and nothing stays held.

A short form runs with the tests. The minute: `POINTSMAN_CHAOS_SECONDS=60 make chaos`.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from paced_clients import PacedClients
from pointsman.config.data_folder import read_token
from running_instance import RunningInstance, is_alive, running_instance, until

from running_gateway import clean_environment, command, get, post

SECONDS = float(os.environ.get("POINTSMAN_CHAOS_SECONDS", "8"))
RATE, CLIENTS = 500, 32
CONFIG = """
providers:
  live: {{kind: openai, base_url: "{upstream}", api_key: any-key-at-all}}
targets:
  small: {{provider: live, model: gpt-4o-mini}}
policy:
  budgets:
    everything: {{scope: gateway, usd: "100000", period: total}}
"""
SCRIPT = "rules: [{repeat: true, steps: [{head_delay: 20ms}]}]"
"""About ten requests are with the provider at any moment."""


def body_of(name: str) -> bytes:
    return msgspec.json.encode(
        {
            "model": "small",
            "user": name,
            "max_tokens": 40,
            "messages": [{"role": "user", "content": "Say hello to the people on the platform"}],
        }
    )


@contextlib.contextmanager
def provider(folder: Path) -> Iterator[str]:
    """A provider of its own process, which nobody kills; yields its base URL."""
    script = folder / "script.yaml"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        command("mock", "--script", script), stdout=subprocess.PIPE, env=clean_environment()
    )
    try:
        yield process.stdout.readline().decode().split(" on ")[1].split(" ")[0]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class Killer:
    """Kills one role after the other and waits until both serve again."""

    def __init__(self, instance: RunningInstance) -> None:
        self._instance = instance
        self.kills: Counter[str] = Counter()

    async def work(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + seconds, seconds / 10
        while loop.time() < end:
            await asyncio.sleep(pause)
            await asyncio.to_thread(self._kill, "collector")
            await asyncio.sleep(pause)
            await asyncio.to_thread(self._kill, "gateway")
            await asyncio.to_thread(self._wait_all_up)
        await asyncio.sleep(pause)

    def _kill(self, role: str) -> None:
        pid = self._instance.roles()[role]
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_alive(pid), f"{role} is dead")
        self.kills[role] += 1

    def _wait_all_up(self) -> None:
        def all_up() -> bool:
            return len(self._instance.roles()) == 2 and self._instance.collector_state() == "up"

        until(all_up, "both roles serve again", 90)


def stored(instance: RunningInstance) -> list[dict]:
    """Return every row of the store, over all pages."""
    bearer = {"authorization": f"Bearer {read_token(instance.data_dir, 'admin')}"}
    rows, cursor = [], ""
    while cursor is not None:
        path = f"/api/v1/requests?limit=500{cursor and '&cursor=' + cursor}"
        page = msgspec.json.decode(get(instance.collector_url + path, bearer)[2])
        rows += page["requests"]
        cursor = page["next_cursor"]
    return rows


def stored_with(instance: RunningInstance, answered: set[str], last: str) -> list[dict]:
    """Wait until the store has the last request and everything before it; return all rows."""
    bearer = {"authorization": f"Bearer {read_token(instance.data_dir, 'admin')}"}
    url = f"{instance.collector_url}/api/v1/requests/{last}"
    until(lambda: get(url, bearer)[0] == 200, "the last record has arrived", 60 + SECONDS)
    rows = stored(instance)
    missing = {*answered, last} - {row["request_id"] for row in rows}
    assert not missing, f"{len(missing)} of {len(answered)} have no record: {sorted(missing)[:5]}"
    return rows


def limit_checks(instance: RunningInstance, request_id: str) -> list[dict]:
    bearer = {"authorization": f"Bearer {read_token(instance.data_dir, 'admin')}"}
    url = f"{instance.collector_url}/api/v1/requests/{request_id}"
    return msgspec.json.decode(get(url, bearer)[2])["record"]["limits"]


async def load_and_kill(instance: RunningInstance) -> tuple[PacedClients, Killer]:
    clients = PacedClients(instance.port, body_of, rate=RATE, clients=CLIENTS)
    killer = Killer(instance)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(clients.run())
        try:
            await killer.work(SECONDS)
        finally:
            clients.stop()
    return clients, killer


@pytest.mark.timeout(int(SECONDS * 3 + 180))
async def test_every_request_is_answered_recorded_and_accounted(tmp_path: Path):
    """Invariants 7, 8 and 11, through the ends of every process but the supervisor's."""
    with contextlib.ExitStack() as opened:
        upstream = opened.enter_context(provider(tmp_path))
        config = CONFIG.format(upstream=upstream)
        instance = opened.enter_context(running_instance(tmp_path, config=config))
        instance.wait_all_up()

        clients, killer = await load_and_kill(instance)
        status, headers, _ = post(f"{instance.url}/v1/chat/completions", body_of("last"))
        last = headers["x-pointsman-request-id"]
        rows = stored_with(instance, set(clients.answered.values()), last)
        by_name = {row["user_name"]: row for row in rows}
        crashed = {row["user_name"] for row in rows if row["outcome"] == "gateway_crashed"}
        unseen = [n for n in clients.cut if n in by_name and by_name[n]["outcome"] == "success"]
        calls = msgspec.json.decode(get(upstream.removesuffix("/v1") + "/_calls")[2])["requests"]
        print(
            f"\n{clients.requests} requests, {dict(killer.kills)} killed: {len(clients.answered)} "
            f"answered, {len(clients.cut)} tries cut ({len(crashed)} gateway_crashed, "
            f"{len(unseen)} unseen successes), {clients.unconnected} refused; {len(rows)} records, "
            f"{sum(row['cost_nano_usd'] or 0 for row in rows)} nano-USD, {calls} upstream calls"
        )

        # Answered.
        assert status == 200
        assert (dict(clients.other), clients.unconnected) == ({}, 0)
        assert len(clients.answered) == clients.requests
        assert min(killer.kills["collector"], killer.kills["gateway"]) >= 1

        # Recorded.
        assert len({row["request_id"] for row in rows}) == len(rows)
        assert len(by_name) == len(rows)
        for name, request_id in clients.answered.items():
            row = by_name[name]
            assert (row["request_id"], row["outcome"]) == (request_id, "success")
        assert crashed <= set(clients.cut)
        assert len(rows) == len(clients.answered) + len(crashed) + len(unseen) + 1
        assert len(crashed) >= 1
        assert len(clients.cut) <= killer.kills["gateway"] * CLIENTS
        # A begin is written before the provider is called, so each call has an attempt.
        assert calls <= sum(row["attempt_count"] for row in rows)

        # Accounted.
        spent = sum(row["cost_nano_usd"] for row in rows if row["request_id"] != last)
        checks = [each for each in limit_checks(instance, last) if "everything" in each["rule"]]
        assert spent > 0
        assert [check["before"] for check in checks] == [spent]
        metrics = get(f"{instance.url}/metrics")[2].decode()
        assert "\npointsman_reservations 0" in metrics
        assert "\npointsman_journal_dropped_total 0" in metrics
