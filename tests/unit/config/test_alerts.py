"""The section `alerts`: defaults that are on, and bounds that can be compared."""

import pytest

from configuration_text import MOCK, loaded, problems


def test_alerts_are_on_without_a_word_about_them():
    """They are configured before anything is launched (OBS-38)."""
    alerts = loaded(MOCK).config.alerts

    assert alerts.enabled
    assert (alerts.every, alerts.user_share.percent, alerts.feature_cost.times) == (60.0, 90, 3)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("alerts: {every: 500ms}", "alerts.every"),
        ("alerts: {user_spike: {window: 8d, baseline: 7d}}", "alerts.user_spike.baseline"),
        ("alerts: {fallback_rate: {window: 60d}}", "alerts.fallback_rate.window"),
        ("alerts: {user_share: {min_usd: much}}", "alerts.user_share.min_usd"),
        ("alerts: {user_share: {percent: 101}}", "alerts.user_share.percent"),
        ("alerts: {feature_cost: {time: 3}}", "alerts.feature_cost.time"),
    ],
)
def test_what_cannot_be_decided_is_refused(written, path):
    """With the place in the file."""
    assert [each.path for each in problems(f"{MOCK}\n{written}\n")] == [path]
