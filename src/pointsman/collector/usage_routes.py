"""Usage for customers under `/v1/usage`: a key of the gateway sees its tenant's, or its own.

A key that is bound to a tenant sees that tenant, a key of nobody sees what came with itself, the
admin token sees all or the tenant it names. The gateway's own calls are nobody's usage.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct, structs

from pointsman.collector.desk import Desk, WebRequest, desk_of
from pointsman.collector.money_messages import (
    CustomerUsage,
    UsageByCustomer,
    UsageByDay,
    UsageDay,
)
from pointsman.core.money import usd_text
from pointsman.store.cost_parameters import read_span
from pointsman.store.costs import DAY_NS, MAX_ROWS, CostFilter, CostRow
from pointsman.store.errors import StoreQueryError
from pointsman.store.query import Scope

_DEFAULT_FROM = "30d"
_MAX_DAYS = 366
From = Annotated[
    str, QueryParameter(name="from", description="First moment: a day, RFC 3339, or `30d` ago.")
]
To = Annotated[str, QueryParameter(name="to", description="Last moment, exclusive; now if absent.")]
Tenant = Annotated[
    str | None, QueryParameter(max_length=256, description="With the admin token: whose.")
]
Cursor = Annotated[
    str | None, QueryParameter(max_length=10, description="`next_cursor` of the page before.")
]
Days = Annotated[int, QueryParameter(ge=1, le=_MAX_DAYS, description="Days of a page.")]


class _Asker(Struct, frozen=True):
    """Whose usage may be seen."""

    scope: Scope
    wanted: CostFilter


@get("/v1/usage", tags=["usage"])
async def usage(
    request: WebRequest,
    *,
    start: From = _DEFAULT_FROM,
    end: To = "",
    tenant: Tenant = None,
    cursor: Cursor = None,
    limit: Days = 31,
) -> UsageByDay:
    """Return usage by day, in UTC, the first day first."""
    desk = desk_of(request)
    asker = _asker(desk, request, tenant)
    return await _by_day(desk, asker, (start, end), cursor, limit)


@get("/v1/usage/customers", tags=["usage"])
async def customers(
    request: WebRequest,
    *,
    start: From = _DEFAULT_FROM,
    end: To = "",
    tenant: Tenant = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_ROWS)] = 100,
) -> UsageByCustomer:
    """Return usage by customer, as requests named them in `metadata.customer_id`."""
    desk = desk_of(request)
    asker = _asker(desk, request, tenant)
    span = read_span(start, end, desk.clock.unix_ns())
    found = await desk.store.costs(("customer",), *span, asker.wanted, asker.scope, limit=limit)
    return UsageByCustomer(
        tenant=asker.scope.tenant,
        items=[
            CustomerUsage(customer_id=row.group["customer"], **_item(row)) for row in found.rows
        ],
        is_cut=found.is_cut,
    )


@get("/v1/usage/customers/{customer_id:str}", tags=["usage"])
async def one_customer(
    request: WebRequest,
    customer_id: FromPath[str],
    *,
    start: From = _DEFAULT_FROM,
    end: To = "",
    tenant: Tenant = None,
    cursor: Cursor = None,
    limit: Days = 31,
) -> UsageByDay:
    """Return the usage of one customer by day."""
    desk = desk_of(request)
    asker = _asker(desk, request, tenant)
    wanted = structs.replace(asker.wanted, customer=customer_id)
    found = await _by_day(desk, structs.replace(asker, wanted=wanted), (start, end), cursor, limit)
    return structs.replace(found, customer_id=customer_id)


def _asker(desk: Desk, request: WebRequest, tenant: str | None) -> _Asker:
    principal = desk.access.caller(request.headers)
    if principal is None:
        return _Asker(Scope(tenant), CostFilter(own=False))
    if principal.tenant is not None:
        return _Asker(Scope(principal.tenant), CostFilter(own=False))
    return _Asker(Scope(None), CostFilter(own=False, key=principal.key_name))


async def _by_day(
    desk: Desk, asker: _Asker, span: tuple[str, str], cursor: str | None, limit: int
) -> UsageByDay:
    start, end = read_span(*span, desk.clock.unix_ns())
    start = max(start, _start_of(cursor)) if cursor else start
    found = await desk.store.costs(("day",), start, end, asker.wanted, asker.scope, limit=limit)
    days = [UsageDay(day=row.group["day"] or "", **_item(row)) for row in found.rows]
    return UsageByDay(
        tenant=asker.scope.tenant,
        days=days,
        next_cursor=_after(days[-1].day) if found.is_cut else None,
    )


def _start_of(cursor: str) -> int:
    try:
        day = date.fromisoformat(cursor)
    except ValueError:
        raise StoreQueryError("the cursor is not one of this list") from None
    return max(0, (day - date(1970, 1, 1)).days) * DAY_NS


def _after(day: str) -> str:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return f"{start + timedelta(days=1):%Y-%m-%d}"


def _item(row: CostRow) -> dict[str, Any]:
    sums = row.sums
    return {
        "request_count": sums.calls,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "total_tokens": sums.input_tokens + sums.output_tokens,
        "total_cost_usd": usd_text(row.total_nano_usd),
        "total_cost_nano_usd": row.total_nano_usd,
        "unknown_cost_requests": sums.unknown_calls,
    }


USAGE_ROUTES = [usage, customers, one_customer]
