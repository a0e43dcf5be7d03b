"""The configuration of a gateway without a file, made from the published template's variables.

It is a configuration like any other, written as text and loaded by the same loader. Mock answers
are the default: only `MOCK_MODE=false` calls a live provider (GW-23).
"""

from collections.abc import Mapping

from pointsman.config.findings import Findings

_MOCK = """\
providers:
  mock: {kind: mock, default: true}
"""

# The address is what the vendor's own client uses: https://github.com/openai/openai-python
_LIVE = """\
providers:
  openai:
    kind: openai
    base_url: "${OPENAI_BASE_URL:-https://api.openai.com/v1}"
    api_key: "${OPENAI_API_KEY:-}"
    default: true
"""

_REST = """\
server:
  port: "${{PORT:-3100}}"
  tenant: "${{GATEWAY_TENANT_ID:-}}"
targets:
  small: {{provider: {provider}, model: "${{OPENAI_MODEL_SMALL:-gpt-4o-mini}}"}}
  large: {{provider: {provider}, model: "${{OPENAI_MODEL_LARGE:-gpt-4o}}"}}
routes:
  auto:
    rules:
      - when: {{chars: "<= ${{GATEWAY_SMALL_MAX_CHARS:-1000}}"}}
        use: small
        reason: short_prompt_default
      - {{use: large, reason: long_prompt_upgrade}}
"""

_UNUSED = ("TOKVERA_API_KEY", "TOKVERA_INGEST_URL")


def template(environment: Mapping[str, str]) -> str:
    """Return the text of the configuration that the environment asks for."""
    if is_mock(environment):
        return _MOCK + _REST.format(provider="mock")
    return _LIVE + _REST.format(provider="openai")


def is_mock(environment: Mapping[str, str]) -> bool:
    """Tell whether answers are made up: unless `MOCK_MODE` is literally `false`."""
    return environment.get("MOCK_MODE") != "false"


def check_variables(environment: Mapping[str, str], findings: Findings) -> None:
    """Note variables that have no effect, or not the one that they seem to have."""
    for name in _UNUSED:
        if environment.get(name):
            findings.warn(
                "",
                f"{name} is set, and sending to Tokvera is not part of this release",
                hint="records stay in the data folder",
            )
    if is_mock(environment) and environment.get("OPENAI_API_KEY"):
        findings.warn(
            "providers.mock",
            "OPENAI_API_KEY is set, and answers are made up",
            hint="set MOCK_MODE=false to call the provider",
        )
    if not is_mock(environment) and not environment.get("OPENAI_API_KEY"):
        findings.error(
            "providers.openai.api_key",
            "MOCK_MODE is false and OPENAI_API_KEY is not set",
            hint="set OPENAI_API_KEY, or remove MOCK_MODE for made-up answers",
        )
    threshold = environment.get("GATEWAY_SMALL_MAX_CHARS") or "0"
    if not (threshold.isascii() and threshold.isdigit()):
        findings.error(
            "routes.auto.rules[0].when.chars", "GATEWAY_SMALL_MAX_CHARS is not a whole number"
        )
