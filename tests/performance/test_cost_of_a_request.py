"""The gate on the hot path: CPU per request against the bare prototype, in the same run."""

import contextlib
import shutil
import statistics
from collections.abc import Callable

import pytest

from bench.load import Load, run_load
from bench.servers import bare, pointsman, upstream

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        shutil.which("wrk") is None, reason="needs wrk (scripts/system_packages.sh)"
    ),
]

MAX_TIMES_BARE = 10.0
"""CPU of a request with everything recorded, in CPUs of the bare relay; 6.5 to 8.5 are reached,
depending on what else the machine does."""
ROUNDS = 3
SECONDS = 2

Ratio = Callable[[str], float]


@pytest.fixture(scope="module")
def times(tmp_path_factory) -> Ratio:
    """Interleaved rounds; medians of the ratios, because the machine's speed drifts."""
    folder = tmp_path_factory.mktemp("cost")
    with contextlib.ExitStack() as stack:
        upstream_port = stack.enter_context(upstream(folder))
        subjects = {
            "bare": stack.enter_context(bare(folder, upstream_port)),
            "pointsman": stack.enter_context(pointsman(folder, upstream_port)),
        }
        rounds = [
            {
                name: run_load(folder, port, connections=32, seconds=SECONDS, pid=pid)
                for name, (port, pid) in subjects.items()
            }
            for _ in range(ROUNDS + 1)
        ][1:]
    assert all(load.errors == 0 for each in rounds for load in each.values())

    def ratio(other: str) -> float:
        return statistics.median(_cpu(each["pointsman"]) / _cpu(each[other]) for each in rounds)

    return ratio


def test_a_request_costs_a_bounded_multiple_of_a_bare_relay(times: Ratio):
    """What we add to a relay in this language; the gate against getting slower."""
    assert times("bare") < MAX_TIMES_BARE


def _cpu(load: Load) -> float:
    assert load.cpu_us_per_request is not None
    return load.cpu_us_per_request
