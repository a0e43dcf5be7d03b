"""Real Redis servers for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from redis_server import RedisServer


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that finds again what it had when it was killed."""
    folder: Path = tmp_path_factory.mktemp("r")
    server = RedisServer(folder, keeps_data=True)
    server.start()
    yield server
    server.kill()
