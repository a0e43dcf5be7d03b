"""Keyed hashes of text: equal text is recognised within a tenant, and nowhere else.

A plain hash of a prompt can be guessed by hashing likely prompts; without the key this one cannot,
and the hashes of two tenants cannot be compared.
"""

import hmac

SHORTEST_MASTER_KEY_BYTES = 16
_PURPOSE = b"pointsman content hash\x00"


def derive_tenant_key(master_key: bytes, tenant: str) -> bytes:
    """Return the hashing key of one tenant, 32 bytes.

    Raises:
        ValueError: The master key has fewer than 16 bytes.
    """
    if len(master_key) < SHORTEST_MASTER_KEY_BYTES:
        raise ValueError(f"the master key must have at least {SHORTEST_MASTER_KEY_BYTES} bytes")
    return hmac.digest(master_key, _PURPOSE + tenant.encode("utf-8", "surrogatepass"), "sha256")


def content_hash(tenant_key: bytes, text: str | bytes) -> str:
    """Return `sha256:` and the 64 hex digits of the HMAC-SHA256 of `text` (as UTF-8)."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return f"sha256:{hmac.digest(tenant_key, raw, 'sha256').hex()}"
