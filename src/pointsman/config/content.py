"""`content`: what is kept of prompts and answers."""

from typing import Literal

from pointsman.config.section import Positive, Section


class ContentConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capture of prompts and answers."""

    capture: Literal["none", "redacted", "full"] = "redacted"
    """`none`, `redacted` or `full`. Hashes are kept in any case."""
    max_bytes: Positive = 262_144
    """Longest prompt or answer kept; longer ones are cut and marked."""
