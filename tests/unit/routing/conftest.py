"""One fixture for all tests of routing."""

from collections.abc import Callable

import pytest

from routing_desk import Desk


@pytest.fixture
def desk() -> Callable[..., Desk]:
    """Makes a desk from sections of a configuration."""
    return Desk
