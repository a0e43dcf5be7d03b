"""Who is let in: decided from headers alone."""

import pytest

from pointsman.collector.access import Access, Tokens
from pointsman.core.errors import AuthenticationError, PermissionDeniedError
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.store.query import Scope

TOKENS = Tokens(ingest="ingest-token", admin="admin-token")
KEYS = {
    "tenant": Principal(key_name="ci", tenant="acme", scopes=frozenset({"explain", "call"})),
    "caller": Principal(key_name="caller", tenant="acme", scopes=frozenset({"call"})),
    "reader": Principal(key_name="reader", scopes=frozenset({"explain"})),
}


def know(credential: str) -> Principal:
    if credential not in KEYS:
        raise AuthenticationError("unknown")
    return KEYS[credential]


@pytest.fixture
def access():
    return Access(TOKENS, know, allowed_hosts=["collector.internal"])


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:3101"},
        {"host": "localhost"},
        {"host": "[::1]:3101"},
        {"host": "Collector.Internal:443"},
        {"host": "localhost:3101", "origin": "http://localhost:3101"},
        {"host": "localhost:3101", "origin": "http://localhost:3101", "sec-fetch-site": "x"},
    ],
)
def test_our_own_hosts_and_pages_pass(access, headers):
    """Loopback names, allowed names, and pages that the collector itself served."""
    access.guard(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost.evil.example:3101"},
        {"host": "localhost:3101", "origin": "http://localhost:5173"},
        {"host": "localhost:3101", "origin": "http://evil.example"},
        {"host": "localhost:3101", "origin": "null"},
        {"host": "localhost:3101", "sec-fetch-site": "cross-site"},
    ],
)
def test_foreign_hosts_and_pages_do_not(access, headers):
    """DNS rebinding, other local applications, sandboxed frames."""
    with pytest.raises(PermissionDeniedError):
        access.guard(headers)


def test_each_token_opens_its_own_door(access):
    """The one for sending does not read, the one for reading does not send records."""
    access.gateway(bearer("ingest-token"))
    access.admin(bearer("admin-token"))
    assert access.reader(bearer("admin-token")).may_read_content
    for refused in (
        lambda: access.gateway(bearer("admin-token")),
        lambda: access.admin(bearer("ingest-token")),
        lambda: access.reader(bearer("ingest-token")),
        lambda: access.sender(bearer("admin-token")),
        lambda: access.reader({"authorization": "Basic admin-token"}),
        lambda: access.reader(bearer("ädmin")),
    ):
        with pytest.raises(AuthenticationError):
            refused()


def test_a_key_reads_its_tenant(access):
    """And no content; a key without a tenant reads everything else."""
    reader = access.reader(bearer("tenant"))

    assert (reader.scope, reader.may_read_content) == (Scope("acme"), False)
    assert access.reader(bearer("reader")).scope == Scope(None)
    with pytest.raises(PermissionDeniedError):
        access.reader(bearer("caller"))


def test_spans_sent_with_a_key_are_its_tenants(access):
    """Whatever the header says."""
    assert access.sender({**bearer("caller"), "x-pointsman-tenant": "globex"}).tenant == "acme"
    assert access.sender({**bearer("ingest-token"), "x-pointsman-tenant": "globex"}).tenant == (
        "globex"
    )
    with pytest.raises(AuthenticationError):
        access.sender(bearer("reader"))


def test_who_is_anonymous_reads_nothing():
    """A gateway without keys lets everybody call; the register is not open for that."""
    access = Access(TOKENS, lambda _: ANONYMOUS)

    with pytest.raises(AuthenticationError):
        access.reader(bearer("anything"))


def test_tokens_do_not_show_themselves():
    """In logs and tracebacks."""
    assert "token" not in repr(TOKENS).lower().replace("tokens", "")
