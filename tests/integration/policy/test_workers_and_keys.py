"""Keys and terms on several workers of one gateway: each of them follows."""

import threading
from pathlib import Path

import msgspec

from running_instance import running_instance, until

from running_gateway import post, run_command

CONFIG = """
providers: {mock: {kind: mock, default: true}}
targets:
  small: {provider: mock, model: gpt-4o-mini}
  large: {provider: mock, model: gpt-4o}
routes:
  auto: {targets: [small]}
  premium: {targets: [large]}
server: {workers: 3}
"""
SOON_S = 2.0
"""A second, and one for the connections of a round on a busy machine."""
BODY = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "hi"}]})


def _answers(instance, key: str, count: int = 24) -> set[tuple[int, str | None]]:
    """Ask on many new connections at once, so that every worker is asked; return what came."""
    found: set[tuple[int, str | None]] = set()

    def ask() -> None:
        headers = {"authorization": f"Bearer {key}"}
        status, answer, _ = post(f"{instance.url}/v1/chat/completions", BODY, headers)
        found.add((status, answer.get("x-pointsman-target")))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _cli(instance, *words: str) -> str:
    done = run_command(*words, "--data-dir", instance.data_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_worker_follows_terms_and_revocations(tmp_path: Path):
    """PO-03, CP-17: none of three workers answers as before soon after the change."""
    with running_instance(tmp_path, config=CONFIG) as instance:
        instance.wait_all_up()
        key = _cli(instance, "keys", "issue", "app", "--tenant", "acme").strip()
        until(lambda: _answers(instance, key) == {(200, "small")}, "every worker knows the key")

        _cli(instance, "tenants", "update", "acme", "--alias", "auto=premium")
        until(lambda: _answers(instance, key) == {(200, "large")}, "the terms hold", SOON_S)
        _cli(instance, "keys", "revoke", "app")
        until(lambda: {status for status, _ in _answers(instance, key)} == {401}, "revoked", SOON_S)
        assert {status for status, _ in _answers(instance, key, 60)} == {401}
