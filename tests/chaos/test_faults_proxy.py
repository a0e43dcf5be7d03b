"""Providers behind an HTTP proxy, through the whole gateway."""

from pathlib import Path

from proxy_server import ProxyServer
from watched_gateway import client_of, plain, story, streamed, upstreams, watched_gateway

CONFIG = """
providers:
  pa:
    kind: openai
    base_url: "http://127.0.0.1:{a}/v1"
    api_key: key-of-a
    proxy: "http://ann:{password}@127.0.0.1:{proxy}"
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a}}
  b: {{provider: pb, model: m-b}}
routes: {{chat: {{targets: [a, b], timeout: 4s}}}}
"""
CREDENTIAL = b"Basic YW5uOmh1bnRlcjIy"
"""Of ann and hunter22."""


async def ask_through(folder: Path, password: str):
    """Ask plainly and for a stream; return answers, calls, what the proxy saw, and records."""
    async with upstreams("a", "b") as providers, ProxyServer(credential=CREDENTIAL) as proxy:
        ports = {name: each.server.port for name, each in providers.items()}
        config = CONFIG.format(password=password, proxy=proxy.port, **ports)
        async with watched_gateway(folder, config) as gateway, client_of(gateway) as client:
            seen = [await ask(client, "chat") for ask in (plain, streamed)]
            calls = [each.calls for each in providers.values()]
        return seen, calls, len(proxy.asked), gateway.records


async def test_answers_and_streams_come_through_the_proxy(tmp_path: Path):
    """One tunnel serves both."""
    seen, calls, tunnels, records = await ask_through(tmp_path, "hunter22")

    assert seen == ["answer of m-a"] * 2
    assert (calls, tunnels) == ([2, 0], 1)
    assert [story(record) for record in records] == [
        "a first ok: success",
        "a first ok: success (done)",
    ]


async def test_a_proxy_that_refuses_the_credential_is_told_as_that_and_passed_over(tmp_path: Path):
    """407: asked once, not again; the next target serves; the password is nowhere."""
    seen, calls, tunnels, records = await ask_through(tmp_path, "not-the-word")

    assert seen == ["answer of m-b"] * 2
    assert (calls, tunnels) == ([0, 2], 2)
    failed = records[0].attempts[0]
    assert story(records[0]) == "a first bad_credential, b failover ok: success"
    assert failed.upstream_code == "proxy_auth"
    assert "refused the credential (407)" in failed.error
    assert "not-the-word" not in str(records)
