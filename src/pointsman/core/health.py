"""The seam through which routing reads the live state of targets without owning it."""

from typing import Protocol

from pointsman.core.records import TargetState
from pointsman.core.target import Target


class HealthView(Protocol):
    """What is known about providers and targets right now."""

    def provider_state(self, provider: str) -> str:
        """Return `ok`, `degraded` or `down`; `ok` for a provider nobody has called yet."""
        ...

    def target_state(self, target: Target) -> TargetState:
        """Return the figures of one target, a fresh object that the record may keep."""
        ...
