"""`residency`: which requests may go to which places only, whatever they ask for."""

from msgspec import field

from pointsman.config.section import Section


class ResidencyConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. Every rule that matches counts: a request may go where all of them allow."""

    when: object = None
    """A condition (see docs/reference/conditions.md); absent means every request."""
    regions: list[str] = field(default_factory=list)
    """Places as `region` of targets and providers names them; a target without one is outside."""
