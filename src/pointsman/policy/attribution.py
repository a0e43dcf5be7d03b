"""On whose behalf a request is made: the claims of the caller, and which of them are believed.

Owns the request-side surface: body `user`, `metadata` and `tenant_id`, and the headers
`x-<metadata_key>-{run-id,conversation-id,workload,tenant,user,feature,environment,tags}`.

Precedence, per field: what the key is bound to, then the header (set by infrastructure), then the
body field, then the metadata of that name, then the gateway's default. Two fields decide who pays
and which rules apply, tenant and plan: a key bound to a tenant wins over every claim, and an
unbound key is believed only if it `may_set_tenant`. The plan is the key's own, else the one that
the tenant has been given, else what a believed request says. Claims that were not believed are
counted on the record, by name, never by value.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec
from msgspec import Struct, field

from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.records import CallRecord, PolicyOutcome
from pointsman.policy.tenancy import Tenancy

MAX_TAGS = 32
MAX_VALUE_BYTES = 256
"""Of a tag's value and of every identity; the rest is cut."""
MAX_TAG_NAME_BYTES = 64
"""Tags with longer names are dropped: two cut names could become one."""

# Control characters, line and paragraph separators, lone surrogates, and the marks that turn the
# direction of text: none belongs into an identity, and each can forge a line on a terminal.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_COMPLEXITIES = frozenset({"low", "high"})
_encode = msgspec.json.Encoder().encode


class AttributionSettings:
    """What the configuration says about attribution.

    Args:
        metadata_key: Gives the header prefix `x-<metadata_key>-`.
        environment: Of requests that name none.
        tenant: Of requests that name none, or may name none.
        tenancy: Knows the plan of each tenant; None knows of none.
    """

    __slots__ = ("environment", "headers", "tenancy", "tenant")

    def __init__(
        self,
        metadata_key: str = "pointsman",
        environment: str | None = "production",
        tenant: str | None = None,
        tenancy: Tenancy | None = None,
    ) -> None:
        self.environment = environment
        self.tenant = tenant
        self.tenancy = tenancy or Tenancy()
        prefix = f"x-{metadata_key.lower()}-"
        self.headers = HeaderNames(*(prefix + each for each in _HEADERS))


_HEADERS = (
    "run-id",
    "conversation-id",
    "workload",
    "tenant",
    "user",
    "feature",
    "environment",
    "tags",
)


class HeaderNames(Struct, frozen=True):
    """The header names of one prefix, in lower case."""

    run_id: str
    conversation_id: str
    workload: str
    tenant: str
    user: str
    feature: str
    environment: str
    tags: str


class Claims(Struct):
    """What a request says about itself."""

    headers: Mapping[str, str]
    """Names in lower case; values as Latin-1 text, as HTTP carries them."""
    user: str | None = None
    tenant_id: str | None = None
    metadata: Mapping[str, object] | None = None


class Attribution(Struct, kw_only=True):
    """On whose behalf a request is made, as far as it is believed."""

    key: str | None = None
    tenant: str | None = None
    plan: str | None = None
    plan_source: str | None = None
    """`key`, `tenant` or `request`; None without a plan."""
    team: str | None = None
    user: str | None = None
    customer: str | None = None
    feature: str | None = None
    environment: str | None = None
    workload: str | None = None
    run_id: str | None = None
    conversation_id: str | None = None
    complexity: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    """Claim -> how often it was not believed (`tenant`, `plan`) or not kept (`tags`)."""


def attribute(claims: Claims, principal: Principal, settings: AttributionSettings) -> Attribution:
    """Decide on whose behalf a request is made. Never raises: a bad claim is a missing one."""
    headers, names = claims.headers, settings.headers
    metadata = claims.metadata or _NO_METADATA
    made = Attribution(
        key=principal.key_name,
        team=principal.team,
        user=principal.user or _header(headers, names.user) or _clean(claims.user),
        feature=_header(headers, names.feature),
        environment=_header(headers, names.environment),
        workload=_header(headers, names.workload),
        run_id=_header(headers, names.run_id),
        conversation_id=_header(headers, names.conversation_id),
    )
    if metadata:
        _fill_from_metadata(made, metadata)
    made.environment = made.environment or settings.environment
    _decide_tenant(made, claims, principal, settings)
    _decide_plan(made, metadata, principal, settings.tenancy)
    if names.tags in headers:
        _add_header_tags(made, _header_text(headers, names.tags))
    if metadata:
        complexity = metadata.get("complexity")
        if isinstance(complexity, str) and complexity in _COMPLEXITIES:
            made.complexity = complexity
        _add_metadata_tags(made, metadata)
    return made


def apply(attribution: Attribution, record: CallRecord, facts: Facts) -> None:
    """Copy an attribution into the record and into what conditions read."""
    record.key = facts.key = attribution.key
    record.tenant = facts.tenant = attribution.tenant
    record.plan = facts.tier = attribution.plan
    record.plan_source = attribution.plan_source
    record.team = facts.team = attribution.team
    record.user = facts.user = attribution.user
    record.customer = facts.customer = attribution.customer
    record.feature = facts.feature = attribution.feature
    record.environment = facts.environment = attribution.environment
    record.workload = facts.workload = attribution.workload
    record.run_id = facts.run_id = attribution.run_id
    record.conversation_id = facts.conversation_id = attribution.conversation_id
    record.tags = facts.tags = attribution.tags
    if attribution.complexity is not None:
        facts.complexity = attribution.complexity
    if attribution.ignored:
        record.policy.append(PolicyOutcome("attribution", "claims_ignored", attribution.ignored))


_NO_METADATA: Mapping[str, object] = {}


def _fill_from_metadata(made: Attribution, metadata: Mapping[str, object]) -> None:
    """Take from the metadata what neither the key, a header nor the body says."""
    made.team = made.team or _named(metadata, "team_id", "team")
    made.user = made.user or _named(metadata, "user_id", "user")
    made.customer = _named(metadata, "customer_id", "customer")
    made.feature = made.feature or _named(metadata, "feature")
    made.environment = made.environment or _named(metadata, "environment")
    made.workload = made.workload or _named(metadata, "workload")
    made.run_id = made.run_id or _named(metadata, "run_id")
    made.conversation_id = made.conversation_id or _named(metadata, "conversation_id")


def _may_name_tenant(principal: Principal) -> bool:
    return principal.tenant is None and principal.may_set_tenant


def _decide_tenant(
    made: Attribution, claims: Claims, principal: Principal, settings: AttributionSettings
) -> None:
    claimed = _header(claims.headers, settings.headers.tenant) or _clean(claims.tenant_id)
    if _may_name_tenant(principal):
        made.tenant = claimed or settings.tenant
        return

    made.tenant = principal.tenant or settings.tenant
    if claimed is not None and claimed != made.tenant:
        made.ignored["tenant"] = 1


def _decide_plan(
    made: Attribution, metadata: Mapping[str, object], principal: Principal, tenancy: Tenancy
) -> None:
    """The key's plan, else the tenant's; a claim counts only where nobody has given one.

    A plan decides which rules apply, so a claim is believed exactly where one of a tenant is.
    """
    claimed = _named(metadata, "tier", "plan") if metadata else None
    if principal.plan is not None:
        made.plan, made.plan_source = principal.plan, "key"
    elif (given := tenancy.plan_of(made.tenant)) is not None:
        made.plan, made.plan_source = given, "tenant"
    elif claimed is not None and _may_name_tenant(principal):
        made.plan, made.plan_source = claimed, "request"
    if claimed is not None and claimed != made.plan:
        made.ignored["plan"] = 1


def _add_header_tags(made: Attribution, value: str) -> None:
    """Read `team=search,beta`: names with values, percent-decoded; a bare name is `true`.

    The form is that of W3C baggage: https://www.w3.org/TR/baggage/#header-content
    """
    for member in value.split(",", MAX_TAGS)[:MAX_TAGS]:
        name, has_value, text = member.partition("=")
        name = unquote(name.strip())
        if name:
            _add_tag(made, name, unquote(text.strip()) if has_value else "true")
    if value.count(",") >= MAX_TAGS:
        _ignore(made, value.count(",") + 1 - MAX_TAGS)


def _add_metadata_tags(made: Attribution, metadata: Mapping[str, object]) -> None:
    for position, (name, value) in enumerate(metadata.items()):
        if len(made.tags) >= MAX_TAGS:
            _ignore(made, len(metadata) - position)
            return
        if name not in made.tags:
            _add_tag(made, name, value)


def _add_tag(made: Attribution, name: str, value: object) -> None:
    clean_name = _clean(name)
    if clean_name is None or len(name.encode("utf-8", "replace")) > MAX_TAG_NAME_BYTES:
        _ignore(made, 1)
    else:
        made.tags[clean_name] = _clean(_text_of(value)) or ""


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return _encode(value).decode()
    except RecursionError:
        return ""  # nested as deeply as a body can be: there is no room left to write it


def _ignore(made: Attribution, count: int) -> None:
    made.ignored["tags"] = made.ignored.get("tags", 0) + count


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return _clean(_header_text(headers, name)) if name in headers else None


def _header_text(headers: Mapping[str, str], name: str) -> str:
    value = headers[name]
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value  # not UTF-8: Latin-1, as HTTP says


def _named(metadata: Mapping[str, object], *names: str) -> str | None:
    """Return the first of these entries that is a name or a number."""
    for name in names:
        value = metadata.get(name)
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            text = _clean(str(value))
            if text is not None:
                return text
    return None


def _clean(value: str | None) -> str | None:
    """Return a value without unsafe characters and within its bound; None when nothing is left."""
    if value is None:
        return None
    if not value.isprintable():
        value = _UNSAFE.sub("", value)
    value = value.strip()
    if len(value) * 4 > MAX_VALUE_BYTES:
        value = value.encode()[:MAX_VALUE_BYTES].decode(errors="ignore")
    return value or None
