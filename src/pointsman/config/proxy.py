"""Which proxy leads to a provider: its own `proxy`, else what the environment says. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from pointsman.config.section import Secret

DIRECT = "none"
"""The value of `proxy` that connects directly, whatever the environment says."""


class EnvironmentProxy(Struct, frozen=True):
    """What the environment says about proxies.

    `https_proxy`, else `HTTPS_PROXY`, counts for providers whose base URL is https; never for
    http ones, which are on this machine or network. `no_proxy`, else `NO_PROXY`, lists hosts that
    are reached directly, separated by commas: a name with everything below it (`corp.example`, with
    or without a dot before it), an address, a network (`10.0.0.0/8`), each with `:port` if only
    that port is meant, or `*` for all. Loopback is always direct.
    """

    url: Secret | None = None
    direct: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "EnvironmentProxy":
        """Return what a set of variables says; an empty variable counts as none."""
        url = None
        for name in ("https_proxy", "HTTPS_PROXY"):
            if environment.get(name):
                url = Secret(environment[name], name)
                break
        written = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        return cls(url, tuple(part.strip().lower() for part in written.split(",") if part.strip()))

    def leads_to(self, host: str, port: int) -> bool:
        """Tell whether an https host is reached through the proxy."""
        if self.url is None or _is_loopback(host):
            return False
        host = host.lower().rstrip(".")
        return not any(_covers(entry, host, port) for entry in self.direct)


def proxy_for(own: Secret | None, environment: EnvironmentProxy, base_url: str) -> Secret | None:
    """Return the URL of the proxy that leads to a provider; None connects directly.

    Args:
        own: The provider's `proxy`.
        environment: Counts when that is absent.
        base_url: Of the provider; a valid URL.
    """
    if own is not None:
        return None if own.reveal() == DIRECT else own
    parts = urlsplit(base_url)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    return environment.url if environment.leads_to(parts.hostname, parts.port or 443) else None


def proxy_place(url: str) -> str:
    """Return host and port of a proxy's URL, without its credential."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, colon, entry_port = entry.rpartition(":")
    if colon and ":" not in name and entry_port.isdigit():
        if int(entry_port) != port:
            return False
        entry = name
    if _network_holds(entry, host):
        return True
    name = entry.lstrip("*").lstrip(".").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _network_holds(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network.strip("[]"), strict=False)
    except (ValueError, TypeError):
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
