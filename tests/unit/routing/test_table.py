"""The table says what a configuration declares, or everything that is wrong with it."""

import pytest

from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError
from pointsman.routing import RoutingTable
from routing_desk import AUTO, TARGETS, load


def _problems(loaded: LoadedConfig) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        RoutingTable.compile(loaded)
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_a_target_carries_everything_a_provider_needs():
    """Timeouts in seconds, and the state its provider is pinned to."""
    table = RoutingTable.compile(
        load(
            providers={"openai": {"kind": "openai", "health": "degraded"}},
            targets={
                "slow": {
                    "provider": "openai",
                    "model": "o1",
                    "timeout": {"connect": "2s", "first_token": "500ms", "total": "2m"},
                    "context_tokens": 128000,
                }
            },
            routes={},
        )
    )

    target = table.targets["slow"]

    assert (target.provider, target.model, target.context_tokens) == ("openai", "o1", 128000)
    assert (target.timeouts.connect_s, target.timeouts.first_token_s) == (2.0, 0.5)
    assert (target.timeouts.idle_s, target.timeouts.total_s) == (30.0, 120.0)
    assert target.health == "degraded"


def test_a_chain_holds_each_target_once():
    """AG-24: one that failed is not asked again; the first mention counts."""
    rules = [{"use": ["small", "large", "small"]}]
    table = RoutingTable.compile(
        load(routes={"auto": {"rules": rules, "failover": ["large", "sonnet", "sonnet"]}})
    )

    chain = table.routes["auto"].rules[0].chain

    assert [target.name for target in chain.targets] == ["small", "large", "sonnet"]
    assert chain.group == 2


def test_rules_know_their_file_and_line():
    """OBS: the record names the rule where it was written."""
    loaded = load({"routes.auto.rules[1]": 21, "routes.auto.rules": 19}, "pointsman.yaml")
    rules = RoutingTable.compile(loaded).routes["auto"].rules

    assert [(rule.rule.id, rule.rule.line) for rule in rules] == [
        ("routes.auto.rules[0]", 19),
        ("routes.auto.rules[1]", 21),
    ]
    assert rules[0].rule.file == "pointsman.yaml"


def test_every_problem_is_listed_at_once():
    """Not only the first."""
    found = _problems(
        load(
            {"targets.lost.provider": 7, "routes.bad": 9},
            providers={
                "openai": {"kind": "openai", "default": True},
                "other": {"kind": "openai", "default": True},
            },
            targets={
                "small": {"provider": "openai", "model": "m"},
                "lost": {"provider": "opena", "model": "m"},
            },
            routes={
                "bad": {
                    "rules": [
                        {"when": {"cost": "> 1"}, "use": "small"},
                        {"when": {"chars": "x"}, "use": "smal", "reason": "becuase"},
                        {"use": []},
                        {"use": "lost"},
                    ],
                    "failover": ["nobody"],
                    "reason": "rule_mach",
                },
                "empty": {},
                "weighed": {
                    "targets": ["small"],
                    "strategy": {"kind": "weighted", "weights": {"lost": 1, "small": -1}},
                },
                "weightless": {
                    "targets": ["small"],
                    "strategy": {"kind": "weighted", "weights": {"small": 0}},
                },
            },
        )
    )

    assert set(found) == {
        "targets.lost.provider",
        "providers.other.default",
        "routes.bad.rules[0].when.cost",
        "routes.bad.rules[1].when.chars",
        "routes.bad.rules[1].use",
        "routes.bad.rules[1].reason",
        "routes.bad.rules[2]",
        "routes.bad.failover",
        "routes.bad.reason",
        "routes.empty",
        "routes.weighed.strategy.weights.lost",
        "routes.weighed.strategy.weights.small",
        "routes.weightless.strategy.weights",
    }
    assert found["targets.lost.provider"].startswith("7: ")
    assert "did you mean `openai`?" in found["targets.lost.provider"]
    assert "only after the call" in found["routes.bad.rules[0].when.cost"]
    assert found["routes.bad.rules[1].use"].startswith("9: ")
    assert "did you mean `small`?" in found["routes.bad.rules[1].use"]
    assert "did you mean `rule_match`?" in found["routes.bad.reason"]


def test_reasons_of_the_configuration_are_reasons():
    """CP-02: the vocabulary is closed, and may be added to."""
    rules = [{"use": "small", "reason": "night_shift"}]
    routes = {"auto": {"rules": rules}}

    assert "routes.auto.rules[0].reason" in _problems(load(routes=routes))
    RoutingTable.compile(load(routes=routes, reasons={"night_shift": "it is cheaper at night"}))


def test_names_are_listed_once_as_they_resolve():
    """`GET /v1/models`: routes, targets, then models of targets."""
    targets = {
        **TARGETS,
        "auto": {"provider": "openai", "model": "hidden"},
        "twin": {"provider": "anthropic", "model": "gpt-4o"},
        "small-again": {"provider": "openai", "model": "small"},
    }
    table = RoutingTable.compile(load(targets=targets))

    assert [tuple(name) for name in table.names()] == [
        ("auto", "route", None),
        ("small", "target", "openai"),
        ("large", "target", "openai"),
        ("sonnet", "target", "anthropic"),
        ("twin", "target", "anthropic"),
        ("small-again", "target", "openai"),
        ("gpt-4o-mini", "model", "openai"),
        ("gpt-4o", "model", "openai"),
        ("claude-sonnet-4-6", "model", "anthropic"),
        ("hidden", "model", "openai"),
    ]


def test_shadowed_names_and_unreachable_rules_are_warned_of():
    """A-50 and design §7: allowed, and probably not meant."""
    table = RoutingTable.compile(
        load(
            targets={
                **TARGETS,
                "auto": {"provider": "openai", "model": "m"},
                "other": {"provider": "openai", "model": "small"},
                "same": {"provider": "openai", "model": "same"},
            },
            routes={
                "auto": {
                    "rules": [
                        {"when": {"model": "gpt-4*"}, "use": "small"},
                        {"use": "small"},
                        {"when": {"stream": True}, "use": "large"},
                    ]
                },
                "partial": {"rules": [{"when": {"stream": True}, "use": "small"}]},
            },
        )
    )

    text = "\n".join(table.warnings)

    assert "targets.auto: the route of the same name" in text
    assert "targets.other.model: the target `small` hides the model `small`" in text
    assert "gpt-4o" in text
    assert "routes.auto.rules[2]: never reached, routes.auto.rules[1] matches first" in text
    assert "routes.partial: no target serves when no rule matches" in text
    assert len(table.warnings) == 5


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"chars": "<= 200"}, 200),
        ({"characters": "< 200"}, 199),
        ({"chars": "<= 200.5"}, 200),
        ({"chars": "< 200.5"}, 200),
        ({"AND": [{"stream": False}, {"chars": "<= 300"}]}, 300),
        ({"chars": "> 200"}, 1000),
        ({"tokens": "<= 200"}, 1000),
        ({"OR": [{"chars": "<= 200"}, {"stream": True}]}, 1000),
        ({"NOT": {"chars": "<= 200"}}, 1000),
        (True, 1000),
    ],
)
def test_the_threshold_of_small_is_the_one_of_the_auto_route(when, expected):
    """GW-05: configurable in one place, 1000 when nobody says."""
    rules = [{"when": when, "use": "small"}, {"use": "large"}]

    table = RoutingTable.compile(load(routes={"auto": {"rules": rules}}))

    assert table.small_max_characters == expected


@pytest.mark.parametrize("routes", [{}, {"auto": {"targets": ["small"]}}])
def test_without_rules_the_threshold_of_small_is_a_thousand(routes):
    """GW-05."""
    assert RoutingTable.compile(load(routes=routes)).small_max_characters == 1000


@pytest.mark.parametrize(
    ("route", "primary"),
    [
        (AUTO, "openai"),
        ({"targets": ["sonnet", "small"]}, "anthropic"),
        ({"rules": [{"when": {"stream": True}, "use": "small"}, {"use": "sonnet"}]}, "anthropic"),
        ({"rules": [{"when": {"stream": True}, "use": "small"}]}, "openai"),
        ({"strategy": {"kind": "weighted", "weights": {"sonnet": 1}}}, "anthropic"),
    ],
)
def test_the_primary_provider_is_that_of_the_default_target(route, primary):
    """`provider_health` alone reads its state."""
    table = RoutingTable.compile(load(routes={"auto": route}))

    assert table.routes["auto"].primary_provider == primary


def test_a_route_reads_the_health_of_its_own_providers_only():
    """Those it may call and those its rules name, however many others there are."""
    providers = {name: {"kind": "openai"} for name in ("openai", "anthropic", "named", "unused")}
    rules = [{"when": {"provider_health.named": "down"}, "use": "small"}, {"use": "sonnet"}]
    table = RoutingTable.compile(load(providers=providers, routes={"auto": {"rules": rules}}))

    assert table.routes["auto"].providers == ("openai", "anthropic", "named")
