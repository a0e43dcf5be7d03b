"""A tunnel through an HTTP proxy: TLS inside it is verified, and every limit covers it."""

import asyncio
import base64
import ssl

import pytest
import trustme

from pointsman.core.abort import AbortSignal
from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import TransportError
from pointsman.transport.proxy import parse_proxy_url
from pointsman.transport.settings import Origin, TransportSettings, parse_base_url
from proxy_server import ProxyServer
from raw_http_server import Peer, RawServer, always
from transport_requests import CLOCK, ask, until, whole

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CREDENTIAL = b"Basic " + base64.b64encode(b"ann:p@ss:word")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
async def through():
    """Make clients behind a proxy that are closed, with every connection, when the test ends."""
    clients = []

    def make(proxy: str, origin: Origin | str, **settings) -> HttpClient:
        where = parse_base_url(origin)[0] if isinstance(origin, str) else origin
        client = HttpClient(
            where, TransportSettings(**settings), CLOCK, proxy=parse_proxy_url(proxy)
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()
        assert client.pool.open_count == 0


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_tls_goes_through_the_tunnel_and_its_connection_is_used_again(
    authority, ca_file, through
):
    """The proxy finds the name, this machine need not; one tunnel carries many requests."""
    async with (
        RawServer(always(HELLO), ssl=server_tls(authority, "api.test")) as server,
        ProxyServer(hosts={"api.test": "127.0.0.1"}) as proxy,
    ):
        client = through(proxy.url, Origin("https", "api.test", server.port), ca_file=ca_file)
        assert [await whole(client) for _ in range(3)] == [(200, b"hello")] * 3

        assert server.accepted == proxy.accepted == 1
        assert proxy.asked == [
            f"CONNECT api.test:{server.port} HTTP/1.1\r\n"
            f"Host: api.test:{server.port}\r\n\r\n".encode()
        ]


async def test_a_plain_origin_is_tunnelled_too(through):
    """No TLS, the same way."""
    async with RawServer(always(HELLO)) as server, ProxyServer() as proxy:
        client = through(proxy.url, server.url)
        assert [await whole(client) for _ in range(2)] == [(200, b"hello")] * 2
        assert proxy.accepted == 1


async def test_the_certificate_in_the_tunnel_is_verified(authority, ca_file, through):
    """A proxy cannot stand in for the origin."""
    async with (
        RawServer(always(HELLO), ssl=server_tls(authority, "other.test")) as server,
        ProxyServer(hosts={"api.test": "127.0.0.1"}) as proxy,
    ):
        client = through(proxy.url, Origin("https", "api.test", server.port), ca_file=ca_file)
        with pytest.raises(TransportError, match="certificate is not valid") as caught:
            await client.send(ask())

    assert caught.value.kind == "connect"


async def test_the_credential_goes_to_the_proxy_and_nowhere_else(through):
    """RFC 7617: user and password, percent-decoded; the origin never sees them."""
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(HELLO)

    async with RawServer(script) as server, ProxyServer(credential=CREDENTIAL) as proxy:
        url = f"http://ann:p%40ss%3Aword@127.0.0.1:{proxy.port}"
        assert await whole(through(url, server.url)) == (200, b"hello")

    assert b"Proxy-Authorization" not in seen[0]


@pytest.mark.parametrize(
    ("user", "words"), [("ann:wrong@", "refused the credential"), ("", "wants a credential")]
)
async def test_a_refused_credential_is_told_as_what_it_is(through, user: str, words: str):
    """407 is neither the origin's answer nor a broken connection; the message holds no secret."""
    async with RawServer(always(HELLO)) as server, ProxyServer(credential=CREDENTIAL) as proxy:
        client = through(f"http://{user}127.0.0.1:{proxy.port}", server.url)
        with pytest.raises(TransportError, match=words) as caught:
            await client.send(ask())
        assert server.accepted == 0

    assert caught.value.kind == "proxy_auth"
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope",
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nearly bytes",
        b"x" * 20_000,
        b"",
    ],
)
async def test_what_is_no_tunnel_is_no_connection(through, answer: bytes):
    """Refused, not a proxy, or talking where nobody may."""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(answer)

    async with RawServer(script) as proxy:
        assert await whole(through(proxy.url, "http://api.test:81")) == "connect"


async def test_interim_answers_are_passed_over(through):
    """1xx is not the answer yet."""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 2", b"00 OK\r\nX: y\r\n\r\n")
        await always(HELLO)(peer)

    async with RawServer(script) as proxy:
        assert await whole(through(proxy.url, "http://api.test:81")) == (200, b"hello")


async def test_the_connect_limit_covers_the_tunnel(through):
    """A proxy that says nothing costs no more than the limit, and keeps no socket."""

    async def silent(peer: Peer) -> None:
        await peer.gone()
        closed.set()

    closed = asyncio.Event()
    async with RawServer(silent) as proxy:
        client = through(proxy.url, "http://api.test:81")
        assert await whole(client, ask(connect_s=0.1)) == "timeout:connect"
        await asyncio.wait_for(closed.wait(), 5)
        assert await whole(client, ask(connect_s=5.0, deadline_s=0.1)) == "timeout:total"


async def test_the_connect_limit_covers_tls_inside_the_tunnel(authority, ca_file, through):
    """An origin that accepts and then does not speak."""

    async def silent(peer: Peer) -> None:
        await peer.gone()
        closed.set()

    closed = asyncio.Event()
    async with RawServer(silent) as server, ProxyServer() as proxy:
        client = through(proxy.url, Origin("https", "127.0.0.1", server.port), ca_file=ca_file)
        assert await whole(client, ask(connect_s=0.2)) == "timeout:connect"
        await asyncio.wait_for(closed.wait(), 5)


async def test_a_client_that_leaves_ends_the_asking_for_a_tunnel(through):
    """Nobody waits for it, and the proxy sees the end."""

    async def silent(peer: Peer) -> None:
        asked.set()
        await peer.gone()
        closed.set()

    asked, closed = asyncio.Event(), asyncio.Event()
    async with RawServer(silent) as proxy:
        abort = AbortSignal()
        client = through(proxy.url, "http://api.test:81")
        asking = asyncio.ensure_future(whole(client, ask(abort=abort)))
        await asyncio.wait_for(asked.wait(), 5)
        abort.abort("the client left")
        assert await asking == "aborted"
        await asyncio.wait_for(closed.wait(), 5)


async def test_leaving_in_an_answer_reaches_the_origin_through_the_tunnel(
    authority, ca_file, through
):
    """The upstream is aborted, not drained."""

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
        await peer.gone()
        gone.append(True)

    gone: list[bool] = []
    async with (
        RawServer(endless, ssl=server_tls(authority, "127.0.0.1")) as server,
        ProxyServer() as proxy,
    ):
        client = through(proxy.url, Origin("https", "127.0.0.1", server.port), ca_file=ca_file)
        response = await client.send(ask())
        response.close()
        await until(lambda: gone == [True])


async def test_a_proxy_that_nobody_runs_is_named(through):
    """The operator reads which of the two did not answer."""
    async with RawServer(always(HELLO)) as server:
        port = server.port
    client = through(f"http://127.0.0.1:{port}", "https://api.test")
    with pytest.raises(TransportError, match=f"through the proxy 127.0.0.1:{port}"):
        await client.send(ask())


@pytest.mark.parametrize(
    "url",
    [
        "https://proxy:1",
        "socks5://proxy:1",
        "proxy:3128",
        "http://",
        "http://proxy:1/path",
        "http://proxy:secret99",
        "http://proxy:1?x",
    ],
)
def test_what_is_no_proxy_url_is_refused_without_repeating_it(url: str):
    """It may hold a password."""
    with pytest.raises(ValueError, match=r"proxy URL|a URL") as caught:
        parse_proxy_url(url)

    assert url not in str(caught.value)
    assert "secret99" not in str(caught.value)


def test_a_proxy_never_shows_its_credential():
    """Invariant 13."""
    proxy = parse_proxy_url("http://ann:hunter22@proxy.test:3128")

    assert "hunter22" not in repr(proxy)
    assert base64.b64encode(b"ann:hunter22").decode() not in repr(proxy)
