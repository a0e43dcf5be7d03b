"""`pointsman plans`: make and replace plans at run time; the collector keeps them."""

import argparse
import sys
from pathlib import Path
from urllib.parse import quote

import msgspec

from pointsman.cli.admin_actions import Actions, add_action, aliases_text, date_text, tell
from pointsman.cli.admin_api import AdminApi
from pointsman.cli.money_table import table
from pointsman.cli.terms_options import read_terms, terms_lines
from pointsman.core.explain.amounts import clean
from pointsman.state.tenant_messages import PlanList, PlanView

_PATH = "/internal/v1/plans"
_HEADINGS = ("PLAN", "ALIASES", "DAILY USD", "LIMITS", "BUDGETS", "TENANTS", "CHANGED")


def add_parser(subparsers: Actions) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "plans",
        help="make, show and replace plans at run time",
        description="Plans: names for terms that tenants and keys share. A change is in force "
        "within a second. Plans of the configuration file are changed there.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    sets = add_action(actions, "put", _put, "make a plan, or replace all that one says")
    sets.add_argument("plan", metavar="PLAN")
    sets.add_argument(
        "file", type=Path, metavar="FILE", help="YAML as below policy.plans.<name>; - is stdin"
    )
    lists = add_action(actions, "list", _list, "list the plans that were made at run time")
    lists.add_argument("--json", action="store_true", help="for programs")
    show = add_action(actions, "show", _show, "show what one plan says")
    show.add_argument("plan", metavar="PLAN")
    show.add_argument("--json", action="store_true", help="for programs")
    remove = add_action(actions, "remove", _remove, "remove a plan that nobody has")
    remove.add_argument("plan", metavar="PLAN")


def _put(args: argparse.Namespace, api: AdminApi) -> None:
    answer = api.ask("PUT", _place(args.plan), msgspec.json.encode(read_terms(args.file)))
    made = msgspec.json.decode(answer, type=PlanView)
    print(f"The plan {clean(made.name)} holds for {made.tenants} tenants.")
    tell(made.warnings)


def _list(args: argparse.Namespace, api: AdminApi) -> None:
    plans = msgspec.json.decode(api.ask("GET", _PATH), type=PlanList).plans
    if args.json:
        print(msgspec.json.encode(plans).decode())
        return
    if not plans:
        print("No plans made at run time. Make one with `pointsman plans put`.", file=sys.stderr)
        return
    rows = [
        (
            clean(one.name),
            clean(aliases_text(one.terms.aliases)),
            str(one.terms.daily_usd or "-"),
            ",".join(one.terms.limits) or "-",
            ",".join(one.terms.budgets) or "-",
            str(one.tenants),
            date_text(one.changed_unix_ns),
        )
        for one in plans
    ]
    print("\n".join(table(_HEADINGS, rows, len(_HEADINGS))))


def _show(args: argparse.Namespace, api: AdminApi) -> None:
    plan = msgspec.json.decode(api.ask("GET", _place(args.plan)), type=PlanView)
    if args.json:
        print(msgspec.json.encode(plan).decode())
        return
    print(f"{clean(plan.name)}: {plan.tenants} tenants, changed {date_text(plan.changed_unix_ns)}")
    for line in terms_lines(plan.terms):
        print(line)


def _remove(args: argparse.Namespace, api: AdminApi) -> None:
    api.ask("DELETE", _place(args.plan))
    print(f"The plan {clean(args.plan)} is removed.")


def _place(plan: str) -> str:
    return f"{_PATH}/{quote(plan, safe='')}"
