"""Costs, pricing anew and alerts in plain Python: what `MoneyStore` says, every question a loop."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from msgspec import structs

from pointsman.core.usage import Usage
from pointsman.store.alerts import (
    AlertFigures,
    BreakerFigure,
    BudgetFigure,
    FallbackFigure,
    FeatureFigure,
    ShareFigure,
    UserFigure,
)
from pointsman.store.charge_of_call import charge_rows, notice_rows
from pointsman.store.costs import (
    DAY_NS,
    GROUP_COLUMNS,
    MAX_ROWS,
    NOBODY,
    CostRow,
    Costs,
    CostSums,
    check_groups,
    check_span,
)
from pointsman.store.recosts import RecostReport, RecostRun, StoredUsage

_FOR_AN_HOUR = "cache_write_1h"
_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")


class MemoryMoney:
    """The part of a store that answers for money."""

    def __init__(self):
        self._charges, self._notices, self._alerts, self._runs = [], [], {}, []

    def _charge(self, record):
        if not any(row.request_id == record.request_id for row in self._charges):
            self._charges += charge_rows(record)
        self._notices += notice_rows(record)

    def _uncharge(self, request_id):
        self._charges = [row for row in self._charges if row.request_id != request_id]
        self._notices = [row for row in self._notices if row.request_id != request_id]

    async def costs(self, group_by, from_unix_ns, to_unix_ns, wanted, scope, *, limit=MAX_ROWS):
        check_groups(group_by)
        check_span(from_unix_ns, to_unix_ns)
        rows = [
            row
            for row in self._current(from_unix_ns, to_unix_ns)
            if scope.tenant in (None, row.tenant) and _wanted(row, wanted)
        ]
        groups = defaultdict(list)
        for row in rows:
            groups[row.is_own, tuple(_value(row, group) for group in group_by)].append(row)
        found = [
            CostRow(
                group=dict(zip(group_by, values, strict=True)),
                own=own,
                total_nano_usd=_spent(members),
                sums=_sums(members),
            )
            for (own, values), members in groups.items()
        ]
        found.sort(key=lambda row: _order(row, group_by))
        return Costs(
            from_unix_ns=from_unix_ns,
            to_unix_ns=to_unix_ns,
            group_by=group_by,
            rows=tuple(found[:limit]),
            is_cut=len(found) > limit,
            total_nano_usd=_spent(rows),
            totals=_sums(rows),
        )

    async def recost(self, order, price, progress):
        check_span(order.from_unix_ns, order.to_unix_ns)
        called = [
            row for row in self._current(order.from_unix_ns, order.to_unix_ns) if row.was_called
        ]
        rows = [row for row in called if _is_counted(row)]
        progress.total = progress.done = len(rows)
        pairs = [(row, price(_stored_usage(row))) for row in rows]
        changed = [(row, cost) for row, cost in pairs if row.cost_nano_usd != cost.total_nano_usd]
        is_kept = bool(changed) and not order.dry_run and progress.is_wanted
        number = len(self._runs) + 1 if is_kept else 0
        report = RecostReport(
            revision=number,
            dry_run=order.dry_run,
            at_current_prices=order.at_current_prices,
            price_book=order.price_book,
            from_unix_ns=order.from_unix_ns,
            to_unix_ns=order.to_unix_ns,
            attempts=len(rows),
            without_usage=len(called) - len(rows),
            changed=len(changed),
            became_known=sum(row.cost_nano_usd is None for row, _ in changed),
            became_unknown=sum(cost.total_nano_usd is None for _, cost in changed),
            before_nano_usd=_spent(rows),
            after_nano_usd=sum(cost.total_nano_usd or 0 for _, cost in pairs),
        )
        if is_kept:
            self._runs.append(
                RecostRun(revision=number, made_unix_ns=0, actor=order.actor, report=report)
            )
            for row, cost in changed:
                row.is_current = False
                self._charges.append(
                    structs.replace(
                        row,
                        cost_nano_usd=cost.total_nano_usd,
                        cost_estimated=cost.estimated,
                        price_version=cost.price_version,
                        revision=number,
                        is_current=True,
                    )
                )
        return report

    async def recost_runs(self, *, limit=50):
        return self._runs[::-1][:limit]

    async def alert_figures(self, windows):
        return AlertFigures(
            windows=windows,
            budgets=self._budgets(windows.budgets),
            users=tuple(
                UserFigure(tenant=tenant, user=name, calls=calls, spent_nano_usd=spent,
                           before_nano_usd=before)
                for tenant, name, calls, spent, _, before in self._compared(
                    "user_name", windows.users, windows.users_before)
            ),
            features=tuple(
                FeatureFigure(tenant=tenant, feature=name, calls=calls, spent_nano_usd=spent,
                              calls_before=calls_before, before_nano_usd=before)
                for tenant, name, calls, spent, calls_before, before in self._compared(
                    "feature", windows.features, windows.features_before)
            ),
            shares=self._shares(windows.shares),
            fallbacks=self._fallbacks(windows.fallbacks),
            breakers=self._breakers(windows.breakers),
        )  # fmt: skip

    async def write_alerts(self, changes):
        for alert in (*changes.opened, *changes.seen, *changes.cleared):
            self._alerts[alert.alert_id] = alert

    async def alerts(self, scope, *, only_open=False, limit=100):
        found = [
            alert
            for alert in self._alerts.values()
            if scope.tenant in (None, alert.finding.tenant) and (alert.is_open or not only_open)
        ]
        found.sort(key=lambda alert: (not alert.is_open, -alert.opened_unix_ns, alert.alert_id))
        return found[:limit]

    def _current(self, start, end):
        return [
            row for row in self._charges if row.is_current and start <= row.started_unix_ns < end
        ]

    def _callers(self, window):
        rows = self._current(window.from_unix_ns, window.to_unix_ns)
        return [row for row in rows if not row.is_own]

    def _told(self, kind, window):
        rows = [
            row
            for row in self._notices
            if row.kind == kind and window.from_unix_ns <= row.started_unix_ns < window.to_unix_ns
        ]
        return sorted(rows, key=lambda row: row.request_id)

    def _budgets(self, window):
        groups = defaultdict(list)
        for row in self._told("budget", window):
            if row.resets_unix_ns is None or row.resets_unix_ns > window.to_unix_ns:
                groups[row.tenant, row.subject, row.rule, row.resets_unix_ns].append(row)
        found = [
            BudgetFigure(
                tenant=tenant,
                scope=scope,
                rule=rule,
                spent_nano_usd=rows[-1].amount,
                limit_nano_usd=rows[-1].bound,
                requests=len(rows),
                refused=sum(row.state == "refused" for row in rows),
                resets_unix_ns=resets,
            )
            for (tenant, scope, rule, resets), rows in groups.items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.requests, each.scope, each.rule)))

    def _compared(self, column, now, before):
        start = min(now.from_unix_ns, before.from_unix_ns)
        groups = defaultdict(list)
        for row in self._current(start, now.to_unix_ns):
            if not row.is_own and getattr(row, column) is not None:
                groups[row.tenant, getattr(row, column)].append(row)
        found = []
        for (tenant, name), rows in groups.items():
            recent = [row for row in rows if row.started_unix_ns >= now.from_unix_ns]
            earlier = [row for row in rows if row.started_unix_ns < before.to_unix_ns]
            if _spent(recent):
                found.append((tenant, name, _known(recent), _spent(recent), _known(earlier),
                              _spent(earlier)))  # fmt: skip
        return sorted(found, key=lambda each: (-each[3], each[0] or "", each[1]))

    def _shares(self, window):
        features = defaultdict(lambda: defaultdict(list))
        for row in self._callers(window):
            if row.feature is not None and row.user_name is not None:
                features[row.tenant, row.feature][row.user_name].append(row)
        found = []
        for (tenant, feature), users in features.items():
            first = max(users, key=lambda user: (_spent(users[user]), user))
            whole = sum(map(_spent, users.values()))
            if whole:
                found.append(
                    ShareFigure(
                        tenant=tenant,
                        feature=feature,
                        user=first,
                        spent_nano_usd=_spent(users[first]),
                        feature_nano_usd=whole,
                        calls=sum(row.is_last for row in users[first]),
                        users=len(users),
                    )
                )
        found.sort(key=lambda each: (-each.feature_nano_usd, each.tenant or "", each.feature))
        return tuple(found)

    def _fallbacks(self, window):
        figures = []
        for by, column in (("route", "route"), ("target", "first_choice")):
            groups = defaultdict(list)
            for row in self._callers(window):
                if row.is_last and row.was_called and getattr(row, column) is not None:
                    groups[getattr(row, column)].append(row.fell_back)
            some = [
                FallbackFigure(by=by, name=name, calls=len(each), fallbacks=sum(each))
                for name, each in groups.items()
                if any(each)
            ]
            figures += sorted(some, key=lambda each: (-each.fallbacks, each.name))
        return tuple(figures)

    def _breakers(self, window):
        groups = defaultdict(list)
        for row in self._told("breaker", window):
            groups[row.subject].append(row)
        return tuple(
            BreakerFigure(
                target=target,
                state=rows[-1].state,
                opened_unix_ns=max(
                    (row.started_unix_ns for row in rows if row.state == "open"), default=0
                ),
                openings=sum(row.state == "open" for row in rows),
                request_id=rows[-1].request_id,
            )
            for target, rows in sorted(groups.items())
        )


def _value(row, group):
    if group == "day":
        days = timedelta(days=row.started_unix_ns // DAY_NS)
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + days:%Y-%m-%d}"
    return getattr(row, GROUP_COLUMNS[group])


def _order(row, group_by):
    values = tuple((value is None, value or "") for value in row.group.values())
    day = row.group["day"] if "day" in group_by else ""
    return day, -row.total_nano_usd, row.own, values


def _wanted(row, wanted):
    for group, column in GROUP_COLUMNS.items():
        value = getattr(wanted, group)
        if value is not None and getattr(row, column) != (None if value == NOBODY else value):
            return False
    return wanted.own in (None, row.is_own)


def _spent(rows):
    return sum(row.cost_nano_usd or 0 for row in rows)


def _known(rows):
    return sum(row.is_last and row.cost_nano_usd is not None for row in rows)


def _is_counted(row):
    return row.input_tokens is not None or row.output_tokens is not None


def _stored_usage(row):
    counts = {f"{each}_tokens": getattr(row, f"{each}_tokens") for each in (*_TOKENS, _FOR_AN_HOUR)}
    usage = Usage(**counts, estimated=row.usage_estimated)
    return StoredUsage(row.provider, row.model, row.started_unix_ns, usage, row.cost_nano_usd)


def _sums(rows):
    last = [row for row in rows if row.is_last]
    others = [row for row in rows if not row.is_last]
    known = [row for row in last if row.cost_nano_usd is not None]
    unknown = [row for row in last if row.cost_nano_usd is None]
    measured = [row for row in known if not row.cost_estimated]
    guessed = [row for row in known if row.cost_estimated]
    return CostSums(
        calls=len(last),
        **{
            f"{each}_tokens": sum(getattr(row, f"{each}_tokens") or 0 for row in last)
            for each in _TOKENS
        },
        measured_calls=len(measured),
        measured_nano_usd=_spent(measured),
        estimated_calls=len(guessed),
        estimated_nano_usd=_spent(guessed),
        unknown_price_calls=sum(row.was_called and _is_counted(row) for row in unknown),
        unreported_calls=sum(row.was_called and not _is_counted(row) for row in unknown),
        uncalled=sum(not row.was_called for row in unknown),
        extra_attempts=len(others),
        extra_nano_usd=_spent(others),
        extra_unknown=sum(row.cost_nano_usd is None for row in others),
    )
