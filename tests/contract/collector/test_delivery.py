"""From a worker's journal to the store, over real sockets, when things go wrong in between."""

import asyncio
import contextlib
import random

import pytest

from journal_entries import open_writer
from pointsman.app.collector_link import CollectorAddress
from pointsman.app.delivery import CollectorPost
from pointsman.core.clock import SystemClock
from pointsman.journal.sender import PostFailedError, RecordSender, SenderSettings
from pointsman.server.listener import bind_socket
from pointsman.store.errors import StoreFullError
from serving_collector import serving_collector
from stored_records import make_record, request_id

FAST = SenderSettings(poll_s=0.005, first_pause_s=0.005, longest_pause_s=0.02)


class Cutter:
    """A relay that drops the answer to the first requests: a collector killed after its commit."""

    def __init__(self, port: int, cuts: int) -> None:
        self._port = port
        self.cuts_left = cuts

    async def __call__(self, reader, writer) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.suppress(OSError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, up_writer))
                group.create_task(self._answers(up_reader, writer, up_writer))
        up_writer.close()
        writer.close()

    async def _pass(self, reader, writer) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def _answers(self, reader, writer, up_writer) -> None:
        while data := await reader.read(65_536):
            if self.cuts_left:
                self.cuts_left -= 1
                writer.transport.abort()
                up_writer.close()
                return
            writer.write(data)
        writer.close()


@contextlib.asynccontextmanager
async def delivering(journal, url: str, token: str):
    """A journal's writer and the sender that delivers from it."""
    clock = SystemClock()
    writer = open_writer(journal / "w")
    post = CollectorPost(url, token, clock)
    sender = RecordSender(journal, "w", post, clock, FAST, rng=random.Random(1))
    sender.start()
    try:
        yield writer, sender
    finally:
        writer.close()
        await sender.stop(5.0)
        await post.close()


async def stored_ids(collector) -> list[str]:
    rows = (await collector.read("/api/v1/requests?limit=500"))["requests"]
    return sorted(row["request_id"] for row in rows)


async def until(is_true, timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_true():
            await asyncio.sleep(0.002)


def expected(count: int) -> list[str]:
    return sorted(request_id(number) for number in range(count))


async def test_records_arrive_as_they_are_written(collector, tmp_path):
    """Each once, in the order of the journal."""
    token = collector.folder.token("ingest")
    async with delivering(tmp_path / "journal", collector.url, token) as (writer, sender):
        for number in range(200):
            writer.end(make_record(number))
            writer.flush()
            await asyncio.sleep(0)
        await until(lambda: sender.stats.sent == 200)

    assert await stored_ids(collector) == expected(200)


async def test_a_lost_answer_does_not_double_a_record(collector, tmp_path):
    """Committed, not answered, sent again: known by its batch id."""
    cutter = Cutter(collector.collector.port, cuts=3)
    relay = await asyncio.start_server(cutter, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
    token = collector.folder.token("ingest")
    async with delivering(tmp_path / "journal", url, token) as (writer, sender):
        for number in range(5):
            writer.end(make_record(number))
        writer.flush()
        await until(lambda: sender.stats.sent == 5)
    relay.close()

    assert cutter.cuts_left == 0
    assert await stored_ids(collector) == expected(5)
    health = await collector.read("/api/v1/health")
    assert health["taken"]["resent_batches"] >= 1
    assert health["rows"]["calls"] == 5


async def test_a_full_disk_of_the_collector_only_delays(collector, tmp_path):
    """The journal is the spool; nothing is lost and nothing doubled."""
    collector.store.failing = StoreFullError("no room")
    token = collector.folder.token("ingest")
    async with delivering(tmp_path / "journal", collector.url, token) as (writer, sender):
        writer.end(make_record(0))
        writer.flush()
        await until(lambda: sender.stats.resent >= 2)
        assert sender.stats.is_failing
        assert "503" in sender.stats.last_error
        assert sender.lag_bytes() > 0
        collector.store.failing = None
        await until(lambda: sender.stats.sent == 1)
        (worker,) = (await collector.read("/api/v1/health"))["workers"]
        assert worker["worker"] == "w"
        assert worker["spool"]["waiting_bytes"] > 0

    assert await stored_ids(collector) == expected(1)


async def test_a_slow_collector_gets_larger_batches_not_more_of_them(collector, tmp_path):
    """One batch is under way at a time; what is written meanwhile waits in the journal."""
    gate = asyncio.Event()
    taken, inner = [], collector.store._inner.write_batch

    async def slow(batch):
        taken.append(len(batch.calls))
        await gate.wait()
        return await inner(batch)

    collector.store._inner.write_batch = slow
    token = collector.folder.token("ingest")
    async with delivering(tmp_path / "journal", collector.url, token) as (writer, sender):
        writer.end(make_record(0))
        writer.flush()
        await until(lambda: taken)
        for number in range(1, 100):
            writer.end(make_record(number))
        writer.flush()
        await asyncio.sleep(0.05)
        assert taken == [1]
        gate.set()
        await until(lambda: sender.stats.sent == 100)

    assert taken == [1, 99]


async def test_with_a_wrong_token_everything_waits(collector, tmp_path):
    """Nothing is set aside: the operator mends the token, and all of it goes."""
    async with delivering(tmp_path / "journal", collector.url, "wrong") as (writer, sender):
        writer.end(make_record(0))
        writer.flush()
        await until(lambda: sender.stats.resent >= 2)
        assert "401" in sender.stats.last_error
    assert await stored_ids(collector) == []

    token = collector.folder.token("ingest")
    async with delivering(tmp_path / "journal", collector.url, token) as (_, sender):
        await until(lambda: sender.stats.sent == 1)

    assert await stored_ids(collector) == expected(1)


async def test_a_collector_that_starts_later_gets_everything(tmp_path):
    """The gateway was first; and the collector restarts in between, on the same folder."""
    probe = bind_socket("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    async with serving_collector(tmp_path / "data") as first:
        token = first.folder.token("ingest")
    async with delivering(tmp_path / "journal", f"http://127.0.0.1:{port}", token) as (
        writer,
        sender,
    ):
        writer.end(make_record(0))
        writer.flush()
        await until(lambda: sender.stats.is_failing)
        for round_number in (1, 2):
            async with serving_collector(tmp_path / "data", port=port) as collector:
                await until(lambda sent=round_number: sender.stats.sent == sent)
                stored = await stored_ids(collector)
            writer.end(make_record(round_number))
            writer.flush()

        assert stored == expected(2)


async def test_what_is_no_collector_is_no_answer(tmp_path):
    """A refused connection is told as such."""
    post = CollectorPost("http://127.0.0.1:9", "token", SystemClock())
    with pytest.raises(PostFailedError):
        await post(b"x")
    await post.close()


def test_the_token_is_not_in_what_is_logged():
    """Neither of an address nor of its errors."""
    assert "secret" not in repr(CollectorAddress(url="http://127.0.0.1:1", token="secret"))
