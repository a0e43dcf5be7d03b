"""Checks of `server`: who can reach the gateway, and what its names may be."""

import ipaddress
import re
from urllib.parse import urlsplit

from pointsman.config.checks.subject import Subject
from pointsman.config.findings import quoted

_HEADER_PART = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
# Keys of OpenAI's answers, which an object of ours must not replace.
_TAKEN_KEYS = frozenset({"id", "object", "created", "model", "choices", "usage", "error"})


def check_server(subject: Subject) -> None:
    """Note what is wrong with the address, the names and the allow-lists."""
    _check_address(subject)
    _check_tls(subject)
    _check_metadata_key(subject)
    server = subject.config.server
    for index, origin in enumerate(server.allowed_origins):
        if not _is_origin(origin):
            subject.error(
                f"server.allowed_origins[{index}]",
                f"{quoted(origin)} is not a web origin",
                hint="write scheme, host and port only, as in http://localhost:5173",
            )
    for index, host in enumerate(server.allowed_hosts):
        if not _is_host(host):
            subject.error(
                f"server.allowed_hosts[{index}]",
                f"{quoted(host)} is not a host name",
                hint="write the name only, without scheme, port or *",
            )


def is_loopback(host: str) -> bool:
    """Tell whether an address to bind can only be reached from this machine."""
    address = _address(host)
    return address.is_loopback if address else host.lower() == "localhost"


def is_local(host: str) -> bool:
    """Tell whether a host is this machine or on a private network, by its name or address."""
    address = _address(host)
    if address is not None:
        return address.is_loopback or address.is_private or address.is_link_local
    name = host.lower().rstrip(".")
    suffixes = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
    # A name without a dot is one of a container or of the local network.
    return "." not in name or name.endswith(suffixes)


def _check_address(subject: Subject) -> None:
    server = subject.config.server
    if not _is_host(server.host):
        subject.error(
            "server.host",
            f"{quoted(server.host)} is not an address to bind",
            hint="write an IP address or localhost",
        )
    elif not is_loopback(server.host):
        _check_open(subject)


def _check_open(subject: Subject) -> None:
    server = subject.config.server
    has_keys = bool(subject.config.keys) or subject.has_problem_within("keys")
    if not has_keys and not server.allow_open:
        subject.error(
            "server.host",
            f"{server.host} can be reached from other machines and no key is configured",
            hint="add keys, or listen on 127.0.0.1, or set server.allow_open: true",
        )
    elif not has_keys:
        subject.warn("server.allow_open", "anyone who reaches this address can spend your keys")
    elif server.tls_cert_file is None and not server.allow_plain:
        subject.error(
            "server.host",
            f"{server.host} would be served without TLS: keys and prompts could be read on the way",
            hint="set server.tls_cert_file, or server.allow_plain: true behind a proxy with TLS",
        )


def _check_tls(subject: Subject) -> None:
    server = subject.config.server
    for name, file in (
        ("tls_cert_file", server.tls_cert_file),
        ("tls_key_file", server.tls_key_file),
    ):
        if file is not None and not (subject.folder / file).is_file():
            subject.error(f"server.{name}", f"no such file: {quoted(file)}")
    if server.tls_key_file is not None and server.tls_cert_file is None:
        subject.error("server.tls_key_file", "a key without `tls_cert_file` serves nothing")


def _check_metadata_key(subject: Subject) -> None:
    key = subject.config.server.metadata_key
    if not _HEADER_PART.match(key):
        subject.error(
            "server.metadata_key",
            f"{quoted(key)} cannot be part of a header name",
            hint="use letters, digits and -, at most 32",
        )
    elif key in _TAKEN_KEYS:
        subject.error("server.metadata_key", f"`{key}` is a key of the answers themselves")


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_bare = origin == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    return is_bare and port_is_valid and bool(parts.scheme) and _is_host(parts.hostname or "")


def _is_host(host: str) -> bool:
    return _address(host) is not None or _HOST.match(host) is not None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
