"""From a section of the configuration to Anthropic's provider."""

import pytest

from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.clock import ManualClock
from pointsman.core.errors import ConfigError
from pointsman.providers.anthropic.client import AnthropicProvider
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify

KEY = Secret("sk-planted", "...nted")


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        (None, "https://api.anthropic.com/v1/messages"),
        ("https://proxy.example/claude", "https://proxy.example/claude/v1/messages"),
        ("https://proxy.example/claude/v1/", "https://proxy.example/claude/v1/messages"),
    ],
)
def test_anthropic_is_reached_with_and_without_the_version_in_its_address(base_url, path):
    """The vendor's own clients leave it out, users of this gateway are used to it."""
    config = ProviderConfig(kind="anthropic", base_url=base_url, api_key=KEY)

    provider = build("p", config, ManualClock(), classify)

    assert isinstance(provider, AnthropicProvider)
    assert (provider.kind, provider.telemetry_name) == ("anthropic", "anthropic")
    assert provider._upstream.origin + provider._path == path


def test_anthropic_itself_needs_a_key_and_a_server_that_speaks_like_it_need_not():
    """GW-12: said at start and not with the first call."""
    with pytest.raises(ConfigError, match="needs one"):
        build("p", ProviderConfig(kind="anthropic"), ManualClock(), classify)
    by_header = ProviderConfig(kind="anthropic", headers={"X-Api-Key": KEY})

    assert build("p", by_header, ManualClock(), classify).name == "p"


def test_anthropics_version_can_be_configured_and_decides_about_sampling():
    """The newer version of the API has no temperature."""
    newer = {"anthropic-version": Secret("2026-10-21", "...")}
    config = ProviderConfig(kind="anthropic", api_key=KEY, headers=newer)

    provider = build("p", config, ManualClock(), classify)

    assert isinstance(provider, AnthropicProvider)
    assert provider._plain_headers["anthropic-version"] == "2026-10-21"
    assert not provider._encode.takes_sampling
