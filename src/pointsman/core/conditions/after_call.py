"""Names that exist only after a call: rules over finished traces read them, routes cannot.

Only names and types: the readers belong to whoever holds a finished trace.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pointsman.core.conditions.catalogue import FieldType

AFTER_CALL_FIELDS: Mapping[str, FieldType] = MappingProxyType(
    {
        "attempt": FieldType.MAP,
        "cache_hit": FieldType.BOOLEAN,
        "cost": FieldType.NUMBER,
        "duration_ms": FieldType.NUMBER,
        "error": FieldType.BOOLEAN,
        "fallback_used": FieldType.BOOLEAN,
        "finish_reason": FieldType.TEXT,
        "input_tokens": FieldType.NUMBER,
        "latency_ms": FieldType.NUMBER,
        "outcome": FieldType.TEXT,
        "output_tokens": FieldType.NUMBER,
        "provider": FieldType.TEXT,
        "reason": FieldType.TEXT,
        "response_model": FieldType.TEXT,
        "retry_count": FieldType.NUMBER,
        "route": FieldType.TEXT,
        "route_reason": FieldType.TEXT,
        "served_model": FieldType.TEXT,
        "status": FieldType.TEXT,
        "total_tokens": FieldType.NUMBER,
        "ttft_ms": FieldType.NUMBER,
        "volume": FieldType.NUMBER,
    }
)
"""Name -> type. `attempt` and `error` also have members (`attempt.error.code`, `error.type`)."""
