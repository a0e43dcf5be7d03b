"""The plans and tenants of the configuration file, for who makes others at run time.

What the file says goes before what is given at run time, so the answer to a change tells where it
is without effect; terms are checked against the routes and targets of the file.
"""

from msgspec import to_builtins

from pointsman.config.checks.terms import problems_of
from pointsman.config.policy import PlanConfig, TenantPolicyConfig
from pointsman.config.root import Config
from pointsman.core.errors import CallError, InvalidRequestError


class DeclaredInFileError(CallError):
    """The configuration file has it, and goes before what is made at run time."""

    code = "declared_in_file"
    http_status = 409


class DeclaredTerms:
    """What one configuration says about plans and tenants."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self, kind: str, name: str, terms: PlanConfig) -> tuple[str, ...]:
        """Check terms of a plan or tenant; return what is probably not meant.

        Raises:
            InvalidRequestError: They cannot be used; the message has every problem.
        """
        errors, warnings = problems_of(self._config, f"{kind}s.{name}", terms)
        if errors:
            raise InvalidRequestError("; ".join(errors))
        return tuple(warnings)

    def require_plan_free(self, name: str) -> None:
        """Refuse a plan that the file has.

        Raises:
            DeclaredInFileError: It does.
        """
        if name in self._config.policy.plans:
            raise DeclaredInFileError(
                f"the plan `{name}` is written in the configuration file; change it there"
            )

    def plan_warnings(self, plan: str | None, made: frozenset[str]) -> tuple[str, ...]:
        """Return a warning for a plan that nobody has made: it is a label for conditions then."""
        if plan is None or plan in self._config.policy.plans or plan in made:
            return ()
        return (f"no plan is called `{plan}`: it is a label for conditions, without terms",)

    def overruled(self, tenant: str, plan: str | None, terms: PlanConfig) -> tuple[str, ...]:
        """Return a warning for each thing that the file says otherwise about a tenant."""
        own = self._config.policy.tenants.get(tenant)
        if own is None:
            return ()
        said, written = _said(own), {**to_builtins(terms), "plan": plan}
        return tuple(
            f"the configuration file says `{name}` of this tenant, which goes before"
            for name, value in said.items()
            if written.get(name) not in (None, [], {}) and written.get(name) != value
        )


def _said(own: TenantPolicyConfig) -> dict[str, object]:
    empty = to_builtins(TenantPolicyConfig())
    return {name: value for name, value in to_builtins(own).items() if value != empty[name]}
