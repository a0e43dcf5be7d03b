"""When figures are out of bounds, and what that does to open alerts."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pointsman.collector.alert_rules import advance, evaluate, windows_at
from pointsman.config.alerts import AlertsConfig, FallbackRateConfig, UserSpikeConfig
from pointsman.config.section import Duration
from pointsman.store.alerts import (
    AlertFigures,
    BreakerFigure,
    BudgetFigure,
    FallbackFigure,
    FeatureFigure,
    Finding,
    ShareFigure,
    UserFigure,
)

USD = 1_000_000_000
NOW = 1_800_000_000 * 1_000_000_000
MINUTE = 60 * 1_000_000_000
SETTINGS = AlertsConfig()


def found(settings=SETTINGS, **figures):
    """Return what is out of bounds among some figures."""
    return evaluate(AlertFigures(windows=windows_at(NOW, settings), **figures), settings)


def user(spent, before, calls=100):
    """Return what one user spent in a day, and in the week before."""
    return UserFigure(
        tenant="acme", user="ada", calls=calls, spent_nano_usd=spent, before_nano_usd=before
    )


def feature(spent, calls, before, calls_before):
    """Return what requests of one feature cost."""
    return FeatureFigure(
        tenant="acme",
        feature="search",
        spent_nano_usd=spent,
        calls=calls,
        before_nano_usd=before,
        calls_before=calls_before,
    )


def share(spent, of, users=5):
    """Return the user who spent the most of a feature."""
    return ShareFigure(
        tenant="acme",
        feature="search",
        user="ada",
        spent_nano_usd=spent,
        feature_nano_usd=of,
        calls=3,
        users=users,
    )


def fallback(fallbacks, calls):
    """Return how often a route fell back."""
    return FallbackFigure(by="route", name="auto", calls=calls, fallbacks=fallbacks)


def test_a_user_who_spends_five_times_the_usual_is_found():
    """Compared with the same stretch of the week before (OBS-27)."""
    usual = 7 * 4 * USD

    (spike,) = found(users=(user(20 * USD, usual),))

    assert (spike.kind, spike.subject, spike.tenant) == ("user_spike", "user:ada", "acme")
    assert (spike.observed, spike.bound, spike.baseline) == (20 * USD, 20 * USD, 4 * USD)
    assert spike.requests["user"] == "ada"
    assert found(users=(user(20 * USD - 1, usual),)) == []


def test_small_sums_and_few_calls_are_quiet():
    """Nobody is called for a user who spent two dollars instead of one cent."""
    assert found(users=(user(9 * USD, 0),)) == []
    assert found(users=(user(90 * USD, 0, calls=19),)) == []
    assert len(found(users=(user(10 * USD, 0, calls=20),))) == 1


def test_a_feature_at_three_times_its_cost_per_request_is_found():
    """The averages are compared exactly, whatever the volume (OBS-27)."""
    (dear,) = found(features=(feature(3 * USD, 100, 10 * USD, 1_000),))

    assert (dear.kind, dear.subject) == ("feature_cost", "feature:search")
    assert (dear.observed, dear.bound, dear.baseline) == (30_000_000, 30_000_000, 10_000_000)
    assert found(features=(feature(3 * USD - 1, 100, 10 * USD, 1_000),)) == []
    assert found(features=(feature(30 * USD, 100, 10 * USD, 99),)) == []
    assert found(features=(feature(30 * USD, 19, 10 * USD, 1_000),)) == []
    assert found(features=(feature(30 * USD, 100, 0, 1_000),)) == []


def test_one_user_with_nine_tenths_of_a_feature_is_found():
    """Though the rate of requests is normal (OBS-27); a feature of two users says nothing."""
    (most,) = found(shares=(share(9 * USD, 10 * USD),))

    assert (most.observed, most.bound, most.unit) == (90, 90, "percent")
    assert most.subject == "user:ada of feature:search"
    assert found(shares=(share(9 * USD - 1, 10 * USD),)) == []
    assert found(shares=(share(9 * USD, 10 * USD, users=2),)) == []
    assert found(shares=(share(4 * USD, 4 * USD),)) == []


def test_silent_failover_is_found_although_all_answers_were_good():
    """A rate over the bound, with enough requests (FO-09, MM-24)."""
    (rate,) = found(fallbacks=(fallback(10, 50),))

    assert (rate.kind, rate.subject, rate.observed) == ("fallback_rate", "route:auto", 20)
    assert rate.requests["reason"] == "provider_failover"
    assert rate.tenant is None
    assert found(fallbacks=(fallback(9, 50),)) == []
    assert found(fallbacks=(fallback(49, 49),)) == []


@pytest.mark.parametrize(("state", "openings", "count"), [
    ("open", 1, 1), ("half_open", 2, 1), ("closed", 3, 0), ("half_open", 0, 0),
])  # fmt: skip
def test_a_breaker_is_told_while_it_has_not_closed(state, openings, count):
    """Its last change decides."""
    breaker = BreakerFigure(
        target="small", state=state, opened_unix_ns=NOW, openings=openings, request_id="r"
    )

    assert len(found(breakers=(breaker,))) == count


def test_a_budget_that_warned_leads_to_the_requests_of_its_owner():
    """Whatever the scope is made of (AC-02)."""
    budget = BudgetFigure(
        tenant="acme",
        scope="tenant:acme,user:o,neil",
        rule="daily",
        spent_nano_usd=91,
        limit_nano_usd=100,
        requests=3,
        refused=0,
        resets_unix_ns=None,
    )

    (spent,) = found(budgets=(budget,))

    assert spent.subject == "tenant:acme,user:o,neil daily"
    assert (spent.observed, spent.bound) == (91, 100)
    assert {name: spent.requests[name] for name in ("tenant", "user")} == {
        "tenant": "acme",
        "user": "o,neil",
    }


def test_a_budget_that_refused_one_dear_call_is_not_spent():
    """Its room was too small for that call; nine tenths of it are not gone."""

    def budget(spent):
        return BudgetFigure(
            tenant=None, scope="gateway", rule="all", spent_nano_usd=spent, limit_nano_usd=100,
            requests=9, refused=9, resets_unix_ns=None,
        )  # fmt: skip

    assert found(budgets=(budget(89),)) == []
    assert len(found(budgets=(budget(90),))) == 1


def test_what_is_switched_off_is_not_found():
    """One rule, or all of them."""
    without = AlertsConfig(fallback_rate=FallbackRateConfig(enabled=False))
    other = AlertsConfig(user_spike=UserSpikeConfig(times=50, min_usd="0.5"))

    assert found(without, fallbacks=(fallback(50, 50),)) == []
    assert found(AlertsConfig(enabled=False), fallbacks=(fallback(50, 50),)) == []
    assert found(other, users=(user(20 * USD, 28 * USD),)) == []


def test_windows_end_now_and_go_no_further_back_than_configured():
    """A look reads a bounded piece of history."""
    windows = windows_at(NOW, SETTINGS)

    assert windows.users.to_unix_ns == NOW
    assert windows.users.length_s == 86_400
    assert windows.users_before.to_unix_ns == windows.users.from_unix_ns
    assert windows.users_before.length_s == 7 * 86_400
    assert windows.fallbacks.length_s == 900


COUNTS = st.integers(0, 10**6)
MONEY = st.integers(0, 10**15)


@given(spent=MONEY, before=MONEY, calls=COUNTS, calls_before=COUNTS, more=MONEY)
def test_spending_more_never_hides_a_finding(spent, before, calls, calls_before, more):
    """Every rule about money only grows with what is spent; the same figures say the same."""
    users = user(spent, before, calls), user(spent + more, before, calls)
    features = (
        feature(spent, calls, before, calls_before),
        feature(spent + more, calls, before, calls_before),
    )

    assert len(found(users=users[:1])) <= len(found(users=users[1:]))
    assert len(found(features=features[:1])) <= len(found(features=features[1:]))
    assert found(users=users, features=features) == found(users=users, features=features)


@given(spent=MONEY, before=MONEY, calls=COUNTS)
def test_a_finding_is_at_or_over_the_bound_that_it_names(spent, before, calls):
    """Both values that were compared are shown."""
    for each in found(users=(user(spent, before, calls),)):
        assert each.observed >= each.bound >= 10 * USD


def finding(number):
    """Return something out of bounds."""
    return Finding(
        kind="user_spike",
        subject=f"user:{number}",
        tenant="acme",
        observed=number + 5,
        bound=5,
        unit="nano_usd",
    )


def test_an_alert_opens_once_is_seen_and_clears_after_a_while():
    """One open alert per subject, however often it is found."""
    opened = advance([], [finding(1), finding(1)], NOW, 600).opened
    seen = advance(opened, [finding(1)], NOW + MINUTE, 600)
    quiet = advance(seen.seen, [], NOW + 5 * MINUTE, 600)
    over = advance(seen.seen, [], NOW + 11 * MINUTE, 600)

    assert len(opened) == 1
    assert (seen.opened, len(seen.seen)) == ((), 1)
    assert seen.seen[0].opened_unix_ns == NOW
    assert seen.seen[0].seen_unix_ns == NOW + MINUTE
    assert quiet.opened == quiet.seen == quiet.cleared == ()
    assert [alert.cleared_unix_ns for alert in over.cleared] == [NOW + 11 * MINUTE]


@given(st.lists(st.sets(st.integers(0, 4)), max_size=30), st.integers(0, 5))
def test_at_most_one_alert_is_open_for_a_subject(looks, clear_after_min):
    """Whatever is found when: what is found is open, and nothing is open twice."""
    alerts = {}
    for number, subjects in enumerate(looks):
        now = NOW + number * MINUTE
        known = [alert for alert in alerts.values() if alert.is_open]
        changes = advance(known, [finding(each) for each in subjects], now, clear_after_min * 60)
        for alert in (*changes.opened, *changes.seen, *changes.cleared):
            alerts[alert.alert_id] = alert
        still = [alert.finding.subject for alert in alerts.values() if alert.is_open]

        assert len(still) == len(set(still))
        assert {f"user:{each}" for each in subjects} <= set(still)
        assert all(
            now - alert.seen_unix_ns < clear_after_min * MINUTE or alert.seen_unix_ns == now
            for alert in alerts.values()
            if alert.is_open
        )


def test_settings_are_read_as_they_are_written():
    """Durations and amounts in the words of the file."""
    text = b'{"user_spike": {"times": 4, "min_usd": "2.50"}, "fallback_rate": {"percent": 5}}'

    read = msgspec.json.decode(text, type=AlertsConfig)

    assert (read.user_spike.times, read.user_spike.min_usd) == (4, "2.50")
    assert read.fallback_rate == structs.replace(FallbackRateConfig(), percent=5)
    assert read.every == Duration(60.0)
