"""Checks of what only a server on own hardware is told: `num_ctx`, `keep_alive` and the like."""

from pointsman.config.checks.subject import Subject
from pointsman.config.provider import ProviderConfig
from pointsman.config.target import TargetConfig

_KIND = "ollama"
_KEYS = ("num_ctx", "keep_alive", "tokens_per_second")


def check_local(subject: Subject) -> None:
    """Note keys that a provider of another kind would never read."""
    providers = subject.config.providers
    for name, provider in providers.items():
        if provider.kind != _KIND:
            _check_unread(subject, f"providers.{name}", provider, (*_KEYS, "max_resident"))
    for name, target in subject.config.targets.items():
        of = providers.get(target.provider)
        if of is not None and of.kind != _KIND:
            _check_unread(subject, f"targets.{name}", target, _KEYS)


def _check_unread(
    subject: Subject, path: str, section: ProviderConfig | TargetConfig, keys: tuple[str, ...]
) -> None:
    for key in keys:
        if getattr(section, key) is not None:
            hint = "its own API is needed to say so, not its OpenAI-compatible side"
            subject.error(f"{path}.{key}", "only providers of kind ollama have it", hint=hint)
