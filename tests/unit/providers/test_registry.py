"""From a section of the configuration to a provider: loud about what cannot work."""

import pytest

from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.clock import ManualClock
from pointsman.core.errors import ConfigError
from pointsman.providers.ollama.client import OllamaProvider
from pointsman.providers.openai.client import OpenAiProvider
from pointsman.providers.openai.presets import PRESETS, find_preset
from pointsman.providers.registry import KNOWN_KINDS, build
from pointsman.resilience.classify import classify

KEY = Secret("sk-planted", "...nted")


def built(**config) -> OpenAiProvider:
    provider = build("p", ProviderConfig(**config), ManualClock(), classify)
    assert isinstance(provider, OpenAiProvider)
    return provider


def endpoint_of(provider: OpenAiProvider) -> str:
    return provider._settings.origin + provider._settings.prefix + "/chat/completions"


def problem(**config) -> str:
    with pytest.raises(ConfigError) as caught:
        build("p", ProviderConfig(**config), ManualClock(), classify)
    assert "sk-planted" not in str(caught.value)
    return str(caught.value.problems[0])


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_can_be_built(preset):
    """GW-11: kind and key are enough, but for Azure's resource name."""
    base_url = preset.base_url or "https://res.openai.azure.com/openai/v1"

    provider = built(kind=preset.name, api_key=KEY, base_url=base_url)

    assert provider.kind == "openai"
    assert provider.telemetry_name == preset.telemetry_name
    assert endpoint_of(provider) == f"{base_url}/chat/completions"


def test_any_address_serves_with_its_path():
    """MG-08: an arbitrary base URL works unchanged."""
    provider = built(kind="openai", base_url="http://10.0.0.7:9000/llm/v1/", api_key=KEY)

    assert endpoint_of(provider) == "http://10.0.0.7:9000/llm/v1/chat/completions"


def test_a_known_host_is_recognised_by_its_address():
    """MG-08: NVIDIA under `kind: openai` is NVIDIA in telemetry and in the judgement of errors."""
    provider = built(kind="openai", base_url="https://integrate.api.nvidia.com/v1", api_key=KEY)

    assert provider.telemetry_name == "nvidia"


def test_an_unknown_host_needs_no_key():
    """A compatible server on the user's own machine."""
    assert built(kind="openai", base_url="http://localhost:8000/v1").name == "p"


@pytest.mark.parametrize(
    "base_url", [None, "http://localhost:11434", "http://localhost:11434/v1", "http://h:1/x/"]
)
def test_ollama_is_called_by_its_own_api(base_url):
    """LO-01: with the address that its documentation names, or that of its compatible side."""
    provider = build("p", ProviderConfig(kind="ollama", base_url=base_url), ManualClock(), classify)

    assert isinstance(provider, OllamaProvider)
    assert provider._prefix == ("/x" if base_url and "/x" in base_url else "")


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"kind": "openai"}, "providers.p.api_key"),
        ({"kind": "groq", "api_key": Secret("", "empty")}, "providers.p.api_key"),
        ({"kind": "opanai", "api_key": KEY}, "providers.p.kind"),
        ({"kind": "azure", "api_key": KEY}, "providers.p.base_url"),
        ({"kind": "openai", "base_url": "localhost:8000", "api_key": KEY}, "providers.p.base_url"),
        ({"kind": "openai", "base_url": "https://u:sk-planted@h/v1"}, "providers.p.base_url"),
        ({"kind": "openai", "api_key": KEY, "ca_file": "/does/not/exist"}, "providers.p.ca_file"),
        (
            {"kind": "openai", "api_key": KEY, "headers": {"x": Secret("sk-planted\r\n", "")}},
            "providers.p.headers.x",
        ),
    ],
)
def test_what_cannot_work_fails_loudly_at_start(config, path: str):
    """GW-12: no live provider without a key, and no secret in what is said about it."""
    assert path in problem(**config)


def test_an_unknown_kind_is_told_the_known_ones():
    """The hint is the list."""
    assert all(kind in problem(kind="opanai") for kind in KNOWN_KINDS)


@pytest.mark.parametrize(
    ("forwards", "policy"), [(None, "with_store"), (True, "always"), (False, "never")]
)
def test_forwarding_of_metadata_can_be_decided_by_the_operator(forwards, policy: str):
    """CP-20: the configuration outranks the preset."""
    provider = built(kind="openai", api_key=KEY, forwards_metadata=forwards)

    assert provider._settings.encode.metadata == policy


def test_the_mock_needs_nothing():
    """GW-10."""
    provider = built(kind="mock")

    assert provider.is_mock
    assert (provider.kind, provider.telemetry_name) == ("mock", "mock")


def test_preset_names_are_unique_and_hosts_are_found():
    """A preset that can never be reached by its address would be a typing error."""
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)
    for preset in PRESETS:
        if preset.needs_key and preset.base_url:
            assert find_preset("openai", preset.base_url) is preset
    azure = find_preset("openai", "https://x.openai.azure.com/openai/v1")
    assert azure is not None
    assert azure.name == "azure"
