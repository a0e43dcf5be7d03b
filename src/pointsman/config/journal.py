"""`journal`: the append-only record of what a gateway did."""

from pointsman.config.section import Section


class JournalConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the journal in the data folder."""

    segment_bytes: int = 16_777_216
    """A segment is closed at this size."""
    max_bytes: int = 1_073_741_824
    """All segments together; beyond it the oldest goes first, counted and visible."""
