"""Checks of `providers`: whether each can be called at all (GW-12: a live one needs its key)."""

import re
from urllib.parse import SplitResult, urlsplit

from pointsman.config.checks.server import is_local
from pointsman.config.checks.subject import Subject, did_you_mean
from pointsman.config.findings import quoted
from pointsman.config.provider import ProviderConfig
from pointsman.config.proxy import DIRECT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
# Source: RFC 9110, section 5.6.2 (token) and 5.5 (field values).
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?\Z")
_CREDENTIAL_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
_CREDENTIAL = re.compile(r"[\x21-\x7e]+\Z")
# The transport writes these itself; a second one would change where a message ends.
_FRAMING_HEADERS = frozenset(
    {"connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"}
)


def check_providers(subject: Subject) -> None:
    """Note what is wrong with each provider, and with the choice of the default."""
    providers = subject.config.providers
    if not providers and not subject.has_problem_within("providers"):
        subject.error("providers", "no provider is declared", hint="add one under `providers:`")
    for name, provider in providers.items():
        path = f"providers.{name}"
        if not _NAME.match(name):
            subject.error(path, "a provider's name is letters, digits, . _ and -")
        _check_kind(subject, path, provider)
        _check_url(subject, path, provider)
        _check_credential(subject, path, provider)
        _check_proxy(subject, path, provider)
        _check_headers(subject, path, provider)
        _check_files(subject, path, provider)
    _check_default(subject)


def _check_kind(subject: Subject, path: str, provider: ProviderConfig) -> None:
    if provider.kind not in subject.kinds.known:
        hint = did_you_mean(provider.kind, subject.kinds.known)
        subject.error(f"{path}.kind", f"unknown kind {quoted(provider.kind)}", hint=hint)
    if provider.script is not None and provider.kind != "mock":
        subject.error(f"{path}.script", "only providers of kind mock have a script")


def _check_url(subject: Subject, path: str, provider: ProviderConfig) -> None:
    if provider.base_url is None:
        if provider.kind in subject.kinds.without_address:
            hint = "it holds the name of your resource"
            subject.error(f"{path}.base_url", "is required for this kind", hint=hint)
        return
    url = _split(provider.base_url)
    problem = _url_problem(url)
    if url is None or problem is not None:
        subject.error(f"{path}.base_url", problem or "not a URL", hint="as in https://host/v1")
    elif url.scheme == "http" and not is_local(url.hostname or ""):
        subject.warn(f"{path}.base_url", "prompts and the key go there readable: use https")


def _url_problem(url: SplitResult | None) -> str | None:
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        return "expected an http or https URL with a host"
    if "@" in url.netloc:
        return "a URL must not hold a credential: use api_key or headers"
    if url.query or url.fragment or not (url.netloc + url.path).isprintable() or " " in url.path:
        return "a base URL ends with its path: no query, fragment or white space"
    return None


def _check_credential(subject: Subject, path: str, provider: ProviderConfig) -> None:
    key = provider.api_key
    if key is not None and key.reveal():
        if not _CREDENTIAL.match(key.reveal()):
            subject.error(
                f"{path}.api_key",
                "the key holds white space or characters that are not ASCII",
                hint="look for a line end at its end",
            )
        elif key.alias.startswith("…") and len(key.reveal()) > 12:
            subject.warn(
                f"{path}.api_key",
                "the key is written in the file",
                hint="set a variable and write `${NAME}`",
            )
    elif _needs_key(subject, provider):
        subject.error(
            f"{path}.api_key",
            f"a live provider of kind {quoted(provider.kind)} needs a key"
            if key is None
            else "the key is empty",
            hint="set api_key, at best as `${VARIABLE}`; "
            f"kinds that need none: {', '.join(sorted(subject.kinds.keyless))}",
        )


def _check_proxy(subject: Subject, path: str, provider: ProviderConfig) -> None:
    if provider.proxy is None or provider.proxy.reveal() == DIRECT:
        return
    url = _split(provider.proxy.reveal())
    # Nothing of the value is repeated: it may hold a password.
    if url is None or url.scheme != "http" or not url.hostname:
        subject.error(f"{path}.proxy", "not a proxy URL", hint="as in http://user:pass@host:3128")
    elif url.path not in ("", "/") or url.query or url.fragment:
        subject.error(f"{path}.proxy", "a proxy URL ends with its port")
    elif provider.kind == "mock":
        subject.warn(f"{path}.proxy", "a mock connects to nobody")


def _needs_key(subject: Subject, provider: ProviderConfig) -> bool:
    kinds = subject.kinds
    if provider.kind in kinds.keyless or provider.kind not in kinds.known:
        return False
    if any(header.lower() in _CREDENTIAL_HEADERS for header in provider.headers):
        return False
    url = _split(provider.base_url) if provider.base_url is not None else None
    return url is None or not is_local(url.hostname or "")


def _check_headers(subject: Subject, path: str, provider: ProviderConfig) -> None:
    for header, value in provider.headers.items():
        place = f"{path}.headers.{header}"
        if not _HEADER_NAME.match(header):
            subject.error(place, "not a header name")
        elif header.lower() in _FRAMING_HEADERS:
            subject.error(place, "this header is the gateway's own")
        elif not _HEADER_VALUE.match(value.reveal()):
            subject.error(
                place, "a header's value is visible ASCII without white space at its ends"
            )


def _check_files(subject: Subject, path: str, provider: ProviderConfig) -> None:
    for name, file in (("ca_file", provider.ca_file), ("script", provider.script)):
        if file is not None and not subject.is_file(file):
            subject.error(
                f"{path}.{name}",
                f"no file {quoted(file)}",
                hint="a relative path begins at the folder of the configuration file",
            )


def _check_default(subject: Subject) -> None:
    defaults = [name for name, one in subject.config.providers.items() if one.default]
    for name in defaults[1:]:
        subject.error(
            f"providers.{name}.default",
            f"{quoted(defaults[0])} is the default already",
            hint="mark one provider",
        )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
