"""For the command line of this instance: tenants, plans and the audit trail.

Each asks for the admin token of the data folder. The messages are those of
`state.tenant_messages` and `state.audit`; ids of tenants are any text, so they stand in the query.
"""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, QueryParameter

from pointsman.collector.admin_messages import actor_of, read_message
from pointsman.collector.desk import Desk, WebRequest, desk_of
from pointsman.config.policy import PlanConfig
from pointsman.core.errors import InvalidRequestError
from pointsman.state.audit import MAX_PAGE as MAX_AUDIT_PAGE
from pointsman.state.audit import AuditFilter, AuditPage
from pointsman.state.tenant_messages import (
    MAX_PAGE,
    ChangeTenant,
    CreateTenant,
    PlanList,
    PlanName,
    PlanView,
    TenantList,
    TenantView,
)
from pointsman.state.terms_rows import merged, terms_row

TenantId = Annotated[str, QueryParameter(name="id", min_length=1, max_length=256)]
Text = Annotated[str | None, QueryParameter(max_length=256)]


@get("/internal/v1/tenants", include_in_schema=False)
async def list_tenants(
    request: WebRequest,
    after: Annotated[str, QueryParameter(max_length=256)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = MAX_PAGE,
) -> TenantList:
    """List tenants by id."""
    desk = _admitted(request)
    found = await desk.tenants.list_tenants(limit, after=after)
    return TenantList(
        tenants=tuple(found), next_after=found[-1].id if len(found) == limit else None
    )


@post("/internal/v1/tenants", include_in_schema=False)
async def create_tenant(request: WebRequest) -> TenantView:
    """Make a tenant."""
    desk = _admitted(request)
    wish = await read_message(request, CreateTenant)
    warnings = desk.declared.check("tenant", wish.id, wish.terms)
    made = await desk.tenants.create(wish, actor=actor_of(request))
    return await _told(desk, made, warnings)


@get("/internal/v1/tenant", include_in_schema=False)
async def show_tenant(request: WebRequest, tenant: TenantId) -> TenantView:
    """Show one tenant."""
    desk = _admitted(request)
    return await _told(desk, await desk.tenants.get(tenant), ())


@patch("/internal/v1/tenant", include_in_schema=False)
async def change_tenant(request: WebRequest, tenant: TenantId) -> TenantView:
    """Change what is named of one tenant."""
    desk = _admitted(request)
    wish = await read_message(request, ChangeTenant)
    before = await desk.tenants.get(tenant)
    wanted = merged(terms_row(before.terms), wish.terms)
    warnings = desk.declared.check("tenant", tenant, wanted)
    made = await desk.tenants.change(tenant, wish, actor=actor_of(request))
    return await _told(desk, made, warnings)


@get("/internal/v1/plans", include_in_schema=False)
async def list_plans(request: WebRequest) -> PlanList:
    """List the plans that were made at run time."""
    return PlanList(plans=tuple(await _admitted(request).plans.list_plans()))


@get("/internal/v1/plans/{name:str}", include_in_schema=False)
async def show_plan(request: WebRequest, name: FromPath[str]) -> PlanView:
    """Show one plan."""
    return await _admitted(request).plans.get(name)


@put("/internal/v1/plans/{name:str}", include_in_schema=False)
async def put_plan(request: WebRequest, name: FromPath[str]) -> PlanView:
    """Make a plan, or replace all that one says."""
    desk = _admitted(request)
    try:
        msgspec.convert(name, PlanName)
    except msgspec.ValidationError:
        raise InvalidRequestError("a plan's name is letters, digits and . _ : / @ + -") from None
    terms = await read_message(request, PlanConfig)
    desk.declared.require_plan_free(name)
    warnings = desk.declared.check("plan", name, terms)
    made = await desk.plans.put(name, terms, actor=actor_of(request))
    return msgspec.structs.replace(made, warnings=warnings)


@delete("/internal/v1/plans/{name:str}", status_code=204, include_in_schema=False)
async def remove_plan(request: WebRequest, name: FromPath[str]) -> None:
    """Remove a plan that nobody has."""
    desk = _admitted(request)
    await desk.plans.remove(name, actor=actor_of(request))


@get("/internal/v1/audit", include_in_schema=False)
async def read_audit(
    request: WebRequest,
    *,
    before: Annotated[int | None, QueryParameter(ge=0)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_AUDIT_PAGE)] = 100,
    action: Text = None,
    subject: Text = None,
    actor: Text = None,
    since_unix_ns: Annotated[int | None, QueryParameter(ge=0)] = None,
    until_unix_ns: Annotated[int | None, QueryParameter(ge=0)] = None,
) -> Response[bytes]:
    """Return what was done, newest first."""
    desk = _admitted(request)
    wanted = AuditFilter(
        action=action,
        subject=subject,
        actor=actor,
        since_unix_ns=since_unix_ns,
        until_unix_ns=until_unix_ns,
    )
    found = await desk.audit.page(limit, before=before, wanted=wanted)
    page = AuditPage(
        entries=tuple(found), next_before=found[-1].sequence if len(found) == limit else None
    )
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(msgspec.json.encode(page), headers=headers)


def _admitted(request: WebRequest) -> Desk:
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return desk


async def _told(desk: Desk, made: TenantView, warnings: tuple[str, ...]) -> TenantView:
    """Return a tenant with what is probably not meant about it."""
    plans = frozenset(plan.name for plan in await desk.plans.list_plans())
    return msgspec.structs.replace(
        made,
        warnings=(
            *warnings,
            *desk.declared.plan_warnings(made.plan, plans),
            *desk.declared.overruled(made.id, made.plan, made.terms),
        ),
    )


TENANT_ROUTES = [
    list_tenants,
    create_tenant,
    show_tenant,
    change_tenant,
    list_plans,
    show_plan,
    put_plan,
    remove_plan,
    read_audit,
]
