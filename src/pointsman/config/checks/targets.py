"""Checks of `targets`."""

from pointsman.config.checks.subject import NAME, Subject, did_you_mean
from pointsman.config.findings import quoted
from pointsman.config.target import TargetConfig


def check_targets(subject: Subject) -> None:
    """Note targets that cannot be called."""
    for name, target in subject.config.targets.items():
        path = f"targets.{name}"
        if not NAME.match(name):
            subject.error(path, "a target's name is letters, digits and . _ : / @ + -")
        if not subject.is_declared("providers", target.provider):
            subject.error(
                f"{path}.provider",
                f"unknown provider {quoted(target.provider)}",
                hint=did_you_mean(target.provider, subject.config.providers),
            )
        if not target.model.strip() or not target.model.isprintable():
            subject.error(f"{path}.model", "a model's name is not empty and on one line")
        _check_timeouts(subject, path, target)


def _check_timeouts(subject: Subject, path: str, target: TargetConfig) -> None:
    limits = target.timeout
    for phase in ("connect", "first_token", "idle"):
        if getattr(limits, phase) > limits.total:
            subject.warn(
                f"{path}.timeout.{phase}",
                f"longer than the whole attempt may take ({limits.total:g}s), so never reached",
            )
