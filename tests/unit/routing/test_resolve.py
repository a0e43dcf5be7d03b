"""A model name resolves in one stated order."""

import pytest

from pointsman.core.errors import UnknownModelError
from pointsman.routing import Resolution, RoutingTable, resolve
from pointsman.routing.resolve import MAX_NAME
from routing_desk import PROVIDERS, TARGETS, load

NVIDIA = {"provider": "openai", "model": "meta/llama-3.3-70b-instruct"}


def _resolve(name: str | None, **sections) -> Resolution:
    return resolve(RoutingTable.compile(load(**sections)), name)


def _targets(resolution: Resolution) -> list[tuple[str, str, str]]:
    return [(item.name, item.provider, item.model) for item in resolution.chain.targets]


def test_a_route_comes_first():
    """Before a target, a provider's model and a model of the same name."""
    routes = {"small": {"targets": ["large"]}, "openai/x": {"targets": ["large"]}}

    assert _resolve("small", routes=routes).kind == "route"
    assert _resolve("openai/x", routes=routes).kind == "route"
    assert _resolve("auto").route.name == "auto"


def test_a_target_comes_before_provider_and_model():
    """Even when its name looks like one."""
    targets = {**TARGETS, "openai/gpt-4o": {"provider": "anthropic", "model": "m"}}

    resolution = _resolve("openai/gpt-4o", targets=targets)

    assert (resolution.kind, resolution.reason) == ("target", "explicit_target")
    assert _targets(resolution) == [("openai/gpt-4o", "anthropic", "m")]


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("anthropic/claude-opus-9", "anthropic", "claude-opus-9"),
        ("openai/meta/llama-3.3-70b-instruct", "openai", "meta/llama-3.3-70b-instruct"),
        ("openai/openai/gpt-oss", "openai", "openai/gpt-oss"),
        ("openai//x", "openai", "/x"),
    ],
)
def test_the_first_segment_may_name_a_provider(name, provider, model):
    """MG-08: the rest is the model, slashes and all."""
    resolution = _resolve(name)

    assert resolution.kind == "provider_model"
    assert _targets(resolution) == [(name, provider, model)]


def test_provider_and_model_of_a_declared_target_is_that_target():
    """So its timeouts and context hold."""
    resolution = _resolve("anthropic/claude-sonnet-4-6")

    assert _targets(resolution) == [("sonnet", "anthropic", "claude-sonnet-4-6")]
    assert resolution.reason == "explicit_model_passthrough"


def test_provider_and_model_comes_before_the_model_of_a_target():
    """The order of the design."""
    targets = {"odd": {"provider": "anthropic", "model": "openai/x"}}

    assert _targets(_resolve("openai/x", targets=targets, routes={})) == [
        ("openai/x", "openai", "x")
    ]


def test_a_model_of_several_targets_is_a_chain_in_file_order():
    """The first serves, the others are failover."""
    targets = {**TARGETS, "nim": NVIDIA, "spare": {**NVIDIA, "provider": "anthropic"}}

    resolution = _resolve("meta/llama-3.3-70b-instruct", targets=targets)

    assert resolution.kind == "model"
    assert [name for name, *_ in _targets(resolution)] == ["nim", "spare"]
    assert resolution.chain.group == 1


@pytest.mark.parametrize("name", ["gpt-99", "nobody/model", "openai/", "/", "GPT-4O", "x" * 500])
def test_any_other_name_goes_to_the_default_provider_unchanged(name):
    """GW-02 and GW-25: byte for byte."""
    resolution = _resolve(name)

    assert (resolution.kind, resolution.reason) == ("passthrough", "explicit_model_passthrough")
    assert _targets(resolution) == [(f"openai/{name}", "openai", name)]


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("gpt-99", {"server": {"strict": True}}),
        ("gpt-99", {"providers": {"openai": {"kind": "openai"}, "anthropic": {"kind": "mock"}}}),
        ("", {}),
    ],
)
def test_a_name_that_stands_for_nothing_is_unknown(name, sections):
    """404 in strict mode, without a default provider, and for the empty name."""
    with pytest.raises(UnknownModelError) as caught:
        _resolve(name, **sections)

    assert (caught.value.http_status, caught.value.param) == (404, "model")


def test_an_unknown_name_gets_near_names():
    """What the caller may have meant."""
    with pytest.raises(UnknownModelError, match="did you mean `sonnet`"):
        _resolve("sonet", server={"strict": True})


def test_a_very_long_unknown_name_is_cut_in_the_message():
    """A message is not a mirror."""
    with pytest.raises(UnknownModelError) as caught:
        _resolve("x" * 100_000, server={"strict": True})

    assert len(caught.value.message) < 400


def test_a_missing_model_is_auto():
    """Section 1.2 of the published template's rules."""
    assert _resolve(None).route.name == "auto"


def test_auto_without_a_route_is_the_first_target_of_the_default_provider():
    """The gateway decides; nobody named a model."""
    providers = {"anthropic": {"kind": "openai"}, "openai": {"kind": "openai", "default": True}}
    targets = {"sonnet": TARGETS["sonnet"], "large": TARGETS["large"], "small": TARGETS["small"]}

    resolution = _resolve(None, providers=providers, targets=targets, routes={})

    assert (resolution.kind, resolution.reason) == ("default_target", "default_policy")
    assert [name for name, *_ in _targets(resolution)] == ["large"]
    assert not resolution.caller_named_model


def test_auto_without_route_and_default_provider_is_the_first_target():
    """File order."""
    providers = {name: {"kind": "openai"} for name in PROVIDERS}

    assert [name for name, *_ in _targets(_resolve("auto", providers=providers, routes={}))] == [
        "small"
    ]


def test_auto_without_route_and_targets_goes_to_the_default_provider():
    """A gateway with nothing but a provider still answers."""
    resolution = _resolve(None, targets={}, routes={})

    assert _targets(resolution) == [("openai/auto", "openai", "auto")]


def test_an_undeclared_model_of_a_pinned_provider_carries_the_pin():
    """The operator's word holds for every target of the provider."""
    providers = {"openai": {"kind": "openai", "default": True, "health": "down"}}

    resolution = _resolve("gpt-99", providers=providers, targets={}, routes={})

    assert resolution.chain.targets[0].health == "down"


@pytest.mark.parametrize("prefix", ["", "openai/"])
def test_a_name_longer_than_any_model_has_is_not_passed_on(prefix: str):
    """Prices, health and metrics remember names; a caller must not fill the memory with them."""
    resolution = _resolve(prefix + "m" * (MAX_NAME - len(prefix)))
    assert resolution.reason == "explicit_model_passthrough"

    with pytest.raises(UnknownModelError):
        _resolve(prefix + "m" * MAX_NAME + "m")
