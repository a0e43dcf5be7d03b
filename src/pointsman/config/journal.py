"""`journal`: the append-only record of what a gateway did."""

from pointsman.config.section import Positive, Section


class JournalConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the journal in the data folder."""

    segment_bytes: Positive = 16_777_216
    """A segment is closed at this size."""
    max_bytes: Positive = 1_073_741_824
    """All segments together; beyond it the oldest goes first, counted and visible."""
