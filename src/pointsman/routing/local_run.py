"""How a server on own hardware is to run the model of a target, from provider and target."""

from msgspec import structs

from pointsman.config.provider import ProviderConfig
from pointsman.config.target import TargetConfig, TimeoutConfig
from pointsman.core.target import LocalRun, Timeouts

UNKNOWN_WINDOW_TOKENS = 4096
"""Ollama's own on small hardware: https://docs.ollama.com/context-length (read 2026-11)."""


def local_run(provider: ProviderConfig, target: TargetConfig | None = None) -> LocalRun | None:
    """Return what was written, the target's before the provider's; None where nothing was.

    A target with `context_tokens` and no `num_ctx` has that one window: a server that is not told
    would take its own default, which is smaller, and cut the prompt.
    """
    if provider.kind != "ollama":
        return None
    sizes = provider.num_ctx
    keep_alive, rate = provider.keep_alive, provider.tokens_per_second
    if target is not None:
        sizes = target.num_ctx or target.context_tokens or sizes
        keep_alive = target.keep_alive if target.keep_alive is not None else keep_alive
        rate = target.tokens_per_second or rate
    windows = [sizes] if isinstance(sizes, int) else (sizes or [])
    if not windows and keep_alive is None and rate is None:
        return None
    limits = target.timeout if target is not None else TimeoutConfig()
    return LocalRun(
        windows=tuple(sorted(set(windows))),
        keep_alive=keep_alive,
        tokens_per_second=rate,
        total_s=float(limits.total),
    )


def raised(timeouts: Timeouts, local: LocalRun | None) -> Timeouts:
    """Return limits whose total is at least what an answer as long as the context may take.

    The total of its targets bounds a whole call, so it must not end what the rate still allows.
    """
    if local is None or local.tokens_per_second is None:
        return timeouts
    tokens = largest_window(local) or UNKNOWN_WINDOW_TOKENS
    longest_s = local.reading_s(tokens) + local.writing_s(tokens)
    return structs.replace(timeouts, total_s=max(timeouts.total_s, longest_s))


def largest_window(local: LocalRun | None) -> int | None:
    """Return the largest context that may be asked for; None where none was named."""
    return local.windows[-1] if local is not None and local.windows else None
