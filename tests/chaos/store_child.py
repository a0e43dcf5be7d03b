"""Programs that a test runs as processes of their own, to take their disk or their life.

python store_child.py keep <folder>   writes batches for ever, prints the id of each kept one
python store_child.py fill <folder>   runs into a file size limit, then has it lifted
python store_child.py open <folder>   opens the store and says what came of it
"""

import asyncio
import resource
import signal
import sys
from pathlib import Path

from pointsman.core.clock import SystemClock
from pointsman.store.duckdb.file import DuckDbSettings
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.errors import StoreError, StoreFullError
from pointsman.store.query import EVERYTHING
from stored_records import batch_of, make_content, make_record, make_span, request_id

ROWS = 40
SMALL = DuckDbSettings(memory_bytes=64_000_000, threads=1)


def records_of(batch):
    """Return the numbers of the requests in a batch."""
    return range(batch * ROWS, (batch + 1) * ROWS)


def make_batch(batch):
    """Return the batch of that number, large enough to make the engine write blocks."""
    padding = {"pad": f"{batch:08}" * 100}
    records = [make_record(number, tags=padding) for number in records_of(batch)]
    contents = [make_content(number) for number in records_of(batch)]
    return batch_of(*records, batch_id=f"batch {batch}", contents=contents)


async def _open(folder):
    return await DuckDbStore.open(Path(folder), SystemClock(), SMALL)


async def keep(folder):
    store = await _open(folder)
    batch = 0
    while True:
        await store.write_batch(make_batch(batch))
        await store.write_spans([make_span(number, 0) for number in records_of(batch)])
        print(batch, flush=True)
        batch += 1


async def fill(folder):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await _open(folder)
    await store.write_batch(make_batch(0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
    kept, refused = 1, None
    while refused is None:
        try:
            await store.write_batch(make_batch(kept))
            kept += 1
        except StoreError as error:
            refused = error
    readable = await store.request(request_id(0), EVERYTHING) is not None
    again = await _error_of(store.write_batch(make_batch(kept)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.write_batch(make_batch(kept))
    rows = (await store.stats()).rows["calls"]
    print(isinstance(refused, StoreFullError), isinstance(again, StoreFullError), readable)
    print(kept, rows, flush=True)
    await store.close()


async def _error_of(work):
    try:
        await work
    except StoreError as error:
        return error
    return None


async def open_(folder):
    try:
        store = await _open(folder)
    except StoreError as error:
        print(type(error).__name__, error, flush=True)
    else:
        print("opened", flush=True)
        await store.close()


if __name__ == "__main__":
    _PROGRAMS = {"keep": keep, "fill": fill, "open": open_}
    asyncio.run(_PROGRAMS[sys.argv[1]](sys.argv[2]))
