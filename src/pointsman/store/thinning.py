"""Which traces stay when successes are thinned: a function of the trace id alone.

As in OpenTelemetry's consistent probability sampling, the last 56 bits of a trace id are its random
value `rv`, and a trace is kept when `rv >= th`. So every call and span of a trace shares its fate,
in every run and every engine. Source: opentelemetry.io, "TraceState: Probability Sampling".
"""

_SPACE = 1 << 56


def threshold(keep_ratio: float) -> str:
    """Return `th` for a share to keep, as 15 hex digits that compare as text.

    Raises:
        ValueError: The share is not in 0 .. 1.
    """
    if not 0.0 <= keep_ratio <= 1.0:
        raise ValueError(f"the share to keep must be from 0 to 1, not {keep_ratio}")
    return f"{_SPACE - round(keep_ratio * _SPACE):015x}"


def is_kept(trace_id: str, limit: str) -> bool:
    """Tell whether thinning at the threshold `limit` keeps a trace."""
    return "0" + trace_id[-14:] >= limit
