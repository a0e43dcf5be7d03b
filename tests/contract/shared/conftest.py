"""Real Redis servers for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from redis_server import RedisServer


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that runs and forgets everything when it is killed."""
    folder: Path = tmp_path_factory.mktemp("r")
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()
