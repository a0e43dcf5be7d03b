"""Answers of every framing, from a server that sends exactly these bytes."""

import gzip
import zlib

import pytest

from pointsman.transport.exchange import TransportError
from raw_http_server import Peer, RawServer, always
from transport_requests import ask, whole

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Type: text/plain\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    OK + b"Transfer-Encoding: chunked\r\n\r\n"
    b"2;name=value\r\nhe\r\n003\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
COMPRESSED = gzip.compress(b"hello")
RAW_DEFLATE = zlib.compress(b"hello", wbits=-15)


def _compressed(coding: bytes, body: bytes) -> bytes:
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (coding, len(body)) + body


ANSWERS = {
    "length": (PLAIN, (200, b"hello")),
    "chunked with extensions and trailers": (CHUNKED, (200, b"hello")),
    "no body at 204": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
    "no body at 304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", (304, b"")),
    "error status": (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", (503, b"no")),
    "no reason phrase": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", (200, b"")),
    "informational first": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN,
        (200, b"hello"),
    ),
    "gzip": (_compressed(b"gzip", COMPRESSED), (200, b"hello")),
    "gzip of two members": (_compressed(b"GZIP", COMPRESSED * 2), (200, b"hellohello")),
    "deflate": (_compressed(b"deflate", zlib.compress(b"hello")), (200, b"hello")),
    "deflate without its wrapper": (_compressed(b"deflate", RAW_DEFLATE), (200, b"hello")),
    "identity": (_compressed(b"identity", b"hello"), (200, b"hello")),
    "empty gzip": (_compressed(b"gzip", b""), (200, b"")),
}

MALFORMED = {
    "junk": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another protocol": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "an empty line first": b"\r\n" + PLAIN,
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status 99": b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
    "folded header": OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "NUL in a value": OK + b"A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": OK + b"A : b\r\nContent-Length: 0\r\n\r\n",
    "length and chunked": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "list of lengths": OK + b"Content-Length: 1, 1\r\n\r\na",
    "signed length": OK + b"Content-Length: +1\r\n\r\na",
    "endless length": OK + b"Content-Length: 99999999999999999999\r\n\r\n",
    "transfer coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "huge chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "protocol switch": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "unknown coding": _compressed(b"br", b"hello"),
    "coding twice": _compressed(b"gzip, gzip", COMPRESSED),
    "endless informational": b"HTTP/1.1 102 Processing\r\n\r\n" * 9 + PLAIN,
    "300 fields": OK + b"".join(b"X-%d: 1\r\n" % n for n in range(300)) + b"\r\n",
    "long head": OK + b"X: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "long head in informational": b"HTTP/1.1 103 Hints\r\nLink: %s\r\n\r\n" % (b"x" * 20_000) * 4,
    "long extension": OK
    + b"Transfer-Encoding: chunked\r\n\r\n1;"
    + b"x" * 200_000
    + b"\r\na\r\n0\r\n\r\n",
    "long trailers": OK
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    + b"X: %s\r\n" % (b"x" * 2000) * 100
    + b"\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_valid_answer_is_read_whole_however_it_is_cut(name, connect):
    """Whole, and byte by byte; the connection is used again where the answer allows it."""
    answer, expected = ANSWERS[name]
    pieces = [answer[at : at + 1] for at in range(len(answer))]

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await peer.request()
        await peer.send(*pieces)
        await peer.request()

    async with RawServer(script) as server:
        client = connect(server.url)
        assert await whole(client) == expected
        assert await whole(client) == expected
        assert server.accepted == 1


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_or_oversized_answer_is_a_protocol_error(name, connect):
    """And the connection is not used again."""
    async with RawServer(always(MALFORMED[name])) as server:
        client = connect(server.url)
        assert await whole(client) == "protocol"
        assert client.pool.open_count == 0


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", b"hello, plain"),
        (b"gzip", COMPRESSED + b"tail"),
        (b"gzip", gzip.compress(b"") * 300),
        (b"deflate", COMPRESSED),
        (b"deflate", RAW_DEFLATE + b"x"),
    ],
)
async def test_a_body_that_is_not_in_its_coding_is_a_protocol_error(coding, body, connect):
    """Its framing was right, so the connection may serve on."""
    async with RawServer(always(_compressed(coding, body))) as server:
        assert await whole(connect(server.url)) == "protocol"


async def test_headers_are_lower_case_and_repeated_ones_are_joined(connect):
    """As `HttpResponse.headers` says; informational fields and trailers are dropped."""
    early = b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
    async with RawServer(always(early + PLAIN)) as server:
        response = await connect(server.url).send(ask())
        assert response.headers == {
            "content-type": "text/plain",
            "x-two": "a, b",
            "content-length": "5",
        }
        assert await response.read(5) == b"hello"


async def test_trailers_do_not_become_headers(connect):
    """A trailer could otherwise overwrite what has already been acted on."""
    async with RawServer(always(CHUNKED)) as server:
        response = await connect(server.url).send(ask())
        assert await response.read(5) == b"hello"
        assert response.headers == {"transfer-encoding": "chunked"}


async def test_a_body_without_length_ends_with_the_connection(connect):
    """As HTTP/1.0 servers and simple streams do."""
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    async with RawServer(always(answer, b"data: 1\n\n", b"data: 2\n\n", close=True)) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"data: 1\n\ndata: 2\n\n")
        assert client.pool.open_count == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-", "reset"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "reset"),
        (OK + b"Content-Length: 5\r\n\r\n", "truncated"),
        (PLAIN[:-1], "truncated"),
        (CHUNKED[:-2], "truncated"),
        (CHUNKED[:60], "truncated"),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + COMPRESSED[:-3], "truncated"),
        (_compressed(b"gzip", COMPRESSED[:-3]), "truncated"),
    ],
)
async def test_an_answer_that_ends_early_is_never_a_success(answer, expected, connect):
    """Before or in the head it is a reset; in the body a truncation."""
    async with RawServer(always(answer, close=True)) as server:
        assert await whole(connect(server.url)) == expected


async def test_what_arrived_before_an_early_end_is_handed_on_first(connect):
    """A stream shows its reader all it got, then the truth."""
    async with RawServer(always(PLAIN[:-1], close=True)) as server:
        response = await connect(server.url).send(ask())
        assert await response.read_some() == b"hell"
        for _ in range(2):
            with pytest.raises(TransportError) as caught:
                await response.read_some()
            assert caught.value.kind == "truncated"


@pytest.mark.parametrize("sent", [b"", OK, OK + b"\r\nabc", PLAIN[:-1]])
async def test_a_reset_is_told_apart_from_an_orderly_end(sent, connect):
    """RST before the head, in it, and in bodies of either framing."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(sent)
        peer.reset()

    async with RawServer(script) as server:
        assert await whole(connect(server.url)) == "reset"


async def test_head_has_no_body_whatever_its_head_says(connect):
    """The length is that of the answer to GET."""
    async with RawServer(always(OK + b"Content-Length: 5\r\n\r\n")) as server:
        client = connect(server.url)
        assert await whole(client, ask(method="HEAD")) == (200, b"")
        assert await whole(client, ask(method="HEAD")) == (200, b"")
        assert server.accepted == 1


@pytest.mark.parametrize("surplus", [b"HTTP/1.1 200 OK\r\n\r\n", b"x", b"\0\0"])
async def test_bytes_after_the_answer_cost_the_connection(surplus, connect):
    """They would be taken for the answer to the next request."""
    async with RawServer(always(PLAIN + surplus)) as server:
        client = connect(server.url)
        assert await whole(client) == (200, b"hello")
        assert await whole(client) == (200, b"hello")
        assert server.accepted == 2


async def test_a_gzip_bomb_costs_no_more_than_was_asked_for(connect):
    """64 MiB of zeros in 64 KiB: bounded by the reader, not by memory."""
    bomb = gzip.compress(bytes(1 << 26))
    async with RawServer(always(_compressed(b"gzip", bomb))) as server:
        client = connect(server.url)
        assert await whole(client, max_bytes=1 << 20) == "protocol"
        response = await client.send(ask())
        assert len(await response.read_some()) <= 65_536
        response.close()


async def test_a_body_over_the_readers_bound_is_a_protocol_error(connect):
    """The bound is exact."""
    async with RawServer(always(PLAIN)) as server:
        client = connect(server.url)
        assert await whole(client, max_bytes=5) == (200, b"hello")
        assert await whole(client, max_bytes=4) == "protocol"


async def test_the_request_is_written_as_it_should_be(connect):
    """Host, length, identity; the caller's own headers; then the body."""
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(PLAIN)

    async with RawServer(script) as server:
        request = ask(path="/v1/chat?a=b", headers={"X-One": "1"}, body=b"{}")
        await whole(connect(server.url), request)
        assert seen == [
            b"POST /v1/chat?a=b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\n"
            b"X-One: 1\r\nContent-Length: 2\r\n\r\n{}" % server.port
        ]
