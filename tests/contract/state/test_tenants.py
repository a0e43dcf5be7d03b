"""Tenants and plans are made and changed at run time, each change with its trace."""

import asyncio

import pytest
from sqlalchemy import text

from pointsman.config.policy import LimitConfig, PlanConfig
from pointsman.core.errors import InvalidRequestError
from pointsman.state.errors import (
    InUseError,
    NameTakenError,
    StateUnavailableError,
    UnknownPlanError,
    UnknownTenantError,
)
from pointsman.state.key_messages import IssueKey
from pointsman.state.plans import PlanStore
from pointsman.state.snapshot_reader import DatabaseSnapshots
from pointsman.state.tenant_messages import ChangeTenant, CreateTenant
from pointsman.state.tenants import TenantStore

TERMS = PlanConfig(
    aliases={"auto": "cheap"},
    models=["auto"],
    limits={"per-key": LimitConfig(requests_per_minute=5)},
    daily_usd="1.50",
)


@pytest.fixture
def tenants(database):
    return TenantStore(database)


@pytest.fixture
def plans(database):
    return PlanStore(database)


async def test_what_a_tenant_is_given_reaches_the_snapshot(tenants, plans, database):
    """CP-17: gateways know plans, plans of tenants, and what differs for each."""
    await plans.put("free", TERMS, actor="ann")
    own = PlanConfig(daily_usd="9", time_zone="Europe/Berlin")
    await tenants.create(CreateTenant(id="acme", plan="free", terms=own), actor="ann")
    await tenants.create(CreateTenant(id="blocked"), actor="ann")
    await tenants.change("blocked", ChangeTenant(disabled=True), actor="ann")

    snapshot = await DatabaseSnapshots(database).snapshot()

    (plan,) = snapshot.plans
    assert (plan.name, plan.terms) == ("free", TERMS)
    acme, blocked = snapshot.tenants
    assert (acme.id, acme.plan, acme.terms, acme.is_disabled) == ("acme", "free", own, False)
    assert (blocked.id, blocked.is_disabled) == ("blocked", True)


async def test_a_change_replaces_what_it_names_and_leaves_the_rest(tenants, audit):
    """None takes a value away; the trace has both values."""
    await tenants.create(CreateTenant(id="acme", plan="free", terms=TERMS), actor="ann")

    wish = ChangeTenant(plan=None, terms={"daily_usd": None, "models": ["gpt-*"]})
    changed = await tenants.change("acme", wish, actor="bob")

    assert changed.plan is None
    assert (changed.terms.daily_usd, changed.terms.models) == (None, ["gpt-*"])
    assert changed.terms.aliases == {"auto": "cheap"}
    entry = (await audit.page())[0]
    assert (entry.actor, entry.action, entry.subject) == ("bob", "tenant.changed", "acme")
    assert entry.details == {
        "daily_usd": {"from": "1.50", "to": None},
        "models": {"from": ["auto"], "to": ["gpt-*"]},
        "plan": {"from": "free", "to": None},
    }


async def test_what_changes_nothing_leaves_no_trace_and_wakes_no_gateway(tenants, plans, database):
    """The same wish twice is one change."""
    await tenants.create(CreateTenant(id="acme"), actor="ann")
    await plans.put("free", TERMS, actor="ann")
    before = await database.current()

    await tenants.change("acme", ChangeTenant(disabled=False, plan=None), actor="ann")
    await plans.put("free", TERMS, actor="ann")

    assert await database.current() == before


async def test_disabling_says_so_in_the_trace(tenants, audit, clock):
    """And a tenant may be let in again."""
    await tenants.create(CreateTenant(id="acme"), actor="ann")

    disabled = await tenants.change("acme", ChangeTenant(disabled=True), actor="ann")
    enabled = await tenants.change("acme", ChangeTenant(disabled=False), actor="ann")

    assert disabled.disabled_unix_ns == clock.unix_ns()
    assert enabled.disabled_unix_ns is None
    assert [one.action for one in await audit.page(2)] == ["tenant.enabled", "tenant.disabled"]


async def test_unknown_and_taken_names_are_refused(tenants, plans):
    """A tenant is made once; a key may have made it already."""
    await tenants.create(CreateTenant(id="acme"), actor="ann")

    with pytest.raises(NameTakenError, match="tenants update"):
        await tenants.create(CreateTenant(id="acme"), actor="ann")
    with pytest.raises(UnknownTenantError):
        await tenants.change("other", ChangeTenant(disabled=True), actor="ann")
    with pytest.raises(UnknownPlanError):
        await plans.remove("free", actor="ann")


@pytest.mark.parametrize(
    "terms",
    [{"aliases": {"auto": 5}}, {"daily": "5"}, {"models": ["m" * 50_000]}],
)
async def test_terms_that_are_none_are_refused(tenants, terms):
    """Every gateway would have to read them."""
    await tenants.create(CreateTenant(id="acme"), actor="ann")

    with pytest.raises(InvalidRequestError):
        await tenants.change("acme", ChangeTenant(terms=terms), actor="ann")


async def test_a_plan_that_somebody_has_cannot_be_removed(tenants, plans, keys, audit):
    """Its tenants would lose their limits silently."""
    await plans.put("free", TERMS, actor="ann")
    await tenants.create(CreateTenant(id="acme", plan="free"), actor="ann")
    await keys.issue(IssueKey(name="ci", plan="free"), actor="ann")

    with pytest.raises(InUseError, match="tenant `acme`"):
        await plans.remove("free", actor="ann")
    await tenants.change("acme", ChangeTenant(plan=None), actor="ann")
    with pytest.raises(InUseError, match="key `ci`"):
        await plans.remove("free", actor="ann")
    await keys.revoke("ci", actor="ann")
    await plans.remove("free", actor="ann")

    assert await plans.list_plans() == []
    assert (await audit.page())[0].action == "plan.removed"


async def test_tenants_are_read_page_by_page(tenants):
    """By id; there may be ten thousand."""
    for number in range(5):
        await tenants.create(CreateTenant(id=f"t{number}"), actor="ann")

    first = await tenants.list_tenants(2)
    second = await tenants.list_tenants(2, after=first[-1].id)

    assert [one.id for one in first + second] == ["t0", "t1", "t2", "t3"]


async def test_changes_at_once_lose_nothing(tenants):
    """Each is made on top of the one before it."""
    await tenants.create(CreateTenant(id="acme"), actor="ann")

    wishes = [{"daily_usd": "5"}, {"time_zone": "UTC"}, {"models": ["a"]}, {"routes": ["b"]}]
    await asyncio.gather(
        *(tenants.change("acme", ChangeTenant(terms=wish), actor="ann") for wish in wishes)
    )

    terms = (await tenants.get("acme")).terms
    assert (terms.daily_usd, terms.time_zone, terms.models, terms.routes) == (
        "5",
        "UTC",
        ["a"],
        ["b"],
    )


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"])
async def test_the_audit_only_grows(tenants, audit, database, statement):
    """PO-05: the database itself refuses, whoever asks."""
    if not str(database._engine.url).startswith("sqlite"):
        pytest.skip("a trigger of SQLite")
    await tenants.create(CreateTenant(id="acme"), actor="ann")

    with pytest.raises(StateUnavailableError):
        async with database.transaction() as session:
            await session.execute(text(statement))

    assert [entry.actor for entry in await audit.page()] == ["ann"]
