"""Keyed hashes of text: equal text is recognised within a tenant, and nowhere else.

A plain hash of a prompt can be guessed by hashing likely prompts; without the key this one cannot,
and the hashes of two tenants cannot be compared.
"""

import hmac
from hashlib import sha256

SHORTEST_MASTER_KEY_BYTES = 16
_PURPOSE = b"pointsman content hash\x00"
_BLOCK_BYTES = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


def derive_tenant_key(master_key: bytes, tenant: str) -> bytes:
    """Return the hashing key of one tenant, 32 bytes.

    Raises:
        ValueError: The master key has fewer than 16 bytes.
    """
    if len(master_key) < SHORTEST_MASTER_KEY_BYTES:
        raise ValueError(f"the master key must have at least {SHORTEST_MASTER_KEY_BYTES} bytes")
    return hmac.digest(master_key, _PURPOSE + tenant.encode("utf-8", "surrogatepass"), "sha256")


class ContentHasher:
    """Names the texts of one tenant: HMAC-SHA256 (RFC 2104) with the two keyed states kept.

    `hmac.digest` sets the key up anew for each text, which costs more than hashing a prompt.

    Args:
        tenant_key: At most 64 bytes, the block of SHA-256.

    Raises:
        ValueError: The key is longer.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, tenant_key: bytes) -> None:
        if len(tenant_key) > _BLOCK_BYTES:
            raise ValueError(f"a tenant key must have at most {_BLOCK_BYTES} bytes")
        key = tenant_key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(key.translate(_INNER_PAD))
        self._outer = sha256(key.translate(_OUTER_PAD))

    def of(self, text: str | bytes) -> str:
        """Return `sha256:` and the 64 hex digits of the keyed hash of `text` (as UTF-8)."""
        # hot path: half of what hmac.digest costs
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
        outer.update(inner.digest())
        return "sha256:" + outer.hexdigest()
