"""Follows the collector's snapshots by long poll, and keeps the last one for the next start.

Owns the waiting between attempts and what is said of failures. Without a collector the gateway goes
on with what it has. The wire is written down in docs/adr/2026-11-21-state-and-snapshots.md.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import Clock
from pointsman.core.deadline import Deadline
from pointsman.core.target import Timeouts
from pointsman.policy.snapshot import KeyDirectory
from pointsman.policy.snapshot_file import load_snapshot, save_snapshot
from pointsman.state.errors import SnapshotError
from pointsman.state.snapshot import MAX_SNAPSHOT_BYTES, MAX_WAIT_S, Snapshot, decode_snapshot
from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import HttpRequest, HttpResponse, TransportError
from pointsman.transport.settings import TransportSettings, parse_base_url

_log = logging.getLogger("pointsman.snapshot")
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
_ANSWER_S = 10.0
"""What the collector may take beyond the wait it was asked for."""


class FollowerStats(Struct):
    """What became of the polls so far."""

    is_current: bool = False
    """Whether the last poll was answered as it should be."""
    polls: int = 0
    failures: int = 0
    unsaved: int = 0
    """Snapshots that could not be written to the data folder."""
    last_error: str | None = None


class FollowerSettings(Struct, frozen=True, kw_only=True):
    """Whom to follow and how."""

    collector_url: str
    token: str
    """The ingest token."""
    saved: Path
    """Where the last snapshot is kept."""
    wait_s: float = MAX_WAIT_S

    def __repr__(self) -> str:
        """Leave the token out of logs and tracebacks."""
        return f"FollowerSettings(collector_url={self.collector_url!r})"


class PollError(Exception):
    """A poll that brought nothing usable; the message is for the log."""


class SnapshotFollower:
    """Keeps one `KeyDirectory` current.

    Args:
        directory: What is kept current.
        settings: Whom to follow.
        clock: Gives deadlines.
        pause: Waits the given seconds; tests pass their own.

    Raises:
        ValueError: The collector's URL is not one.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        settings: FollowerSettings,
        clock: Clock,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        origin, self._prefix = parse_base_url(settings.collector_url)
        self._client = HttpClient(origin, TransportSettings(max_connections=2), clock)
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._timeouts = Timeouts(
            connect_s=5.0,
            first_token_s=settings.wait_s + _ANSWER_S,
            idle_s=_ANSWER_S,
            total_s=settings.wait_s + 3 * _ANSWER_S,
        )
        self._told: set[str] = set()
        self.stats = FollowerStats()

    async def run(self) -> None:
        """Poll until cancelled. Never raises for what a collector or a disk does."""
        pause_s = FIRST_PAUSE_S
        while True:
            started_ns = self._clock.monotonic_ns()
            try:
                has_changed = await self._poll()
            except (PollError, TransportError, SnapshotError) as error:
                self._failed(str(error))
            else:
                self._succeeded()
                lasted_s = (self._clock.monotonic_ns() - started_ns) / 1e9
                if has_changed or lasted_s >= min(FIRST_PAUSE_S, self._settings.wait_s):
                    pause_s = FIRST_PAUSE_S
                    continue
                # "Nothing newer" without waiting, as a collector says while it stops: do not spin.
            await self._pause(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def close(self) -> None:
        """Close the connection to the collector; `run` must have ended."""
        await self._client.close()

    async def _poll(self) -> bool:
        """Ask once; tell whether another snapshot came."""
        self.stats.polls += 1
        response = await self._client.send(self._request())
        try:
            body = await response.read(MAX_SNAPSHOT_BYTES)
        finally:
            response.close()
        if response.status == 204:
            self._directory.confirm()
            return False
        _require_ok(response)
        snapshot = decode_snapshot(body)
        is_other = _identity(snapshot) != _identity(self._directory.snapshot)
        self._directory.replace(snapshot)
        if is_other:
            await self._save()
        return is_other

    def _request(self) -> HttpRequest:
        known = self._directory.snapshot
        asked = f"after=0&wait_s={self._settings.wait_s:g}"
        if known is not None:
            asked = f"after={known.version}&state={known.state_id}" + asked.removeprefix("after=0")
        return HttpRequest(
            method="GET",
            path=f"{self._prefix}/internal/v1/snapshot?{asked}",
            headers={"authorization": f"Bearer {self._settings.token}"},
            is_repeatable=True,
            timeouts=self._timeouts,
            deadline=Deadline.after(self._clock, self._timeouts.total_s),
            abort=AbortSignal(),
        )

    async def _save(self) -> None:
        snapshot = self._directory.snapshot
        if snapshot is None:
            return
        try:
            await asyncio.to_thread(save_snapshot, self._settings.saved, snapshot)
        except OSError as error:
            # The keys are in force all the same; only the next start would not know them.
            self.stats.unsaved += 1
            _log.error("the snapshot of keys cannot be saved: %s", error.strerror)

    def _failed(self, reason: str) -> None:
        self.stats.failures += 1
        self.stats.is_current = False
        self.stats.last_error = reason
        # Once for each thing that is wrong, not for each attempt.
        if reason not in self._told:
            self._told.add(reason)
            _log.warning(
                "the collector at %s sends no keys: %s; those known stay in force",
                self._settings.collector_url,
                reason,
            )

    def _succeeded(self) -> None:
        self.stats.is_current = True
        if self._told:
            self._told.clear()
            self.stats.last_error = None
            _log.info("the collector at %s sends keys again", self._settings.collector_url)


def restore_keys(directory: KeyDirectory, saved: Path) -> None:
    """Start with the snapshot that was saved last; call it before the first request. Blocks.

    A file that cannot be read is not used, and keys are then required until the collector says
    what is true: the file is there, so somebody may have issued keys.
    """
    try:
        snapshot = load_snapshot(saved)
    except SnapshotError as error:
        directory.require_keys()
        _log.warning(
            "the saved snapshot of keys is ignored (%s); issued keys work once the collector "
            "answers",
            error.message,
        )
        return
    if snapshot is not None:
        directory.restore(snapshot)


def _require_ok(response: HttpResponse) -> None:
    if response.status == 401:
        raise PollError("it refuses this gateway's ingest token (401); both need one data folder")
    if response.status != 200:
        raise PollError(f"it answers {response.status}")


def _identity(snapshot: Snapshot | None) -> tuple[str, int] | None:
    return None if snapshot is None else (snapshot.state_id, snapshot.version)
