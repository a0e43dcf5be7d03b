"""Keeping other web pages away: the names the console answers to, and where its forms come from.

A page of another site can send requests to loopback, and with DNS rebinding under a name of its
own. So the `Host` must be one of ours, and what changes something must come from our own pages.
Pure: knows headers only.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from pointsman.core.errors import PermissionDeniedError

_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]/]*)(?::[0-9]{1,5})?\Z")


def check_host(headers: Mapping[str, str], allowed_hosts: Collection[str]) -> None:
    """Refuse a name that is not ours.

    Args:
        headers: Lower-case names.
        allowed_hosts: Lower-case names besides loopback ones, without port.

    Raises:
        PermissionDeniedError: `Host` is neither a loopback name nor allow-listed.
    """
    match = _HOST.match(headers.get("host", "").lower())
    name = match["name"] if match else ""
    if _LOOPBACK.fullmatch(name) is None and name not in allowed_hosts:
        raise PermissionDeniedError(
            "The console answers under loopback names and those in its list of hosts only.",
            code="host_not_allowed",
        )


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse a form that did not come from a page of this console.

    Browsers send `Origin` with every POST (https://fetch.spec.whatwg.org/#origin-header), so one
    without it is refused too.

    Raises:
        PermissionDeniedError: `Origin` is absent, or not the host that was asked.
    """
    try:
        origin = urlsplit(headers.get("origin", "").lower())
        is_own = origin.scheme in {"http", "https"} and origin.netloc == headers["host"].lower()
    except (ValueError, KeyError):
        is_own = False
    if not is_own or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise PermissionDeniedError(
            "This form was not sent by a page of the console.", code="origin_not_allowed"
        )
