"""What the server relies on inside uvicorn and httptools, at the exact version that is pinned."""

import asyncio
import inspect

import httptools
import uvicorn
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from pointsman.server.exchange import Exchange
from pointsman.server.lifecycle import ConnectionLifecycle
from pointsman.server.protocol import ServerProtocol


def _parameters(function):
    return list(inspect.signature(function).parameters)


async def _app(scope, receive, send):
    raise NotImplementedError


def _source(function):
    return inspect.getsource(function)


def test_the_pinned_version_is_installed():
    """Another one needs these tests read again."""
    assert uvicorn.__version__ == "0.54.0"


def test_the_protocol_has_the_methods_that_are_called_or_replaced():
    """With the parameters that they are called with."""
    expected = {
        "__init__": ["self", "config", "server_state", "app_state", "_loop"],
        "connection_made": ["self", "transport"],
        "connection_lost": ["self", "exc"],
        "data_received": ["self", "data"],
        "eof_received": ["self"],
        "shutdown": ["self"],
        "pause_writing": ["self"],
        "resume_writing": ["self"],
        "on_response_complete": ["self"],
        "on_message_begin": ["self"],
        "on_header": ["self", "name", "value"],
        "on_headers_complete": ["self"],
        "on_body": ["self", "body"],
        "on_message_complete": ["self"],
        "on_url": ["self", "url"],
        "_start_asgi_task": ["self", "cycle", "app"],
    }
    for name, parameters in expected.items():
        assert _parameters(getattr(HttpToolsProtocol, name)) == parameters, name


def test_the_cycle_has_the_constructor_and_methods_that_are_used():
    """All of its behaviour is replaced; its state and its place in the protocol stay."""
    assert _parameters(RequestResponseCycle.__init__) == [
        "self",
        "scope",
        "transport",
        "flow",
        "logger",
        "access_logger",
        "access_log",
        "default_headers",
        "message_event",
        "expect_100_continue",
        "keep_alive",
        "on_response",
    ]
    for name, parameters in {
        "run_asgi": ["self", "app"],
        "send": ["self", "message"],
        "send_500_response": ["self"],
        "receive": ["self"],
    }.items():
        assert _parameters(getattr(RequestResponseCycle, name)) == parameters, name
    assert set(vars(Exchange)) >= {"run_asgi", "send", "send_500_response", "receive"}


async def test_the_attributes_that_are_read_exist():
    """On a protocol and on a cycle as uvicorn makes them."""
    config = Config(_app, http=HttpToolsProtocol, log_config=None, lifespan="off", ws="none")
    protocol = HttpToolsProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    names = "app loop parser logger access_logger server_state connections tasks transport flow "
    names += "server client scheme headers expect_100_continue cycle"
    for name in names.split():
        assert hasattr(protocol, name), name

    cycle = RequestResponseCycle({}, *[None] * 7, True, True, None)
    for name, value in {
        "disconnected": False,
        "keep_alive": True,
        "waiting_for_100_continue": True,
        "body": bytearray(),
        "more_body": True,
        "response_started": False,
        "response_complete": False,
        "chunked_encoding": None,
        "expected_content_length": 0,
    }.items():
        assert getattr(cycle, name) == value, name


def test_every_callback_of_the_base_is_replaced():
    """None of uvicorn's own reading, queueing or plain-text answers can run."""
    replaced = {**vars(ConnectionLifecycle), **vars(ServerProtocol)}
    for name in ("data_received", "on_message_begin", "on_header", "on_headers_complete"):
        assert name in replaced
    for name in ("on_body", "on_message_complete", "on_response_complete", "eof_received"):
        assert name in replaced
    assert "send_400_response" in _source(HttpToolsProtocol.data_received)
    assert "send_400_response" not in _source(ServerProtocol) + _source(ConnectionLifecycle)


def test_the_shared_state_has_the_sets_that_a_stop_waits_for():
    """Connections and tasks."""
    state = ServerState()
    assert (state.total_requests, state.connections, state.tasks) == (0, set(), set())
    assert state.default_headers == []


def test_flow_control_pauses_and_resumes_as_expected():
    """Flags and a drain."""
    assert HIGH_WATER_LIMIT == 65_536
    assert STATUS_LINE[431] == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    for name in ("drain", "pause_reading", "resume_reading", "pause_writing", "resume_writing"):
        assert _parameters(getattr(FlowControl, name)) == (["self"]), name


def test_llhttp_refuses_by_itself_what_the_head_reader_refuses():
    """The second reader is strict too: no leniency is switched on."""

    class Sink:
        def on_header(self, name, value): ...

        def on_headers_complete(self): ...

    bad = [
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
    for data in bad:
        parser = httptools.HttpRequestParser(Sink())
        try:
            parser.feed_data(data)
        except httptools.HttpParserError:
            continue
        raise AssertionError(data)
