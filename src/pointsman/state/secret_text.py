"""Secrets that are shown once and kept as digests: keys, login links, sessions.

A digest needs no salt and no slow hash: each secret has 256 random bits, so it cannot be guessed
from its hash as a password could.
"""

import secrets
from hashlib import sha256

KEY_PREFIX = "pm_"
_RANDOM_BYTES = 32
"""43 characters of url-safe base64."""


def make_key() -> str:
    """Return a key: `pm_` and 43 url-safe characters, so that scanners can find leaked ones."""
    return KEY_PREFIX + make_token()


def make_token() -> str:
    """Return 43 url-safe random characters."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def make_id(kind: str) -> str:
    """Return `kind` and 16 hex digits. Ids are shown and listed; they authorise nothing."""
    return f"{kind}_{secrets.token_hex(8)}"


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret as 64 hex digits."""
    return sha256(secret.encode()).hexdigest()
