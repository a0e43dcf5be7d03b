"""Checks of `shared`: an address that can be used, and who cannot do without one."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pointsman.config.checks.subject import Subject
from pointsman.config.policy import Amount, PolicyConfig
from pointsman.config.root import Config

_SCHEMES = ("redis", "rediss", "unix", "memory")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_LARGEST_SHARED_USD = 9_000_000
"""Scripts in Redis count in doubles, which are exact up to 2^53 nano-USD."""


def check_shared(subject: Subject) -> None:
    """Note what is wrong with how workers share their counters."""
    shared = subject.config.shared
    if shared.url is not None:
        _check_url(subject, shared.url.reveal())
    if not _PREFIX.match(shared.prefix):
        subject.error("shared.prefix", "a prefix is letters, digits and . _ -, at most 64")
    if shared.lease < 2:
        subject.error("shared.lease", "shorter than 2s: a worker that is merely busy would lose")
    if shared.ca_file is not None and not subject.is_file(shared.ca_file):
        subject.error("shared.ca_file", f"no such file: `{shared.ca_file}`")
    if shared.is_on_redis:
        _check_amounts(subject)
    elif needs_shared_counters(subject.config):
        _check_alone(subject)


def needs_shared_counters(config: Config) -> bool:
    """Tell whether anything is counted that several workers must count together."""
    policy = config.policy
    counted = [policy.limits, policy.budgets]
    for terms in (*policy.plans.values(), *policy.tenants.values()):
        counted += [terms.limits, terms.budgets]
        if terms.daily_usd is not None:
            return True
    return policy.agent_runs is not None or any(counted)


def _check_url(subject: Subject, url: str) -> None:
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.path if parts.scheme == "unix" else parts.hostname)
        is_complete = is_complete and (parts.port is None or parts.port > 0)
    except ValueError:
        subject.error("shared.url", "not an address", hint="as in redis://localhost:6379/0")
        return
    if parts.scheme not in _SCHEMES:
        hint = f"one of {', '.join(f'{scheme}://' for scheme in _SCHEMES)}"
        subject.error("shared.url", "not the address of a Redis server", hint=hint)
    elif parts.scheme != "memory" and not is_complete:
        subject.error("shared.url", "an address without a server", hint="redis://localhost:6379/0")


def _check_alone(subject: Subject) -> None:
    config = subject.config
    for path, count, what in (
        ("server.workers", config.server.workers, "workers"),
        ("shared.instances", config.shared.instances, "machines"),
    ):
        if count > 1:
            subject.error(
                path,
                f"{count} {what} would each count limits and budgets on their own",
                hint="set shared.url to a Redis server, or remove the limits and budgets",
            )


def _check_amounts(subject: Subject) -> None:
    for path, amount in _amounts(subject.config.policy):
        try:
            is_countable = float(amount) <= _LARGEST_SHARED_USD
        except ValueError:
            continue  # told as no amount
        if not is_countable:
            subject.error(
                path, f"more than {_LARGEST_SHARED_USD} USD cannot be counted exactly in Redis"
            )


def _amounts(policy: PolicyConfig) -> Iterator[tuple[str, Amount]]:
    """Yield every cap in money, of the gateway, of plans and of tenants."""
    for name, budget in policy.budgets.items():
        yield f"policy.budgets.{name}.usd", budget.usd
    for kind, parties in (("plans", policy.plans), ("tenants", policy.tenants)):
        for party, terms in parties.items():
            path = f"policy.{kind}.{party}"
            for name, budget in terms.budgets.items():
                yield f"{path}.budgets.{name}.usd", budget.usd
            if terms.daily_usd is not None:
                yield f"{path}.daily_usd", terms.daily_usd
