"""`server`: where the gateway listens and what it accepts."""

from typing import Annotated

from msgspec import Meta

from pointsman.config.section import Duration, Positive, Section


class ServerConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP surface of the gateway."""

    host: str = "127.0.0.1"
    """Address to bind. Off loopback, keys and TLS are required, unless `allow_open` and
    `allow_plain` say otherwise."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 3100
    """Port to bind; 0 takes any free one."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Gateway processes that serve the port together. With limits, quotas, budgets or agent runs,
    several need `shared.url`."""
    metadata_key: str = "pointsman"
    """Key of the object added to answers, and prefix of the headers (`x-<key>-…`)."""
    strict: bool = False
    """Refuse model names that nobody declared (404) instead of passing them to the default."""
    max_body_bytes: Positive = 20_971_520
    """Largest accepted request body (413 beyond)."""
    max_header_bytes: Positive = 65_536
    """Largest accepted request head (431 beyond)."""
    header_timeout: Duration = Duration(10.0)
    """From the first byte of a request to the end of its head."""
    body_timeout: Duration = Duration(30.0)
    """Longest silence within a request body."""
    idle_timeout: Duration = Duration(75.0)
    """How long an idle keep-alive connection stays open."""
    max_connections: Positive = 4096
    """Connections beyond this are answered 503 and closed."""
    allowed_origins: tuple[str, ...] = ()
    """Web origins that may call a gateway without keys, for example `http://localhost:5173`."""
    allowed_hosts: tuple[str, ...] = ()
    """`Host` names besides loopback ones that a gateway without keys accepts."""
    allow_open: bool = False
    """Accept callers without keys on an address that is not loopback. Anyone there can spend."""
    allow_plain: bool = False
    """Serve without TLS on an address that is not loopback, because TLS ends in front of it."""
    tls_cert_file: str | None = None
    """PEM file with the certificate chain; with it the gateway serves HTTPS."""
    tls_key_file: str | None = None
    """PEM file with the private key, if it is not in `tls_cert_file`."""
    environment: str = "production"
    """The deployment's name on every record, unless a request says otherwise."""
    tenant: str | None = None
    """Tenant of requests that name none."""
