"""The sockets of an instance: opened by the supervisor, inherited by the roles."""

import socket

from pointsman.server.listener import BindError, bind_socket

BACKLOG = 2048
"""Connections that wait while a role starts, or starts again."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections from now on; who serves them comes later.

    Listening at once is what tells a second instance: two sockets may be bound to one address, but
    only one may listen.

    Raises:
        BindError: The address is taken or cannot be used.
    """
    bound = bind_socket(host, port)
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise BindError(host, port, error.strerror or str(error)) from error
    return bound
