"""`structured_output`: answers that should be JSON."""

from typing import Literal

from pointsman.config.section import Section


class StructuredOutputConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers to requests for JSON: parsed, compared with the schema, recorded and counted."""

    clean: Literal["never", "on_request", "always"] = "on_request"
    """Whether an answer that only holds JSON, within thoughts, fences or other text, is cut down to
    it: `on_request` when the request has the header `x-pointsman-json: clean`. Streams are never
    changed."""
