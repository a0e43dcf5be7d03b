"""Clients that leave, stall or read slowly, and what the application hears of it."""

import asyncio
import queue
import socket
import struct
import time

import pytest
import uvloop

from pointsman.core.clock import SystemClock
from pointsman.server.limits import ServerLimits
from server_thread import read_all, read_until, serving, status_of


@pytest.fixture(scope="module", params=[uvloop.new_event_loop, asyncio.new_event_loop])
def running(request):
    with serving(ServerLimits(write_timeout_s=0.2), loop_factory=request.param) as server:
        yield server


@pytest.fixture
def server(running):
    for seen in (running.app.aborted, running.app.started):
        while not seen.empty():
            seen.get()
    return running


def post(path, body):
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    return head % (path, len(body)) + body


def wait_for_the_application(server):
    while server.app.started.get(timeout=5) != "waiting":
        pass


def reset(client):
    """Close with a reset instead of an orderly end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("size", [0, 300_000, 1_000_000])
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_a_client_that_leaves_is_noticed_within_100_ms(server, size, leave):
    """Also after a body over 64 KiB, where uvicorn stops reading."""
    client = server.connect()
    client.sendall(post(b"/wait", b"x" * size))
    wait_for_the_application(server)
    began = time.perf_counter()
    leave(client)

    assert server.app.aborted.get(timeout=5) == "client_left"
    assert time.perf_counter() - began < 0.1
    assert len(server.app.requests[-1]) == size


def test_a_client_that_leaves_within_its_body_is_noticed(server):
    """The application waits for the rest and hears that none will come."""
    with server.connect() as client:
        client.sendall(post(b"/echo", b"x" * 200_000)[:100_000])
        server.app.started.get(timeout=5)

    assert server.app.aborted.get(timeout=5) == "client_left"


def test_a_client_that_leaves_within_a_stream_stops_it(server):
    """The application's sends are dropped from then on."""
    with server.connect() as client:
        client.sendall(post(b"/flood", b""))
        read_until(client, b"xxxx")

    assert server.app.aborted.get(timeout=5) == "client_left"


def test_a_half_closed_client_counts_as_gone(server):
    """An end of input is how leaving looks at first; nginx and Go decide the same."""
    with server.connect() as client:
        client.sendall(post(b"/wait", b""))
        wait_for_the_application(server)
        client.shutdown(socket.SHUT_WR)

        assert server.app.aborted.get(timeout=5) == "client_left"
        assert read_all(client) == b""


def test_a_client_that_leaves_after_its_answer_aborts_nothing(server):
    """There is nothing left to abort."""
    with server.connect() as client:
        client.sendall(post(b"/echo", b"done"))
        read_until(client, b"done")

    with pytest.raises(queue.Empty):
        server.app.aborted.get(timeout=0.05)


def test_a_client_that_reads_nothing_is_held_back_and_then_cut(server):
    """Backpressure bounds what waits for it; the write deadline ends it."""
    server.app.sent_bytes = 0
    with server.connect(receive_buffer=4096) as client:
        client.sendall(post(b"/flood", b""))

        assert server.app.aborted.get(timeout=5) == "client_stalled"
    assert server.app.sent_bytes < 8_000_000  # socket buffers of the kernel


def test_a_client_that_reads_slowly_but_steadily_is_not_cut(server):
    """Progress between two looks moves the deadline, for several deadlines on end."""
    size = 12_000_000
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with server.connect(receive_buffer=4096) as client:
        client.sendall(head % size + b"s" * size)
        seen, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < 1.0:
            if seen < passed * 6_000_000:
                seen += len(client.recv(16_384))
        seen += len(read_all(client))
    assert seen > size


def test_an_answer_that_closes_to_a_client_that_reads_nothing_is_cut(server):
    """A closing connection has the same deadline, or it would stay for ever."""
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9000000\r\n\r\n"
    with server.connect(receive_buffer=4096) as client:
        client.sendall(head + b"z" * 9_000_000)
        deadline = time.perf_counter() + 5
        while server.listener.connection_count and time.perf_counter() < deadline:
            pass
        assert server.listener.connection_count == 0


def test_the_connection_object_tells_when_the_first_byte_came(server):
    """Monotonic time of the first byte, also when the head comes in pieces."""
    clock = SystemClock()
    request = post(b"/echo", b"timed")
    with server.connect() as client:
        before = clock.monotonic_ns()
        client.sendall(request[:10])
        deadline = time.perf_counter() + 0.05
        while time.perf_counter() < deadline:
            pass
        client.sendall(request[10:])
        answer = read_until(client, b"timed")

    connection = server.app.started.get(timeout=5)["extensions"]["pointsman.connection"]
    assert status_of(answer) == 200
    assert 0 <= connection.received_ns - before < 50_000_000
    assert connection.request_id.encode() in answer
