"""`pointsman tenants`: make, show and change tenants at run time; the collector keeps them."""

import argparse
import sys
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import msgspec

from pointsman.cli.admin_actions import Actions, add_action, aliases_text, date_text, tell
from pointsman.cli.admin_api import AdminApi, AdminApiError
from pointsman.cli.exit_codes import BAD_CONFIG
from pointsman.cli.money_table import table
from pointsman.cli.terms_options import FIELDS, add_terms_options, given_terms, terms_lines
from pointsman.core.explain.amounts import clean
from pointsman.state.tenant_messages import MAX_PAGE, TenantList, TenantView

_PATH = "/internal/v1/tenants"
_ONE = "/internal/v1/tenant"
_HEADINGS = ("TENANT", "STATUS", "PLAN", "ALIASES", "DAILY USD", "SINCE")


def add_parser(subparsers: Actions) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "tenants",
        help="make, show and change tenants and their plans at run time",
        description="Tenants of the gateway. A change is in force within a second, without a "
        "restart. What the configuration file says of a tenant goes before what is said here.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    create = add_action(actions, "create", _create, "make a tenant")
    create.add_argument("tenant", metavar="TENANT", help="its id, as keys and requests name it")
    create.add_argument("--plan", help="its plan")
    add_terms_options(create)
    lists = add_action(actions, "list", _list, "list the tenants, by id")
    lists.add_argument("--json", action="store_true", help="for programs")
    show = add_action(actions, "show", _show, "show one tenant with its terms")
    show.add_argument("tenant", metavar="TENANT")
    show.add_argument("--json", action="store_true", help="for programs")
    _add_update(actions)
    disable = add_action(actions, "disable", _disable, "refuse every request of a tenant")
    disable.add_argument("tenant", metavar="TENANT")
    enable = add_action(actions, "enable", _enable, "let a disabled tenant in again")
    enable.add_argument("tenant", metavar="TENANT")


def _add_update(actions: Actions) -> None:
    update = add_action(actions, "update", _update, "change what is named, leave the rest")
    update.add_argument("tenant", metavar="TENANT")
    plan = update.add_mutually_exclusive_group()
    plan.add_argument("--plan", help="its plan from now on")
    plan.add_argument("--no-plan", action="store_true", help="take its plan away")
    add_terms_options(update)
    update.add_argument(
        "--clear",
        action="append",
        choices=FIELDS,
        metavar="FIELD",
        help=f"take a term away (repeatable): {', '.join(FIELDS)}",
    )


def _create(args: argparse.Namespace, api: AdminApi) -> None:
    wish = {"id": args.tenant, "plan": args.plan, "terms": given_terms(args)}
    made = _view(api.ask("POST", _PATH, msgspec.json.encode(wish)))
    print(f"The tenant {clean(made.id)} is made{_on_plan(made)}.")
    tell(made.warnings)


def _list(args: argparse.Namespace, api: AdminApi) -> None:
    tenants = list(_all(api))
    if args.json:
        print(msgspec.json.encode(tenants).decode())
        return
    if not tenants:
        print("No tenants. Make one with `pointsman tenants create ID`.", file=sys.stderr)
        return
    rows = [
        (
            clean(one.id),
            "disabled" if one.disabled_unix_ns is not None else "live",
            clean(one.plan or "-"),
            clean(aliases_text(one.terms.aliases)),
            str(one.terms.daily_usd or "-"),
            date_text(one.created_unix_ns),
        )
        for one in tenants
    ]
    print("\n".join(table(_HEADINGS, rows, len(_HEADINGS))))


def _show(args: argparse.Namespace, api: AdminApi) -> None:
    answer = api.ask("GET", _place(args.tenant))
    tenant = _view(answer)
    if args.json:
        print(msgspec.json.encode(tenant).decode())
        return
    state = "live"
    if tenant.disabled_unix_ns is not None:
        state = f"disabled since {date_text(tenant.disabled_unix_ns)}"
    print(f"{clean(tenant.id)}: {state}, made {date_text(tenant.created_unix_ns)}")
    print(f"plan: {clean(tenant.plan or '-')}")
    print(f"live issued keys: {tenant.live_keys}")
    for line in terms_lines(tenant.terms):
        print(line)
    tell(tenant.warnings)


def _update(args: argparse.Namespace, api: AdminApi) -> None:
    terms = given_terms(args) | dict.fromkeys(args.clear or ())
    wish: dict[str, object] = {"terms": terms} if terms else {}
    if args.plan is not None or args.no_plan:
        wish["plan"] = args.plan
    if not wish:
        raise AdminApiError("name what is to be different; see --help", BAD_CONFIG)
    changed = _change(api, args.tenant, wish)
    print(f"The tenant {clean(changed.id)} is changed{_on_plan(changed)}.")


def _disable(args: argparse.Namespace, api: AdminApi) -> None:
    changed = _change(api, args.tenant, {"disabled": True})
    print(
        f"The tenant {clean(changed.id)} is disabled since {date_text(changed.disabled_unix_ns)}."
    )


def _enable(args: argparse.Namespace, api: AdminApi) -> None:
    print(f"The tenant {clean(_change(api, args.tenant, {'disabled': False}).id)} may call.")


def _change(api: AdminApi, tenant: str, wish: dict[str, object]) -> TenantView:
    changed = _view(api.ask("PATCH", _place(tenant), msgspec.json.encode(wish)))
    tell(changed.warnings)
    return changed


def _all(api: AdminApi) -> Iterator[TenantView]:
    after: str | None = ""
    while after is not None:
        query = urlencode({"after": after, "limit": MAX_PAGE})
        page = msgspec.json.decode(api.ask("GET", f"{_PATH}?{query}"), type=TenantList)
        yield from page.tenants
        after = page.next_after


def _place(tenant: str) -> str:
    return f"{_ONE}?id={quote(tenant, safe='')}"


def _view(answer: bytes) -> TenantView:
    return msgspec.json.decode(answer, type=TenantView)


def _on_plan(tenant: TenantView) -> str:
    return f", on the plan {clean(tenant.plan)}" if tenant.plan is not None else ", without a plan"
