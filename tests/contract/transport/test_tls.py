"""TLS is verified, always: authority, name and time."""

import ssl

import pytest
import trustme

from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import TransportError
from pointsman.transport.settings import Origin, TransportSettings
from raw_http_server import Peer, RawServer, always
from transport_requests import CLOCK, ask, until, whole

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def _server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def test_a_certificate_of_the_given_authority_is_trusted(authority, ca_file, connect):
    """ALPN asks for HTTP/1.1 only, though the server would rather speak h2."""
    spoken = []

    async def script(peer: Peer) -> None:
        spoken.append(peer.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await always(HELLO)(peer)

    async with RawServer(script, ssl=_server_tls(authority, "127.0.0.1")) as server:
        client = connect(server.url, ca_file=ca_file)
        assert await whole(client) == (200, b"hello")
        assert await whole(client) == (200, b"hello")
        assert server.accepted == 1
        assert spoken == ["http/1.1"]


async def test_the_name_is_sent_and_checked(authority, ca_file):
    """SNI carries the host of the base URL, and the certificate must be for it."""
    names = []
    tls = _server_tls(authority, "api.test")
    tls.sni_callback = lambda _, name, __: names.append(name)

    async def resolve(host, port):
        return ["127.0.0.1"]

    async with RawServer(always(HELLO), ssl=tls) as server:
        for host, expected in (("api.test", (200, b"hello")), ("other.test", "connect")):
            origin = Origin("https", host, server.port)
            settings = TransportSettings(ca_file=ca_file)
            client = HttpClient(origin, settings, CLOCK, resolve=resolve)
            assert await whole(client) == expected
            await client.close()
        assert names == ["api.test", "other.test"]


async def test_an_unknown_authority_is_refused(authority, connect):
    """No request leaves."""
    async with RawServer(always(HELLO), ssl=_server_tls(authority, "127.0.0.1")) as server:
        client = connect(server.url)
        with pytest.raises(TransportError, match="certificate is not valid") as caught:
            await client.send(ask())
        assert caught.value.kind == "connect"
        assert client.pool.open_count == 0


async def test_a_custom_authority_replaces_those_of_the_system(authority, ca_file):
    """Nobody else may then vouch for the provider."""
    client = HttpClient(Origin("https", "x.test", 1), TransportSettings(ca_file=ca_file), CLOCK)
    assert len(client._tls.get_ca_certs()) == 1
    assert client._tls.verify_mode is ssl.CERT_REQUIRED
    assert client._tls.check_hostname


async def test_a_ca_file_that_cannot_be_used_is_told_when_the_client_is_built(tmp_path):
    """Not at the first request at night."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (tmp_path / "none.pem", empty):
        with pytest.raises(OSError):
            HttpClient(Origin("https", "x", 1), TransportSettings(ca_file=str(path)), CLOCK)


async def test_a_server_that_does_not_speak_tls_is_a_connect_error(connect):
    """Whatever it says first."""

    async def script(peer: Peer) -> None:
        await peer.send(b"220 mail.test ESMTP\r\n")
        await peer.gone()

    async with RawServer(script) as server:
        assert await whole(connect(server.url.replace("http:", "https:"))) == "connect"


async def test_plain_http_to_a_tls_port_is_no_answer(authority, connect):
    """The alert it sends is not HTTP."""
    async with RawServer(always(HELLO), ssl=_server_tls(authority, "127.0.0.1")) as server:
        url = server.url.replace("https:", "http:")
        assert await whole(connect(url)) in ("protocol", "reset")


async def test_a_handshake_that_stalls_meets_the_connect_limit(connect):
    """TCP accepted, nothing said."""
    async with RawServer(Peer.gone) as server:
        url = server.url.replace("http:", "https:")
        assert await whole(connect(url), ask(connect_s=0.1)) == "timeout:connect"


@pytest.mark.parametrize("way", ["length", "chunked", "reset"])
async def test_an_early_end_over_tls_is_not_a_success(way, authority, ca_file, connect):
    """As without TLS."""

    async def script(peer: Peer) -> None:
        await peer.request()
        framing = b"Transfer-Encoding: chunked" if way == "chunked" else b"Content-Length: 9"
        await peer.send(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n5\r\nhel" % framing)
        if way == "reset":
            peer.reset()

    async with RawServer(script, ssl=_server_tls(authority, "127.0.0.1")) as server:
        client = connect(server.url, ca_file=ca_file)
        assert await whole(client) in ("truncated", "reset")
        await until(lambda: client.pool.open_count == 0)


async def test_large_bodies_pass_both_ways_over_tls(authority, ca_file, connect):
    """With backpressure in both directions."""
    body = bytes(range(256)) * 8192

    async def script(peer: Peer) -> None:
        request = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        await peer.send(request[-len(body) :])

    async with RawServer(script, ssl=_server_tls(authority, "127.0.0.1")) as server:
        client = connect(server.url, ca_file=ca_file, max_buffered_bytes=50_000)
        assert await whole(client, ask(body=body), 1 << 22) == (200, body)
