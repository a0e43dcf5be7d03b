"""The gateway is renewed under load, again and again, and nobody notices.

SIGTERM of the gateway's process under a real `pointsman up`: it finishes what it has begun, also
what was on its way, and ends; connections wait on the supervisor's socket until the next life has
taken the journal over. Raw clients that try nothing twice, and streams of the official one without
its retries, so that a single lost request would show.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from pathlib import Path

import msgspec
import openai
import pytest

from paced_clients import PacedClients
from pointsman.core.clock import SystemClock
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer
from running_instance import RunningInstance, is_alive, running_instance, until
from stored_rows import all_stored, wait_stored
from watched_gateway import streamed

RENEWALS = 3
RATE, CLIENTS, STREAMS = 120, 12, 4
CONFIG = """
providers:
  live: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: any-key-at-all}}
targets:
  small: {{provider: live, model: gpt-4o-mini}}
  slow: {{provider: live, model: slow}}
"""
SCRIPT = {
    "rules": [
        {
            "match": {"model": "slow"},
            "repeat": True,
            "steps": [{"chunk_count": 25, "chunk_delay": "20ms"}],
        },
        {"repeat": True, "steps": [{"head_delay": "20ms"}]},
    ]
}


def body_of(name: str) -> bytes:
    messages = [{"role": "user", "content": "Say hello to the people on the platform"}]
    return msgspec.json.encode({"model": "small", "user": name, "messages": messages})


async def stream_on(instance: RunningInstance, is_over: asyncio.Event, seen: Counter) -> None:
    """Ask for one stream after the other, on kept connections, without the client's retries."""
    client = openai.AsyncOpenAI(base_url=f"{instance.url}/v1", api_key="any", max_retries=0)
    async with client:
        while not is_over.is_set():
            seen[await streamed(client, "slow")] += 1


def renew(instance: RunningInstance) -> None:
    """End the gateway's process in order and wait for the next one."""
    before = instance.roles()["gateway"]
    os.kill(before, signal.SIGTERM)
    until(lambda: not is_alive(before), "the old process ends")

    def serves() -> bool:
        return instance.roles().get("gateway", before) != before

    until(serves, "another process has begun")
    until(lambda: instance.ready()["ready"], "it serves")


@contextlib.asynccontextmanager
async def provider():
    """A provider in this process."""
    server = MockServer(ScriptPlayer(parse_script(SCRIPT)), SystemClock())
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@pytest.mark.timeout(120)
async def test_no_request_is_lost_while_the_gateway_is_renewed_under_load(tmp_path: Path):
    """Each try is answered, whole; each answer has one record; no life leaves a crashed one."""
    seen: Counter = Counter()
    is_over = asyncio.Event()
    async with provider() as upstream:
        context = running_instance(tmp_path, config=CONFIG.format(port=upstream.port))
        instance = await asyncio.to_thread(context.__enter__)
        try:
            await asyncio.to_thread(instance.wait_all_up)
            clients = PacedClients(instance.port, body_of, rate=RATE, clients=CLIENTS)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(clients.run())
                for _ in range(STREAMS):
                    tasks.create_task(stream_on(instance, is_over, seen))
                for _ in range(RENEWALS):
                    await asyncio.sleep(1.2)
                    await asyncio.to_thread(renew, instance)
                await asyncio.sleep(0.5)
                clients.stop()
                is_over.set()
            assert set(seen) == {"answer of slow"}
            answered = set(clients.answered.values())
            count = len(answered) + sum(seen.values())
            await asyncio.to_thread(wait_stored, instance, answered, count)
            rows = await asyncio.to_thread(all_stored, instance)
            printed = instance.text()
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)

    print(f"{clients.requests} requests and {sum(seen.values())} streams over {RENEWALS} renewals")
    assert (clients.cut, clients.unconnected, dict(clients.other)) == ([], 0, {})
    assert len(rows) == count
    assert {row["outcome"] for row in rows} == {"success"}
    assert printed.count("it is started again at once") == RENEWALS
