"""Faults of the machine itself: the clock is set, the process is told to stop under load."""

import asyncio
from pathlib import Path

from pointsman.core.clock import SystemClock
from watched_gateway import client_of, plain, story, streamed, until, upstreams, watched_gateway

from running_gateway import running_gateway

CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a}}
  b: {{provider: pb, model: m-b}}
routes: {{chat: {{targets: [a, b], timeout: 4s}}}}
resilience:
  retry: {{max_retries: 0}}
  breaker: {{failures: 2, open_for: 300ms, ramp: 1ms}}
"""


def config_for(providers) -> str:
    return CONFIG.format(**{name: each.server.port for name, each in providers.items()})


class SetClock(SystemClock):
    """The system's clock, whose wall time somebody sets."""

    offset_ns = 0

    def unix_ns(self) -> int:
        return super().unix_ns() + self.offset_ns


async def test_a_clock_that_is_set_changes_no_deadline_and_no_breaker(tmp_path: Path):
    """An hour back and a day forward: durations stay durations."""
    clock = SetClock()
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"status": 500})
        async with (
            watched_gateway(tmp_path, config_for(providers), clock=clock) as gateway,
            client_of(gateway) as client,
        ):
            seen = [await plain(client, "chat") for _ in range(2)]
            clock.offset_ns = 86_400 * 10**9
            seen.append(await plain(client, "chat"))
            calls_while_open = a.calls
            clock.offset_ns = -3600 * 10**9
            a.play()
            await until(lambda: gateway.protection.breakers.states() != {"pa/m-a": "open"})
            seen.append(await streamed(client, "chat"))
            records = gateway.records

    assert seen == [*["answer of m-b"] * 3, "answer of m-a"]
    assert calls_while_open == 2
    assert all(0 < record.duration_ns < 5 * 10**9 for record in records)
    assert story(records[3]) == "a first ok: success (done)"


async def test_told_to_stop_under_load_it_finishes_what_it_has_begun(tmp_path: Path):
    """SIGTERM: plain answers and streams under way reach their clients, then it ends well."""
    async with upstreams("a", "b") as providers:
        providers["a"].play({"head_delay": "400ms", "chunk_count": 20, "chunk_delay": "10ms"})
        context = running_gateway(tmp_path, config=config_for(providers))
        running = await asyncio.to_thread(context.__enter__)
        try:
            async with client_of(running, max_retries=0) as client:
                asking = [
                    asyncio.ensure_future(ask(client, "chat"))
                    for _ in range(10)
                    for ask in (plain, streamed)
                ]
                await until(lambda: providers["a"].calls == 20)
                running.process.terminate()
                seen = await asyncio.gather(*asking)
            code = await asyncio.to_thread(running.process.wait, 15)
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)

    assert seen == ["answer of m-a"] * 20
    assert code == 0
