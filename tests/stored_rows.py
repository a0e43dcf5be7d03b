"""What a running instance has stored, read through its API."""

from collections.abc import Iterable

import msgspec

from pointsman.config.data_folder import read_token
from running_instance import RunningInstance, until

from running_gateway import get


def all_stored(instance: RunningInstance) -> list[dict]:
    """Return every row of the store, over all pages."""
    bearer = {"authorization": f"Bearer {read_token(instance.data_dir, 'admin')}"}
    rows: list[dict] = []
    cursor = ""
    while cursor is not None:
        path = f"/api/v1/requests?limit=500{cursor and '&cursor=' + cursor}"
        page = msgspec.json.decode(get(instance.collector_url + path, bearer)[2])
        rows += page["requests"]
        cursor = page["next_cursor"]
    return rows


def wait_stored(instance: RunningInstance, wanted: Iterable[str], count: int) -> None:
    """Wait until the store has all of these requests, and so many altogether."""
    ids = set(wanted)
    found: set[str] = set()

    def has_all() -> bool:
        found.update(row["request_id"] for row in all_stored(instance))
        return ids <= found and len(found) >= count

    try:
        until(has_all, "all are stored", 30)
    except AssertionError as error:
        missing = sorted(ids - found)
        raise AssertionError(f"{len(found)} of {count} are stored; missing: {missing}") from error
