"""Addresses of Redis with options that mean nothing."""

import pytest

from pointsman.shared.connection import connect
from pointsman.shared.errors import SharedLostError
from pointsman.shared.settings import SharedSettings


@pytest.mark.parametrize("option", ["colour=blue", "db=first", "socket_timeout=soon"])
async def test_an_option_that_means_nothing_is_told_without_the_address(option: str):
    """It would end the task that connects, and the words of the library quote the address."""
    with pytest.raises(SharedLostError) as lost:
        await connect(SharedSettings(url=f"redis://:secret@127.0.0.1:1/0?{option}"))

    assert "secret" not in str(lost.value)
    assert "shared.url" in str(lost.value)
