"""`retention`: how long the collector keeps what."""

from typing import Annotated

from msgspec import Meta

from pointsman.config.section import Duration, Positive, Section


class RetentionConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ages and sizes; failures are kept whole, successes may be thinned."""

    drop_after: Duration = Duration(90 * 86_400.0)
    """Age at which records and spans go, failures too."""
    thin_after: Duration | None = None
    """Age from which only a share of the successful traces is kept; absent keeps all."""
    thin_keep_ratio: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.1
    """That share. A trace stays or goes as one, chosen by its id."""
    content_after: Duration = Duration(30 * 86_400.0)
    """Age at which prompts and answers go."""
    content_max_bytes: Positive = 5_000_000_000
    """Prompts and answers together; the oldest go first."""
