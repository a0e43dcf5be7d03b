"""What one configuration version amounts to at run time: everything a reload swaps at once.

A request takes the runtime that is current when it arrives and keeps it to its end, so that no
request ever sees half of two configurations.
"""

from collections.abc import Mapping

from msgspec import Struct

from pointsman.config.resilience import ProbeConfig
from pointsman.core.clock import Clock
from pointsman.gateway.accounting import Accountant
from pointsman.gateway.content import ContentKeeper
from pointsman.gateway.guard import Guard
from pointsman.gateway.recorder import Recorder
from pointsman.gateway.structured import StructuredAnswers
from pointsman.gateway.tool_calls import ToolCallRules
from pointsman.policy.admission import Admissions
from pointsman.policy.attribution import AttributionSettings
from pointsman.policy.snapshot import KeyDirectory
from pointsman.policy.tenancy import Tenancy
from pointsman.resilience.attempts import AttemptSettings
from pointsman.routing.planner import Planner


class Runtime(Struct, frozen=True, kw_only=True):
    """The running objects of one configuration version."""

    config_version: str
    metadata_key: str
    worker: str
    clock: Clock
    attribution: AttributionSettings
    tenancy: Tenancy
    authenticator: KeyDirectory
    admissions: Admissions
    planner: Planner
    attempts: AttemptSettings
    accountant: Accountant
    content: ContentKeeper
    recorder: Recorder
    tool_calls: ToolCallRules
    structured: StructuredAnswers
    guard: Guard | None = None
    """Holds prompts and answers against `policy.rules`; None when there are none."""
    max_in_flight: int = 2048
    """Requests under way beyond which more are turned away."""
    probes: Mapping[str, ProbeConfig] = {}
    """Targets that are probed in the background."""
    mock_providers: frozenset[str]
