"""What Google adds to an error: the `details` of a `google.rpc.Status`.

    ErrorInfo       reason            API_KEY_INVALID, SERVICE_DISABLED …
    QuotaFailure    violations        which quota, as GenerateRequestsPerDayPerProjectPerModel
    RetryInfo       retryDelay        "7s", "34.07s"

Reads decoded JSON of any shape and leaves out what does not fit.
Source: https://cloud.google.com/apis/design/errors, and bodies that were seen.
"""

from collections.abc import Iterator

from msgspec import Struct

_MAX_QUOTAS = 10
_MAX_WORD = 200


class StatusDetails(Struct, frozen=True):
    """What the details of an error say."""

    reason: str | None = None
    quota_ids: tuple[str, ...] = ()
    retry_after_s: float | None = None
    """How long to wait; not bounded here."""


def read_details(details: object) -> StatusDetails:
    """Return what can be read of the `details` of an error."""
    reason: str | None = None
    quotas: list[str] = []
    retry_after_s: float | None = None
    for detail in _objects(details):
        kind = str(detail.get("@type", ""))
        if kind.endswith(".ErrorInfo"):
            reason = _word(detail.get("reason")) or reason
        elif kind.endswith(".QuotaFailure"):
            ids = (_word(each.get("quotaId")) for each in _objects(detail.get("violations")))
            quotas.extend(each for each in ids if each is not None)
        elif kind.endswith(".RetryInfo"):
            retry_after_s = _seconds(detail.get("retryDelay"))
    return StatusDetails(reason, tuple(quotas[:_MAX_QUOTAS]), retry_after_s)


def _objects(value: object) -> Iterator[dict[str, object]]:
    return (
        (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
    )


def _word(value: object) -> str | None:
    return value[:_MAX_WORD] if isinstance(value, str) and value else None


def _seconds(value: object) -> float | None:
    """Return a duration in the JSON form of protocol buffers: seconds and an `s`."""
    if not isinstance(value, str) or not value.endswith("s"):
        return None
    number = value[:-1]
    if not number.replace(".", "", 1).isdecimal() or not number.isascii():
        return None
    return float(number)
