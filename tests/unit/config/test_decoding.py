"""From values to sections: types, unknown keys, and every problem at once."""

import pytest

from configuration_text import MOCK, config, paths, problems
from pointsman.config.section import Duration


def test_all_sections_are_decoded() -> None:
    """One value of each kind arrives as its type."""
    loaded = config(
        """
        server: {port: 3200, strict: true, allowed_hosts: [gw.example.com], idle_timeout: 1m}
        providers: {mock: {kind: mock, default: true, headers: {x-a: b}}}
        targets: {small: {provider: mock, model: m, timeout: {total: 500ms}, context_tokens: 8}}
        routes: {auto: {rules: [{when: {chars: "<= 10"}, use: [small], reason: ours}]}}
        reasons: {ours: we wanted it}
        keys: {ci: {key: 0123456789abcdef, scopes: [call, explain]}}
        content: {capture: none}
        journal: {segment_bytes: 1, max_bytes: 1}
        prices: {models: {m: {input_usd_per_mtok: "0.15", output_usd_per_mtok: 1}}}
        """
    )

    assert loaded.server.allowed_hosts == ("gw.example.com",)
    assert (loaded.server.idle_timeout, loaded.targets["small"].timeout.total) == (60.0, 0.5)
    assert loaded.routes["auto"].rules[0].when == {"chars": "<= 10"}
    assert loaded.routes["auto"].rules[0].use == ["small"]
    assert loaded.prices.models["m"].input_usd_per_mtok == "0.15"
    assert loaded.prices.models["m"].output_usd_per_mtok == 1
    assert loaded.keys["ci"].scopes == ["call", "explain"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2s", 2.0), ("500ms", 0.5), ("1m", 60.0), ("1h", 3600.0), ("7d", 604800.0), ("3", 3.0),
        ("0.5", 0.5), ('"2"', 2.0), ("1.5 h", 5400.0),
    ],
)  # fmt: skip
def test_durations(written: str, seconds: float) -> None:
    """With a unit, or as a plain number of seconds."""
    assert config(f"{MOCK}server: {{idle_timeout: {written}}}").server.idle_timeout == seconds


@pytest.mark.parametrize("written", ["0", "-1s", "soon", "true", "1w", "400d", "", "[1]"])
def test_impossible_durations_are_refused(written: str) -> None:
    """Zero would mean never, or at once; nobody can tell which."""
    (problem,) = problems(f"{MOCK}server:\n  idle_timeout: {written}\n")

    assert "a duration above zero" in problem.message


def test_unknown_keys_come_with_the_one_that_was_meant() -> None:
    """At every level."""
    text = """
providers:
  mock: {kindd: mock, kind: mock}
servr: {}
routes:
  auto: {rules: [{us: small}]}
zzz: 1
"""
    told = {one.path: one.hint for one in problems(text)}

    assert told["providers.mock.kindd"] == "did you mean `kind`?"
    assert told["servr"] == "did you mean `server`?"
    assert told["routes.auto.rules[0].us"] == "did you mean `use`?"
    assert "providers" in (told["zzz"] or "")


def test_what_a_misspelt_key_would_have_said_is_not_missed() -> None:
    """One mistake is one problem."""
    text = "providers: {o: {kind: openai, api_keys: x}}"

    assert paths(text) == ["providers.o.api_keys"]


def test_every_problem_is_told_in_the_order_of_the_file() -> None:
    """Not only the first, with path and line each."""
    text = """\
server:
  port: 99999
  strict: maybe
providers:
  mock: {kind: mock, max_connections: 0, health: fine}
  other: {base_url: 3}
targets:
  a: {provider: mock}
  b: []
"""
    told = [(one.path, one.line) for one in problems(text)]

    assert told == [
        ("server.port", 2),
        ("server.strict", 3),
        ("providers.mock.max_connections", 5),
        ("providers.mock.health", 5),
        ("providers.other.kind", 6),
        ("providers.other.base_url", 6),
        ("targets.a.model", 8),
        ("targets.b", 9),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("server: {port: 99999}", "expected a whole number from 0 to 65535, got 99999"),
        ("server: {port: '80'}", "got '80'"),
        ("server: {port: 80.5}", "got 80.5"),
        ("server: {strict: yes}", "expected true or false, got yes"),
        ("server: {tenant: 12}", "expected text, got 12"),
        ("server: {tenant: [a]}", "expected text, got a list"),
        ("server: 3", "expected a mapping, got 3"),
        ("server: {host:}", "expected text, got nothing"),
        ("routes: {a: {rules: {}}}", "expected a list of mappings, got a mapping"),
        ("routes: {a: {rules: [{use: {}}]}}", "expected text or a list of texts, got a mapping"),
        ("content: {capture: all}", "expected one of none, redacted, full, got all"),
    ],
)
def test_messages_say_what_was_expected_and_what_was_there(text: str, says: str) -> None:
    """In words, not in type names of a library."""
    assert says in problems(MOCK + text)[0].message


def test_a_number_where_text_belongs_is_not_bent() -> None:
    """`model: 4.10` must not become 4.1."""
    (problem,) = problems(MOCK + "targets: {a: {provider: mock, model: 4.10}}")

    assert problem.hint == "put quotes around it to make it text"


def test_an_entry_with_a_problem_does_not_make_its_users_wrong() -> None:
    """What names it is not told a second time."""
    text = MOCK + "targets: {a: {provider: mock}}\nroutes: {auto: {targets: [a]}}"

    assert paths(text) == ["targets.a.model"]


def test_durations_refuse_what_is_no_scalar() -> None:
    """The type itself is as strict as the loader."""
    for value in (True, None, [], "1 year"):
        with pytest.raises(ValueError, match="duration"):
            Duration.parse(value)
