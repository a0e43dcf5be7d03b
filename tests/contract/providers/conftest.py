"""Every test of this folder runs on both event loops: the product runs on uvloop."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    """Run each test on the plain loop and on uvloop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
