"""From a span as it came to the row that is kept: checked, bounded, renamed, redacted. Pure.

Text of spans goes through the shared redaction like everything that reaches the disk; attributes
that hold prompts and answers follow `content.capture`. Names that the GenAI conventions have
replaced are mapped to today's, so that one question finds old and new spans.
Source of names: open-telemetry/semantic-conventions v1.41.1, model/gen-ai/deprecated.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from pointsman.collector.span_content import is_content as is_content_name
from pointsman.collector.span_content import is_content_event
from pointsman.collector.wire_span import WireEvent, WireLink, WireSpan
from pointsman.core.ids import SPAN_ID, TRACE_ID
from pointsman.core.redaction.engine import Redactor
from pointsman.store import genai
from pointsman.store.checks import check_span
from pointsman.store.rows import SpanEvent, SpanLink, SpanRow

MAX_ATTRIBUTES = 128
MAX_EVENTS = 128
MAX_LINKS = 128
MAX_ITEMS = 256
"""Of a list or map within an attribute."""
MAX_NESTING = 8
MAX_NAME = 256
MAX_TEXT = 16_384
MAX_CONTENT_TEXT = 262_144
DROPPED = "pointsman.dropped_attributes"
"""How many attributes, events and links were over the bounds; absent when none was."""

_REMEMBERED = 4_096
_SHORT = 64
"""Characters of texts whose redaction is remembered."""
_KINDS = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
_STATUS = {1: "OK", 2: "ERROR"}
_RENAMED = {
    "gen_ai.system": genai.PROVIDER,
    "gen_ai.usage.prompt_tokens": genai.INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": genai.OUTPUT_TOKENS,
    "gen_ai.openai.request.seed": "gen_ai.request.seed",
    "gen_ai.openai.request.response_format": "gen_ai.output.type",
    "gen_ai.openai.request.service_tier": "openai.request.service_tier",
    "gen_ai.openai.response.service_tier": "openai.response.service_tier",
    "gen_ai.openai.response.system_fingerprint": "openai.response.system_fingerprint",
}
_RENAMED_PROVIDERS = {
    "vertex_ai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "xai": "x_ai",
}


class SpanNormaliser:
    """Makes rows of wire spans.

    Args:
        capture: What is kept of prompts and answers: `none`, `redacted` or `full`.
        redactor: The shared engine.
    """

    def __init__(self, capture: str, redactor: Redactor) -> None:
        self._capture = capture
        self._redactor = redactor
        # Model names, services and addresses are the same in most spans.
        self._short = lru_cache(_REMEMBERED)(lambda text: redactor.redact(text).text)

    def row(self, span: WireSpan, tenant: str | None) -> SpanRow:
        """Return what is kept of a span.

        Args:
            span: As it came.
            tenant: Whose it is; None takes the resource's word for it.

        Raises:
            ValueError: It cannot be kept: ids or times make no sense.
        """
        _check_ids(span)
        cleaner = _Cleaner(self._capture, self._redactor, self._short)
        attributes = cleaner.attributes(_renamed(span.attributes))
        events = [cleaner.event(event) for event in span.events[:MAX_EVENTS]]
        links = [cleaner.link(link) for link in span.links[:MAX_LINKS]]
        resource = cleaner.attributes(span.resource)
        dropped = cleaner.dropped + max(0, len(span.events) - MAX_EVENTS)
        dropped += max(0, len(span.links) - MAX_LINKS)
        if dropped:
            attributes[DROPPED] = dropped
        row = SpanRow(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id or None,
            name=cleaner.text(span.name[:MAX_NAME]),
            kind=_KINDS.get(span.kind, "INTERNAL"),
            start_unix_ns=span.start_unix_ns,
            # A span that says it ended before it started comes from a clock that was set.
            end_unix_ns=max(span.start_unix_ns, span.end_unix_ns),
            status=_STATUS.get(span.status_code, "UNSET"),
            status_message=cleaner.text(span.status_message[:MAX_TEXT]),
            tenant=tenant if tenant is not None else _text(span.resource.get("pointsman.tenant")),
            service=_text(span.resource.get("service.name")),
            scope_name=cleaner.text(span.scope_name[:MAX_NAME]) or None,
            attributes=attributes,
            resource=resource,
            events=events,
            links=[link for link in links if link is not None],
        )
        check_span(row)
        return row


class _Cleaner(Struct):
    """Bounds and redacts the values of one span, and counts what it leaves out."""

    capture: str
    redactor: Redactor
    redact_short: Callable[[str], str]
    dropped: int = 0

    def attributes(
        self, attributes: dict[str, Any], *, are_content: bool = False
    ) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in attributes.items():
            is_content = are_content or is_content_name(name)
            if len(kept) >= MAX_ATTRIBUTES or (is_content and self.capture == "none"):
                self.dropped += 1
            else:
                kept[name[:MAX_NAME]] = self.value(value, is_content=is_content)
        return kept

    def value(self, value: object, *, is_content: bool, depth: int = 0) -> object:
        if isinstance(value, str):
            return self.text(value, is_content=is_content)
        if not isinstance(value, list | dict):
            return value
        if depth >= MAX_NESTING:
            self.dropped += 1
            return None
        self.dropped += max(0, len(value) - MAX_ITEMS)
        if isinstance(value, list):
            return [
                self.value(each, is_content=is_content, depth=depth + 1)
                for each in value[:MAX_ITEMS]
            ]
        return {
            name[:MAX_NAME]: self.value(each, is_content=is_content, depth=depth + 1)
            for name, each in list(value.items())[:MAX_ITEMS]
        }

    def text(self, text: str, *, is_content: bool = False) -> str:
        text = text[: MAX_CONTENT_TEXT if is_content else MAX_TEXT]
        if self.capture == "full":
            return text
        if text.startswith(("{", "[")):
            raw = text.encode("utf-8", "replace")
            cleaned, counts = self.redactor.redact_json(raw)
            return cleaned.decode("utf-8", "replace") if counts else text
        if len(text) <= _SHORT:
            return self.redact_short(text)
        return self.redactor.redact(text).text

    def event(self, event: WireEvent) -> SpanEvent:
        are_content = is_content_event(event.name)
        return SpanEvent(
            self.text(event.name[:MAX_NAME]),
            max(0, event.time_unix_ns),
            self.attributes(event.attributes, are_content=are_content),
        )

    def link(self, link: WireLink) -> SpanLink | None:
        if not _is_trace_id(link.trace_id) or not _is_span_id(link.span_id):
            self.dropped += 1
            return None
        return SpanLink(link.trace_id, link.span_id, self.attributes(link.attributes))


def _check_ids(span: WireSpan) -> None:
    if not _is_trace_id(span.trace_id):
        raise ValueError("the trace id is not 16 bytes, or all zero")
    if not _is_span_id(span.span_id):
        raise ValueError("the span id is not 8 bytes, or all zero")
    parent = span.parent_span_id
    if parent and not _is_span_id(parent):
        raise ValueError("the parent span id is not 8 bytes, or all zero")
    if span.start_unix_ns <= 0:
        raise ValueError("the span has no start time")


def _is_trace_id(text: str) -> bool:
    return TRACE_ID.match(text) is not None and text != "0" * 32


def _is_span_id(text: str) -> bool:
    return SPAN_ID.match(text) is not None and text != "0" * 16


def _renamed(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes under today's names; a new name that is there already wins."""
    if not any(name in attributes for name in _RENAMED):
        return attributes
    kept = {name: value for name, value in attributes.items() if name not in _RENAMED}
    for old, fresh in _RENAMED.items():
        if old in attributes and fresh not in attributes:
            value = attributes[old]
            if old == "gen_ai.system" and isinstance(value, str):
                value = _RENAMED_PROVIDERS.get(value, value)
            kept[fresh] = value
    return kept


def _text(value: object) -> str | None:
    return value[:MAX_NAME] if isinstance(value, str) and value else None
