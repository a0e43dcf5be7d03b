"""`content`: what is kept of prompts and answers."""

from pointsman.config.section import Section


class ContentConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capture of prompts and answers."""

    capture: str = "redacted"
    """`none`, `redacted` or `full`. Redaction is `core/redaction`; hashes are kept in any case."""
    max_bytes: int = 262_144
    """Longest prompt or answer kept; longer ones are cut and marked."""
