"""The metrics of what a gateway worker shares with others through Redis."""

from collections.abc import Callable

from pointsman.core.clock import Clock
from pointsman.gateway.gauges import Figure
from pointsman.policy.loss import LossStats
from pointsman.policy.shares import SharedCounterStore
from pointsman.shared.store import SharedStore


def sharing_figures(
    store: SharedStore, counters: SharedCounterStore, loss: LossStats, clock: Clock
) -> list[Figure]:
    """Return the figures.

    Args:
        store: The way to Redis.
        counters: This worker's parts.
        loss: What was decided without Redis.
        clock: Tells for how long it has been away.
    """
    stats = store.stats
    return [
        Figure("pointsman_shared_up", "Whether Redis is reached.", lambda: float(store.is_up)),
        Figure(
            "pointsman_shared_lost_seconds",
            "How long Redis has been away; 0 while it is reached.",
            lambda: _lost_s(store, clock),
        ),
        Figure("pointsman_shared_losses", "How often it was lost.", lambda: stats.losses, True),
        Figure("pointsman_shared_round_trips", "Batches sent.", lambda: stats.batches, True),
        Figure("pointsman_shared_statements", "Scripts run.", lambda: stats.statements, True),
        Figure(
            "pointsman_shared_untold",
            "Counters that Redis is still to be told of.",
            counters.untold,
        ),
        Figure(
            "pointsman_shared_places_returned",
            "Dead workers whose places this one has freed.",
            lambda: stats.places_returned,
            True,
        ),
        *(_decisions(choice, read) for choice, read in _choices(loss).items()),
    ]


def _choices(loss: LossStats) -> dict[str, Callable[[], float]]:
    return {"local": lambda: loss.local, "closed": lambda: loss.closed, "open": lambda: loss.open}


def _decisions(choice: str, read: Callable[[], float]) -> Figure:
    sentence = f"Decisions without Redis for which `shared.on_loss` said {choice}."
    return Figure(f"pointsman_shared_decisions_{choice}", sentence, read, is_counter=True)


def _lost_s(store: SharedStore, clock: Clock) -> float:
    lost_ns = store.lost_since_unix_ns
    return 0.0 if lost_ns is None else (clock.unix_ns() - lost_ns) / 1e9
