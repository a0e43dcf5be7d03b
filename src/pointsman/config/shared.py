"""`shared`: what several gateway workers and machines count together, and what if they cannot."""

from typing import Literal

from pointsman.config.section import Duration, Positive, Secret, Section


class OnLossConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides while Redis is away. Every record says which choice applied."""

    limits: Literal["local", "closed", "open"] = "local"
    """Limits, quotas and agent runs: `local` goes on with this worker's own counts on top of what
    it last read, `closed` answers 503, `open` lets requests pass."""
    budgets: Literal["closed", "local", "open"] = "closed"
    """Budgets in money, with the same choices."""
    breakers: Literal["local"] = "local"
    """Circuit breakers: each worker goes on with what it has seen itself."""


class SharedConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where limits, quotas, budgets, agent runs and breakers are counted."""

    url: Secret | None = None
    """`redis://`, `rediss://` (TLS) or `unix://` address of a Redis 7 or Valkey server; absent or
    `memory://` is the memory of the one worker. It may hold the password."""
    prefix: str = "pointsman"
    """Begin of every name in Redis, so that several deployments can share a server."""
    instances: Positive = 1
    """Machines that run this configuration side by side. With several machines or workers, limits,
    quotas, budgets and agent runs need Redis."""
    connect_timeout: Duration = Duration(1.0)
    """Longest wait for a connection."""
    timeout: Duration = Duration(0.25)
    """Longest wait for an answer; beyond it Redis counts as lost and `on_loss` decides at once."""
    lease: Duration = Duration(5.0)
    """Places of a worker that was silent for this long are given to others."""
    ca_file: str | None = None
    """PEM file of the certificate authority for `rediss://`; absent trusts those of the system."""
    on_loss: OnLossConfig = OnLossConfig()
    """What decides while Redis is away."""

    @property
    def is_on_redis(self) -> bool:
        """Whether anything is shared at all."""
        return self.url is not None and not self.url.reveal().startswith("memory:")
