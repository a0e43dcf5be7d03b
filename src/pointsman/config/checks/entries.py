"""Checks of `keys`, `prices`, `reasons` and the sizes of the journal."""

import hashlib
import re
from datetime import date

from pointsman.config.checks.subject import NAME, Subject
from pointsman.config.findings import quoted
from pointsman.config.key import KeyConfig
from pointsman.config.price import RatesConfig
from pointsman.core.reasons import ROUTE_REASONS

_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_VISIBLE = re.compile(r"[\x21-\x7e]+\Z")
_HEX_64 = re.compile(r"[0-9A-Fa-f]{64}\Z")
# Narrower than what Decimal reads, which would write 1e999999999 out.
_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,18})?(?:[eE]-[0-9]{1,2})?\Z")
_SHORTEST_KEY = 16
_RATES = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cache_read_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "cache_write_1h_usd_per_mtok",
    "reasoning_usd_per_mtok",
    "request_usd_per_kcount",
)


def check_keys(subject: Subject) -> None:
    """Note keys that nobody could use, or that two names share."""
    owners: dict[str, str] = {}
    for name, key in subject.config.keys.items():
        path = f"keys.{name}"
        if not NAME.match(name):
            subject.error(path, "a key's name is letters, digits and . _ : / @ + -")
        _check_key(subject, path, key)
        digest = _digest(key)
        if digest is not None and owners.setdefault(digest, name) != name:
            subject.error(path, f"the same key as {quoted(owners[digest])}")


def check_prices(subject: Subject) -> None:
    """Note rates that are not amounts of money, and days that are none."""
    for model, price in subject.config.prices.models.items():
        path = f"prices.models.{model}"
        _check_rates(subject, path, price)
        for number, earlier in enumerate(price.earlier):
            _check_rates(subject, f"{path}.earlier[{number}]", earlier)
        if price.earlier and price.valid_from is None:
            subject.error(f"{path}.earlier", "never counts: these rates have no `valid_from`")


def _check_rates(subject: Subject, path: str, rates: RatesConfig) -> None:
    for name in _RATES:
        rate = getattr(rates, name)
        if rate is not None and not _is_amount(rate):
            subject.error(
                f"{path}.{name}",
                f"{quoted(str(rate))} is not an amount of US dollars",
                hint="as in 0.15",
            )
    if rates.valid_from is not None and not _is_day(rates.valid_from):
        subject.error(
            f"{path}.valid_from",
            f"{quoted(rates.valid_from)} is not a day",
            hint="as in 2026-11-01",
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-11-01")


def check_reasons(subject: Subject) -> None:
    """Note reasons that cannot be codes, or that would change the meaning of a known one."""
    for code, sentence in subject.config.reasons.items():
        path = f"reasons.{code}"
        if not _REASON.match(code):
            subject.error(path, "a reason is lower-case letters, digits and _")
        if code in ROUTE_REASONS:
            subject.error(path, "a reason of this name exists and keeps its meaning")
        if not sentence.strip():
            subject.error(path, "a reason needs words that complete 'because …'")


def check_sizes(subject: Subject) -> None:
    """Note a journal whose bound its first segment would pass."""
    journal = subject.config.journal
    if journal.max_bytes < journal.segment_bytes:
        subject.error("journal.max_bytes", f"smaller than one segment ({journal.segment_bytes})")


def _check_key(subject: Subject, path: str, key: KeyConfig) -> None:
    secret = key.key.reveal() if key.key is not None else None
    if secret == "":
        subject.error(f"{path}.key", "the key is empty")
    elif (secret is None) is (key.sha256 is None) and not subject.has_problem_within(path):
        hint = "`pointsman keys hash` makes the second from the first"
        subject.error(path, "give either `key` or `sha256`", hint=hint)
    elif secret is not None and not _VISIBLE.match(secret):
        subject.error(f"{path}.key", "the key holds characters that are not visible ASCII")
    elif secret is not None and len(secret) < _SHORTEST_KEY:
        subject.warn(f"{path}.key", f"shorter than {_SHORTEST_KEY} characters: easy to guess")
    if key.sha256 is not None and not _HEX_64.match(key.sha256):
        subject.error(f"{path}.sha256", "expected 64 hex digits")
    if not key.scopes:
        subject.error(f"{path}.scopes", "a key without scopes can do nothing")
    if key.tenant is not None and key.may_set_tenant:
        subject.warn(f"{path}.may_set_tenant", "without effect: the key is bound to a tenant")
    for index, model in enumerate(key.models):
        if not model:
            subject.error(f"{path}.models[{index}]", "an empty pattern matches nothing")


def _digest(key: KeyConfig) -> str | None:
    if key.key is not None and key.key.reveal():
        return hashlib.sha256(key.key.reveal().encode()).hexdigest()
    return key.sha256.lower() if key.sha256 is not None else None


def _is_amount(rate: str | float) -> bool:
    return _RATE.match(str(rate)) is not None
