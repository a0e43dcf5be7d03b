"""From the key in a request to the caller it stands for.

Owns the table of keys, as SHA-256 digests only: the keys themselves are hashed when the table is
made and not kept. A digest needs no salt and no slow hash here, because keys are long random
strings, not passwords. Knows nothing of routes: what a caller may ask for is in the `Principal`.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest

from pointsman.config.key import KeyConfig
from pointsman.core.errors import AuthenticationError, ConfigError, Problem
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.records import AliasUse, Rule

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_PREFIX_BYTES = 8
UNKNOWN_KEY = "the API key is not one of this gateway's keys"


class Authenticator:
    """Knows the callers of one configuration version.

    Args:
        keys: Name -> key as configured. Without keys every caller is `ANONYMOUS`.

    Raises:
        ConfigError: A key has no value or two, its hash is malformed, or two names share one key.
    """

    __slots__ = ("_by_prefix", "has_keys")

    def __init__(self, keys: Mapping[str, KeyConfig]) -> None:
        # The first bytes of a digest find the entry; the whole is then compared in constant time.
        # What the look-up's time could tell is a prefix of a hash, from which no key follows.
        self._by_prefix: dict[bytes, tuple[bytes, Principal]] = {}
        self.has_keys = bool(keys)
        """Whether callers must show a key."""
        problems: list[Problem] = []
        for name, config in keys.items():
            problem = self._add(name, config)
            if problem is not None:
                problems.append(Problem(problem, f"keys.{name}"))
        if problems:
            raise ConfigError(problems)

    def authenticate(self, authorization: str | None, x_api_key: str | None = None) -> Principal:
        """Return who is calling.

        Args:
            authorization: The `Authorization` header. When present, it alone counts.
            x_api_key: The `x-api-key` header, as Anthropic's clients send it.

        Raises:
            AuthenticationError: The gateway has keys, and none or an unknown one was shown.
        """
        if not self.has_keys:
            return ANONYMOUS

        principal = self.find(shown_digest(authorization, x_api_key))
        if principal is None:
            raise AuthenticationError(UNKNOWN_KEY)
        return principal

    def find(self, digest: bytes) -> Principal | None:
        """Return whom the key with this SHA-256 stands for; None when it is not known here."""
        known = self._by_prefix.get(digest[:_PREFIX_BYTES])
        if known is None or not compare_digest(known[0], digest):
            return None
        return known[1]

    def _add(self, name: str, config: KeyConfig) -> str | None:
        """Take one key into the table; return what is wrong with it, never the key itself."""
        if (config.key is None) == (config.sha256 is None):
            return "give either `key` or `sha256`"
        if config.sha256 is not None:
            if _SHA256.match(config.sha256) is None:
                return "`sha256` must be 64 hex digits"
            digest = bytes.fromhex(config.sha256)
        else:
            secret = config.key.reveal() if config.key is not None else ""
            if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
                return "the key must be visible ASCII characters without spaces"
            digest = sha256(secret.encode()).digest()

        prefix = digest[:_PREFIX_BYTES]
        if prefix in self._by_prefix:
            return f"has the same key as `{self._by_prefix[prefix][1].key_name}`"
        self._by_prefix[prefix] = (digest, _principal(name, config))
        return None


def _principal(name: str, config: KeyConfig) -> Principal:
    return Principal(
        key_name=name,
        tenant=config.tenant,
        plan=config.plan,
        user=config.user,
        team=config.team,
        models=tuple(config.models),
        routes=tuple(config.routes),
        dialects=tuple(config.dialects),
        aliases=key_aliases(name, config.aliases, f"keys.{name}.aliases"),
        scopes=frozenset(config.scopes),
        may_set_tenant=config.may_set_tenant,
    )


def key_aliases(name: str, written: Mapping[str, str], path: str) -> dict[str, AliasUse]:
    """Return what names mean for a key, as records tell it."""
    return {
        alias: AliasUse(alias, means, "key", name, Rule(f"{path}.{alias}"))
        for alias, means in written.items()
    }


def shown_digest(authorization: str | None, x_api_key: str | None) -> bytes:
    """Return the SHA-256 of the key in a request.

    Raises:
        AuthenticationError: There is none, or the header is not `Bearer <key>`.
    """
    return sha256(_shown_key(authorization, x_api_key)).digest()


def _shown_key(authorization: str | None, x_api_key: str | None) -> bytes:
    if authorization is not None:
        scheme, _, credential = authorization.strip().partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationError("the Authorization header must be `Bearer <key>`")
        shown = credential.strip()
    else:
        shown = x_api_key.strip() if x_api_key is not None else ""
    if not shown:
        raise AuthenticationError(
            "no API key was given; send it as `Authorization: Bearer <key>` or `x-api-key`"
        )
    # A key with other characters cannot be configured, so what stands for them does not matter.
    return shown.encode("ascii", "backslashreplace")
