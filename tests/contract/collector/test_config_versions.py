"""The configuration that records name by its hash can be had back, without its secrets."""

import asyncio
from pathlib import Path

from configuration_text import MOCK, loaded
from serving_collector import serving_collector

CONFIG = 'keys: {ci: {key: "planted-gateway-secret"}}\n'


async def _kept(store, version: str) -> str:
    """Wait until the version is in the store; return its text."""
    async with asyncio.timeout(10):
        while (found := await store.config_version(version)) is None:
            await asyncio.sleep(0.01)
    return found.text


async def test_the_configuration_of_a_start_and_of_a_reload_are_kept(tmp_path: Path):
    """Each under its own hash, secrets by their alias only."""
    first, second = loaded(MOCK + CONFIG), loaded(MOCK + CONFIG + "server: {tenant: acme}\n")
    async with serving_collector(tmp_path, CONFIG) as serving:
        before = await _kept(serving.store, first.version)
        serving.collector.prepare(second)()
        after = await _kept(serving.store, second.version)

    assert '"kind":"mock"' in before
    assert "acme" not in before
    assert "acme" in after
    assert "planted-gateway-secret" not in before + after
