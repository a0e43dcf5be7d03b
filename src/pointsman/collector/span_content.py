"""Which attributes of spans hold prompts and answers, and leaving them out for who may not read.

Names of the GenAI conventions v1.41.1 and what they replaced, of OpenInference and of OpenLLMetry.
"""

import re

from msgspec import structs

from pointsman.store.rows import SpanEvent, SpanRow

HIDDEN = "[content: needs the right to read it]"
_CONTENT = re.compile(
    r"gen_ai\.(?:input\.messages|output\.messages|system_instructions|tool\.definitions"
    r"|tool\.call\.(?:arguments|result)|prompt(?!\.name)|completion|retrieval\.(?:query|documents))"
    r"|llm\.(?:input_messages|output_messages|prompts|completions|invocation_parameters)"
    r"|(?:input|output)\.value\Z|traceloop\.entity\.(?:input|output)"
)
_CONTENT_EVENT = re.compile(r"gen_ai\.(?:(?:system|user|assistant|tool)\.message|choice|content\.)")


def is_content(name: str) -> bool:
    """Tell whether an attribute of this name holds prompts or answers."""
    return _CONTENT.match(name) is not None


def is_content_event(name: str) -> bool:
    """Tell whether the attributes of an event of this name hold prompts or answers."""
    return _CONTENT_EVENT.match(name) is not None


def has_content(span: SpanRow) -> bool:
    """Tell whether anything in a span is a prompt or an answer."""
    return any(is_content(name) for name in span.attributes) or any(
        is_content_event(event.name) or any(is_content(name) for name in event.attributes)
        for event in span.events
    )


def without_content(span: SpanRow) -> SpanRow:
    """Return a span whose prompts and answers are replaced by a note."""
    if not has_content(span):
        return span
    return structs.replace(
        span,
        attributes={
            name: HIDDEN if is_content(name) else value for name, value in span.attributes.items()
        },
        events=[_event_without(event) for event in span.events],
    )


def _event_without(event: SpanEvent) -> SpanEvent:
    are_content = is_content_event(event.name)
    kept = {
        name: HIDDEN if are_content or is_content(name) else value
        for name, value in event.attributes.items()
    }
    return SpanEvent(event.name, event.time_unix_ns, kept)
