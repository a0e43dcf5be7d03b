"""`shared` and `server.workers`: who may count alone, and addresses that cannot be used."""

import pytest

from configuration_text import MOCK, config, loaded, problems
from pointsman.app.masked_logs import _secrets
from pointsman.config.plan import plan_text
from pointsman.config.version import public_json

LIMITED = (
    "policy: {limits: {a: {concurrent: 1}}}\n",
    "policy: {budgets: {a: {usd: 1}}}\n",
    "policy: {agent_runs: {max_iterations: 8}}\n",
    "policy: {plans: {p: {daily_usd: 5}}}\n",
    "policy: {tenants: {t: {limits: {a: {concurrent: 1}}}}}\n",
)
REDIS = 'shared: {url: "redis://localhost:6379/0"}\n'


@pytest.mark.parametrize("policy", LIMITED)
@pytest.mark.parametrize(
    ("several", "path"),
    [
        ("server: {workers: 3}\n", "server.workers"),
        ("shared: {instances: 2}\n", "shared.instances"),
    ],
)
def test_several_that_would_count_each_for_itself_are_refused(
    policy: str, several: str, path: str
) -> None:
    """A limit that every worker grants anew is none."""
    found = problems(MOCK + policy + several)

    assert [problem.path for problem in found] == [path]
    assert "on their own" in found[0].message


@pytest.mark.parametrize("policy", LIMITED)
def test_with_redis_several_may_count_together(policy: str) -> None:
    """That is what it is for."""
    text = MOCK + policy + "server: {workers: 3}\n" + REDIS

    assert problems(text) == []
    assert "Served by 3 workers" in plan_text(loaded(text))


def test_several_without_anything_to_count_are_allowed() -> None:
    """Breakers and caches are each worker's own then."""
    assert config(MOCK + "server: {workers: 2}\n").server.workers == 2
    assert config(MOCK + "server: {workers: 2}\nshared: {url: memory://}\n").server.workers == 2


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{url: http://localhost}", "shared.url"),
        ("{url: localhost}", "shared.url"),
        ("{url: redis://}", "shared.url"),
        ("{url: 'redis://h:port/0'}", "shared.url"),
        ("{prefix: a b}", "shared.prefix"),
        ("{lease: 1s}", "shared.lease"),
        ("{ca_file: missing.pem}", "shared.ca_file"),
        ("{on_loss: {limits: ask}}", "shared.on_loss.limits"),
        ("{on_loss: {breakers: closed}}", "shared.on_loss.breakers"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, path: str) -> None:
    """Found by `check`, not by the first request."""
    assert [problem.path for problem in problems(MOCK + f"shared: {text}\n")] == [path]


def test_a_budget_that_redis_cannot_count_exactly_is_refused() -> None:
    """Its scripts count in doubles: nano-USD are exact up to nine million dollars."""
    text = MOCK + REDIS + "policy: {budgets: {a: {usd: 9000001}}}\n"

    assert [problem.path for problem in problems(text)] == ["policy.budgets.a.usd"]


def test_the_password_of_redis_is_shown_nowhere() -> None:
    """Neither in what is stored nor in the plan nor in logs."""
    text = MOCK + 'shared: {url: "${REDIS_URL}"}\n'
    found = loaded(text, REDIS_URL="redis://user:very-secret-word@localhost/0")

    assert b"very-secret-word" not in public_json(found.config)
    assert "very-secret-word" not in plan_text(found)
    assert "REDIS_URL" in plan_text(found)
    assert "very-secret-word" in _secrets(found.config, None)
