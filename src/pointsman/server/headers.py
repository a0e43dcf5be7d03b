"""The headers that every answer of the gateway carries.

Values may hold names that clients chose (a model passed through), so everything but visible ASCII
is percent-encoded: no value can end the header it stands in.
"""

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote

from pointsman.core.records import Attempt, CallRecord

HeaderList: TypeAlias = list[tuple[bytes, bytes]]

MAX_VALUE_CHARACTERS = 256
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
_OWN_CHANGES = frozenset({"metadata", "model", "stream_options.include_usage", "tenant_id"})
"""What the gateway changes for its own work, in every request; the record has it all the same."""
_JSON = (b"content-type", b"application/json")


class ResponseHeaders:
    """Builds header lists for one prefix (`x-pointsman-…` unless configured otherwise)."""

    __slots__ = (
        "_attempts",
        "_config",
        "_parameters",
        "_policy",
        "_reason",
        "_request_id",
        "_target",
        "_trace_id",
    )

    def __init__(self, metadata_key: str) -> None:
        prefix = f"x-{metadata_key}".encode()
        self._request_id = prefix + b"-request-id"
        self._trace_id = prefix + b"-trace-id"
        self._target = prefix + b"-target"
        self._reason = prefix + b"-reason"
        self._attempts = prefix + b"-attempts"
        self._config = prefix + b"-config"
        self._parameters = prefix + b"-parameters-changed"
        self._policy = prefix + b"-policy"

    def of(self, record: CallRecord, extra: Mapping[str, str] | None) -> HeaderList:
        """Return the headers that tell about `record`, and `extra` ones of this answer."""
        target = record.served_target
        if target is None:
            target = record.attempts[-1].target if record.attempts else "none"
        headers: HeaderList = [
            (self._request_id, record.request_id.encode()),
            (self._trace_id, record.trace_id.encode()),
            (self._target, header_value(target)),
            (self._reason, header_value(record.reason)),
            (self._attempts, b"%d" % len(record.attempts)),
            (self._config, record.config_version.encode()),
        ]
        if record.attempts and record.attempts[-1].parameters_changed:
            headers += self._of_parameters(record.attempts[-1])
        if record.policy:
            headers += self._of_policy(record)
        if extra:
            headers += [(name.encode(), header_value(value)) for name, value in extra.items()]
        return headers

    def _of_policy(self, record: CallRecord) -> HeaderList:
        """Return what prompt rules did so far: `name=redacted`; what they looked for stays here."""
        acted = [
            f"{made.rule.removeprefix('policy.rules.')}={made.outcome}"
            for made in record.policy
            if made.outcome not in {"passed", "not_matched"} and not made.dry_run
        ]
        return [(self._policy, header_value(",".join(acted)))] if acted else []

    def _of_parameters(self, attempt: Attempt) -> HeaderList:
        """Name the parameters that the provider was not told as the client wrote them."""
        names = [line.partition(":")[0] for line in attempt.parameters_changed]
        told = ",".join(name for name in names if name not in _OWN_CHANGES)
        return [(self._parameters, header_value(told))] if told else []

    def of_json(
        self, record: CallRecord, body: bytes, extra: Mapping[str, str] | None = None
    ) -> HeaderList:
        """Return the headers of a whole JSON answer."""
        return [_JSON, (b"content-length", b"%d" % len(body)), *self.of(record, extra)]

    def of_stream(self, record: CallRecord, extra: Mapping[str, str] | None = None) -> HeaderList:
        """Return the headers of a stream: nothing between us and the client may hold it back."""
        return [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            *self.of(record, extra),
        ]


def header_value(text: str) -> bytes:
    """Return `text` as a bounded header value; what is not visible ASCII is percent-encoded."""
    text = text[:MAX_VALUE_CHARACTERS]
    if text.isascii() and text.isprintable() and " " not in text and "%" not in text:
        return text.encode()
    return quote(text, safe=_SAFE).encode()
