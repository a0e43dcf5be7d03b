"""LO-11: what servers of own hardware hold is looked at in the background, and only there."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pointsman.app.resident_watch import MAX_MODELS, ResidentWatch
from pointsman.core.clock import ManualClock
from pointsman.core.model_memory import Resident
from watched_gateway import until

LLAMA = Resident(
    model="llama3.1:8b",
    context_tokens=8192,
    size_bytes=6_000,
    vram_bytes=4_000,
    expires_at="2026-11-21T12:00:00Z",
)


class Shelf:
    """A memory that says what it is told to say."""

    def __init__(self, *models: Resident) -> None:
        self.models: Sequence[Resident] | None = models
        self.asked = 0
        self.error: Exception | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def resident_models(self) -> Sequence[Resident] | None:
        self.asked += 1
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return self.models


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def watch(clock: ManualClock) -> AsyncIterator[ResidentWatch]:
    """Looks as often as it can."""
    made = ResidentWatch(clock, every_s=0.0)
    yield made
    await made.stop()


async def test_what_is_in_memory_is_shown_with_its_age(watch: ResidentWatch, clock: ManualClock):
    """Model, window, bytes on the card, and when it leaves."""
    shelf = Shelf(LLAMA)
    watch.follow({"local": shelf})
    registry = CollectorRegistry()
    watch.start(registry)
    await until(lambda: shelf.asked > 1)
    shelf.may_answer.clear()
    await until(lambda: shelf.asked > 2)
    clock.advance_s(2)

    shown = watch.state()["residentModels"]["local"]

    assert shown == {
        "ageMs": 2000,
        "models": [
            {
                "model": "llama3.1:8b",
                "contextTokens": 8192,
                "sizeBytes": 6000,
                "vramBytes": 4000,
                "expiresAt": "2026-11-21T12:00:00Z",
            }
        ],
    }
    figures = generate_latest(registry).decode()
    labels = '{model="llama3.1:8b",provider="local"}'
    assert f"pointsman_resident_model_vram_bytes{labels} 4000.0" in figures
    assert f"pointsman_resident_model_context_tokens{labels} 8192.0" in figures


async def test_a_server_that_does_not_answer_keeps_no_other_waiting(watch: ResidentWatch):
    """Its own line says that nothing is known."""
    mute, shelf = Shelf(), Shelf(LLAMA)
    mute.may_answer.clear()
    watch.follow({"mute": mute, "local": shelf})

    watch.start(CollectorRegistry())
    await until(lambda: "llama3.1:8b" in str(watch.state()))

    assert watch.state()["residentModels"]["mute"] == {"ageMs": None, "models": None}


@pytest.mark.parametrize("error", [None, RuntimeError("odd")], ids=["unknown", "failed"])
async def test_what_is_no_longer_known_is_no_longer_shown(
    watch: ResidentWatch, error: Exception | None
):
    """A server that went away holds nothing that one could rely on; it is asked again."""
    shelf = Shelf(LLAMA)
    watch.follow({"local": shelf})
    watch.start(CollectorRegistry())
    await until(lambda: "llama3.1:8b" in str(watch.state()))

    shelf.models, shelf.error = None, error
    await until(lambda: "llama3.1:8b" not in str(watch.state()))
    shelf.models, shelf.error = [LLAMA], None

    await until(lambda: "llama3.1:8b" in str(watch.state()))


async def test_without_such_a_server_nothing_runs(watch: ResidentWatch):
    """No task, no line, no series."""
    registry = CollectorRegistry()
    before = asyncio.all_tasks()

    watch.start(registry)

    assert asyncio.all_tasks() == before
    assert watch.state() == {}
    assert "{" not in generate_latest(registry).decode()


async def test_a_reload_changes_who_is_asked(watch: ResidentWatch):
    """The replaced one is left alone, and one that stays is not forgotten."""
    old, kept, new = Shelf(LLAMA), Shelf(LLAMA), Shelf()
    watch.follow({"old": old, "kept": kept})
    watch.start(CollectorRegistry())
    await until(lambda: str(watch.state()).count("llama3.1:8b") == 2)

    kept.may_answer.clear()
    watch.follow({"kept": kept, "new": new})
    assert "llama3.1:8b" in str(watch.state()["residentModels"]["kept"])
    await until(lambda: new.asked > 0)
    asked = old.asked
    kept.may_answer.set()
    await until(lambda: new.asked > 2)
    watch.follow({})

    assert old.asked == asked
    assert watch.state() == {}


async def test_the_same_servers_after_a_reload_are_not_asked_anew(clock: ManualClock):
    """Reloads may be frequent; the rate is not theirs."""
    watch, shelf = ResidentWatch(clock, every_s=3600.0), Shelf(LLAMA)
    watch.follow({"local": shelf})
    watch.start(CollectorRegistry())
    await until(lambda: "llama3.1:8b" in str(watch.state()))

    watch.follow({"local": shelf})
    await asyncio.sleep(0)
    await watch.stop()

    assert shelf.asked == 1


async def test_a_long_list_is_cut_to_the_largest(watch: ResidentWatch):
    """What a server lists is its own word; metrics stay bounded."""
    many = [Resident(model=f"m{size}", size_bytes=size) for size in range(3 * MAX_MODELS)]
    watch.follow({"local": Shelf(*many)})

    watch.start(CollectorRegistry())
    await until(lambda: "m95" in str(watch.state()))

    shown = str(watch.state())
    assert shown.count("'model'") == MAX_MODELS
    assert "m0'" not in shown
