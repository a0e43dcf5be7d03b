"""The listener: ports, TLS, stopping."""

import asyncio
import contextlib
import signal
import ssl
import time
import warnings

import pytest
import trustme

from pointsman.core.clock import SystemClock
from pointsman.core.ids import IdSource
from pointsman.server.limits import ServerLimits
from pointsman.server.listener import BindError, Listener, ListenerSettings, bind_socket
from server_thread import client_tls, read_all, read_until, serving, status_of

GET = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _app(scope, receive, send):
    raise NotImplementedError


def _listener(**settings):
    clock = SystemClock()
    return Listener(_app, ListenerSettings(**settings), ids=IdSource(clock), clock=clock)


async def test_a_busy_port_is_named():
    """One clear line, with host and port."""
    first = _listener(port=0)
    await first.start()
    second = _listener(port=first.port)

    with pytest.raises(BindError, match=rf"cannot listen on 127\.0\.0\.1:{first.port}: .*in use"):
        await second.start()
    await second.stop(0)
    await first.stop(0)


async def test_a_port_can_be_taken_again_after_a_stop():
    """A restart follows a stop at once."""
    first = _listener(port=0)
    await first.start()
    await first.stop(0)
    second = _listener(port=first.port)
    await second.start()
    await second.stop(0)


@pytest.mark.parametrize("host", ["203.0.113.1", "no such host"])
def test_an_address_that_is_not_ours_is_named(host):
    """Neither a foreign address nor a bad name ends in a traceback of the system's."""
    with pytest.raises(BindError) as caught:
        bind_socket(host, 0)
    assert (caught.value.host, caught.value.port) == (host, 0)


def test_ipv6_loopback_can_be_bound():
    """Addresses of both families."""
    with bind_socket("::1", 0) as bound:
        assert bound.getsockname()[0] == "::1"


def test_signals_stay_the_applications_business():
    """Starting a listener installs no handler."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with serving() as server:
        with server.connect() as client:
            client.sendall(GET % b"early")
            assert status_of(read_until(client, b"early")) == 200
        assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls_files(authority, tmp_path):
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    return {"cert_file": tmp_path / "cert.pem", "key_file": tmp_path / "key.pem"}


def test_tls_serves_refuses_and_notices_leaving(authority, tls_files):
    """The same protocol above TLS."""
    limits = ServerLimits(linger_timeout_s=0.1, write_timeout_s=0.5)
    with serving(limits, **tls_files) as server:
        tls = client_tls(authority)
        with server.connect(tls=tls) as client:
            client.sendall(GET % b"early")
            assert read_until(client, b"early")
            assert server.app.started.get(timeout=5)["scheme"] == "https"
            client.sendall(b"GET /early HTTP/1.1\r\nHost : a\r\n\r\n")
            assert status_of(read_all(client)) == 400
        with server.connect(tls=tls) as client:
            client.sendall(GET % b"wait")
            while server.app.started.get(timeout=5) != "waiting":
                pass
        assert server.app.aborted.get(timeout=5) == "client_left"


def test_tls_below_1_2_is_refused(authority, tls_files):
    """RFC 8996."""
    with serving(**tls_files) as server:
        old = client_tls(authority)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            server.connect(tls=old)


async def test_a_bad_certificate_stops_the_start(tmp_path):
    """The system's own error names what is wrong with the file."""
    (tmp_path / "cert.pem").write_text("no certificate")
    listener = _listener(port=0, cert_file=tmp_path / "cert.pem")
    with pytest.raises(ssl.SSLError):
        await listener.start()


def test_a_stop_lets_requests_finish_within_the_grace():
    """New connections are refused meanwhile, idle ones closed."""
    with serving() as server, server.connect() as idle, server.connect() as busy:
        idle.sendall(GET % b"early")
        read_until(idle, b"early")
        busy.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha")
        server.app.started.get(timeout=5)
        server.app.started.get(timeout=5)
        stopping = asyncio.run_coroutine_threadsafe(server.listener.stop(5.0), server.loop)

        assert read_all(idle) == b""
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        busy.sendall(b"lf")
        answer = read_all(busy)

        assert answer.endswith(b"half")
        assert b"connection: close" in answer
        stopping.result(5)


def test_a_stop_answers_what_was_on_its_way():
    """A kept connection and half a head: both may have been sent in that very moment."""
    with serving() as server, server.connect() as kept, server.connect() as half:
        kept.sendall(GET % b"early")
        read_until(kept, b"early")
        half.sendall((GET % b"early")[:20])
        with server.connect() as probe:  # when this one is answered, the half head has been read
            probe.sendall(GET % b"early")
            read_until(probe, b"early")
        stopping = asyncio.run_coroutine_threadsafe(server.listener.stop(5.0), server.loop)
        with contextlib.suppress(OSError):
            while not stopping.done():  # until it has begun to stop
                server.connect().close()

        kept.sendall(GET % b"early")
        half.sendall((GET % b"early")[20:])
        answers = [read_all(each) for each in (kept, half)]

        for answer in answers:
            assert b"HTTP/1.1 200" in answer
            assert b"connection: close" in answer
        stopping.result(5)


def test_a_stop_keeps_a_connection_whose_answer_had_begun():
    """That answer did not say it is the last: the next request may follow at once."""
    with serving() as server, server.connect() as client:
        client.sendall(GET % b"paused")
        began = read_until(client, b"begun")
        stopping = asyncio.run_coroutine_threadsafe(server.listener.stop(5.0), server.loop)
        with contextlib.suppress(OSError):
            while not stopping.done():
                server.connect().close()
        server.loop.call_soon_threadsafe(server.app.leave.set)
        read_until(client, b"0\r\n\r\n")
        client.sendall(GET % b"early")
        rest = read_all(client)

        assert b"connection: close" not in began
        assert b"HTTP/1.1 200" in rest
        assert b"connection: close" in rest
        stopping.result(5)


def test_a_stop_aborts_what_outlives_the_grace():
    """With a reason, and without waiting for ever."""
    with serving() as server, server.connect() as client:
        client.sendall(GET % b"wait")
        while server.app.started.get(timeout=5) != "waiting":
            pass
        began = time.perf_counter()
        server.call(lambda: server.listener.stop(0.05))

        assert server.app.aborted.get(timeout=5) == "shutdown"
        assert time.perf_counter() - began < 1.0
        assert read_all(client) == b""
        assert server.listener.connection_count == 0
