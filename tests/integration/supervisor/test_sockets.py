"""The sockets of an instance, before any role serves on them."""

import socket

import pytest

from pointsman.server.listener import BindError
from pointsman.supervisor.sockets import listening_socket


def test_a_second_one_on_the_same_address_is_refused_at_once():
    """Not only once a role listens: two instances may start in the same moment."""
    with listening_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(BindError) as refused:
            listening_socket("127.0.0.1", port)

    assert refused.value.port == port


def test_connections_wait_until_a_role_takes_them():
    """Whoever is early is served late, not refused."""
    with (
        listening_socket("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname(), 5) as early,
    ):
        listening.setblocking(True)
        taken, _ = listening.accept()
        with taken:
            assert taken.getpeername() == early.getsockname()
