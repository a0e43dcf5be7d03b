"""Who may send and who may read: tokens of the instance, keys of callers, pages in browsers.

Loopback is not a boundary: every page in a local browser can reach a local port. So a request must
name a host that is ours, a browser's request must come from our own pages, and every route asks for
a token or a key. Sessions of the console are the console's business; it is handed a `Reader`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from hmac import compare_digest

from msgspec import Struct

from pointsman.core.errors import AuthenticationError, PermissionDeniedError
from pointsman.core.identity import Principal
from pointsman.store.query import EVERYTHING, Scope

INGEST_HEADER = "x-pointsman-ingest-token"
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")


class Reader(Struct, frozen=True, kw_only=True):
    """Somebody who may ask the read API."""

    name: str
    """For the audit trail: `admin`, `key:ci`, `console:admin`."""
    scope: Scope
    may_read_content: bool = False


class Sender(Struct, frozen=True, kw_only=True):
    """Somebody who may send spans."""

    tenant: str | None = None
    """Whose they are; None leaves that to the spans."""


class Tokens(Struct, frozen=True, kw_only=True):
    """The secrets of this instance, from its data folder."""

    ingest: str
    """For gateways and applications that send."""
    admin: str
    """For everything else."""

    def __repr__(self) -> str:
        """Leave the tokens out of logs and tracebacks."""
        return "Tokens(***)"


class Access:
    """Decides from headers alone.

    Args:
        tokens: See `Tokens`.
        know_key: Returns whom a key of the gateway stands for; raises `AuthenticationError`.
        allowed_hosts: Values of `Host` besides loopback ones, without a port.
    """

    def __init__(
        self,
        tokens: Tokens,
        know_key: Callable[[str], Principal],
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._tokens = tokens
        self._know_key = know_key
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    def guard(self, headers: Mapping[str, str]) -> None:
        """Refuse what a foreign web page may have sent.

        Raises:
            PermissionDeniedError: The host is not ours, or the page is not.
        """
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") else re.sub(r":[0-9]+\Z", "", host)
        if _LOOPBACK.fullmatch(name) is None and name not in self._hosts:
            raise PermissionDeniedError(
                "the Host header must be a loopback name or an allowed one",
                code="host_not_allowed",
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise PermissionDeniedError(
                "pages of other origins may not call the collector", code="origin_not_allowed"
            )
        if origin is None and headers.get("sec-fetch-site") == "cross-site":
            raise PermissionDeniedError(
                "pages of other sites may not call the collector", code="origin_not_allowed"
            )

    def gateway(self, headers: Mapping[str, str]) -> None:
        """Let a gateway of this instance in.

        Raises:
            AuthenticationError: It does not show the ingest token.
        """
        if not self._shows(headers, self._tokens.ingest):
            raise AuthenticationError("this needs the ingest token of the collector's data folder")

    def sender(self, headers: Mapping[str, str]) -> Sender:
        """Return who sends spans: whoever has the ingest token, or a key of the gateway.

        Raises:
            AuthenticationError: Neither is shown.
        """
        shown = headers.get(INGEST_HEADER)
        if shown is not None and _same(shown, self._tokens.ingest):
            return Sender(tenant=headers.get("x-pointsman-tenant"))
        if self._shows(headers, self._tokens.ingest):
            return Sender(tenant=headers.get("x-pointsman-tenant"))
        principal = self._key(headers)
        if principal.allows("call"):
            return Sender(tenant=principal.tenant)
        raise AuthenticationError("spans need the ingest token or a key of the gateway")

    def admin(self, headers: Mapping[str, str]) -> None:
        """Let in whoever has the admin token.

        Raises:
            AuthenticationError: It is not shown.
        """
        if not self._shows(headers, self._tokens.admin):
            raise AuthenticationError("this needs the admin token of the collector's data folder")

    def caller(self, headers: Mapping[str, str]) -> Principal | None:
        """Return whose key is shown; None for the admin token.

        Raises:
            AuthenticationError: Neither is shown.
            PermissionDeniedError: The key may neither call nor explain.
        """
        if self._shows(headers, self._tokens.admin):
            return None
        principal = self._key(headers)
        if not principal.allows("call") and not principal.allows("explain"):
            raise PermissionDeniedError("the key lacks the scope `call`")
        return principal

    def reader(self, headers: Mapping[str, str]) -> Reader:
        """Return who asks: the holder of the admin token, or of a key with the scope `explain`.

        Raises:
            AuthenticationError: Neither is shown.
            PermissionDeniedError: The key may not explain.
        """
        if self._shows(headers, self._tokens.admin):
            return Reader(name="admin", scope=EVERYTHING, may_read_content=True)
        principal = self._key(headers)
        if not principal.allows("explain"):
            raise PermissionDeniedError("the key lacks the scope `explain`")
        # A key without a tenant sees what is nobody's and everybody's, as on the gateway.
        return Reader(name=f"key:{principal.key_name}", scope=Scope(principal.tenant))

    def _key(self, headers: Mapping[str, str]) -> Principal:
        shown = _bearer(headers)
        if shown is None:
            raise AuthenticationError("send a token or a key as `Authorization: Bearer …`")
        principal = self._know_key(shown)
        if principal.key_name is None:
            # A gateway without keys takes anybody; the register of what all did does not.
            raise AuthenticationError("this is no token or key of this instance")
        return principal

    def _shows(self, headers: Mapping[str, str], token: str) -> bool:
        shown = _bearer(headers)
        return shown is not None and _same(shown, token)


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, credential = headers.get("authorization", "").strip().partition(" ")
    return credential.strip() or None if scheme.lower() == "bearer" else None


def _same(shown: str, token: str) -> bool:
    return compare_digest(shown.encode("utf-8", "replace"), token.encode())
