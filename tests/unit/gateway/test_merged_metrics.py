"""Metrics of several workers in one exposition."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pointsman.gateway.merged_metrics import merged


def exposition(count: int) -> str:
    registry = CollectorRegistry()
    counter = Counter("requests", "Requests { all }.", ("route",), registry=registry)
    counter.labels('au"to').inc(count)
    Counter("plain", "Without labels.", registry=registry).inc(count)
    Histogram("seconds", "Times.", registry=registry, buckets=(1, 2)).observe(count)
    return generate_latest(registry).decode()


def test_every_series_bears_its_worker_and_keeps_its_value():
    """One family each, with the samples of both; a sum would lose counts at a restart."""
    text = merged({"gateway-0": exposition(1), "gateway-1": exposition(2)})

    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {
        (sample.name, sample.labels["worker"], sample.labels.get("route")): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["requests_total", "gateway-0", 'au"to'] == 1.0
    assert samples["requests_total", "gateway-1", 'au"to'] == 2.0
    assert samples["plain_total", "gateway-1", None] == 2.0
    assert samples["seconds_sum", "gateway-1", None] == 2.0
    assert text.count("# HELP requests_total ") == 1


def test_a_worker_that_knows_another_family_adds_it():
    """Workers of two releases may run for a moment."""
    text = merged({"a": "# HELP x X.\n# TYPE x gauge\nx 1.0\n", "b": "# HELP y Y.\ny 2.0\n"})

    assert 'x{worker="a"} 1.0' in text
    assert 'y{worker="b"} 2.0' in text
