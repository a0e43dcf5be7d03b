"""Requests over real sockets: framing, pipelining, versions, answers."""

import asyncio
import itertools
import re
import threading

import msgspec
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.server.limits import ServerLimits
from server_thread import read_all, read_until, serving, status_of

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"


def post(path, body, *headers):
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (
        path,
        HOST,
        lines,
        len(body),
        body,
    )


def get(path, *headers):
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path, HOST, lines)


@pytest.fixture(scope="module", params=[uvloop.new_event_loop, asyncio.new_event_loop])
def server(request):
    with serving(
        ServerLimits(max_body_bytes=1_000_000, linger_timeout_s=0.2), loop_factory=request.param
    ) as running:
        yield running


@pytest.fixture(scope="module")
def fast():
    limits = ServerLimits(
        idle_timeout_s=0.05, header_timeout_s=0.05, body_timeout_s=0.05, linger_timeout_s=0.02
    )
    with serving(limits) as running:
        yield running


def test_a_body_is_handed_on_and_the_answer_closes_when_asked(server):
    """A plain request on a connection of its own."""
    answer = server.exchange(post(b"/echo?a=b", b"hello", b"Connection: close"))

    assert status_of(answer) == 200
    assert answer.endswith(b"\r\n\r\nhello")
    assert b"connection: close\r\n" in answer
    assert re.search(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} ", answer)
    assert b"server:" not in answer
    assert server.app.requests[-1] == ("POST", b"/echo", b"a=b", b"hello")


def test_a_connection_serves_one_request_after_another(server):
    """Keep-alive, with different bodies."""
    with server.connect() as client:
        for text in (b"first", b"second", b"x" * 200_000):
            client.sendall(post(b"/echo", text))
            assert read_until(client, b"\r\n\r\n" + text)


def test_a_chunked_body_is_decoded_and_its_trailers_are_dropped(server):
    """A trailer must never pass for a header, of this request or of the next."""
    chunked = (
        b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n"
    )
    with server.connect() as client:
        client.sendall(chunked + post(b"/echo", b"next", b"Connection: close"))
        answer = read_all(client)

    assert b"hello world" in answer
    assert answer.endswith(b"next")
    seen = [server.app.started.get() for _ in range(server.app.started.qsize())][-2:]
    assert all(b"authorization" not in dict(scope["headers"]) for scope in seen)


def test_pipelined_requests_are_answered_in_order(server):
    """Requests sent ahead wait for their turn."""
    texts = [b"<%d>" % number for number in range(50)]
    requests = [post(b"/echo", text) for text in texts]

    answer = server.exchange(*requests[:-1], post(b"/echo", texts[-1], b"Connection: close"))

    assert re.findall(rb"<\d+>", answer) == texts


def test_pipelined_bytes_beyond_the_bound_wait_in_the_kernel(server):
    """What a client sends ahead costs bounded memory, and is still answered."""
    big = b"y" * 90_000
    with server.connect() as client:
        sender = threading.Thread(target=client.sendall, args=(post(b"/echo", big) * 10,))
        sender.start()
        seen = b""
        while seen.count(b"HTTP/1.1 200") < 10 or not seen.endswith(big):
            seen += client.recv(65536)
        sender.join()

    assert seen.count(b"y") >= 10 * len(big)


def test_small_requests_sent_ahead_never_pile_up(server):
    """The server reads ahead no more than the bound and one read, however long it goes on."""
    count, most = 4000, 0
    requests = get(b"/tardy", b"X-Pad: " + b"p" * 400) * (count - 1)
    requests += get(b"/tardy", b"Connection: close")
    with server.connect() as client:
        sender = threading.Thread(target=client.sendall, args=(requests,))
        sender.start()
        answers = []
        while piece := client.recv(65536):
            answers.append(piece)
            for connection in list(server.listener._shared.connections):
                most = max(most, len(connection._ahead))
        sender.join()

    assert b"".join(answers).count(b"HTTP/1.1 200") == count
    assert 0 < most <= 65_536 + 262_144


def test_a_bad_second_request_is_refused_after_the_first_answer(server):
    """Order holds for refusals too."""
    answer = server.exchange(post(b"/echo", b"fine") + b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"]
    assert b"fine" in answer


def test_a_stream_is_chunked(server):
    """Answers of unknown length."""
    answer = server.exchange(get(b"/stream", b"Connection: close"))

    assert answer.endswith(b"4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n")


def test_http_1_0_gets_a_stream_that_ends_with_the_connection(server):
    """HTTP/1.0 knows no chunks (RFC 9112 section 7.1); nginx speaks it to upstreams by default."""
    answer = server.exchange(b"GET /stream HTTP/1.0\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"one two three"
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head


def test_an_answer_to_head_has_no_body(server):
    """RFC 9110 section 9.3.2."""
    answer = server.exchange(b"HEAD /early HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")

    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 5\r\n" in answer


def test_a_client_that_expects_continue_gets_it_before_it_sends(server):
    """RFC 9110 section 10.1.1; curl does this for larger bodies."""
    with server.connect() as client:
        head, body = post(b"/echo", b"later", b"Expect: 100-continue").split(b"\r\n\r\n")
        client.sendall(head + b"\r\n\r\n")
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert status_of(read_until(client, b"later")) == 200


def test_an_early_answer_to_a_client_that_expects_continue_closes(server):
    """Whether the body still comes is unknown, so the connection cannot be used again."""
    with server.connect() as client:
        head = post(b"/early", b"later", b"Expect: 100-continue").split(b"\r\n\r\n")[0]
        client.sendall(head + b"\r\n\r\n")
        answer = read_all(client)

    assert b"connection: close" in answer
    assert answer.endswith(b"early")


def test_an_early_answer_leaves_the_connection_usable_when_the_body_follows(server):
    """The rest of an unread body is dropped; the next request begins after it."""
    with server.connect() as client:
        request = post(b"/early", b"z" * 300_000)
        client.sendall(request[:1000])
        assert read_until(client, b"early")
        client.sendall(request[1000:] + post(b"/echo", b"after", b"Connection: close"))
        assert read_all(client).endswith(b"after")


def test_an_upgrade_is_ignored_and_the_request_answered(server):
    """Java's client offers h2c on every plain request; a server may ignore it."""
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAA")
    with server.connect() as client:
        client.sendall(post(b"/echo", b"plain", *offer))
        assert status_of(read_until(client, b"plain")) == 200
        client.sendall(post(b"/echo", b"again", b"Connection: close"))
        assert read_all(client).endswith(b"again")


@pytest.mark.parametrize("path", [b"/fail", b"/silent", b"/inject"])
def test_a_failing_application_is_answered_with_our_error_object(server, path):
    """Also when it gives no answer, or one that would inject headers."""
    answer = server.exchange(get(path))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == 500
    assert msgspec.json.decode(body)["error"]["code"] == "internal_error"
    assert b"x-pointsman-request-id: req_" in head
    assert b"planted" not in answer
    assert b"evil" not in answer


def test_an_application_that_fails_halfway_ends_short_of_the_framing(server):
    """The client must see that the answer is cut."""
    answer = server.exchange(get(b"/halfway"))

    assert answer.endswith(b"4\r\nhalf\r\n")


def test_a_target_in_absolute_form_is_served_for_its_own_host(server):
    """RFC 9112 section 3.2.2 makes servers accept it."""
    request = b"GET http://LOCALHOST/echo?q=1 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"

    assert status_of(server.exchange(request)) == 200
    assert server.app.requests[-1][1:3] == (b"/echo", b"q=1")


VALID = (
    b"\r\n"
    + post(b"/echo", b"alpha", b"X-Long: " + b"v" * 90)
    + b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"3\r\nbet\r\n1;x=y\r\na\r\n0\r\nT: v\r\n\r\n"
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(1, len(VALID) - 1), max_size=6, unique=True))
def test_a_valid_request_may_be_cut_anywhere(server, cuts):
    """How bytes arrive changes nothing."""
    edges = [0, *sorted(cuts), len(VALID)]

    answer = server.exchange(*(VALID[a:b] for a, b in itertools.pairwise(edges)))

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200"]
    assert b"alpha" in answer
    assert answer.endswith(b"beta")


_JUNK = st.binary(max_size=200)
_MUTATED = st.builds(
    lambda at, junk: VALID[:at] + junk + VALID[at + 1 :], st.integers(0, len(VALID)), _JUNK
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.one_of(_JUNK, _MUTATED))
def test_any_bytes_are_answered_or_closed_within_the_deadline(fast, data):
    """No bytes crash the server or hold a connection for ever."""
    with fast.connect() as client:
        client.sendall(data)
        answer = read_all(client)

    assert status_of(answer) in {None, 200, 400, 408, 413, 431, 501}
    assert status_of(fast.exchange(post(b"/echo", b"alive", b"Connection: close"))) == 200
