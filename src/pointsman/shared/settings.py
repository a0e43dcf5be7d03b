"""How a worker reaches Redis, from what the user wrote."""

from msgspec import Struct

from pointsman.config.shared import SharedConfig

BEAT_S = 0.5
"""How often a worker shows that it lives, and looks what others have changed."""


class SharedSettings(Struct, frozen=True, kw_only=True):
    """Address, names and patience of one worker's connection."""

    url: str
    prefix: str = "pointsman"
    connect_timeout_s: float = 1.0
    timeout_s: float = 0.25
    lease_s: float = 5.0
    ca_file: str | None = None
    beat_s: float = BEAT_S
    first_pause_s: float = 0.1
    """After a loss, before the next try; doubles up to `longest_pause_s`."""
    longest_pause_s: float = 1.0

    def __repr__(self) -> str:
        """Leave the address out: it may hold a password."""
        return f"SharedSettings(prefix={self.prefix!r})"


def settings_of(config: SharedConfig) -> SharedSettings | None:
    """Return how to reach Redis; None when nothing is shared."""
    if config.url is None or not config.is_on_redis:
        return None
    return SharedSettings(
        url=config.url.reveal(),
        prefix=config.prefix,
        connect_timeout_s=config.connect_timeout,
        timeout_s=config.timeout,
        lease_s=config.lease,
        ca_file=config.ca_file,
    )
