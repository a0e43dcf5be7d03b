"""Plans and tenants: who goes before whom, and which rules hold for a request."""

import pytest

from pointsman.config.policy import (
    BudgetConfig,
    LimitConfig,
    PlanConfig,
    PolicyConfig,
    TenantPolicyConfig,
)
from pointsman.core.clock import ManualClock
from pointsman.core.errors import PermissionDeniedError
from pointsman.core.facts import Facts
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.terms import NO_TERMS
from pointsman.policy.attribution import AttributionSettings, Claims, attribute
from pointsman.policy.compile_rules import Rules, compile_rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.tenancy import Tenancy
from policy_rules import Desk

FREE = PlanConfig(aliases={"auto": "cheap", "fast": "cheap"}, models=["auto"], time_zone="UTC")
GOLD = PlanConfig(aliases={"auto": "premium"}, budget_routes=True)


def rules(policy: PolicyConfig, **given) -> Rules:
    tenancy = Tenancy(policy, **given)
    return compile_rules(policy, CounterStore(), header_prefix="x-pointsman-", tenancy=tenancy)


def names(compiled: Rules, **facts) -> list[str]:
    """Return the limits and budgets that a request meets."""
    request = Facts(model="auto", **facts)
    gates = [
        gate.rule
        for gate in compiled.gates.of(request)
        if gate.matches is None or gate.matches(request)
    ]
    lines = compiled.budgets.lines(request, ManualClock().unix_ns())
    return gates + [line.budget.rule for line in lines]


def test_nobody_s_terms_cost_nothing():
    """Without plans and tenants every request has the same empty terms."""
    assert Tenancy().terms("acme", "gold") is NO_TERMS
    assert Tenancy(PolicyConfig(plans={"gold": GOLD})).terms("acme", None) is NO_TERMS


def test_the_tenant_goes_before_its_plan_and_the_file_before_the_state():
    """Field by field; what one place leaves open, the next one says."""
    file = PolicyConfig(
        plans={"free": FREE},
        tenants={"acme": TenantPolicyConfig(aliases={"auto": "own"}, time_zone="Europe/Berlin")},
    )
    state = TenantPolicyConfig(
        plan="free", aliases={"auto": "not used", "slow": "batch"}, time_zone="Asia/Tokyo"
    )
    tenancy = Tenancy(file, tenants={"acme": state}, plans={"free": GOLD})

    terms = tenancy.terms("acme", tenancy.plan_of("acme"))

    meanings = {name: (use.means, use.rule.id) for name, use in terms.aliases.items()}
    assert meanings == {
        "auto": ("own", "policy.tenants.acme.aliases.auto"),
        "slow": ("batch", "state.tenants.acme.aliases.slow"),
        "fast": ("cheap", "policy.plans.free.aliases.fast"),
    }
    assert (terms.names.kind, terms.names.owner, terms.names.models) == ("plan", "free", ("auto",))
    assert tenancy.zones() == {"acme": "Europe/Berlin"}


def test_a_tenant_s_own_names_replace_those_of_its_plan():
    """The operator has said more about it: it may have more, or less."""
    own = TenantPolicyConfig(plan="free", models=["gpt-*"], dialects=["openai.*"])
    tenancy = Tenancy(PolicyConfig(plans={"free": FREE}, tenants={"acme": own}))

    terms = tenancy.terms("acme", "free")

    assert (terms.names.kind, terms.names.models) == ("tenant", ("gpt-*",))
    assert terms.dialects.dialects == ("openai.*",)


@pytest.mark.parametrize("place", ["file", "state"])
def test_a_disabled_tenant_is_refused_wherever_that_is_said(place):
    """Neither place can let in what the other has shut out."""
    shut, open_ = TenantPolicyConfig(disabled=True), TenantPolicyConfig(plan="free")
    file, state = (shut, open_) if place == "file" else (open_, shut)
    tenancy = Tenancy(PolicyConfig(tenants={"acme": file}), tenants={"acme": state})

    with pytest.raises(PermissionDeniedError, match="`acme` is disabled"):
        tenancy.terms("acme", None)


def test_limits_add_up_and_one_of_the_same_name_replaces_the_more_general():
    """Key, tenant, plan, gateway: `per-key` is wider on a plan, everything else stays."""
    limit = LimitConfig(requests_per_minute=5)
    policy = PolicyConfig(
        limits={"per-key": limit, "all": limit},
        plans={"gold": PlanConfig(limits={"per-key": limit, "plans": limit})},
        tenants={"acme": TenantPolicyConfig(plan="gold", limits={"per-key": limit})},
    )
    compiled = rules(policy)

    assert names(compiled, tenant="x") == ["policy.limits.per-key", "policy.limits.all"]
    assert names(compiled, tenant="x", tier="gold") == [
        "policy.limits.all",
        "policy.plans.gold.limits.per-key",
        "policy.plans.gold.limits.plans",
    ]
    assert names(compiled, tenant="acme", tier="gold") == [
        "policy.limits.all",
        "policy.plans.gold.limits.plans",
        "policy.tenants.acme.limits.per-key",
    ]


def test_the_daily_budget_is_the_tenant_s_else_its_plan_s_else_the_gateway_s():
    """GB-19, AG-15: one of them holds, never two."""
    policy = PolicyConfig(
        budgets={"daily": BudgetConfig(scope="tenant", usd="50")},
        plans={"free": PlanConfig(daily_usd="1")},
        tenants={"acme": TenantPolicyConfig(plan="free", daily_usd="7")},
    )
    compiled = rules(policy, tenants={"late": TenantPolicyConfig(daily_usd="3")})

    assert names(compiled, tenant="other") == ["policy.budgets.daily"]
    assert names(compiled, tenant="other", tier="free") == ["policy.plans.free.daily_usd"]
    assert names(compiled, tenant="acme", tier="free") == ["policy.tenants.acme.daily_usd"]
    assert names(compiled, tenant="late", tier="free") == ["state.tenants.late.daily_usd"]


def test_a_rule_of_a_plan_keeps_its_own_condition():
    """Both must hold."""
    limit = LimitConfig(requests_per_minute=5, match={"feature": "chat"})
    compiled = rules(PolicyConfig(plans={"free": PlanConfig(limits={"l": limit})}))

    assert names(compiled, tier="free", feature="chat") == ["policy.plans.free.limits.l"]
    assert names(compiled, tier="free", feature="other") == []
    assert names(compiled, tier="gold", feature="chat") == []


def test_ten_thousand_tenants_with_a_budget_each_are_one_look():
    """A request meets its own tenant's budget, and not one more condition is asked."""
    tenants = {f"t{n}": TenantPolicyConfig(daily_usd="5", plan="free") for n in range(10_000)}
    compiled = rules(PolicyConfig(), tenants=tenants)

    assert names(compiled, tenant="t7777") == ["state.tenants.t7777.daily_usd"]
    assert len(compiled.budgets._budgets.of(Facts(tenant="t7777"))) == 1
    assert len(compiled.budgets._budgets.of(Facts(tenant="nobody"))) == 0


@pytest.mark.parametrize(
    ("tenant", "tier", "may"),
    [("acme", "gold", False), ("other", "gold", True), ("opted", None, True), ("x", "free", False)],
)
def test_only_who_opted_in_is_moved_to_a_cheaper_target(tenant, tier, may):
    """CP-10, 19.4: the tenant's own word goes before its plan's; silence is no."""
    policy = PolicyConfig(
        plans={"gold": GOLD, "free": FREE},
        tenants={
            "acme": TenantPolicyConfig(plan="gold", budget_routes=False),
            "opted": TenantPolicyConfig(budget_routes=True),
        },
    )

    assert rules(policy).may_move(Facts(tenant=tenant, tier=tier)) is may


async def test_a_day_begins_in_the_time_zone_of_the_plan():
    """GB-19: of tenants that have the plan and no zone of their own."""
    desk = Desk("""
plans: {tokyo: {time_zone: Asia/Tokyo, daily_usd: 1}}
tenants: {acme: {plan: tokyo}}
""")
    admission = await desk.admit(tenant="acme", tier="tokyo")

    (line,) = admission.budgets
    assert line.calendar.zone == "Asia/Tokyo"


BOUND = Principal(key_name="bound", tenant="acme", may_set_tenant=True)
OWN_PLAN = Principal(key_name="own", tenant="acme", plan="gold")
UNBOUND = Principal(key_name="unbound", may_set_tenant=False)
TRUSTED = Principal(key_name="edge", may_set_tenant=True)
DECLARED = Tenancy(
    PolicyConfig(
        tenants={"acme": TenantPolicyConfig(plan="free"), "home": TenantPolicyConfig(plan="inner")}
    )
)


@pytest.mark.parametrize("claim", [None, "acme", "victim", "bare"])
@pytest.mark.parametrize("way", ["body", "header"])
@pytest.mark.parametrize("default", [None, "home"])
@pytest.mark.parametrize("principal", [BOUND, OWN_PLAN, UNBOUND, TRUSTED, ANONYMOUS])
def test_a_claim_is_believed_exactly_where_the_key_allows_it(principal, default, way, claim):
    """CP-13, GW-26: every kind of key, with and without a default, body and header."""
    settings = AttributionSettings(tenant=default, tenancy=DECLARED)
    headers = {"x-pointsman-tenant": claim} if claim and way == "header" else {}
    body = claim if way == "body" else None

    made = attribute(Claims(headers=headers, tenant_id=body), principal, settings)

    may = principal.tenant is None and principal.may_set_tenant
    expected = (claim or default) if may else (principal.tenant or default)
    assert made.tenant == expected
    is_refused = claim is not None and not may and claim != expected
    assert made.ignored == ({"tenant": 1} if is_refused else {})
    plan = principal.plan or DECLARED.plan_of(expected)
    assert made.plan == plan
    source = None if plan is None else "key" if principal.plan else "tenant"
    assert made.plan_source == source


@pytest.mark.parametrize(
    ("principal", "tenant", "plan", "source", "ignored"),
    [
        (TRUSTED, "bare", "enterprise", "request", {}),
        (TRUSTED, "acme", "free", "tenant", {"plan": 1}),
        (UNBOUND, None, None, None, {"plan": 1}),
        (OWN_PLAN, None, "gold", "key", {"plan": 1}),
    ],
)
def test_a_claimed_plan_counts_only_where_nobody_has_given_one(
    principal, tenant, plan, source, ignored
):
    """A caller cannot leave its plan by naming a better one."""
    claims = Claims(headers={}, tenant_id=tenant, metadata={"plan": "enterprise"})

    made = attribute(claims, principal, AttributionSettings(tenancy=DECLARED))

    assert (made.plan, made.plan_source, made.ignored) == (plan, source, ignored)
