"""Alerts and the figures that they are decided from: bounded windows, the same of every engine."""

import pytest
from msgspec import structs

from pointsman.core.records import Attempt, Candidate, Cost, Exclusion, LimitCheck
from pointsman.store.alerts import (
    Alert,
    AlertChanges,
    AlertWindows,
    BreakerFigure,
    BudgetFigure,
    FallbackFigure,
    FeatureFigure,
    Finding,
    ShareFigure,
    UserFigure,
    Window,
)
from pointsman.store.query import EVERYTHING, Scope
from stored_records import at, batch_of, make_record

BEFORE, NOW = Window(at(0), at(50)), Window(at(50), at(100))
WINDOWS = AlertWindows(
    budgets=NOW,
    users=NOW,
    users_before=BEFORE,
    features=NOW,
    features_before=BEFORE,
    shares=NOW,
    fallbacks=NOW,
    breakers=NOW,
)


def check(before, **changes):
    """Return a budget that a request was checked against."""
    values = {"scope": "key:ci", "kind": "spend_nano_usd_day", "limit": 100, "rule": "daily"}
    return LimitCheck(**(values | {"resets_unix_ns": at(500)} | changes), before=before)


@pytest.fixture
def write(store):
    """Store records and return the figures of the second fifty seconds."""

    async def write_and_ask(*records):
        await store.write_batch(batch_of(*records))
        return await store.alert_figures(WINDOWS)

    return write_and_ask


async def test_an_empty_store_has_no_figures(store):
    """Nothing is made up."""
    found = await store.alert_figures(WINDOWS)

    assert found.budgets == found.users == found.fallbacks == found.breakers == ()


async def test_budgets_that_warned_or_refused_are_found(write):
    """The newest check of each tells how full it is."""
    found = await write(
        make_record(60, limits=[check(91, after=93, warning=True)]),
        make_record(61, limits=[check(99, warning=True)]),
        make_record(62, limits=[check(100, refused=True)]),
        make_record(63, limits=[check(5, rule="other")]),
        make_record(64, limits=[check(100, refused=True, dry_run=True, rule="trial")]),
        make_record(65, limits=[check(100, refused=True, rule="past", resets_unix_ns=at(70))]),
        make_record(66, limits=[check(100, refused=True, kind="requests_day", rule="count")]),
    )

    assert found.budgets == (
        BudgetFigure(
            tenant="acme",
            scope="key:ci",
            rule="daily",
            spent_nano_usd=100,
            limit_nano_usd=100,
            requests=3,
            refused=1,
            resets_unix_ns=at(500),
        ),
    )


async def test_users_and_features_are_compared_with_before(write):
    """Calls count where their cost is known; those of the gateway itself count nowhere."""
    found = await write(
        make_record(10, user="ada", feature="search", cost=Cost(40)),
        make_record(60, user="ada", feature="search", cost=Cost(100)),
        make_record(61, user="ada", feature="search", cost=None),
        make_record(62, user="bob", feature=None, cost=Cost(7)),
        make_record(63, user="ada", feature="search", cost=Cost(900), operation="probe"),
        make_record(11, user="cid", feature="idle", cost=Cost(5)),
    )

    assert found.users == (
        UserFigure(tenant="acme", user="ada", calls=1, spent_nano_usd=100, before_nano_usd=40),
        UserFigure(tenant="acme", user="bob", calls=1, spent_nano_usd=7, before_nano_usd=0),
    )
    assert found.features == (
        FeatureFigure(
            tenant="acme",
            feature="search",
            calls=1,
            spent_nano_usd=100,
            calls_before=1,
            before_nano_usd=40,
        ),
    )


async def test_the_user_who_spent_the_most_of_a_feature_is_found(write):
    """With how many there were, so that a feature of one user says nothing (OBS-27)."""
    found = await write(
        make_record(60, user="ada", feature="search", cost=Cost(95)),
        make_record(61, user="bob", feature="search", cost=Cost(2)),
        make_record(62, user="cid", feature="search", cost=Cost(3)),
        make_record(63, user=None, feature="search", cost=Cost(500)),
    )

    assert found.shares == (
        ShareFigure(
            tenant="acme",
            feature="search",
            user="ada",
            spent_nano_usd=95,
            feature_nano_usd=100,
            calls=1,
            users=3,
        ),
    )


async def test_fallbacks_are_counted_by_route_and_by_the_target_that_was_left(write):
    """Also when the first choice was known to be ill and never called (FO-09, MM-24)."""
    left = Attempt("small", "openai", "gpt-4o-mini", end_ns=5, failure_class="timeout")
    taken = Attempt("sonnet", "anthropic", "claude", kind="failover", end_ns=9)
    ill = Candidate(
        "small", "openai", "gpt-4o-mini", False, Exclusion("breaker", "open", "open", "closed")
    )
    found = await write(
        make_record(60),
        make_record(61, attempts=[left, taken], reason="provider_failover"),
        make_record(
            62,
            attempts=[structs.replace(taken, kind="first")],
            candidates=[ill],
            reason="provider_failover",
        ),
        make_record(63, attempts=[], outcome="refused"),
    )

    assert found.fallbacks == (
        FallbackFigure(by="route", name="auto", calls=3, fallbacks=2),
        FallbackFigure(by="target", name="small", calls=3, fallbacks=2),
    )


async def test_breakers_are_followed_through_the_records(write):
    """The newest change says how a breaker is."""

    def changed(number, before, after, target="small"):
        attempt = Attempt(target, "openai", "m", end_ns=5)
        attempt.breaker_before, attempt.breaker_after = before, after
        return make_record(number, attempts=[attempt])

    found = await write(
        changed(60, None, "open"),
        changed(70, "half_open", "open"),
        changed(61, None, None),
        changed(62, None, "open", "large"),
        changed(72, "half_open", None, "large"),
    )

    assert [(each.target, each.state, each.openings) for each in found.breakers] == [
        ("large", "closed", 1),
        ("small", "open", 2),
    ]
    assert isinstance(found.breakers[0], BreakerFigure)
    assert found.breakers[1].opened_unix_ns == at(70)
    assert found.breakers[1].request_id == make_record(70).request_id


def alert(number, tenant="acme", **changes):
    """Return an open alert."""
    finding = Finding(
        kind="user_spike",
        subject=f"user:{number}",
        tenant=tenant,
        observed=2**60,
        bound=5,
        unit="nano_usd",
        requests={"user": str(number)},
    )
    made = Alert(
        alert_id=f"alr_{number}",
        opened_unix_ns=at(number),
        seen_unix_ns=at(number),
        finding=finding,
    )
    return structs.replace(made, **changes)


async def test_alerts_are_kept_and_replaced_by_their_id(store):
    """Open ones come first, then the one that was opened last."""
    await store.write_alerts(AlertChanges(opened=(alert(1), alert(2), alert(3))))
    await store.write_alerts(
        AlertChanges(
            seen=(alert(1, seen_unix_ns=at(9)),), cleared=(alert(3, cleared_unix_ns=at(9)),)
        )
    )

    found = await store.alerts(EVERYTHING)
    still_open = await store.alerts(EVERYTHING, only_open=True)

    assert [each.alert_id for each in found] == ["alr_2", "alr_1", "alr_3"]
    assert found[1] == alert(1, seen_unix_ns=at(9))
    assert [each.alert_id for each in still_open] == ["alr_2", "alr_1"]
    assert len(await store.alerts(EVERYTHING, limit=1)) == 1


async def test_a_tenant_sees_its_own_alerts_only(store):
    """Those of the operator are not for tenants."""
    await store.write_alerts(
        AlertChanges(opened=(alert(1), alert(2, tenant="globex"), alert(3, tenant=None)))
    )

    assert [each.alert_id for each in await store.alerts(Scope("globex"))] == ["alr_2"]
    assert len(await store.alerts(EVERYTHING)) == 3
