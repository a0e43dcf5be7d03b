"""What is kept of prompts and answers: hashes always, text redacted or full by configuration.

Nothing here reaches a disk by itself: the recorder hands a `Captured` to the journal. Text leaves
this module only through `core.redaction`, unless the operator chose `capture: full`.
"""

from msgspec import Struct

from pointsman.core.dialect import Asked
from pointsman.core.records import CallRecord, ContentRef
from pointsman.core.redaction.engine import Redactor
from pointsman.core.redaction.hashing import ContentHasher, derive_tenant_key

MAX_TENANT_KEYS = 1024


class Captured(Struct):
    """Text to keep beside a record, as JSON bytes, already redacted when `redacted` is true."""

    redacted: bool
    request: bytes
    response: bytes
    cut: bool = False
    """One of the two was longer than the bound and lost its end."""


class ContentKeeper:
    """Hashes and captures the content of calls.

    Args:
        capture: `none`, `redacted` or `full`.
        max_bytes: Longest request or answer that is kept.
        redactor: The shared engine.
        master_key: Secret of this installation, from which a key per tenant is derived.
    """

    def __init__(self, capture: str, max_bytes: int, redactor: Redactor, master_key: bytes) -> None:
        self.capture = capture
        self.max_bytes = max_bytes
        self._redactor = redactor
        self._master_key = master_key
        self._hashers: dict[str, ContentHasher] = {}

    def reference(self, record: CallRecord, asked: Asked, body: bytes) -> ContentRef:
        """Return the hashes of the prompt and the names of its tools."""
        hasher = self._hasher(record.tenant or "")
        system = asked.system_text
        return ContentRef(
            prompt_version=record.tags.get("prompt_version"),
            system_hash=hasher.of(system) if system else None,
            prompt_hash=hasher.of(body),
            captured=self.capture,
            tools=asked.tool_names,
        )

    def keep(self, record: CallRecord, request_body: bytes, response: bytes) -> Captured | None:
        """Hash the answer and return what is to be stored; None when nothing is captured."""
        reference = record.content
        if reference is None:
            return None
        if response:
            reference.response_hash = self._hasher(record.tenant or "").of(response)
        if self.capture == "none":
            return None
        cut = len(request_body) > self.max_bytes or len(response) > self.max_bytes
        if self.capture == "full":
            return Captured(False, request_body[: self.max_bytes], response[: self.max_bytes], cut)
        request_text, counts = self._redact(request_body)
        response_text, response_counts = self._redact(response)
        for name, count in response_counts.items():
            counts[name] = counts.get(name, 0) + count
        reference.redactions = counts
        return Captured(True, request_text, response_text, cut)

    def _redact(self, raw: bytes) -> tuple[bytes, dict[str, int]]:
        if not raw:
            return b"", {}
        if len(raw) > self.max_bytes:
            # Too long to keep whole, so no longer JSON: redacted as text, its end is lost.
            redacted = self._redactor.redact(raw[: self.max_bytes].decode("utf-8", "replace"))
            return redacted.text.encode(), dict(redacted.counts)
        text, counts = self._redactor.redact_json(raw)
        return text, dict(counts)

    def _hasher(self, tenant: str) -> ContentHasher:
        hasher = self._hashers.get(tenant)
        if hasher is None:
            if len(self._hashers) >= MAX_TENANT_KEYS:
                self._hashers.clear()
            key = derive_tenant_key(self._master_key, tenant)
            hasher = self._hashers[tenant] = ContentHasher(key)
        return hasher
