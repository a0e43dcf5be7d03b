"""LO-11: an operator sees on `/ready` and `/metrics` what occupies the graphics card."""

import asyncio
from pathlib import Path

import msgspec

from vendors.ollama_api import OllamaApi
from watched_gateway import client_of, plain, until, watched_gateway

from running_gateway import get

MODEL = "llama3.1:8b"


async def test_models_in_memory_are_shown_to_operators(tmp_path: Path):
    """Asked in the background: the request itself makes one upstream call."""
    with OllamaApi() as vendor:
        vendor.resident[MODEL] = 8192
        config = f"providers: {{local: {{kind: ollama, base_url: '{vendor.url}', default: true}}}}"
        async with watched_gateway(tmp_path, config) as gateway:
            await until(lambda: MODEL in str(gateway.app.serving.readiness()))
            _, _, ready = await asyncio.to_thread(get, f"http://127.0.0.1:{gateway.port}/ready")
            _, _, metrics = await asyncio.to_thread(get, f"http://127.0.0.1:{gateway.port}/metrics")
            async with client_of(gateway) as client:
                await plain(client, MODEL)
            paths = [each.path for each in vendor.received]

    shown = msgspec.json.decode(ready)["residentModels"]["local"]
    assert shown["models"][0]["model"] == MODEL
    assert shown["models"][0]["contextTokens"] == 8192
    assert shown["models"][0]["vramBytes"] > 0
    assert shown["models"][0]["expiresAt"]
    assert b"pointsman_resident_model_vram_bytes{" in metrics
    assert paths == ["/api/ps", "/api/chat"]


async def test_a_dead_server_is_no_reason_not_to_be_ready(tmp_path: Path):
    """Nothing decides by it."""
    config = "providers: {local: {kind: ollama, base_url: 'http://127.0.0.1:9', default: true}}"
    async with watched_gateway(tmp_path, config) as gateway:
        await until(
            lambda: gateway.app.serving.readiness()["residentModels"]["local"]["ageMs"] is not None
        )
        ready = gateway.app.serving.readiness()

    assert ready["ready"] is True
    assert ready["residentModels"]["local"]["models"] is None


async def test_without_such_a_provider_nothing_is_said(tmp_path: Path):
    """The list is there for those who have the hardware."""
    config = "providers: {demo: {kind: mock, default: true}}"
    async with watched_gateway(tmp_path, config) as gateway:
        assert "residentModels" not in gateway.app.serving.readiness()
