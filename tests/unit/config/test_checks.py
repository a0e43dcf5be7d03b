"""What sections must mean together."""

from pathlib import Path

import pytest

from configuration_text import MOCK, paths, problems, warnings
from pointsman.config.loader import load
from pointsman.core.errors import ConfigError

TARGETS = MOCK + "targets: {a: {provider: mock, model: m}, b: {provider: mock, model: n}}\n"


def provider(text: str, **environment: str) -> list[str]:
    """Return what is wrong with one provider, as `field: message`."""
    found = problems(f"providers: {{p: {{{text}}}}}", **environment)
    return [f"{one.path.removeprefix('providers.p.')}: {one.message}" for one in found]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: opnai, api_key: x", "kind: unknown kind 'opnai'"),
        ("kind: openai", "api_key: a live provider of kind 'openai' needs a key"),
        ("kind: openai, api_key: ''", "api_key: the key is empty"),
        ("kind: openai, api_key: 'a b'", "api_key: the key holds white space"),
        ('kind: openai, api_key: "x\\n"', "api_key: the key holds white space"),
        ("kind: openai, base_url: 'https://api.example.com/v1'", "api_key: a live provider"),
        ("kind: openai, api_key: x, base_url: 'ftp://h'", "base_url: expected an http"),
        ("kind: openai, api_key: x, base_url: 'https://'", "base_url: expected an http"),
        ("kind: openai, api_key: x, base_url: 'https://h:99999'", "base_url: expected an http"),
        ("kind: openai, api_key: x, base_url: 'https://u:p@h/v1'", "base_url: a URL must not"),
        ("kind: openai, api_key: x, base_url: 'https://h/v1?k=1'", "base_url: a base URL ends"),
        ("kind: openai, api_key: x, ca_file: nope.pem", "ca_file: no file 'nope.pem'"),
        ("kind: openai, api_key: x, script: s.yaml", "script: only providers of kind mock"),
        ("kind: openai, api_key: x, headers: {'a b': c}", "headers.a b: not a header name"),
        ("kind: openai, api_key: x, headers: {Host: c}", "headers.Host: this header is the"),
        ('kind: openai, api_key: x, headers: {a: "b\\r\\nc: d"}', "headers.a: a header's value"),
        ('kind: openai, api_key: x, ca_file: "a\\0b"', "ca_file: no file"),
        ("kind: openai, api_key: x, base_url: 'http://[::1'", "base_url: expected an http"),
        ("kind: openai, api_key: x, headers: {a: }", "headers.a: expected text"),
        ("kind: openai, api_key: x, health: fine", "health: expected one of ok, degraded, down"),
    ],
)
def test_a_provider_that_cannot_be_called_is_refused(text: str, says: str) -> None:
    """GW-12: loudly, at the start, and not at the first request."""
    assert [message[: len(says)] for message in provider(text)][:1] == [says]


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:11434/v1", "http://127.0.0.1:8000", "http://10.1.2.3/v1",
        "http://vllm:8000", "http://[::1]:80/v1", "http://gpu.internal/v1", "http://192.168.0.9:1/v1",
    ],
)  # fmt: skip
def test_a_local_provider_needs_no_key(url: str) -> None:
    """Servers of this machine or a private network usually have none."""
    assert provider(f"kind: openai, base_url: '{url}'") == []


def test_a_credential_in_a_header_counts_as_key() -> None:
    """Some gateways want their own header."""
    url = "base_url: 'https://gw.example.com/v1'"
    assert provider(f"kind: openai, {url}, headers: {{Authorization: 'Basic eA=='}}") == []


def test_the_size_of_a_context_can_be_told_to_ollama_alone() -> None:
    """A key that nobody reads would be a promise that nobody keeps."""
    told = "num_ctx: [4096, 8192], keep_alive: 1h, max_resident: 1"

    said = provider(f"kind: mock, {told}")

    assert [line.split(":")[0] for line in said] == ["num_ctx", "keep_alive", "max_resident"]
    # The loader alone knows no kinds but two; that one is not among them is all that is wrong.
    assert [line.split(":")[0] for line in provider(f"kind: ollama, {told}")] == ["kind"]


def test_kinds_are_those_of_the_caller(tmp_path: Path) -> None:
    """Presets belong to the room that builds providers."""
    file = tmp_path / "pointsman.yaml"
    file.write_text("providers: {a: {kind: groq, api_key: x}, b: {kind: vllm}, c: {kind: azure}}")

    with pytest.raises(ConfigError) as raised:
        load(
            str(file),
            environment={},
            known_kinds=frozenset({"groq", "vllm", "azure"}),
            keyless_kinds=frozenset({"vllm"}),
            kinds_without_address=frozenset({"azure"}),
        )

    told = [problem.path for problem in raised.value.problems]
    assert told == ["providers.c.base_url", "providers.c.api_key"]


def test_two_defaults_are_refused() -> None:
    """Models that nobody declared go to one place."""
    text = "providers: {a: {kind: mock, default: true}, b: {kind: mock, default: true}}"
    assert paths(text) == ["providers.b.default"]


def test_relative_files_begin_at_the_folder_of_the_configuration(tmp_path: Path) -> None:
    """The plan does not depend on where the command is run."""
    (tmp_path / "ca.pem").write_text("x")
    file = tmp_path / "pointsman.yaml"
    file.write_text("providers: {p: {kind: openai, api_key: x, ca_file: ca.pem}}")

    loaded = load(str(file), environment={})

    assert loaded.config.providers["p"].ca_file == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{targets: [c]}", "routes.r.targets[0]"),
        ("{targets: [a, a]}", "routes.r.targets[1]"),
        ("{targets: [a], failover: [c]}", "routes.r.failover[0]"),
        ("{rules: [{use: c}]}", "routes.r.rules[0].use"),
        ("{rules: [{use: [a, c]}]}", "routes.r.rules[0].use"),
        ("{rules: [{reason: rule_match}]}", "routes.r.rules[0].use"),
        ("{rules: [{use: a, reason: nobody_knows}]}", "routes.r.rules[0].reason"),
        ("{targets: [a], reason: nobody_knows}", "routes.r.reason"),
        ("{rules: [{use: a, when: {colour: red}}]}", "routes.r.rules[0].when.colour"),
        ("{rules: [{use: a, when: {cost: '> 1'}}]}", "routes.r.rules[0].when.cost"),
        ("{rules: [{use: a, when: }]}", "routes.r.rules[0].when"),
        ("{}", "routes.r"),
        ("{failover: [a]}", "routes.r"),
        ("{strategy: {kind: weighted}}", "routes.r"),
        ("{targets: [a], strategy: {kind: weighted}}", "routes.r.strategy.weights"),
        ("{targets: [a], strategy: {weights: {a: 1}}}", "routes.r.strategy.weights"),
        ("{strategy: {kind: weighted, weights: {c: 1}}}", "routes.r.strategy.weights.c"),
        ("{strategy: {kind: weighted, weights: {a: 0}}}", "routes.r.strategy.weights.a"),
        ("{strategy: {kind: weighted, weights: {a: -1}}}", "routes.r.strategy.weights.a"),
        (
            "{targets: [a], strategy: {kind: weighted, weights: {a: 1, b: 1}}}",
            "routes.r.strategy.weights.b",
        ),
        (
            "{targets: [a, b], strategy: {kind: weighted, weights: {a: 1}}}",
            "routes.r.targets[1]",
        ),
        ("{targets: [a], timeout: 0s}", "routes.r.timeout"),
    ],
)
def test_a_route_that_cannot_choose_is_refused(text: str, path: str) -> None:
    """A-60 among them: a field that exists only after the call is a load error."""
    assert path in paths(f"{TARGETS}routes: {{r: {text}}}")


def test_a_reason_of_your_own_must_be_declared() -> None:
    """The vocabulary is closed but for what the file adds."""
    text = TARGETS + "routes: {r: {rules: [{use: a, reason: ours}]}}\n"

    assert paths(text) == ["routes.r.rules[0].reason"]
    assert paths(text + "reasons: {ours: we wanted it}") == []
    assert paths(TARGETS + "reasons: {rule_match: x, Bad: y, empty: ' '}") == [
        "reasons.rule_match",
        "reasons.Bad",
        "reasons.empty",
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("server: {host: 0.0.0.0}", "server.host"),
        ("server: {host: '::'}", "server.host"),
        ("server: {host: 'http://x'}", "server.host"),
        ("server: {host: ''}", "server.host"),
        ("server: {metadata_key: 'a b'}", "server.metadata_key"),
        ("server: {metadata_key: choices}", "server.metadata_key"),
        ("server: {allowed_origins: ['http://a/']}", "server.allowed_origins[0]"),
        ("server: {allowed_origins: ['*']}", "server.allowed_origins[0]"),
        ("server: {allowed_hosts: ['a:80']}", "server.allowed_hosts[0]"),
        ("server: {max_body_bytes: 0}", "server.max_body_bytes"),
        ("server: {port: -1}", "server.port"),
        ("journal: {max_bytes: 10, segment_bytes: 20}", "journal.max_bytes"),
        ("keys: {k: {}}", "keys.k"),
        ("keys: {k: {key: 0123456789abcdef, sha256: a}}", "keys.k"),
        ("keys: {k: {sha256: abc}}", "keys.k.sha256"),
        ("keys: {k: {key: ''}}", "keys.k.key"),
        ("keys: {k: {key: 'a key with spaces'}}", "keys.k.key"),
        ("server: {allowed_origins: ['http://[::1']}", "server.allowed_origins[0]"),
        ("routes: {'a b': {targets: [x]}}", "routes.a b"),
        ("keys: {k: {key: 0123456789abcdef, scopes: []}}", "keys.k.scopes"),
        ("keys: {k: {key: 0123456789abcdef, scopes: [admin]}}", "keys.k.scopes[0]"),
        ("keys: {k: {key: 0123456789abcdef, models: ['']}}", "keys.k.models[0]"),
        ("keys: {k: {key: 0123456789abcdef}, l: {key: 0123456789abcdef}}", "keys.l"),
        ("keys: {'a b': {key: 0123456789abcdef}}", "keys.a b"),
        ("targets: {a: {provider: mok, model: m}}", "targets.a.provider"),
        ("targets: {a: {provider: mock, model: ''}}", "targets.a.model"),
        ("targets: {'a b': {provider: mock, model: m}}", "targets.a b"),
    ]
    + [
        (
            f"prices: {{models: {{m: {{input_usd_per_mtok: {rate}, output_usd_per_mtok: 1}}}}}}",
            "prices.models.m.input_usd_per_mtok",
        )
        for rate in ("-1", "free", "1e999999999", "''", "1e30")
    ],
)
def test_values_out_of_range_are_refused(text: str, path: str) -> None:
    """Each with the path of the value."""
    assert path in paths(MOCK + text)


KEYS = 'keys: {ci: {sha256: "' + "ab" * 32 + '"}}\n'


def test_keys_do_not_cross_a_network_in_plain_text_unless_tls_ends_in_front() -> None:
    """Off loopback a certificate is required, or the word that a proxy has one."""
    assert paths(MOCK + KEYS + "server: {host: 0.0.0.0}") == ["server.host"]
    assert paths(MOCK + KEYS + "server: {host: 0.0.0.0, allow_plain: true}") == []


def test_certificate_files_must_exist() -> None:
    """A missing file is found before anything starts."""
    text = MOCK + "server: {tls_cert_file: missing.pem, tls_key_file: gone.pem}"
    assert paths(text) == ["server.tls_cert_file", "server.tls_key_file"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_loopback_needs_no_keys(host: str) -> None:
    """Only this machine can call."""
    assert paths(f"{MOCK}server: {{host: '{host}'}}") == []


def test_an_open_address_is_possible_when_asked_for() -> None:
    """And it is said what that means."""
    text = MOCK + "server: {host: 0.0.0.0, allow_open: true}"
    assert "anyone who reaches this address" in warnings(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("routes: {a: {targets: [b]}}", "hides the target of the same name"),
        ("routes: {m: {targets: [b]}}", "the route hides the model of target 'a'"),
        (
            "targets: {n: {provider: mock, model: o}, k: {provider: mock, model: n}}",
            "the target hides the model of target 'k'",
        ),
        ("routes: {r: {rules: [{use: a, when: {}}]}}", "empty map always matches"),
        ("routes: {mock/x: {targets: [b]}}", "hides the model 'x' of provider 'mock'"),
        ("routes: {r: {rules: [{use: a}, {use: b}]}}", "never reached"),
        ("routes: {r: {rules: [{use: a, when: {chars: '> 1'}}]}}", "no rule matches has no target"),
        ("keys: {k: {key: short}}", "easy to guess"),
        ("keys: {k: {key: 0123456789abcdef, tenant: t, may_set_tenant: true}}", "without effect"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(text: str, says: str) -> None:
    """It does not stop a start."""
    declared = MOCK if text.startswith("targets") else TARGETS
    assert says in warnings(declared + text)


def test_warnings_of_providers_and_timeouts() -> None:
    """Keys in files, plain http to far hosts, limits that are never reached."""
    text = """
providers: {o: {kind: openai, api_key: a-key-in-the-file, base_url: "http://far.example.com/v1"}}
targets: {a: {provider: o, model: m, timeout: {idle: 10s, total: 5s}}}
"""
    told = warnings(text)

    assert "the key is written in the file" in told
    assert "use https" in told
    assert "never reached" in told


def test_a_target_may_be_named_as_its_own_model() -> None:
    """That hides nothing."""
    assert warnings(MOCK + "targets: {m: {provider: mock, model: m}}") == ""
