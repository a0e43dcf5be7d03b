"""A gateway without a file (GW-23)."""

import pytest

from pointsman.config.loader import load
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError


def started(**environment: str) -> LoadedConfig:
    """Load from the environment alone."""
    return load(None, environment=environment)


def refused(**environment: str) -> list[str]:
    """Return the problems of an environment that cannot be used."""
    with pytest.raises(ConfigError) as raised:
        started(**environment)
    return [str(problem) for problem in raised.value.problems]


def test_nothing_at_all_gives_a_mock_on_loopback() -> None:
    """The defaults of the published template."""
    loaded = started()
    config = loaded.config

    assert (config.server.host, config.server.port) == ("127.0.0.1", 3100)
    assert config.providers["mock"].kind == "mock"
    assert config.providers["mock"].default
    assert (config.targets["small"].model, config.targets["large"].model) == (
        "gpt-4o-mini",
        "gpt-4o",
    )
    first, second = config.routes["auto"].rules
    assert (first.when, first.use, first.reason) == (
        {"chars": "<= 1000"},
        "small",
        "short_prompt_default",
    )
    assert (second.when, second.use, second.reason) == (None, "large", "long_prompt_upgrade")
    assert config.server.tenant is None
    assert (loaded.file, loaded.lines, loaded.warnings) == (None, {}, [])


def test_every_variable_of_the_template_is_heard() -> None:
    """Live, with models, threshold, tenant, address and port of your own."""
    config = started(
        MOCK_MODE="false",
        OPENAI_API_KEY="sk-live-0123456789",
        OPENAI_BASE_URL="https://integrate.api.nvidia.com/v1",
        OPENAI_MODEL_SMALL="meta/llama-3.1-8b",
        OPENAI_MODEL_LARGE="meta/llama-3.1-70b",
        GATEWAY_TENANT_ID="acme-demo",
        GATEWAY_SMALL_MAX_CHARS="200",
        PORT="3999",
    ).config

    provider = config.providers["openai"]
    assert (provider.kind, provider.default) == ("openai", True)
    assert provider.base_url == "https://integrate.api.nvidia.com/v1"
    assert provider.api_key is not None
    assert (provider.api_key.reveal(), provider.api_key.alias) == (
        "sk-live-0123456789",
        "OPENAI_API_KEY",
    )
    assert config.targets["small"].model == "meta/llama-3.1-8b"
    assert config.targets["large"].model == "meta/llama-3.1-70b"
    assert config.routes["auto"].rules[0].when == {"chars": "<= 200"}
    assert (config.server.tenant, config.server.port) == ("acme-demo", 3999)


@pytest.mark.parametrize("word", ["true", "False", "0", "no", ""])
def test_only_the_word_false_calls_a_live_provider(word: str) -> None:
    """As in the published template."""
    assert "mock" in started(MOCK_MODE=word, OPENAI_API_KEY="x").config.providers


def test_live_without_a_key_fails_at_the_start() -> None:
    """GW-12: never a mock that claims to be live."""
    assert refused(MOCK_MODE="false") == [
        (
            "providers.openai.api_key: MOCK_MODE is false and OPENAI_API_KEY is not set "
            "(set OPENAI_API_KEY, or remove MOCK_MODE for made-up answers)"
        )
    ]
    assert len(refused(MOCK_MODE="false", OPENAI_API_KEY="")) == 1


def test_wrong_values_are_told_by_the_name_of_their_variable() -> None:
    """There is no line to point to."""
    (port,) = refused(PORT="many")
    (threshold,) = refused(GATEWAY_SMALL_MAX_CHARS="a few")

    assert "PORT" in port
    assert "GATEWAY_SMALL_MAX_CHARS" in threshold


def test_variables_without_effect_are_mentioned() -> None:
    """A key that is not used, and a sender that does not exist yet."""
    told = "\n".join(started(OPENAI_API_KEY="x", TOKVERA_API_KEY="y").warnings)

    assert "answers are made up" in told
    assert "TOKVERA_API_KEY" in told
