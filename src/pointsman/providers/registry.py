"""From a provider's section of the configuration to the provider. Opens nothing."""

from typing import NamedTuple
from urllib.parse import urlsplit

from pointsman.config.provider import ProviderConfig
from pointsman.config.proxy import EnvironmentProxy, proxy_for
from pointsman.core.clock import Clock
from pointsman.core.errors import ConfigError, Problem
from pointsman.core.failures import Classify
from pointsman.core.provider import DialectProvider
from pointsman.providers.anthropic.client import BASE_URL as ANTHROPIC_URL
from pointsman.providers.anthropic.client import AnthropicProvider, AnthropicSettings
from pointsman.providers.gemini.client import BASE_URL as GEMINI_URL
from pointsman.providers.gemini.client import VERSION as GEMINI_VERSION
from pointsman.providers.gemini.client import GeminiProvider, GeminiSettings
from pointsman.providers.kinds import ANTHROPIC, GEMINI, KNOWN_KINDS, MOCK, OLLAMA
from pointsman.providers.mock.client import MockClient
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import Script, load_script
from pointsman.providers.ollama.client import BASE_URL as OLLAMA_URL
from pointsman.providers.ollama.client import OllamaProvider, OllamaSettings
from pointsman.providers.openai.client import OpenAiProvider, OpenAiSettings
from pointsman.providers.openai.encode import EncodeSettings
from pointsman.providers.openai.passage import CHAT, EMBEDDINGS
from pointsman.providers.openai.presets import Preset, find_preset
from pointsman.transport.client import HttpClient
from pointsman.transport.proxy import Proxy, parse_proxy_url
from pointsman.transport.settings import TransportSettings, parse_base_url

NO_PROXY = EnvironmentProxy()
MOCK_DIALECTS = frozenset({CHAT, EMBEDDINGS})
"""What a mock speaks itself; Responses reach it as chat."""
CREDENTIAL_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
"""Headers that stand in for `api_key`."""


def build(
    name: str,
    config: ProviderConfig,
    clock: Clock,
    classify: Classify,
    *,
    proxy: EnvironmentProxy = NO_PROXY,
) -> DialectProvider:
    """Build a provider; no connection is made.

    Args:
        name: Its name in the configuration.
        config: Its section.
        clock: For timings.
        classify: Judges the provider's errors.
        proxy: What the environment says about proxies; `config.proxy` wins.

    Raises:
        ConfigError: Unknown kind, no base URL or one that cannot be used, a live provider without
            a key, a header that cannot be sent, a proxy that is none, or a script or CA file that
            cannot be read.
    """
    if config.kind == MOCK:
        return _build_mock(name, config, clock, classify)
    if config.kind == ANTHROPIC:
        return _build_anthropic(name, config, clock, classify, proxy)
    if config.kind == GEMINI:
        return _build_gemini(name, config, clock, classify, proxy)
    if config.kind == OLLAMA:
        return _build_ollama(name, config, clock, classify, proxy)

    preset = find_preset(config.kind, config.base_url)
    if preset is None:
        raise _problem(
            name,
            "kind",
            f"unknown kind {config.kind!r}",
            f"one of {', '.join(sorted(KNOWN_KINDS))}",
        )
    if preset.needs_key:
        _check_key(name, config, preset.name)
    _check_headers(name, config)
    return _build_live(name, config, preset, clock, classify=classify, proxy=proxy)


def _build_live(
    name: str,
    config: ProviderConfig,
    preset: Preset,
    clock: Clock,
    *,
    classify: Classify,
    proxy: EnvironmentProxy,
) -> DialectProvider:
    way = _way(name, config, _base_url(name, config, preset), clock, proxy)
    return OpenAiProvider(
        OpenAiSettings(
            name=name,
            vendor=preset.name,
            telemetry_name=preset.telemetry_name,
            origin=way.origin,
            prefix=way.prefix,
            dialects=_dialects(config, preset.dialects),
            key=config.api_key,
            headers=config.headers,
            encode=EncodeSettings(
                metadata=_metadata(config, preset.metadata),
                takes_stream_options=preset.takes_stream_options,
                takes_proofs=preset.traits.takes_unknown_fields,
            ),
            traits=preset.traits,
            parameters=config.parameters,
        ),
        way.http,
        clock,
        classify,
    )


def _build_anthropic(
    name: str,
    config: ProviderConfig,
    clock: Clock,
    classify: Classify,
    proxy: EnvironmentProxy,
) -> DialectProvider:
    if config.base_url is None:
        _check_key(name, config, ANTHROPIC)
    _check_headers(name, config)
    way = _way(name, config, config.base_url or ANTHROPIC_URL, clock, proxy)
    # The vendor's own clients are given the address without the version; ours with it, too.
    path = way.prefix if way.prefix.endswith("/v1") else f"{way.prefix}/v1"
    settings = AnthropicSettings(
        name=name,
        origin=way.origin,
        path=path,
        key=config.api_key,
        headers=config.headers,
        parameters=config.parameters,
    )
    return AnthropicProvider(settings, way.http, clock, classify)


def _build_gemini(
    name: str,
    config: ProviderConfig,
    clock: Clock,
    classify: Classify,
    proxy: EnvironmentProxy,
) -> DialectProvider:
    if config.base_url is None:
        _check_key(name, config, GEMINI)
    _check_headers(name, config)
    way = _way(name, config, config.base_url or GEMINI_URL, clock, proxy)
    # The vendor's own clients are given the address without the version; ours with it, too.
    has_version = way.prefix.rpartition("/")[2] in ("v1", "v1alpha", "v1beta")
    settings = GeminiSettings(
        name=name,
        origin=way.origin,
        path=way.prefix if has_version else f"{way.prefix}/{GEMINI_VERSION}",
        key=config.api_key,
        headers=config.headers,
        parameters=config.parameters,
    )
    return GeminiProvider(settings, way.http, clock, classify)


def _build_ollama(
    name: str,
    config: ProviderConfig,
    clock: Clock,
    classify: Classify,
    proxy: EnvironmentProxy,
) -> DialectProvider:
    _check_headers(name, config)
    way = _way(name, config, config.base_url or OLLAMA_URL, clock, proxy)
    settings = OllamaSettings(
        name=name,
        origin=way.origin,
        # The address of its OpenAI-compatible side is understood as well.
        prefix=way.prefix.removesuffix("/v1"),
        key=config.api_key,
        headers=config.headers,
        parameters=config.parameters,
        max_resident=config.max_resident,
    )
    return OllamaProvider(settings, way.http, clock, classify)


class Way(NamedTuple):
    """How a provider is reached."""

    http: HttpClient
    origin: str
    """Scheme and authority."""
    prefix: str
    """Path of the base URL, without a slash at its end."""


def _way(
    name: str, config: ProviderConfig, base_url: str, clock: Clock, proxy: EnvironmentProxy
) -> Way:
    try:
        origin, prefix = parse_base_url(base_url)
    except ValueError as error:
        raise _problem(name, "base_url", str(error)) from error
    settings = TransportSettings(max_connections=config.max_connections, ca_file=config.ca_file)
    through = _proxy(name, config, proxy, base_url)
    try:
        http = HttpClient(origin, settings, clock, proxy=through)
    except OSError as error:
        raise _problem(name, "ca_file", f"cannot be read: {error.strerror or error}") from error
    return Way(http, f"{origin.scheme}://{origin.authority}", prefix)


def _check_key(name: str, config: ProviderConfig, vendor: str) -> None:
    if any(header.lower() in CREDENTIAL_HEADERS for header in config.headers):
        return
    if config.api_key is None or not config.api_key.reveal():
        raise _problem(
            name,
            "api_key",
            f"provider {name!r} has no key and {vendor} needs one",
            "set `api_key`, or use `kind: mock`",
        )


def _proxy(
    name: str, config: ProviderConfig, environment: EnvironmentProxy, base_url: str
) -> Proxy | None:
    url = proxy_for(config.proxy, environment, base_url)
    if url is None:
        return None
    try:
        return parse_proxy_url(url.reveal())
    except ValueError as error:
        hint = f"from {url.alias}; `proxy: none` connects directly"
        raise _problem(name, "proxy", str(error), hint) from error


def _build_mock(
    name: str, config: ProviderConfig, clock: Clock, classify: Classify
) -> DialectProvider:
    script = load_script(config.script) if config.script is not None else Script()
    settings = OpenAiSettings(
        name=name,
        vendor=MOCK,
        telemetry_name=MOCK,
        origin="mock://in-process",
        prefix="/v1",
        dialects=_dialects(config, MOCK_DIALECTS),
        headers=config.headers,
        # A script may choose by metadata, so it is forwarded unless that is switched off.
        encode=EncodeSettings(metadata=_metadata(config, "always")),
        parameters=config.parameters,
        kind=MOCK,
        is_mock=True,
    )
    return OpenAiProvider(settings, MockClient(ScriptPlayer(script), clock), clock, classify)


def _base_url(name: str, config: ProviderConfig, preset: Preset) -> str:
    base_url = config.base_url or preset.base_url
    if base_url is None:
        hint = "as in https://<resource>.openai.azure.com/openai/v1"
        raise _problem(name, "base_url", f"{preset.name} needs a base URL", hint)
    if preset.default_path and urlsplit(base_url).path in ("", "/"):
        return base_url.rstrip("/") + preset.default_path
    return base_url


def _metadata(config: ProviderConfig, default: str) -> str:
    if config.forwards_metadata is None:
        return default
    return "always" if config.forwards_metadata else "never"


def _dialects(config: ProviderConfig, default: frozenset[str]) -> frozenset[str]:
    """Return what a server speaks itself; chat completions it always does."""
    return default if config.dialects is None else frozenset(config.dialects) | {CHAT}


def _check_headers(name: str, config: ProviderConfig) -> None:
    for header, value in config.headers.items():
        text = f"{header}{value.reveal()}"
        if not text.isascii() or any(character in text for character in "\r\n\0"):
            # The value may be a secret, so it is not repeated.
            raise _problem(name, f"headers.{header}", "a header must be ASCII text on one line")


def _problem(name: str, key: str, message: str, hint: str | None = None) -> ConfigError:
    return ConfigError([Problem(message, path=f"providers.{name}.{key}", hint=hint)])
