"""The version of a configuration: the same file means the same version, wherever it is loaded.

Sections are written in the order of their fields and names in the order of the file, because that
order decides (a model of several targets is served by the first). Comments and white space do not
count. Secrets count by their SHA-256.
"""

import hashlib

import msgspec

from pointsman.config.root import Config
from pointsman.config.section import Duration, Secret


def config_version(config: Config) -> str:
    """Return the first 16 hex digits of the SHA-256 of the canonical configuration."""
    return hashlib.sha256(canonical_json(config)).hexdigest()[:16]


def canonical_json(config: Config) -> bytes:
    """Return the configuration as JSON with secrets by their hash: to compare, not to show."""
    return msgspec.json.encode(config, enc_hook=_canonical)


def public_json(config: Config) -> bytes:
    """Return the configuration as JSON that may be stored and shown: secrets by their alias."""
    return msgspec.json.encode(config, enc_hook=_public)


def _canonical(value: object) -> object:
    if isinstance(value, Secret):
        return f"sha256:{hashlib.sha256(value.reveal().encode()).hexdigest()}"
    return _public(value)


def _public(value: object) -> object:
    if isinstance(value, Secret):
        return value.alias
    if isinstance(value, Duration):
        return float(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")
