"""What becomes of failures under a configuration, in words: a part of the plan."""

from pointsman.config.resilience import BreakerConfig, ProbeConfig, ResilienceConfig, RetryConfig
from pointsman.config.root import Config
from pointsman.config.target import TargetConfig
from pointsman.config.words import duration_text


def failure_lines(config: Config) -> list[str]:
    """Return the settings in force, and the targets that have their own."""
    settings = config.resilience
    lines = [
        "When a target fails",
        f"  {_retry(settings.retry)}",
        f"  {_breaker(settings.breaker)}",
        f"  {_stream(settings)}",
        f"  no attempt begins with less than {duration_text(settings.min_attempt)} left",
        f"  {_room(settings)}",
    ]
    for name, target in config.targets.items():
        lines += [f"  {name}: {own}" for own in _own(target)]
    for name, route in config.routes.items():
        if route.retry_first:
            lines.append(f"  {name}: a target that failed is asked again before the next")
        if route.max_cost_ratio is not None:
            lines.append(f"  {name}: failover to at most {route.max_cost_ratio:g} times the price")
    return lines


def _retry(retry: RetryConfig) -> str:
    if not retry.max_retries:
        return "asked once per request"
    times = "once" if retry.max_retries == 1 else f"{retry.max_retries} times"
    return (
        f"asked again {times} at most, after up to {duration_text(retry.base_delay)} doubling to"
        f" {duration_text(retry.max_delay)}; Retry-After up to"
        f" {duration_text(retry.max_retry_after)}"
    )


def _breaker(breaker: BreakerConfig) -> str:
    if not breaker.enabled:
        return "never left alone"
    return (
        f"left alone for {duration_text(breaker.open_for)} after {breaker.failures} failures in a"
        f" row, or {breaker.error_percent} % of {breaker.min_calls} calls and more within"
        f" {duration_text(breaker.window)}; then back within {duration_text(breaker.ramp)}"
    )


def _stream(settings: ResilienceConfig) -> str:
    stream = settings.stream
    if not stream.hold_chunks:
        return "streams are not held back"
    return (
        f"streams held back until the first content, {stream.hold_chunks} events or"
        f" {stream.hold_bytes} bytes at most"
    )


def _room(settings: ResilienceConfig) -> str:
    room = f"at most {settings.max_in_flight} requests under way"
    if settings.max_cost_ratio is None:
        return room
    return f"{room}; failover to at most {settings.max_cost_ratio:g} times the price"


def _own(target: TargetConfig) -> list[str]:
    found = []
    if target.retry is not None:
        found.append(_retry(target.retry))
    if target.breaker is not None:
        found.append(_breaker(target.breaker))
    if target.max_concurrent is not None:
        wait = duration_text(target.max_wait)
        found.append(
            f"at most {target.max_concurrent} calls at once, who waits over {wait} moves on"
        )
    if target.probe is not None:
        found.append(_probe(target.probe))
    return found


def _probe(probe: ProbeConfig) -> str:
    words = f"probed every {duration_text(probe.every)}"
    if probe.realistic_every is None:
        return words
    length = probe.realistic_characters
    return f"{words}, with {length} characters every {duration_text(probe.realistic_every)}"
