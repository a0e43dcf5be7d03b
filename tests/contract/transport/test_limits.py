"""Each phase ends at its own limit, with small real times."""

import asyncio
import socket
import sys
from contextlib import suppress

import pytest

from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import TransportError
from pointsman.transport.settings import Origin, TransportSettings
from raw_http_server import Peer, RawServer, always
from transport_requests import CLOCK, ask, until, whole

OK = b"HTTP/1.1 200 OK\r\n"
HEAD = OK + b"Content-Length: 5\r\n\r\n"


async def _silent_after(*pieces: bytes):
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        await peer.gone()

    return RawServer(script)


@pytest.mark.parametrize(
    ("pieces", "limits", "expected"),
    [
        ((), {"first_token_s": 0.05}, "timeout:first_byte"),
        ((OK,), {"first_token_s": 0.05}, "timeout:first_byte"),
        ((b"HTTP/1.1 102 Processing\r\n\r\n",), {"first_token_s": 0.05}, "timeout:first_byte"),
        ((HEAD,), {"first_token_s": 0.05}, "timeout:first_byte"),
        ((HEAD, b"he"), {"idle_s": 0.05}, "timeout:idle"),
        ((), {"total_s": 0.05}, "timeout:total"),
        ((HEAD,), {"total_s": 0.05}, "timeout:total"),
        ((HEAD, b"he"), {"total_s": 0.05}, "timeout:total"),
        ((HEAD, b"he"), {"deadline_s": 0.05}, "timeout:total"),
    ],
)
async def test_a_silent_server_meets_the_limit_of_its_phase(pieces, limits, expected, connect):
    """The first token's limit lasts until the first byte of the body, then idle begins."""
    async with await _silent_after(*pieces) as server:
        client = connect(server.url)
        before_ns = CLOCK.monotonic_ns()
        assert await whole(client, ask(**limits)) == expected
        assert 0.04e9 < CLOCK.monotonic_ns() - before_ns < 2e9
        await until(lambda: client.pool.open_count == 0)


async def test_each_piece_of_the_body_begins_the_idle_limit_anew(connect):
    """A body that takes longer than the idle limit is fine while it moves."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"Content-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.07)
            await peer.send(b"x")

    async with RawServer(script) as server:
        expected = (200, b"x" * 8)
        assert await whole(connect(server.url), ask(idle_s=0.4)) == expected


async def test_a_slow_reader_is_not_the_servers_fault(connect):
    """The limits of the server's phases do not run while nobody waits for it."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"he")
        await go_on.wait()
        await peer.send(b"llo")
        await peer.gone()

    go_on = asyncio.Event()
    async with RawServer(script) as server:
        client = connect(server.url)
        response = await client.send(ask(first_token_s=0.2, idle_s=0.2))
        assert await response.read_some() == b"he"
        await asyncio.sleep(0.4)
        go_on.set()
        assert await response.read(3) == b"llo"


async def test_chunk_framing_without_content_does_not_move_the_idle_limit(connect):
    """Trickled extension bytes are not an answer."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;")
        for _ in range(100):
            await asyncio.sleep(0.02)
            await peer.send(b"x")

    async with RawServer(script) as server:
        assert await whole(connect(server.url), ask(idle_s=0.1)) == "timeout:idle"


async def test_the_total_limit_holds_while_nobody_reads(connect):
    """A reader that forgot its answer does not keep the connection."""
    async with await _silent_after(HEAD, b"he") as server:
        client = connect(server.url)
        response = await client.send(ask(total_s=0.1))
        await until(lambda: client.pool.open_count == 0)
        with pytest.raises(TransportError) as caught:
            await response.read_some()
        assert (caught.value.kind, caught.value.phase) == ("timeout", "total")


async def test_a_peer_that_never_reads_a_large_request_meets_the_limit(connect):
    """The socket's buffers fill, and then nothing more is queued."""
    never = asyncio.Event()

    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        await never.wait()

    async with RawServer(script) as server:
        client = connect(server.url)
        request = ask(body=bytes(1 << 25), first_token_s=0.2)
        task = asyncio.ensure_future(whole(client, request))
        await until(lambda: any(held.is_write_paused for held in client.pool._open))
        assert all(held._transport.get_write_buffer_size() < 1 << 20 for held in client.pool._open)
        assert await task == "timeout:first_byte"
        await until(lambda: client.pool.open_count == 0)


async def test_an_answer_before_the_request_is_read_ends_the_sending(connect):
    """As with 413: the answer counts, the rest of the body is not sent."""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await peer.gone()

    async with RawServer(script) as server:
        client = connect(server.url)
        assert await whole(client, ask(body=bytes(1 << 25))) == (413, b"no")
        await until(lambda: client.pool.open_count == 0)


async def test_a_connection_with_half_a_request_on_it_is_not_used_again(connect):
    """Even when all that was written has been read: the server still waits for the rest."""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n")
        await has_head.wait()
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.05):
                    await peer.reader.read(1 << 20)
        await peer.send(b"no")
        await peer.gone()

    has_head = asyncio.Event()
    async with RawServer(script) as server:
        client = connect(server.url)
        response = await client.send(ask(body=bytes(1 << 25)))
        has_head.set()
        assert await response.read(9) == b"no"
        assert client.pool.idle_count == 0


@pytest.mark.parametrize("way", ["reset", "close"])
async def test_a_server_that_leaves_while_the_request_is_sent_is_a_reset(way, connect):
    """The bytes still queued have nowhere to go."""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        if way == "reset":
            peer.reset()

    async with RawServer(script) as server:
        client = connect(server.url)
        assert await whole(client, ask(body=bytes(1 << 25))) == "reset"
        await until(lambda: client.pool.open_count == 0)


async def test_a_large_request_arrives_whole(connect):
    """Written in pieces that respect the socket."""
    body = bytes(range(256)) * 20_000

    async def script(peer: Peer) -> None:
        request = await peer.request()
        is_whole = request.endswith(b"\r\n\r\n" + body)
        await peer.send(OK + b"Content-Length: 1\r\n\r\n%d" % is_whole)

    async with RawServer(script) as server:
        assert await whole(connect(server.url), ask(body=body)) == (200, b"1")


async def test_a_refused_connection_is_a_connect_error(connect):
    """The port was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = connect(f"http://127.0.0.1:{port}")
    with pytest.raises(TransportError, match="cannot connect") as caught:
        await client.send(ask())
    assert caught.value.kind == "connect"
    assert caught.value.timings.connected_ns is None


async def test_an_unknown_name_is_a_connect_error(connect):
    """`.invalid` never resolves (RFC 2606)."""
    assert await whole(connect("http://nowhere.invalid"), ask(connect_s=5)) in (
        "connect",
        "timeout:connect",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
async def test_the_next_address_is_tried_when_one_refuses():
    """`localhost` is often `::1` first while the server listens on 127.0.0.1 only."""

    async def resolve(host, port):
        return ["127.0.0.2", "127.0.0.1"]

    async with RawServer(always(HEAD + b"hello")) as server:
        origin = Origin("http", "somewhere.test", server.port)
        client = HttpClient(origin, TransportSettings(), CLOCK, resolve=resolve)
        assert await whole(client) == (200, b"hello")
        await client.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
async def test_an_address_that_swallows_packets_uses_only_its_share():
    """A full accept queue behaves as such an address does: no answer to the handshake."""

    async def resolve(host, port):
        return ["127.0.0.2", "127.0.0.1"]

    async with RawServer(always(HEAD + b"hello")) as server:
        with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
            deaf.bind(("127.0.0.2", server.port))
            deaf.listen(0)
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.2", server.port))
            origin = Origin("http", "somewhere.test", server.port)
            client = HttpClient(origin, TransportSettings(), CLOCK, resolve=resolve)
            assert await whole(client, ask(connect_s=0.4)) == (200, b"hello")
            await client.close()
            deaf_only = Origin("http", "127.0.0.2", server.port)
            client = HttpClient(deaf_only, TransportSettings(), CLOCK)
            assert await whole(client, ask(connect_s=0.1)) == "timeout:connect"
            await client.close()


async def test_timings_tell_when_each_phase_ended(connect):
    """The connection's time is counted once; a pooled one has none."""
    async with RawServer(always(HEAD, b"hello")) as server:
        client = connect(server.url)
        for is_reused in (False, True):
            response = await client.send(ask())
            await response.read(5)
            timings = response.timings
            assert timings.reused_connection is is_reused
            assert (timings.connect_duration_ns == 0) is is_reused
            assert timings.started_ns <= timings.connected_ns <= timings.first_byte_ns
            assert timings.first_byte_ns <= CLOCK.monotonic_ns()


@pytest.mark.parametrize(
    "bad",
    [
        {"headers": {"X": "a\r\nHost: evil"}},
        {"headers": {"X": "a\nb"}},
        {"headers": {"X": "a\0b"}},
        {"headers": {"X": "\u20ac"}},
        {"headers": {"X\r\nY": "a"}},
        {"headers": {"X Y": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"Content-Length": "3"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"path": "/a b"},
        {"path": "/a\r\nX: y"},
        {"path": "http://elsewhere/"},
        {"path": "/\u20ac"},
        {"method": "GET / HTTP/1.1\r\n"},
        {"method": "CONNECT"},
    ],
)
async def test_what_could_break_out_of_its_line_is_refused_before_sending(bad, connect):
    """No connection is made."""
    async with RawServer(always(HEAD)) as server:
        assert await whole(connect(server.url), ask(**bad)) == "protocol"
        assert server.accepted == 0
