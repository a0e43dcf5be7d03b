"""Every engine answers the same questions: each test here runs once for each of them."""

import pytest

from memory_store import MemoryStore
from pointsman.core.clock import ManualClock
from pointsman.store.duckdb.file import DuckDbSettings
from pointsman.store.duckdb.store import DuckDbStore

SMALL = DuckDbSettings(memory_bytes=64_000_000, threads=1)


@pytest.fixture(params=["duckdb", "memory"])
async def store(request, tmp_path):
    """An empty store."""
    if request.param == "memory":
        made = MemoryStore()
    else:
        made = await DuckDbStore.open(tmp_path / "store", ManualClock(), SMALL)
    yield made
    await made.close()
