"""Every test of this folder runs on both event loops, and must leave no connection behind."""

import asyncio

import pytest
import uvloop

from pointsman.transport.client import HttpClient
from pointsman.transport.settings import TransportSettings, parse_base_url
from transport_requests import CLOCK


def pytest_asyncio_loop_factories(config, item):
    """Run each test on the plain loop and on uvloop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def connect():
    """Make clients that are closed, with every connection, when the test ends."""
    clients = []

    def make(url: str, **settings) -> HttpClient:
        client = HttpClient(parse_base_url(url)[0], TransportSettings(**settings), CLOCK)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()
        assert client.pool.open_count == 0
