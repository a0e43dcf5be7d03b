"""What the sections of a configuration must mean together before anything is started with it.

Each file checks the sections it is named after. What follows from a problem already noted while
decoding is not told a second time.
"""

from pointsman.config.checks.alerts import check_alerts
from pointsman.config.checks.entries import check_keys, check_prices, check_reasons, check_sizes
from pointsman.config.checks.local import check_local
from pointsman.config.checks.names import check_names
from pointsman.config.checks.policy import check_policy
from pointsman.config.checks.prompt_policy import check_prompt_rules
from pointsman.config.checks.providers import check_providers
from pointsman.config.checks.resilience import check_residency, check_resilience
from pointsman.config.checks.routes import check_routes
from pointsman.config.checks.server import check_server
from pointsman.config.checks.shared import check_shared
from pointsman.config.checks.subject import ProviderKinds, Subject
from pointsman.config.checks.targets import check_targets
from pointsman.config.checks.terms import check_terms

__all__ = ["ProviderKinds", "Subject", "check"]


def check(subject: Subject) -> None:
    """Note every problem and warning of the configuration in `subject.findings`."""
    check_server(subject)
    check_providers(subject)
    check_targets(subject)
    check_local(subject)
    check_reasons(subject)
    check_routes(subject)
    check_resilience(subject)
    check_residency(subject)
    check_names(subject)
    check_keys(subject)
    check_prices(subject)
    check_alerts(subject)
    check_policy(subject)
    check_shared(subject)
    check_prompt_rules(subject)
    check_terms(subject)
    check_sizes(subject)
