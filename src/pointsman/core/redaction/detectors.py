r"""The table of what is redacted: how it is recognised, cheaply first.

Each row has a trigger and needles, plain substrings without which no match is possible, a pattern,
and an arithmetic check where there is one. Patterns are linear in the length of the text: every
repetition is bounded or starts at most once in a run of its characters. A look-behind stands after
the first characters where it can, because a pattern that starts with a literal or a set of
characters is searched several times faster.

Digits and letters before a match forbid it, but for the letter of an escaped line end (`\n`): text
may be JSON in a string. What is in the table follows what data protection products look for; rows
name the source of vendor facts.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from pointsman.core.redaction import checks
from pointsman.core.redaction.patterns import WrittenPattern

Check: TypeAlias = Callable[[str], int]
"""How many characters of what was found are the thing; 0 for none."""


class Detector(Struct, frozen=True, kw_only=True):
    """One kind of thing to redact."""

    name: str
    """The entity type: small letters, digits and underscores. The marker names it."""
    pattern: re.Pattern[str] | WrittenPattern
    trigger: str | re.Pattern[str] = ""
    """Found in every text that `pattern` is found in, and faster to look for. Neighbours in the
    table that share one are skipped by one search for it."""
    needles: tuple[str, ...] = ()
    """One of these is in every match; empty for no more than the trigger."""
    group: int = 0
    """The group that is replaced; -1 for the last that took part."""
    check: Check | None = None
    overlaps: bool = False
    """After a rejected match look again from its second character, not from its end."""


DIGIT_RUN = re.compile(r"[0-9][0-9 .()\-]{5,}[0-9]")
"""Part of every number that is looked for."""
_TOKEN_TRIGGERS = {
    "-": re.compile(r"-[A-Za-z0-9+/_-]{10}"),
    "_": re.compile(r"_[A-Za-z0-9+/_-]{10}"),
    "A": re.compile(r"A(?:KIA|SIA|Iza)"),
}
"""By the last or first character of a key's prefix: what every key with such a prefix holds."""


def _start(first: str, forbidden: str = "A-Za-z0-9") -> str:
    r"""Return an assertion, to stand after `first`, that no word runs into it (but for `\n`)."""
    return rf"(?:(?<![{forbidden}]{first})|(?<=\\[nrt]{first}))"


def _key(prefix: str, tail: str) -> Detector:
    literal = re.escape(prefix)
    return Detector(
        name="api_key",
        trigger=_TOKEN_TRIGGERS.get(prefix[-1]) or _TOKEN_TRIGGERS.get(prefix[0]) or prefix,
        needles=(prefix,),
        pattern=re.compile(literal + _start(literal) + tail),
        check=checks.key_length,
    )


_BASE62 = "[A-Za-z0-9]"
_URL_SAFE = "[A-Za-z0-9_-]"
_VALUE = r"[^\s\"'\\,;\[\]]"
_SCHEMES = "Bearer|Basic|Token|ApiKey|Key|Negotiate"
_SCHEMES_WITH_PARAMETERS = "Digest|OAuth|AWS4-HMAC-SHA256|Signature"


def _credentials(separator: str) -> tuple[Detector, ...]:
    """Return the rows for names with a credential after `:` or `=`.

    One set of rows each, because a pattern that starts with one literal is searched fastest.
    """
    # From the name to the value: `: `, `": "`, and `\": \"` in escaped JSON.
    to_value = rf"\s{{0,4}}{separator}\s{{0,4}}\\?[\"']?"
    trigger = re.compile(
        rf"{separator}\s{{0,4}}\\?[\"']?"
        rf"(?:{_VALUE}{{16,}}|(?i:{_SCHEMES}|{_SCHEMES_WITH_PARAMETERS})\s)"
    )
    return (
        Detector(
            name="authorization",
            trigger=trigger,
            needles=("uthorization", "UTHORIZATION"),
            # RFC 9110 section 11.6.2; schemes with parameters go to the end of the line.
            pattern=re.compile(
                rf"(?i)authorization\\?[\"']?{to_value}((?:{_SCHEMES_WITH_PARAMETERS})\s[^\r\n]+"
                rf"|(?:{_SCHEMES})\s{{1,4}}{_VALUE}{{2,}}|{_VALUE}{{16,}})"
            ),
            group=1,
        ),
        Detector(
            name="api_key",
            trigger=trigger,
            needles=("pi-key", "PI-KEY", "pi-Key", "PI-Key", "pi_key", "PI_KEY", "piKey"),
            pattern=re.compile(rf"(?i)api[-_]?key\\?[\"']?{to_value}({_VALUE}{{16,}})"),
            group=1,
            check=checks.key_length,
        ),
    )


_HEADERS: tuple[Detector, ...] = (
    *_credentials(":"),
    *_credentials("="),
    Detector(
        name="authorization",
        trigger="earer ",
        pattern=re.compile(r"(?i)bearer\s{1,4}([A-Za-z0-9._~+/=-]{16,})"),
        group=1,
        check=checks.key_length,
    ),
    Detector(
        name="cookie",
        trigger="=",
        needles=("ookie", "OOKIE"),
        pattern=re.compile(
            r"(?i)cookie(?:\s{0,4}:\s{0,4}([^\s=;,\"'\[\]]{1,128}=[^\r\n]+)"
            r"|\\?[\"']\s{0,4}:\s{0,4}\\?[\"']([^\s=;,\"'\[\]]{1,128}=[^\"'\r\n\\]+))"
        ),
        group=-1,
    ),
)

_SECRETS: tuple[Detector, ...] = (
    Detector(
        name="url_credentials",
        trigger="://",
        # Up to the last `@` before the path, because passwords hold unescaped ones.
        pattern=re.compile(r"://([^\s:/?#@\[\]\"'<>]{0,256}:[^\s/?#\[\]\"'<>]{1,512})@"),
        group=1,
    ),
    # RFC 7519; the header of a JWT is a JSON object, so it starts with `{"` in base64url.
    Detector(
        name="jwt",
        trigger="eyJ",
        pattern=re.compile(
            "eyJ"
            + _start("eyJ", "A-Za-z0-9_-")
            + rf"{_URL_SAFE}{{5,}}\.{{1,2}}{_URL_SAFE}{{5,}}(?:\.{_URL_SAFE}+){{0,3}}"
        ),
    ),
    Detector(
        name="private_key",
        trigger="-----BEGIN",
        # RFC 7468. Up to the end line, or to the end of the text when the key was cut off.
        pattern=re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-(?!----)[^-]*)*"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    # Prefixes as the vendors document them (read 2026-11).
    _key("sk-", _URL_SAFE + "{16,}"),  # OpenAI, Anthropic (sk-ant-), OpenRouter, Langfuse (sk-lf-)
    _key("pk-lf-", _URL_SAFE + "{16,}"),  # Langfuse
    _key("glpat-", _URL_SAFE + "{20,}"),  # GitLab
    _key("nvapi-", _URL_SAFE + "{20,}"),  # NVIDIA
    _key("xai-", _URL_SAFE + "{20,}"),  # xAI
    _key("ghp_", _BASE62 + "{30,}"),  # GitHub, as are the next five
    _key("gho_", _BASE62 + "{30,}"),
    _key("ghu_", _BASE62 + "{30,}"),
    _key("ghs_", _BASE62 + "{30,}"),
    _key("ghr_", _BASE62 + "{30,}"),
    _key("github_pat_", "[A-Za-z0-9_]{22,}"),
    _key("lsv2_", "[A-Za-z0-9_]{20,}"),  # LangSmith
    _key("whsec_", "[A-Za-z0-9+/=_-]{16,}"),  # Standard Webhooks, Stripe
    _key("gsk_", _BASE62 + "{20,}"),  # Groq
    _key("hf_", _BASE62 + "{30,}"),  # Hugging Face
    _key("sk_live_", _BASE62 + "{16,}"),  # Stripe, as is the next
    _key("rk_live_", _BASE62 + "{16,}"),
    _key("xox", "[abeprs]-[A-Za-z0-9-]{10,}"),  # Slack
    _key("AKIA", r"[0-9A-Z]{16}(?![A-Za-z0-9])"),  # AWS access key, as is the next (temporary)
    _key("ASIA", r"[0-9A-Z]{16}(?![A-Za-z0-9])"),
    _key("AIza", _URL_SAFE + "{35}"),  # Google
)

_PERSONAL: tuple[Detector, ...] = (
    Detector(
        name="email",
        trigger=re.compile(r"@(?<=[\w.%+\-]@)[\w\-]{1,63}\.[\w\-]"),
        pattern=re.compile(r"(?<![\w.%+\-])[\w.%+\-]+@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}"),
        check=checks.email_length,
    ),
    Detector(
        name="ip_address",
        trigger=re.compile(r":[0-9A-Fa-f]{0,4}:"),
        pattern=re.compile(
            "[0-9A-Fa-f:]"
            + _start("[0-9A-Fa-f:]", r"\w:.")
            + r"[0-9A-Fa-f:]{3,44}(?:\.[0-9]{1,3}){0,3}(?!\w)"
        ),
        check=checks.ipv6_length,
    ),
    Detector(
        name="credit_card",
        trigger=DIGIT_RUN,
        # Four by four, or 4-6-4 and 4-6-5 as Diners and Amex write them; or without separators.
        pattern=re.compile(
            "[0-9]"
            + _start("[0-9]")
            + r"[0-9]{3}(?:([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{1,3})?"
            r"|[ -][0-9]{6}[ -][0-9]{4,5})(?![0-9])"
        ),
        check=checks.card_length,
        overlaps=True,
    ),
    Detector(
        name="iban",
        trigger=DIGIT_RUN,
        pattern=re.compile("[A-Z]" + _start("[A-Z]") + "[A-Z][0-9]{2}(?: ?[A-Z0-9]){11,30}"),
        check=checks.iban_length,
        overlaps=True,
    ),
    Detector(
        name="us_ssn",
        trigger=DIGIT_RUN,
        pattern=re.compile(
            "[0-9]" + _start("[0-9]") + r"[0-9]{2}([- ])[0-9]{2}\1[0-9]{4}(?![A-Za-z0-9]|-[0-9])"
        ),
        check=checks.ssn_length,
    ),
    Detector(
        name="ip_address",
        trigger=DIGIT_RUN,
        pattern=re.compile(
            "[0-9]"
            + _start("[0-9]", "A-Za-z0-9.")
            + r"[0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![A-Za-z0-9]|\.[0-9])"
        ),
        check=checks.ipv4_length,
    ),
    # ITU-T E.164: a plus, then 7 to 15 digits.
    Detector(
        name="phone",
        trigger=DIGIT_RUN,
        needles=("+",),
        pattern=re.compile(
            r"\+" + _start(r"\+", r"\w+") + r"[1-9](?:[ .()\-]{0,2}[0-9]){6,14}(?![0-9])"
        ),
    ),
    # North American numbering plan: area code and exchange start with 2 to 9.
    Detector(
        name="phone",
        trigger=DIGIT_RUN,
        pattern=re.compile(
            "[(2-9]"
            + _start("[(2-9]", r"A-Za-z0-9.\-")
            + r"(?:(?<=\()[2-9][0-9]{2}\) ?|(?<=[2-9])[0-9]{2}[ .\-])"
            r"[2-9][0-9]{2}[ .\-][0-9]{4}(?![A-Za-z0-9]|[.\-][0-9])"
        ),
    ),
    Detector(
        name="phone",
        trigger=DIGIT_RUN,
        # Written so that it starts with a set of characters, which is searched fastest.
        pattern=re.compile(
            r"[PpTtMmCcFfWw](?<!\w[PpTtMmCcFfWw])"
            r"(?i:(?<=p)hone|(?<=t)el(?:ephone)?|(?<=m)obile|(?<=c)ell|(?<=f)ax|(?<=w)hatsapp)"
            r"(?i: number| no)?\b[^0-9\r\n+]{0,12}"
            r"(\+?\(?[0-9](?:[ .()/\-]{0,2}[0-9]){6,14})(?![0-9])"
        ),
        group=1,
    ),
)

DETECTORS: tuple[Detector, ...] = _HEADERS + _SECRETS + _PERSONAL
"""Every row, in the order in which they are applied: the most exact claim first."""

GROUPS: dict[str, frozenset[str]] = {
    "secrets": frozenset(row.name for row in _HEADERS + _SECRETS),
    "personal": frozenset(row.name for row in _PERSONAL),
}
"""Names that stand for several entity types."""
ENTITY_TYPES = frozenset().union(*GROUPS.values())
"""Every name that a row has."""


def select(names: Iterable[str]) -> tuple[Detector, ...]:
    """Return the rows of entity types and groups, in the order of the table.

    Args:
        names: Of `ENTITY_TYPES` and `GROUPS`; others select nothing.
    """
    wanted: set[str] = set()
    for name in names:
        wanted |= GROUPS.get(name, {name})
    return tuple(row for row in DETECTORS if row.name in wanted)
