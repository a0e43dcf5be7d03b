"""What is refused before the application sees it, with which status, and how fast."""

import asyncio
import re
import threading
import time
import tracemalloc

import msgspec
import pytest
import uvloop

from pointsman.server.limits import ServerLimits
from server_thread import read_all, read_until, serving, status_of

LIMITS = ServerLimits(
    max_head_bytes=65_536,
    max_header_count=50,
    max_body_bytes=10_000,
    idle_timeout_s=0.3,
    header_timeout_s=0.15,
    body_timeout_s=0.15,
    linger_timeout_s=0.3,
    max_connections=40,
)


@pytest.fixture(scope="module", params=[uvloop.new_event_loop, asyncio.new_event_loop])
def server(request):
    with serving(LIMITS, loop_factory=request.param) as running:
        yield running


def head(*lines, start=b"POST /echo HTTP/1.1"):
    return b"\r\n".join([start, b"Host: localhost", *lines]) + b"\r\n\r\n"


def assert_refused(answer, status, code):
    """The whole refusal: status, our object, the id and the end of the connection."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == status, answer[:300]
    error = msgspec.json.decode(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert re.search(rb"\r\nx-pointsman-request-id: req_[0-9a-f]{32}(\r\n|$)", top)
    assert b"\r\nconnection: close" in top
    assert b"\r\ndate: " in top
    assert b"\r\ncontent-type: application/json" in top


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"0\r\n\r\n"
AMBIGUOUS = {
    "length and chunked": head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + CHUNKS,
    "chunked and length": head(b"Transfer-Encoding: chunked", b"Content-Length: 5") + CHUNKS,
    "two lengths": head(b"Content-Length: 5", b"Content-Length: 6") + b"hello",
    "the same length twice": head(b"Content-Length: 5", b"Content-Length: 5") + b"hello",
    "a list of lengths": head(b"Content-Length: 5, 5") + b"hello",
    "a negative length": head(b"Content-Length: -1"),
    "a signed length": head(b"Content-Length: +5") + b"hello",
    "a hexadecimal length": head(b"Content-Length: 0x5") + b"hello",
    "an empty length": head(b"Content-Length:"),
    "a huge length": head(b"Content-Length: 99999999999999999999999999"),
    "chunked, identity": head(b"Transfer-Encoding: chunked, identity") + CHUNKS,
    "gzip, chunked": head(b"Transfer-Encoding: gzip, chunked") + CHUNKS,
    "identity": head(b"Transfer-Encoding: identity"),
    "chunked with a vertical tab": head(b"Transfer-Encoding: \x0bchunked") + CHUNKS,
    "xchunked": head(b"Transfer-Encoding: xchunked") + CHUNKS,
    "two codings": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + CHUNKS,
    "chunked in HTTP/1.0": head(b"Transfer-Encoding: chunked", start=b"POST /echo HTTP/1.0"),
    "space before the colon": head(b"Content-Length : 5") + b"hello",
    "a folded line": head(b"X-A: b", b" c", b"Content-Length: 0"),
    "a folded first line": b"POST /echo HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "bare line feeds": b"GET /echo HTTP/1.1\nHost: localhost\n\n",
    "one bare line feed": b"GET /echo HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n",
    "a bare carriage return": head(b"X-A: b\rContent-Length: 5"),
    "NUL in a value": head(b"X-A: b\x00c"),
    "NUL in a name": head(b"X-\x00A: b"),
    "a control character": head(b"X-A: b\x08"),
    "DEL in a value": head(b"X-A: b\x7f"),
    "no colon": head(b"nonsense"),
    "an empty name": head(b": b"),
    "no Host": b"GET /echo HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "two Hosts": head(b"Host: evil"),
    "a Host with a path": b"GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a Host with credentials": b"GET /echo HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "an empty Host": b"GET /echo HTTP/1.1\r\nHost:\r\n\r\n",
    "another host in the target": head(start=b"GET http://evil/echo HTTP/1.1"),
    "an unknown scheme": head(start=b"GET ftp://localhost/echo HTTP/1.1"),
    "a target that is no path": head(start=b"GET echo HTTP/1.1"),
    "an asterisk for GET": head(start=b"GET * HTTP/1.1"),
    "a fragment": head(start=b"GET /echo#top HTTP/1.1"),
    "a target with a tab": head(start=b"GET /e\tcho HTTP/1.1"),
    "a target beyond ASCII": head(start=b"GET /\xc3\xa9 HTTP/1.1"),
    "HTTP/0.9": b"GET /echo\r\n\r\n",
    "HTTP/1.2": head(start=b"GET /echo HTTP/1.2"),
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method in lower case": head(start=b"get /echo HTTP/1.1"),
    "an unknown method": head(start=b"FROBNICATE /echo HTTP/1.1"),
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "two spaces": head(start=b"GET  /echo HTTP/1.1"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_two_readers_could_read_differently_is_refused(server, name):
    """One refusal, the connection ends, and nothing behind it is served."""
    before = len(server.app.requests)

    answer = server.exchange(AMBIGUOUS[name] + SMUGGLED)

    assert_refused(answer, 400, "malformed_request")
    assert answer.count(b"HTTP/1.1") == 1 + answer.count(b"HTTP/1.1 and") + answer.count(
        b"of HTTP/1.1"
    ) + answer.count(b"in HTTP/1.1")
    assert len(server.app.requests) == before


CHUNK_JUNK = {
    "a size that is no number": b"xyz\r\nhello\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "a prefixed size": b"0x5\r\nhello\r\n",
    "an empty size": b"\r\nhello\r\n",
    "a space before the size": b" 5\r\nhello\r\n",
    "a space after the size": b"5 \r\nhello\r\n",
    "a size with a bare line feed": b"5\nhello\r\n",
    "a chunk longer than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "a chunk that ends with a bare line feed": b"5\r\nhello\n0\r\n\r\n",
    "a size of 17 digits": b"10000000000000005\r\nhello\r\n",
    "a NUL in an extension": b"5;a=\x00\r\nhello\r\n",
    "a bare line feed in an extension": b"5;a\nb\r\nhello\r\n",
    "an endless size line": b"5;" + b"a" * 5000,
    "a folded trailer": b"0\r\nA: b\r\n c\r\n\r\n",
    "a trailer without a colon": b"0\r\nnonsense\r\n\r\n",
    "endless trailers": b"0\r\n" + b"A: bcdef\r\n" * 10_000,
}


@pytest.mark.parametrize("name", CHUNK_JUNK)
def test_a_broken_chunked_body_is_refused(server, name):
    """Chunk framing is read as strictly as heads are."""
    answer = server.exchange(head(b"Transfer-Encoding: chunked") + CHUNK_JUNK[name])

    assert_refused(answer, 400, "malformed_request")


@pytest.mark.parametrize("size", [b"2711", b"fffffffffffffff"])
def test_a_chunk_beyond_the_body_bound_is_refused_at_its_size(server, size):
    """Nothing of it is read; huge sizes never reach an allocation."""
    answer = server.exchange(head(b"Transfer-Encoding: chunked") + size + b"\r\n")

    assert_refused(answer, 413, "request_too_large")


def test_chunks_are_counted_while_they_arrive(server):
    """The sum is what counts."""
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    with server.connect() as client:
        client.sendall(head(b"Transfer-Encoding: chunked") + chunk * 11)
        assert_refused(read_all(client), 413, "request_too_large")


def test_a_declared_length_beyond_the_bound_is_refused_before_the_body(server):
    """Also for a client that waits for leave to send."""
    answer = server.exchange(head(b"Content-Length: 10001", b"Expect: 100-continue"))

    assert_refused(answer, 413, "request_too_large")
    assert b"100 Continue" not in answer


def test_a_client_that_is_still_sending_can_read_its_refusal(server):
    """Input is discarded for a while: a reset would overtake the answer."""
    with server.connect() as client:
        client.sendall(head(b"Content-Length: 4000000"))
        client.sendall(b"x" * 4_000_000)
        answer = read_until(client, b"}}")
    assert_refused(answer, 413, "request_too_large")


def test_connect_is_not_implemented(server):
    """A gateway opens no tunnels."""
    answer = server.exchange(head(start=b"CONNECT example.com:443 HTTP/1.1"))

    assert_refused(answer, 501, "not_implemented")


def _flood(server, opening, piece, count):
    """Send an endless head; return the answer, the seconds it took and the peak of memory."""
    with server.connect() as client:
        tracemalloc.start()
        began = time.perf_counter()
        answer = []
        reader = threading.Thread(target=lambda: answer.append(read_until(client, b"}}")))
        reader.start()
        try:
            client.sendall(opening)
            for _ in range(count):
                client.sendall(piece)
                if answer:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        reader.join()
        seconds = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return answer[0], seconds, peak


def test_a_header_of_60_megabytes_costs_bounded_memory_and_time(server):
    """Bytes are counted before the parser keeps any."""
    opening = b"GET / HTTP/1.1\r\nHost: a\r\nX-Big: "
    answer, seconds, peak = _flood(server, opening, b"x" * 1_000_000, 60)

    assert_refused(answer, 431, "headers_too_large")
    assert seconds < 1.0
    assert peak < 4_000_000  # the client's own megabyte included


def test_500_000_headers_cost_bounded_memory_and_time(server):
    """No header object is made of them."""
    opening = b"GET / HTTP/1.1\r\nHost: a\r\n"
    answer, seconds, peak = _flood(server, opening, b"a: b\r\n" * 50_000, 10)

    assert_refused(answer, 431, "headers_too_large")
    assert seconds < 1.0
    assert peak < 4_000_000


def test_a_complete_head_over_the_bounds_is_refused(server):
    """One by size, one by count, each just over."""
    count = [b"x-%d: v" % number for number in range(50)]
    assert_refused(server.exchange(head(*count)), 431, "headers_too_large")
    assert_refused(server.exchange(head(b"x: " + b"y" * 65_536)), 431, "headers_too_large")
    assert status_of(server.exchange(head(*count[:48], b"connection: close"))) == 200


def test_a_connection_without_a_byte_is_closed_without_a_word(server):
    """The idle deadline."""
    with server.connect() as client:
        assert read_all(client) == b""


def test_a_used_connection_is_closed_without_a_word_when_it_is_idle(server):
    """An unasked 408 could be taken for the answer to the next request."""
    with server.connect() as client:
        client.sendall(head(b"Content-Length: 2") + b"ok")
        read_until(client, b"\r\n\r\nok")
        assert read_all(client) == b""


@pytest.fixture(scope="module")
def patient():
    """Waits long for a request, briefly for its head."""
    with serving(ServerLimits(idle_timeout_s=60, header_timeout_s=0.15)) as running:
        yield running


@pytest.mark.parametrize("piece", [b"P", b"POST /echo HTTP/1.1\r\nHos", head(b"a: b")[:-2]])
def test_half_a_head_is_answered_408(patient, piece):
    """The header deadline runs from the first byte."""
    assert_refused(patient.exchange(piece), 408, "request_timeout")


def test_a_trickled_head_meets_the_same_deadline(patient):
    """Bytes that keep coming do not move the header deadline."""
    with patient.connect() as client:
        client.settimeout(0.02)
        answer = b""
        for number in range(200):
            client.sendall(b"GET / HTTP/1.1\r\n" if number == 0 else b"a")
            try:
                answer = client.recv(4096)
                break
            except TimeoutError:
                continue
        assert_refused(answer, 408, "request_timeout")


def test_half_a_body_is_answered_408_and_the_application_told(server):
    """With the id that the application knows."""
    answer = server.exchange(head(b"Content-Length: 100") + b"half")

    assert_refused(answer, 408, "request_timeout")
    assert server.app.aborted.get(timeout=5) == "request_refused"
    scopes = [server.app.started.get() for _ in range(server.app.started.qsize())]
    connection = scopes[-1]["extensions"]["pointsman.connection"]
    assert connection.request_id.encode() in answer


def test_a_slow_application_is_not_taken_for_a_slow_client():
    """While reading is paused because nobody takes the body, the client cannot be late."""
    with serving(ServerLimits(body_timeout_s=0.05)) as server, server.connect() as client:
        client.sendall(b"POST /hesitant HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
        sender = threading.Thread(target=client.sendall, args=(b"b" * 900_000,))
        sender.start()
        while server.app.started.get(timeout=5) != "waiting":
            pass
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(5)
        server.loop.call_soon_threadsafe(server.app.leave.set)
        assert status_of(read_until(client, b"b" * 1000)) == 200
        sender.join()


def test_half_a_chunked_body_is_answered_408(server):
    """The body deadline knows no lengths."""
    answer = server.exchange(head(b"Transfer-Encoding: chunked") + b"5\r\nhel")

    assert_refused(answer, 408, "request_timeout")


def test_connections_beyond_the_bound_are_answered_503(server):
    """And are counted; the first ones stay usable."""
    clients = [server.connect() for _ in range(40)]
    try:
        for client in clients[-1:]:
            client.sendall(head(b"Content-Length: 2") + b"ok")
            read_until(client, b"\r\n\r\nok")
        with server.connect() as late:
            answer = read_all(late)
        assert_refused(answer, 503, "too_many_connections")
        assert b"\r\nretry-after: 1\r\n" in answer
    finally:
        for client in clients:
            client.close()
    assert server.listener.rejected()["too_many_connections"] >= 1


def test_refusals_are_counted_by_code(server):
    """They reach no record, so a counter shows them."""
    before = server.listener.rejected().get("not_implemented", 0)
    server.exchange(head(start=b"CONNECT example.com:443 HTTP/1.1"))

    assert server.listener.rejected()["not_implemented"] == before + 1
