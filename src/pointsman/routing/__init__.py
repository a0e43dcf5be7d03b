"""Which targets a request may be tried at, in which order, and why.

Owns the compiled routing table, the resolution of model names, filters, strategies and the plan.
Reads facts and live state, writes the decision record, and calls nobody: trying the targets is the
business of `resilience`.
"""

from pointsman.routing.outcome import served
from pointsman.routing.planner import Plan, Planner
from pointsman.routing.resolve import Resolution, resolve
from pointsman.routing.table import RoutingTable

__all__ = ["Plan", "Planner", "Resolution", "RoutingTable", "resolve", "served"]
