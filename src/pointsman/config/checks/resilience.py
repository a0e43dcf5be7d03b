"""Checks of `resilience` and `residency`: bounds that contradict each other, rules nobody meets."""

from pointsman.config.checks.subject import Subject, did_you_mean
from pointsman.config.findings import quoted
from pointsman.config.resilience import BreakerConfig, RetryConfig
from pointsman.core.conditions import REQUEST_FIELDS, ConditionError, compile_condition


def check_resilience(subject: Subject) -> None:
    """Note what is wrong with how failures are dealt with."""
    common = subject.config.resilience
    _check_retry(subject, "resilience.retry", common.retry)
    _check_breaker(subject, "resilience.breaker", common.breaker)
    for name, target in subject.config.targets.items():
        if target.retry is not None:
            _check_retry(subject, f"targets.{name}.retry", target.retry)
        if target.breaker is not None:
            _check_breaker(subject, f"targets.{name}.breaker", target.breaker)
    for name, route in subject.config.routes.items():
        if route.timeout is not None and route.timeout < common.min_attempt:
            subject.warn(
                f"routes.{name}.timeout",
                f"shorter than resilience.min_attempt ({common.min_attempt:g}s): "
                "no second attempt is ever made",
            )


def check_residency(subject: Subject) -> None:
    """Note rules that cannot be compiled, or that no target meets."""
    config = subject.config
    regions = {each.region for each in config.targets.values()}
    regions.update(each.region for each in config.providers.values())
    known = sorted(region for region in regions if region is not None)
    for index, rule in enumerate(config.residency):
        path = f"residency[{index}]"
        if rule.when is not None:
            try:
                compile_condition(rule.when, REQUEST_FIELDS, f"{path}.when")
            except ConditionError as error:
                for problem in error.problems:
                    subject.error(problem.path, problem.message, hint=problem.hint)
        if not rule.regions:
            subject.error(f"{path}.regions", "a residency rule names the places allowed")
        for place, region in enumerate(rule.regions):
            if region not in known:
                subject.warn(
                    f"{path}.regions[{place}]",
                    f"no target or provider is in {quoted(region)}",
                    hint=did_you_mean(region, known),
                )


def _check_retry(subject: Subject, path: str, retry: RetryConfig) -> None:
    if retry.base_delay > retry.max_delay:
        subject.warn(f"{path}.base_delay", f"longer than max_delay ({retry.max_delay:g}s)")


def _check_breaker(subject: Subject, path: str, breaker: BreakerConfig) -> None:
    if breaker.min_calls > 1000:
        subject.warn(f"{path}.min_calls", "at most 1000 calls are counted: no share is ever taken")
