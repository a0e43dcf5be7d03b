"""From a section of the configuration to Gemini's provider."""

import pytest

from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.clock import ManualClock
from pointsman.core.errors import ConfigError, UpstreamError
from pointsman.providers.capabilities import known_capabilities
from pointsman.providers.gemini.client import GeminiProvider
from pointsman.providers.gemini.models import model_facts
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify
from provider_requests import request_in

KEY = Secret("AIza-planted", "...nted")


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        (None, "https://generativelanguage.googleapis.com/v1beta"),
        ("https://proxy.example/google", "https://proxy.example/google/v1beta"),
        ("https://proxy.example/google/v1alpha/", "https://proxy.example/google/v1alpha"),
    ],
)
def test_gemini_is_reached_with_and_without_the_version_in_its_address(base_url, path):
    """The vendor's own clients leave it out; another one can be named."""
    config = ProviderConfig(kind="gemini", base_url=base_url, api_key=KEY)

    provider = build("p", config, ManualClock(), classify)

    assert isinstance(provider, GeminiProvider)
    assert (provider.kind, provider.telemetry_name) == ("gemini", "gcp.gemini")
    assert provider._upstream.origin + provider._path == path


def test_gemini_itself_needs_a_key_in_the_section_or_in_a_header():
    """GW-12: said at start and not with the first call."""
    with pytest.raises(ConfigError, match="needs one"):
        build("p", ProviderConfig(kind="gemini"), ManualClock(), classify)
    by_header = ProviderConfig(kind="gemini", headers={"X-Goog-Api-Key": KEY})

    assert build("p", by_header, ManualClock(), classify).name == "p"


async def test_nothing_is_passed_through_as_it_is():
    """No client speaks this API to the gateway; a mistake in the wiring must not send a body."""
    provider = build("p", ProviderConfig(kind="gemini", api_key=KEY), ManualClock(), classify)
    request = request_in("openai.chat", b"{}")

    for way in (provider.complete, provider.stream):
        with pytest.raises(UpstreamError):
            await way(request)
    await provider.close()


@pytest.mark.parametrize(
    ("model", "thinking", "ids"),
    [
        ("gemini-1.5-pro", "none", False),
        ("gemini-2.0-flash-001", "none", False),
        ("models/gemini-2.5-pro", "budget", False),
        ("gemini-2.5-flash-lite-preview-09-2025", "budget", False),
        ("gemini-3-pro-preview", "level", True),
        ("gemini-4-argon", "level", True),
        ("gemini-pro-latest", "level", True),
        ("gemma-3-27b-it", "none", False),
        ("tunedModels/mine", "none", False),
    ],
)
def test_a_name_says_what_a_model_takes(model: str, thinking: str, ids: bool):
    """Names without a version are of the newest; those of nobody are plain."""
    facts = model_facts(model)

    assert (facts.thinking, facts.has_call_ids) == (thinking, ids)


@pytest.mark.parametrize(
    ("model", "tools"),
    [
        ("gemini-2.5-flash", True),
        ("gemini-3-pro-preview", True),
        ("gemini-2.5-flash-image", None),
        ("gemini-embedding-001", False),
    ],
)
def test_what_models_take_is_known_to_routing(model: str, tools: bool | None):
    """A request for tools goes to no model of vectors."""
    assert known_capabilities("gemini", model).tools is tools
