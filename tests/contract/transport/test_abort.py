"""What is not wanted any more stops at once, on the wire, and leaves nothing behind."""

import asyncio
import gc
from contextlib import suppress

import pytest

from pointsman.core.abort import AbortSignal
from pointsman.transport.exchange import TransportError
from raw_http_server import Peer, RawServer, always
from transport_requests import CLOCK, ask, until, whole

STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class EndlessStream:
    """Sends a chunk every 5 ms until its client is seen to have gone; counts them."""

    def __init__(self) -> None:
        self.chunks = 0
        self.gone_ns = None
        self.is_reset = False

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM)
        while not peer.reader.at_eof() and peer.reader.exception() is None:
            self.chunks += 1
            with suppress(OSError):
                await peer.send(b"8\r\ndata: 1\n\r\n")
            await asyncio.sleep(0.005)
        self.gone_ns = CLOCK.monotonic_ns()
        self.is_reset = isinstance(peer.reader.exception(), ConnectionResetError)


@pytest.mark.parametrize("way", ["signal", "close", "cancel"])
async def test_the_server_sees_the_end_within_100_ms(way, connect):
    """By abort signal, by closing the answer, by cancelling the reader (AP-04)."""
    stream = EndlessStream()
    async with RawServer(stream) as server:
        client = connect(server.url)
        signal = AbortSignal()
        response = await client.send(ask(abort=signal))
        for _ in range(3):
            await response.read_some()
        reader = asyncio.ensure_future(response.read(1 << 20))
        await asyncio.sleep(0)
        aborted_ns = CLOCK.monotonic_ns()
        chunks = stream.chunks
        {"signal": lambda: signal.abort("client_left"), "close": response.close}.get(
            way, reader.cancel
        )()
        await until(lambda: stream.gone_ns is not None)

        assert stream.gone_ns - aborted_ns < 100_000_000
        assert stream.chunks - chunks <= 3
        assert stream.is_reset
        with pytest.raises(asyncio.CancelledError if way == "cancel" else TransportError) as caught:
            await reader
        assert way == "cancel" or caught.value.kind == "aborted"
        assert way != "signal" or str(caught.value) == "client_left"
        assert client.pool.open_count == 0


@pytest.mark.parametrize("way", ["signal", "cancel"])
async def test_a_request_that_waits_for_its_head_is_aborted(way, connect):
    """The model may think for a minute before it answers."""
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.gone()
        gone.set()

    arrived = asyncio.Event()
    async with RawServer(script) as server:
        client = connect(server.url)
        signal = AbortSignal()
        task = asyncio.ensure_future(whole(client, ask(abort=signal)))
        await arrived.wait()
        if way == "signal":
            signal.abort("client_left")
            assert await task == "aborted"
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await gone.wait()
        assert client.pool.open_count == 0


async def test_an_aborted_request_opens_no_connection(connect):
    """Neither a fresh one nor an idle one is touched."""
    signal = AbortSignal()
    signal.abort("client_left")
    async with RawServer(always(HELLO)) as server:
        client = connect(server.url)
        assert await whole(client, ask(abort=signal)) == "aborted"
        assert server.accepted == 0
        await whole(client)
        assert await whole(client, ask(abort=signal)) == "aborted"
        assert client.pool.idle_count == 1


@pytest.mark.parametrize("way", ["signal", "cancel"])
async def test_a_request_that_waits_for_a_connection_is_aborted(way, connect):
    """And its place in the queue goes to the next."""
    async with RawServer(Peer.gone) as server:
        client = connect(server.url, max_connections=1)
        first = asyncio.ensure_future(whole(client, ask()))
        await until(lambda: server.accepted == 1)
        signal = AbortSignal()
        waiting = asyncio.ensure_future(whole(client, ask(abort=signal)))
        await until(lambda: client.pool.waiting_count == 1)
        if way == "signal":
            signal.abort("client_left")
            assert await waiting == "aborted"
        else:
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert client.pool.waiting_count == 0
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


@pytest.mark.parametrize("steps", range(6))
async def test_cancelling_at_any_step_of_connecting_loses_no_slot(steps, connect):
    """One slot: the next request can only succeed if it came back."""
    async with RawServer(always(HELLO)) as server:
        client = connect(server.url, max_connections=1)
        for _ in range(3):
            task = asyncio.ensure_future(whole(client))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert await whole(client) == (200, b"hello")
        assert client.pool.open_count == 1


async def test_an_abort_after_the_end_does_not_touch_the_connections_next_user(connect):
    """The signal belongs to the request, the connection to the pool."""
    old = AbortSignal()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HELLO)
        await peer.request()
        second.set()
        await go_on.wait()
        await peer.send(HELLO)

    second, go_on = asyncio.Event(), asyncio.Event()
    async with RawServer(script) as server:
        client = connect(server.url)
        response = await client.send(ask(abort=old))
        await response.read(5)
        task = asyncio.ensure_future(whole(client))
        await second.wait()
        old.abort("client_left")
        response.close()
        go_on.set()
        assert await task == (200, b"hello")
        assert server.accepted == 1


async def test_close_after_the_last_byte_keeps_the_connection(connect):
    """Also when the reader has not taken that byte yet."""
    async with RawServer(always(HELLO)) as server:
        client = connect(server.url)
        response = await client.send(ask())
        await until(lambda: client.pool.idle_count == 1)
        response.close()
        response.close()
        assert client.pool.idle_count == 1


async def test_a_stalled_reader_holds_the_server_back(connect):
    """Unread bytes are bounded, the server's writes stop, and all arrives in the end."""
    sent = 0
    total = 64 << 20
    piece = bytes(1 << 16)

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await peer.send(piece)
            sent += len(piece)

    async with RawServer(script) as server:
        client = connect(server.url, max_buffered_bytes=100_000)
        response = await client.send(ask())
        await until(lambda: response._flight._connection._is_paused)
        before = -1
        while before != sent:  # until the buffers of both kernels are full
            before = sent
            await asyncio.sleep(0.05)
        assert sent < total // 2
        assert response._flight.answer.buffered_bytes < 100_000 + (1 << 18) + 1

        received = 0
        while arrived := await response.read_some():
            received += len(arrived)
        assert received == total


async def test_an_exchange_leaves_no_reference_cycle(connect):
    """Thousands per second would make the collector stop the loop."""
    async with RawServer(always(HELLO)) as server:
        client = connect(server.url)
        await whole(client)
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                response = await client.send(ask())
                await response.read(5)
                response.close()
            del response
            found = gc.collect()
        finally:
            gc.enable()
        assert found < 20


async def test_many_broken_and_aborted_exchanges_leave_nothing_open(connect):
    """No task, no connection, no slot is lost over 200 mixed endings."""

    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number % 3 == 0:
            peer.reset()
        elif peer.number % 3 == 1:
            await peer.send(HELLO[:-2])
        else:
            await peer.send(STREAM)
            await peer.gone()

    async with RawServer(script) as server:
        client = connect(server.url, max_connections=8)
        tasks = len(asyncio.all_tasks())

        async def one(number: int) -> None:
            signal = AbortSignal()
            asyncio.get_running_loop().call_later(0.02 + number % 7 / 1000, signal.abort, "left")
            await whole(client, ask(abort=signal))

        await asyncio.gather(*(one(number) for number in range(200)))
        await until(lambda: client.pool.open_count == 0)
        assert client.pool.waiting_count == 0
        await until(lambda: len(asyncio.all_tasks()) <= tasks + 1)
