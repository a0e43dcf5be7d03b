"""What depends on plans and tenants in a running gateway: made at a load, and whenever they change.

Plans and tenants of the file and of the collector's snapshot come to one `Tenancy`; rules and
attribution are compiled from it. Counters live on.
"""

import logging

from msgspec import Struct, structs

from pointsman.app.sharing import Sharing
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import PointsmanError
from pointsman.gateway.runtime import Runtime
from pointsman.policy.admission import Admissions
from pointsman.policy.attribution import AttributionSettings
from pointsman.policy.compile_rules import compile_rules
from pointsman.policy.tenancy import Tenancy, tenancy_of
from pointsman.state.snapshot import Snapshot

_log = logging.getLogger("pointsman")


class TermsInForce(Struct, frozen=True, kw_only=True):
    """The parts of a runtime that plans and tenants decide."""

    tenancy: Tenancy
    attribution: AttributionSettings
    admissions: Admissions


def compile_terms(
    loaded: LoadedConfig, snapshot: Snapshot | None, sharing: Sharing
) -> TermsInForce:
    """Return what a configuration and a snapshot come to.

    Raises:
        ConditionError: A rule that was given at run time cannot be compiled by this release.
        ValueError: The same, of a time zone or an amount.
    """
    config, server = loaded.config, loaded.config.server
    tenancy = tenancy_of(loaded, snapshot)
    prefix = f"x-{server.metadata_key}-"
    rules = compile_rules(config.policy, sharing.counters, header_prefix=prefix, tenancy=tenancy)
    if not rules.is_empty and config.server.workers * config.shared.instances > 1:
        _warn_alone(sharing)
    return TermsInForce(
        tenancy=tenancy,
        attribution=AttributionSettings(
            server.metadata_key, server.environment, server.tenant, tenancy
        ),
        admissions=sharing.admissions(rules, config),
    )


def _warn_alone(sharing: Sharing) -> None:
    """Say that workers count apart: the file cannot ask for it, but the state may be older."""
    if not sharing.is_shared:
        _log.error(
            "each worker counts the limits and budgets of plans and tenants that were made at run "
            "time on its own; set shared.url to a Redis server"
        )


def renewed(
    runtime: Runtime,
    loaded: LoadedConfig,
    snapshot: Snapshot | None,
    sharing: Sharing,
) -> Runtime:
    """Return a runtime with the terms of another snapshot; the same when they cannot be used."""
    try:
        terms = compile_terms(loaded, snapshot, sharing)
    except (PointsmanError, ValueError, KeyError, OSError) as error:
        # Checked by the collector before it kept them; a machine may still lack a time zone.
        _log.error("the plans and tenants of the collector cannot be used: %s", error)
        return runtime
    return structs.replace(
        runtime,
        tenancy=terms.tenancy,
        attribution=terms.attribution,
        admissions=terms.admissions,
    )
