"""What a target of own hardware is told follows from provider and target."""

from pointsman.config.provider import ProviderConfig
from pointsman.config.target import TargetConfig
from pointsman.core.target import LocalRun, Timeouts
from pointsman.routing.local_run import largest_window, local_run, raised

PROVIDER = ProviderConfig(kind="ollama", num_ctx=8192, keep_alive="5m", tokens_per_second=10.0)


def target(**fields) -> TargetConfig:
    return TargetConfig(provider="p", model="m", **fields)


def test_a_target_says_otherwise_than_its_provider():
    """LO-04, LO-05: per target, in ascending order."""
    run = local_run(PROVIDER, target(num_ctx=[16_384, 4096], keep_alive=0))

    assert run == LocalRun(windows=(4096, 16_384), keep_alive=0, tokens_per_second=10.0)
    assert largest_window(run) == 16_384


def test_the_context_of_a_target_is_its_window_where_none_is_named():
    """LO-03: a server that is not told would take a smaller one."""
    assert local_run(PROVIDER, target(context_tokens=32_768)).windows == (32_768,)
    assert local_run(PROVIDER).windows == (8192,)


def test_nothing_said_and_other_kinds_are_nothing():
    """No object is made for what nobody reads."""
    assert local_run(ProviderConfig(kind="ollama"), target()) is None
    assert local_run(ProviderConfig(kind="openai", base_url="x"), target(num_ctx=4096)) is None


def test_a_call_may_take_what_its_largest_context_takes():
    """LO-10: the total bounds the whole call, so the rate must raise it."""
    run = local_run(PROVIDER)

    assert raised(Timeouts(), run).total_s == 30 + 2 * 8192 / 80 + 2 * 8192 / 10
    assert raised(Timeouts(total_s=9999), run).total_s == 9999
    assert raised(Timeouts(), None) == Timeouts()
