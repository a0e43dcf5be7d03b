"""A secret is never printed, logged, stored or returned."""

import string

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configuration_text import loaded, problems
from pointsman.config.findings import masked
from pointsman.config.plan import plan_text
from pointsman.config.version import public_json

SECRETS = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60)
PLANTED = "sk-proj-Planted0Secret1For2Tests3"

RIGHT = """
providers:
  p: {kind: openai, api_key: "SECRET", headers: {x-key: "SECRET", x-auth: "Bearer SECRET"}}
keys:
  k: {key: "SECRET"}
"""


def shown(text: str, **environment: str) -> str:
    """Return everything that a loaded configuration shows of itself."""
    result = loaded(text, **environment)
    return "\n".join(
        [
            plan_text(result),
            repr(result.config),
            str(result.config),
            public_json(result.config).decode(),
            *result.warnings,
            result.version,
        ]
    )


def told(text: str, **environment: str) -> str:
    """Return everything that is said about a configuration that cannot be used."""
    found = problems(text, **environment)
    assert found
    return "\n".join(map(str, found)) + repr(found) + msgspec.json.encode(found).decode()


@given(SECRETS)
@example(PLANTED)
def test_a_secret_in_the_file_is_not_shown(secret: str) -> None:
    """By its last four characters only."""
    output = shown(RIGHT.replace("SECRET", secret))

    assert secret not in output
    assert f"…{secret[-4:]}" in output


@given(SECRETS)
def test_a_secret_in_a_variable_is_not_shown(secret: str) -> None:
    """By the name of the variable only."""
    output = shown(RIGHT.replace("SECRET", "${THE_VARIABLE}"), THE_VARIABLE=secret)

    assert secret not in output
    assert f"…{secret[-4:]}" not in output
    assert "key THE_VARIABLE" in output


WRONG = [
    "providers: {p: {kind: SECRET}}",
    "providers: {p: {kind: openai, base_url: SECRET, api_key: x}}",
    "providers: {p: {kind: openai, base_url: 'https://user:SECRET@host/v1', api_key: x}}",
    "providers: {p: {kind: openai, api_key: SECRET, base_url: 1}}",
    "providers: {p: {kind: openai, api_key: [SECRET]}}",
    "providers: {p: {kind: openai, api_key: {value: SECRET}}}",
    "providers: {p: {kind: openai, apikey: SECRET}}",
    "providers: {p: {kind: openai, SECRET: api_key}}",
    "providers: {p: {kind: openai, api_key: 'SECRET x'}}",
    "providers: {p: {kind: openai, api_key: &SECRET x}}",
    "providers: {p: {kind: openai, api_key: *SECRET}}",
    "providers: {p: {kind: openai, api_key: !SECRET x}}",
    "providers: {p: {kind: openai, api_key: !SECRET!a x}}",
    "providers: {p: {kind: openai, api_key: 'SECRET}}",
    "providers: {p: {kind: openai, api_key: SECRET, api_key: SECRET}}",
    "providers: {p: {kind: openai, api_key: SECRET: x}}",
    "providers: {p: {kind: openai, headers: {SECRET x: SECRET}}}",
    "providers: {p: {kind: openai, max_connections: SECRET, api_key: x}}",
    "providers: {p: {kind: openai, health: SECRET, api_key: x}}",
    "providers: {p: {kind: openai, ca_file: SECRET, api_key: x}}",
    "providers: {p: {kind: mock}}\nkeys: {k: {sha256: SECRET}}",
    "providers: {p: {kind: mock}}\nkeys: {k: {key: SECRET, sha256: SECRET}}",
    "providers: {p: {kind: mock}}\nkeys: {k: SECRET}",
    "providers: {p: {kind: mock}}\nkeys: [SECRET]",
    "providers: {p: {kind: mock}}\ntargets: {t: {provider: SECRET, model: m}}",
    "providers: {p: {kind: mock}}\nroutes: {r: {targets: [SECRET]}}",
    "providers: {p: {kind: mock}}\nroutes: {r: {rules: [{use: SECRET, when: {SECRET: SECRET}}]}}",
    "providers: {p: {kind: mock}}\nroutes: {r: {rules: [{use: SECRET, when: {chars: SECRET}}]}}",
    "providers: {p: {kind: mock}}\nserver: {host: SECRET/, port: SECRET, idle_timeout: SECRET}",
    "SECRET",
    "SECRET: SECRET",
    "- SECRET",
]


@pytest.mark.parametrize("text", WRONG)
def test_no_problem_shows_a_secret_that_stands_in_the_wrong_place(text: str) -> None:
    """Whatever looks like a secret is masked, wherever it is."""
    assert PLANTED not in told(text.replace("SECRET", PLANTED))


@pytest.mark.parametrize("text", [text for text in WRONG if "&" not in text])
@settings(max_examples=15)
@given(secret=SECRETS)
def test_no_problem_shows_what_a_variable_holds(text: str, secret: str) -> None:
    """Messages name the variable."""
    quoted = text.replace(": SECRET", ': "${S}"').replace("[SECRET]", '["${S}"]')
    found = problems(quoted, S=secret)

    assert secret not in "\n".join(map(str, found)) + repr(found)


@given(SECRETS)
def test_a_key_is_masked_even_where_it_is_repeated_outside_its_field(secret: str) -> None:
    """What is known to be a secret is replaced in every message."""
    text = (
        f"providers: {{p: {{kind: openai, api_key: '{secret}'}}, '{secret}': {{kind: '{secret}'}}}}"
    )

    assert secret not in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "claude-3-5-sonnet-20241022",
        "meta/llama-3.1-70b-instruct",
        "routes.auto.rules[1].when.chars",
        "risk-assessment-long-name",
        "anthropic/claude-sonnet-4-6",
    ],
)
def test_names_of_models_are_not_masked(text: str) -> None:
    """A message that hides what it is about helps nobody."""
    assert masked(text) == text


def test_aliases() -> None:
    """The variable, the last four characters of a long secret, nothing of a short one."""
    text = """
providers:
  a: {kind: openai, api_key: "${A}"}
  b: {kind: openai, api_key: a-long-secret-of-many-characters}
  c: {kind: openai, api_key: short}
  d: {kind: openai, api_key: "${NONE:-a-long-default-in-the-file}"}
  e: {kind: openai, api_key: x, headers: {auth: "Bearer ${A}"}}
"""
    providers = loaded(text, A="the-value-of-the-variable").config.providers
    keys = {name: one.api_key.alias for name, one in providers.items() if one.api_key}

    assert keys == {"a": "A", "b": "…ters", "c": "…", "d": "…file", "e": "…"}
    assert providers["e"].headers["auth"].alias == "A"
    assert providers["e"].headers["auth"].reveal() == "Bearer the-value-of-the-variable"
