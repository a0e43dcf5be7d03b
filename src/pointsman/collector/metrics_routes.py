"""`GET /metrics` of the collector: what it took, what it lost, and which alerts are open.

Figures that others keep are read at the moment of a scrape. Labels are closed vocabularies; names
that callers choose are on the console, behind a login.
"""

from collections.abc import Iterable, Mapping

from litestar import Response, get
from msgspec.structs import asdict
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pointsman.collector.alert_rules import KINDS
from pointsman.collector.alert_watch import AlertCounts
from pointsman.collector.desk import WebRequest, desk_of

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TAKEN = {
    "records": "Records of requests that were stored.",
    "known_records": "Records that a gateway sent again and that were stored already.",
    "resent_batches": "Batches that a gateway sent again and that were stored already.",
    "rejected_records": "Records that can never be stored.",
    "spans": "Spans of applications that were stored.",
    "known_spans": "Spans that were sent again and that were stored already.",
    "rejected_spans": "Spans that can never be stored.",
}
"""Field of `PipelineStats` -> what it counts."""


class CollectorMetrics(Collector):
    """The collector's figures as a scrape reads them.

    Args:
        taken: Of the telemetry pipeline, by the names of `TAKEN`.
        alerts: Of the alert watch.
    """

    def __init__(self, taken: Mapping[str, int], alerts: AlertCounts) -> None:
        self._taken = taken
        self._alerts = alerts

    def collect(self) -> Iterable[Metric]:
        """Return the figures as they are now."""
        for name, sentence in TAKEN.items():
            value = float(self._taken.get(name, 0))
            yield CounterMetricFamily(f"pointsman_collector_{name}", sentence, value=value)
        yield self._by_kind(
            GaugeMetricFamily("pointsman_alerts_open", "Alerts that are open.", labels=("kind",)),
            self._alerts.open,
        )
        yield self._by_kind(
            CounterMetricFamily(
                "pointsman_alerts_opened", "Alerts that were opened.", labels=("kind",)
            ),
            self._alerts.opened,
        )
        yield CounterMetricFamily(
            "pointsman_alert_looks", "Looks at the figures.", value=float(self._alerts.looks)
        )
        yield CounterMetricFamily(
            "pointsman_alert_looks_failed",
            "Looks at the figures that the store did not answer.",
            value=float(self._alerts.failed_looks),
        )

    def _by_kind(
        self, family: GaugeMetricFamily | CounterMetricFamily, counts: Mapping[str, int]
    ) -> Metric:
        for kind in KINDS:
            family.add_metric((kind,), float(counts.get(kind, 0)))
        return family


@get("/metrics", include_in_schema=False)
async def metrics(request: WebRequest) -> Response[bytes]:
    """Return the exposition text. Needs the admin token, or a key with the scope `explain`."""
    desk = desk_of(request)
    desk.access.reader(request.headers)
    registry = CollectorRegistry()
    registry.register(CollectorMetrics(asdict(desk.pipeline.stats), desk.alerts.counts))
    return Response(generate_latest(registry), headers={"content-type": _TYPE})


METRICS_ROUTES = [metrics]
