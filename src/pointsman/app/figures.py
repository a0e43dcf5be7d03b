"""The figures of a gateway worker that are read when somebody asks for metrics."""

from pointsman.gateway.gauges import Figure
from pointsman.journal.writer import JournalWriter
from pointsman.policy.counters import CounterStore
from pointsman.policy.ledger import MemoryLedger
from pointsman.server.listener import Listener


def worker_figures(
    journal: JournalWriter, listener: Listener, ledger: MemoryLedger
) -> list[Figure]:
    """Return how its journal, connections and holds are."""
    stats = journal.stats
    return [
        Figure("pointsman_journal_entries", "Entries written.", lambda: stats.written, True),
        Figure("pointsman_journal_dropped", "Entries lost.", lambda: stats.dropped, True),
        Figure("pointsman_journal_bytes", "Bytes written.", lambda: stats.bytes, True),
        Figure(
            "pointsman_journal_expired_segments",
            "Segments deleted to keep the journal within its bound.",
            lambda: stats.expired,
            True,
        ),
        Figure("pointsman_connections", "Open connections.", lambda: listener.connection_count),
        Figure("pointsman_reservations", "Holds not settled yet.", ledger.outstanding),
    ]


def policy_figures(counters: CounterStore) -> list[Figure]:
    """Return how its counters of limits and budgets are."""
    return [
        Figure("pointsman_policy_counters", "Counters of limits and budgets.", counters.__len__),
        Figure(
            "pointsman_policy_counters_evicted",
            "Counters forgotten to stay within policy.max_counters.",
            lambda: counters.evicted,
            True,
        ),
        Figure(
            "pointsman_budget_warnings",
            "Budgets that passed their warning share.",
            lambda: counters.warnings,
            True,
        ),
    ]
