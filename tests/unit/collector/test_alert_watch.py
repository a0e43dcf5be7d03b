"""The watch: one look after the other, quiet when the store is down, counted for metrics."""

import asyncio
import contextlib

import pytest

from memory_store import MemoryStore
from pointsman.collector.alert_watch import AlertWatch
from pointsman.config.alerts import AlertsConfig, FallbackRateConfig
from pointsman.config.section import Duration
from pointsman.core.clock import ManualClock
from pointsman.core.records import Attempt
from pointsman.store.errors import StoreBusyError
from pointsman.store.query import EVERYTHING
from stored_records import batch_of, make_record

SETTINGS = AlertsConfig(every=Duration(0.001), fallback_rate=FallbackRateConfig(min_calls=2))


def fell_back(number):
    """Return a request that another target served."""
    attempts = [Attempt("a", "p", "m", end_ns=1), Attempt("b", "p", "m", kind="failover", end_ns=2)]
    return make_record(number, attempts=attempts, reason="provider_failover")


class DownStore(MemoryStore):
    """Answers no question about alerts until it is up."""

    def __init__(self, looks):
        super().__init__()
        self.left = looks
        self.asked = asyncio.Event()

    async def alerts(self, scope, **options):
        if self.left:
            self.left -= 1
            raise StoreBusyError("busy")
        self.asked.set()
        return await super().alerts(scope, **options)


@pytest.fixture
def clock():
    """A clock some minutes after the first records."""
    made = ManualClock()
    made.advance_s(300.0)
    return made


async def test_what_is_found_is_kept_counted_and_cleared(clock):
    """From the figures to the store, and to the badge of the console."""
    store = MemoryStore()
    watch = AlertWatch(store, clock, lambda: SETTINGS)
    await store.write_batch(batch_of(fell_back(1), fell_back(2)))

    await watch.look()
    await watch.look()

    assert watch.counts.open == {"fallback_rate": 2}
    assert watch.counts.opened == {"fallback_rate": 2}
    assert watch.counts.open_count == len(await store.alerts(EVERYTHING, only_open=True)) == 2

    clock.advance_s(3_600.0)
    await watch.look()

    assert watch.counts.open_count == 0
    assert all(not alert.is_open for alert in await store.alerts(EVERYTHING))


async def test_two_looks_at_once_open_an_alert_once(clock):
    """The second sees what the first has opened."""

    class SlowStore(MemoryStore):
        async def alert_figures(self, windows):
            await asyncio.sleep(0)
            return await super().alert_figures(windows)

    store = SlowStore()
    watch = AlertWatch(store, clock, lambda: SETTINGS)
    await store.write_batch(batch_of(fell_back(1), fell_back(2)))

    first, second = await asyncio.gather(watch.look(), watch.look())

    assert (len(first.opened), len(second.opened)) == (2, 0)


async def test_alerts_that_are_switched_off_clear(clock):
    """A reload is enough."""
    store = MemoryStore()
    settings = [SETTINGS]
    watch = AlertWatch(store, clock, lambda: settings[0])
    await store.write_batch(batch_of(fell_back(1), fell_back(2)))
    await watch.look()

    settings[0] = AlertsConfig(enabled=False)
    clock.advance_s(601.0)
    await watch.look()

    assert watch.counts.open_count == 0


async def test_a_store_that_is_down_ends_no_watch(clock, caplog):
    """It is asked again, and the looks that failed are counted."""
    store = DownStore(2)
    watch = AlertWatch(store, clock, lambda: SETTINGS)

    task = asyncio.get_running_loop().create_task(watch.run())
    await asyncio.wait_for(store.asked.wait(), 5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert watch.counts.failed_looks == 2
    assert "alerts were not looked at" in caplog.text
