"""Which proxy leads to a provider."""

import pytest

from pointsman.app.masked_logs import _secrets
from pointsman.config.loader import load_text
from pointsman.config.plan import plan_text
from pointsman.config.proxy import EnvironmentProxy, proxy_for
from pointsman.config.section import Secret
from pointsman.core.errors import ConfigError

ENVIRONMENT = EnvironmentProxy.read(
    {
        "HTTPS_PROXY": "http://upper:1",
        "https_proxy": "http://lower:1",
        "no_proxy": "corp.example, .inner.test,10.0.0.0/8, api.test:8443 ,::1/64",
    }
)


@pytest.mark.parametrize(
    ("url", "is_direct"),
    [
        ("https://api.openai.com/v1", False),
        ("http://api.openai.com/v1", True),
        ("https://corp.example", True),
        ("https://a.b.corp.example", True),
        ("https://notcorp.example", False),
        ("https://inner.test", True),
        ("https://x.INNER.test", True),
        ("https://10.1.2.3", True),
        ("https://11.1.2.3", False),
        ("https://api.test", False),
        ("https://api.test:8443", True),
        ("https://localhost:8443", True),
        ("https://127.0.0.1", True),
        ("https://[::1]", True),
    ],
)
def test_the_environment_counts_for_https_hosts_that_no_proxy_does_not_list(url, is_direct):
    """The rule of the reference page."""
    found = proxy_for(None, ENVIRONMENT, url)

    assert (found is None) is is_direct
    assert found is None or (found.reveal(), found.alias) == ("http://lower:1", "https_proxy")


def test_a_star_means_everything_and_nothing_set_means_no_proxy():
    """And an empty variable is none."""
    everything = EnvironmentProxy.read({"https_proxy": "http://p:1", "NO_PROXY": "*"})

    assert proxy_for(None, everything, "https://x.test") is None
    assert proxy_for(None, EnvironmentProxy.read({"https_proxy": ""}), "https://x.test") is None


def test_a_provider_s_own_word_wins():
    """Its proxy, for http too; or none at all."""
    own = Secret("http://own:1", "OWN")

    assert proxy_for(own, ENVIRONMENT, "http://127.0.0.1:1") is own
    assert proxy_for(Secret("none", "none"), ENVIRONMENT, "https://x.test") is None


CONFIG = """
providers:
  far: {kind: openai, api_key: "${KEY}", base_url: "https://api.test/v1", proxy: "${PROXY}"}
"""


def load(proxy: str):
    environment = {"KEY": "some-key-12345", "PROXY": proxy}
    return load_text(CONFIG, file="pointsman.yaml", environment=environment)


def test_the_plan_names_the_place_and_never_the_password():
    """Invariant 13; the log's mask knows the password too."""
    loaded = load("http://ann:hunter22@proxy.test:3128")
    plan = plan_text(loaded)

    assert "through the proxy proxy.test:3128" in plan
    assert "hunter22" not in plan
    assert "hunter22" in _secrets(loaded.config, None)


@pytest.mark.parametrize(
    "proxy", ["socks5://p:1", "p:3128", "http://u:hunter22@p:1/x", "https://p"]
)
def test_what_is_no_proxy_is_told_with_its_place_and_without_its_value(proxy: str):
    """One line, no secret."""
    with pytest.raises(ConfigError, match=r"providers\.far\.proxy") as caught:
        load(proxy)

    assert "hunter22" not in str(caught.value)
