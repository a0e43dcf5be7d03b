"""Names mean what key, tenant or plan say, and are asked for within their scopes only."""

import pytest

from pointsman.core.errors import PermissionDeniedError, UnknownModelError
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.records import AliasUse, Rule
from pointsman.core.terms import DialectScope, NameScope, Terms
from routing_desk import AUTO, Desk, record_of

ROUTES = {"auto": AUTO, "premium": {"targets": ["large"]}, "batch": {"targets": ["sonnet"]}}
CALL = frozenset({"call", "override"})


def alias(means: str, kind: str = "plan", name: str = "auto") -> dict[str, AliasUse]:
    rule = Rule(f"policy.{kind}s.x.aliases.{name}", "pointsman.yaml", 7)
    return {name: AliasUse(name, means, kind, "x", rule)}


def plan(desk: Desk, model: str | None, principal: Principal, terms: Terms, **more):
    """Plan one request; return its record and the refusal, if any."""
    record = record_of(model)
    record.dialect = more.get("dialect", "openai.chat")
    try:
        desk.planner.plan(record, principal, more.get("override"), terms=terms)
    except (PermissionDeniedError, UnknownModelError) as error:
        return record, error
    return record, None


@pytest.fixture
def at() -> Desk:
    return Desk(routes=ROUTES)


@pytest.mark.parametrize("model", ["auto", None])
def test_auto_means_what_the_plan_says(at, model):
    """CP-17: the route, its reason and where it is written are in the record."""
    record, _ = plan(at, model, ANONYMOUS, Terms(aliases=alias("premium")))

    assert (record.route, record.reason) == ("premium", "primary_provider_ok")
    assert [one.target for one in record.candidates] == ["large"]
    assert (record.alias.kind, record.alias.rule.line) == ("plan", 7)
    assert record.override_source is None


def test_the_key_goes_before_tenant_and_plan(at):
    """The most particular one decides."""
    principal = Principal(scopes=CALL, aliases=alias("batch", "key"))

    record, _ = plan(at, "auto", principal, Terms(aliases=alias("premium")))

    assert (record.route, record.alias.kind) == ("batch", "key")


def test_a_name_that_means_a_target_was_not_chosen_by_the_caller(at):
    """The gateway decided, so no override is claimed."""
    record, _ = plan(at, "fast", ANONYMOUS, Terms(aliases=alias("small", name="fast")))

    assert (record.route, record.reason, record.override_source) == (None, "alias", None)
    assert record.candidates[0].target == "small"


def test_a_meaning_that_nobody_declares_is_a_404_that_says_so(at):
    """It must not reach the default provider as a model's name."""
    _, error = plan(at, "auto", ANONYMOUS, Terms(aliases=alias("removed")))

    assert error.http_status == 404
    assert "`auto` means `removed` for the plan `x`" in error.message


@pytest.mark.parametrize(
    ("key", "terms", "model", "kind"),
    [
        ({"models": ("auto",)}, Terms(), "premium", "key"),
        ({"routes": ("prem*",)}, Terms(), "auto", "key"),
        ({"routes": ("prem*",)}, Terms(), "gpt-4o", "key"),
        ({}, Terms(names=NameScope("plan", "free", ("auto",))), "premium", "plan"),
        ({}, Terms(names=NameScope("tenant", "acme", (), ("auto",))), "small", "tenant"),
        (
            {"models": ("premium",)},
            Terms(names=NameScope("plan", "free", ("auto",))),
            "premium",
            "plan",
        ),
    ],
)
def test_each_of_key_and_terms_must_allow_a_name(at, key, terms, model, kind):
    """PO-03: 403 with what is allowed, and every candidate excluded with both values."""
    record, error = plan(at, model, Principal(scopes=CALL, **key), terms)

    assert (error.http_status, error.wire_code) == (403, "model_not_allowed")
    assert "allowed:" in error.message
    assert {one.excluded_by.filter for one in record.candidates} == {f"{kind}_scope"}


@pytest.mark.parametrize(
    ("key", "terms", "model"),
    [
        ({"routes": ("premium",)}, Terms(aliases=alias("premium")), "auto"),
        ({"models": ("gpt-*",), "routes": ("premium",)}, Terms(), "gpt-4o"),
        ({"models": ("gpt-*",), "routes": ("premium",)}, Terms(), "premium"),
        ({}, Terms(names=NameScope("plan", "free", ("auto", "small"))), "small"),
    ],
)
def test_a_name_is_allowed_by_itself_or_by_the_route_it_leads_to(at, key, terms, model):
    """`models` are names as asked for, `routes` are what they turn into."""
    _, error = plan(at, model, Principal(scopes=CALL, **key), terms)

    assert error is None


def test_a_dialect_outside_the_scope_is_refused_with_those_allowed(at):
    """By the key or by the plan."""
    key = Principal(scopes=CALL, dialects=("anthropic.*",))
    terms = Terms(dialects=DialectScope("plan", "free", ("openai.*",)))

    _, by_key = plan(at, "auto", key, Terms())
    _, by_plan = plan(at, "auto", ANONYMOUS, terms, dialect="anthropic.messages")
    _, allowed = plan(at, "auto", ANONYMOUS, terms)

    assert by_key.wire_code == by_plan.wire_code == "dialect_not_allowed"
    assert "allowed: `anthropic.*`" in by_key.message
    assert by_plan.message.startswith("the plan `free` may not ask in the dialect")
    assert allowed is None


def test_an_override_outside_the_plan_is_rejected_and_recorded(at):
    """CP-10: never silently replaced."""
    terms = Terms(names=NameScope("plan", "free", ("auto",)))

    record, _ = plan(at, "auto", ANONYMOUS, terms, override="sonnet")

    assert record.override_rejected == "sonnet: plan_scope"


def test_a_caller_is_shown_the_names_it_may_use_and_those_that_mean_one(at):
    """`GET /v1/models`: aliases are names, what is out of scope is not told."""
    aliases = alias("premium", name="best") | alias("removed", name="gone")
    terms = Terms(aliases=aliases, names=NameScope("plan", "x", ("b*",), ("premium",)))

    shown = at.planner.names(ANONYMOUS, terms)

    assert [name.name for name in shown] == ["premium", "batch", "best"]
    assert {name.name for name in at.planner.names(ANONYMOUS, Terms())} >= {"auto", "small"}
