"""Connections are used again, bounded, shared fairly, and never trusted when stale."""

import asyncio
from collections import Counter
from random import Random

import pytest

from pointsman.transport.exchange import TransportError
from raw_http_server import Peer, RawServer, always
from transport_requests import ask, until, whole

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"


async def test_a_connection_is_used_again_and_the_last_one_first(connect):
    """LIFO lets the others grow old and go."""
    numbers = []
    both_are_here = asyncio.Barrier(2)

    async def script(peer: Peer) -> None:
        await peer.request()
        await both_are_here.wait()
        await peer.send(HELLO)
        while True:
            await peer.request()
            numbers.append(peer.number)
            await peer.send(HELLO)

    async with RawServer(script) as server:
        client = connect(server.url)
        await asyncio.gather(whole(client), whole(client))
        for _ in range(3):
            assert await whole(client) == (200, b"hello")
        assert len(set(numbers)) == 1
        assert client.pool.idle_count == 2


async def test_connection_close_is_obeyed(connect):
    """By header and by HTTP/1.0."""
    old = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    for answer in (CLOSING, old):
        async with RawServer(always(answer)) as server:
            client = connect(server.url)
            assert await whole(client) == (200, b"hello")
            assert client.pool.idle_count == 0


async def test_no_more_connections_are_open_than_allowed_and_waiters_are_served_in_order(connect):
    """The first to ask is the first to be served."""
    order = []
    most = 0

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            order.append(request.split(b" ")[1])
            await peer.send(HELLO)

    async with RawServer(script) as server:
        client = connect(server.url, max_connections=2)

        async def one(number: int) -> None:
            nonlocal most
            assert await whole(client, ask(path=f"/{number}")) == (200, b"hello")
            most = max(most, client.pool.open_count)

        await asyncio.gather(*(one(number) for number in range(20)))
        assert most == 2
        assert server.accepted == 2
        places = {path: place for place, path in enumerate(order)}
        assert all(abs(places[b"/%d" % number] - number) <= 1 for number in range(20))


async def test_waiting_for_a_connection_ends_at_the_connect_limit(connect):
    """And a waiter that gave up is not served."""
    async with RawServer(Peer.gone) as server:
        client = connect(server.url, max_connections=1)
        stuck = asyncio.ensure_future(whole(client))
        await until(lambda: server.accepted == 1)
        assert await whole(client, ask(connect_s=0.05)) == "timeout:connect"
        assert await whole(client, ask(total_s=0.05)) == "timeout:total"
        assert client.pool.waiting_count == 0
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck


async def test_a_failed_exchange_passes_its_slot_on(connect):
    """Waiters are not stranded when connections break instead of coming back."""
    results = Counter()

    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number % 2:
            peer.reset()
        else:
            await peer.send(CLOSING)

    async with RawServer(script) as server:
        client = connect(server.url, max_connections=1)
        for result in await asyncio.gather(*(whole(client) for _ in range(10))):
            results[result] += 1
        assert results == {(200, b"hello"): 5, "reset": 5}


async def test_a_failed_dial_passes_its_slot_on(connect):
    """Ten requests, one slot, nobody listening: ten clear errors."""
    async with RawServer(always(HELLO)) as server:
        url = server.url
    client = connect(url, max_connections=1)
    assert await asyncio.gather(*(whole(client) for _ in range(10))) == ["connect"] * 10


async def test_an_idle_connection_that_the_server_closed_is_not_used(connect):
    """Seen before anything is written, so any request may take a fresh one."""
    async with RawServer(always(HELLO, close=True)) as server:
        client = connect(server.url)
        for number in range(1, 4):
            assert await whole(client) == (200, b"hello")
            await until(lambda: client.pool.idle_count == 0)
            assert server.accepted == number


async def test_any_byte_on_an_idle_connection_closes_it(connect):
    """It would be read as the beginning of the next answer."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HELLO)
        await late.wait()
        await peer.send(HELLO)
        await peer.gone()
        gone.set()

    late, gone = asyncio.Event(), asyncio.Event()
    async with RawServer(script) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"hello")
        assert client.pool.idle_count == 1
        late.set()
        await gone.wait()
        assert client.pool.idle_count == 0


async def _dies_on_second_request(peer: Peer) -> None:
    await peer.request()
    await peer.send(HELLO)
    if peer.number == 0:
        await peer.request()
        peer.reset()
    else:
        await peer.request()
        await peer.send(HELLO)


async def test_a_repeatable_request_on_a_dead_pooled_connection_is_sent_once_more(connect):
    """On a fresh connection, and the timings are those of that one."""
    async with RawServer(_dies_on_second_request) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"hello")
        response = await client.send(ask(is_repeatable=True))
        assert await response.read(5) == b"hello"
        assert response.timings.reused_connection is False
        assert server.accepted == 2


async def test_a_request_that_may_not_be_repeated_is_not(connect):
    """The server may have acted on it before it died."""
    async with RawServer(_dies_on_second_request) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"hello")
        assert await whole(client) == "reset"
        assert server.accepted == 1


async def test_nothing_is_repeated_after_a_byte_of_an_answer(connect):
    """Not even a repeatable request."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HELLO)
        await peer.request()
        await peer.send(b"H")
        peer.reset()

    async with RawServer(script) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"hello")
        assert await whole(client, ask(is_repeatable=True)) == "reset"
        assert server.accepted == 1


async def test_nothing_is_repeated_on_a_connection_that_was_fresh(connect):
    """A server that resets every request sees each request once."""
    requests = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        peer.reset()

    async with RawServer(script) as server:
        assert await whole(connect(server.url), ask(is_repeatable=True)) == "reset"
        assert len(requests) == 1


async def test_a_repeat_when_every_connection_is_stale_uses_a_fresh_one(connect):
    """An idle one, which may be stale too, makes room at the bound."""
    both_are_here = asyncio.Barrier(2)

    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number < 2:
            await both_are_here.wait()
        await peer.send(HELLO)
        await peer.request()
        peer.reset()

    async with RawServer(script) as server:
        client = connect(server.url, max_connections=2)
        await asyncio.gather(whole(client), whole(client))
        assert await whole(client, ask(is_repeatable=True)) == (200, b"hello")
        assert server.accepted == 3
        assert client.pool.open_count <= 2


async def test_idle_connections_are_closed_after_their_time(connect):
    """By a timer, without another request."""
    async with RawServer(always(HELLO)) as server:
        client = connect(server.url, keepalive_s=0.05)
        assert await whole(client) == (200, b"hello")
        assert client.pool.idle_count == 1
        await until(lambda: client.pool.open_count == 0)


async def test_the_servers_own_idle_limit_is_respected(connect):
    """`Keep-Alive: timeout=1` leaves no time that is safe."""
    answer = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=9\r\nContent-Length: 0\r\n\r\n"
    async with RawServer(always(answer)) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"")
        assert await whole(client) == (200, b"")
        assert server.accepted == 2


async def test_closing_the_client_ends_everything_under_way(connect):
    """Dialling, waiting, sending and reading requests all get `aborted`."""
    async with RawServer(Peer.gone) as server:
        client = connect(server.url, max_connections=2)
        tasks = [asyncio.ensure_future(whole(client)) for _ in range(4)]
        await until(lambda: server.accepted == 2)
        await client.close()
        assert await asyncio.gather(*tasks) == ["aborted"] * 4
        assert await whole(client) == "aborted"


async def test_one_answer_has_one_reader(connect):
    """A second one at the same time is a bug of the caller."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with RawServer(always(head)) as server:
        response = await connect(server.url).send(ask())
        first = asyncio.ensure_future(response.read_some())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await response.read_some()
        response.close()
        with pytest.raises(TransportError):
            await first


@pytest.mark.parametrize("seed", range(4))
async def test_no_slot_is_lost_in_a_storm(seed, connect):
    """Answers, closes, resets, stalls, cancellations and repeats in any order."""
    random = Random(seed)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(random.choice([0, 0, 0.001, 0.003]))
            await peer.send(random.choice([HELLO, HELLO, HELLO, CLOSING, HELLO[:-1], b"", b"?"]))
            if random.random() < 0.2:
                peer.reset()
                return

    async with RawServer(script) as server:
        client = connect(server.url, max_connections=3, keepalive_s=0.002)
        endings = Counter()

        async def one() -> None:
            await asyncio.sleep(random.random() / 10)
            request = ask(
                is_repeatable=random.random() < 0.5,
                connect_s=random.choice([0.01, 5]),
                first_token_s=0.02,
                idle_s=0.02,
            )
            task = asyncio.ensure_future(whole(client, request))
            if random.random() < 0.3:
                asyncio.get_running_loop().call_later(random.random() / 50, task.cancel)
            try:
                endings[str(await task)] += 1
            except asyncio.CancelledError:
                endings["cancelled"] += 1

        await asyncio.gather(*(one() for _ in range(300)))
        assert endings["(200, b'hello')"] > 0
        await until(lambda: client.pool.open_count == 0)
        assert client.pool._free_slots == 3
        assert client.pool.waiting_count == 0
