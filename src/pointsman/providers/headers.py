"""Heads: what every request says of itself, and what an answer's says beside its status."""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import pointsman
from pointsman.config.section import Secret

USER_AGENT = f"pointsman/{pointsman.__version__}"

MAX_RETRY_AFTER_S = 7 * 86_400.0
"""A longer wait is a fault or a mockery: nobody plans on it."""
_ANTHROPIC_LIMIT = "anthropic-ratelimit-"
_REQUEST_ID_NAMES = ("x-request-id", "request-id", "apim-request-id", "cf-ray")
# OpenAI and most others; Anthropic; Azure; whoever is behind Cloudflare.


def bearer(key: Secret | None) -> dict[str, str]:
    """Return the credential as OpenAI and most others take it; empty without a key."""
    return {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}


def request_headers(
    credential: Mapping[str, str], configured: Mapping[str, Secret], *, streams: bool
) -> dict[str, str]:
    """Return the headers that are the same for every request of a provider.

    Args:
        credential: And what else the vendor wants in every request.
        configured: `providers.<name>.headers`; they win.
        streams: Whether the answer is to come as events.
    """
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream" if streams else "application/json",
        "user-agent": USER_AGENT,
        **credential,
    }
    headers.update((name.lower(), value.reveal()) for name, value in configured.items())
    return headers


def retry_after_s(headers: Mapping[str, str], unix_ns: int) -> float | None:
    """Return the seconds to wait that the provider asks for; None when it asks for nothing.

    `retry-after-ms` is OpenAI's and Azure's finer form and wins. `retry-after` is seconds or an
    HTTP date. Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    Where neither is given, the reset of what Anthropic says is spent counts.

    Args:
        headers: Names in lower case.
        unix_ns: Now, for dates.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return bounded_s(milliseconds / 1000)
    value = headers.get("retry-after")
    if value is None:
        return _anthropic_reset_s(headers, unix_ns)
    seconds = _number(value)
    if seconds is not None:
        return bounded_s(seconds)
    try:
        at_s = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return bounded_s(at_s - unix_ns / 1_000_000_000)


def _anthropic_reset_s(headers: Mapping[str, str], unix_ns: int) -> float | None:
    """Return the seconds until every limit with nothing remaining is reset; None without one.

    Source: https://platform.claude.com/docs/en/api/rate-limits#response-headers (read 2026-11).
    """
    waits: list[float] = []
    for name, remaining in headers.items():
        if not name.startswith(_ANTHROPIC_LIMIT) or not name.endswith("-remaining"):
            continue
        reset = headers.get(name.removesuffix("remaining") + "reset")
        if remaining.strip() == "0" and reset is not None:
            try:
                at_s = datetime.fromisoformat(reset).timestamp()
            except (ValueError, OverflowError):
                continue
            waits.append(bounded_s(at_s - unix_ns / 1_000_000_000))
    return max(waits, default=None)


def upstream_request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id under which the provider knows the request, bounded; None without one."""
    for name in _REQUEST_ID_NAMES:
        value = headers.get(name)
        if value:
            return value[:200]
    return None


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def bounded_s(seconds: float) -> float:
    """Return a wait that a provider asked for, within what anybody plans on."""
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
