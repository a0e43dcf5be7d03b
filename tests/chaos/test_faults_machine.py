"""Faults of the machine itself: the clock is set, the process is told to stop under load."""

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from pointsman.core.clock import SystemClock
from pointsman.journal import segments
from pointsman.journal.reader import JournalReader
from watched_gateway import (
    MESSAGES,
    client_of,
    plain,
    story,
    streamed,
    until,
    upstreams,
    watched_gateway,
)

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


async def test_a_clock_that_is_set_changes_no_deadline_and_no_breaker(tmp_path: Path, table):
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
            calls = f"{calls_while_open + a.calls}/{providers['b'].calls}"

    table.append(("clock set a day on, an hour back", seen[0], seen[3], calls, story(records[0])))
    assert seen == [*["answer of m-b"] * 3, "answer of m-a"]
    assert calls_while_open == 2
    assert all(0 < record.duration_ns < 5 * 10**9 for record in records)
    assert story(records[3]) == "a first ok: success (done)"


async def test_told_to_stop_under_load_it_finishes_what_it_has_begun(tmp_path: Path, table):
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
            ended = await asyncio.to_thread(outcomes_in, tmp_path / "data" / "journal")
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)

    assert seen == ["answer of m-a"] * 20
    assert code == 0
    assert ended == ["success"] * 20
    calls = f"{providers['a'].calls}/0"
    table.append(
        ("SIGTERM under load, 20 requests", seen[0], seen[1], calls, "all of them: success")
    )


@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_client_that_leaves_ends_the_call_and_nobody_is_asked_in_its_place(
    tmp_path: Path, has_begun: bool, table
):
    """AP-04, GB-16: through the official client, before the answer and in mid-stream."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        a.play({"chunk_count": 500, "chunk_delay": "10ms"} if has_begun else {"head_delay": "9s"})
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            if has_begun:
                stream = await client.chat.completions.create(
                    model="chat", messages=MESSAGES, stream=True
                )
                await anext(aiter(stream))
                await stream.close()
            else:
                asking = [asyncio.ensure_future(ask(client, "chat")) for ask in (plain, streamed)]
                await until(lambda: a.calls == 2)
                for each in asking:
                    each.cancel()
                await asyncio.gather(*asking, return_exceptions=True)
            expected = 1 if has_begun else 2
            await until(lambda: len(gateway.records) == expected)
            await until(lambda: a.player.counters.aborted == expected)
            records, calls = gateway.records, (a.calls, b.calls)
            held = gateway.ledger.outstanding()

    assert calls == (expected, 0)
    assert held == 0
    assert {(record.status, record.outcome) for record in records} == {
        (200 if has_begun else 499, "client_left")
    }
    name = "the client leaves in mid-stream" if has_begun else "the client leaves before the answer"
    seen = ("-", "left") if has_begun else ("left", "left")
    table.append((name, *seen, "1/0", story(records[0])))


async def test_a_full_disk_costs_records_that_are_counted_and_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table
):
    """Invariant 10: every request is answered; what could not be written is told and counted."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            with monkeypatch.context() as full:
                full.setattr(segments, "os", SimpleNamespace(**{**vars(os), "write": _no_space}))
                seen = [await plain(client, "chat"), await streamed(client, "chat")]
                during = gateway._readiness()["journal"]
            await asyncio.sleep(0.35)  # then the journal tries again
            seen.append(await plain(client, "chat"))
            after = gateway._readiness()["journal"]
            lost = gateway._journal.writer.stats.dropped
            shown = gateway.metrics.render().decode()
            records = gateway.records

    assert seen == ["answer of m-a"] * 3
    assert a.calls == 3
    assert during["failing"]
    assert "No space left" in during["last_error"]
    assert lost >= 2
    assert not after["failing"]
    assert after["dropped"] == lost
    assert f"pointsman_journal_dropped_total {lost}" in shown
    told = f"{story(records[0])} (not kept, and counted so)"
    table.append(("disk full", seen[0], seen[1], "1/0", told))


def _no_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def outcomes_in(journal: Path) -> list[str]:
    """Return how the requests ended that a journal holds."""
    return [record.outcome for record in JournalReader(journal).newest(100)]
