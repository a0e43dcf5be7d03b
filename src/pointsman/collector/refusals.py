"""What the collector refuses besides what every server does, as errors with their HTTP status."""

from pointsman.core.errors import CallError, InvalidRequestError


class UnsupportedBodyError(InvalidRequestError):
    """The body's type or coding is not one that is read here."""

    code = "unsupported_media_type"
    http_status = 415


class NewerSchemaError(CallError):
    """The sender is of a newer release: upgrade the collector before its gateways."""

    code = "schema_too_new"
    http_status = 409


class BusyError(CallError):
    """Too much is being taken in; the same may be sent again after `retry_after_s`."""

    code = "collector_busy"
    http_status = 429
    error_type = "rate_limit_error"
    should_retry = True


class NoSuchRecordError(CallError):
    """There is no such request, trace or content, or not for this caller."""

    code = "not_found"
    http_status = 404
