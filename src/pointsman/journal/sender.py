"""Delivers a worker's journal to the collector: the journal is the spool.

One task of the gateway's event loop. It reads from the saved cursor, posts a batch, and moves the
cursor only after the collector has said that everything is on disk. While the collector is away the
journal grows up to its bound and nothing waits for it. Folders of workers that are not alive are
delivered too, by whichever sender locks them first. How a request is posted is somebody else's
business: this file is handed a callable.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.errors import PointsmanError
from pointsman.journal.batches import Batch, Entry, FolderFeed
from pointsman.journal.entries import decode_ending
from pointsman.journal.lock import FolderLock, JournalLockedError, is_alive
from pointsman.journal.rejected import RejectedEntries
from pointsman.journal.segments import worker_folders
from pointsman.wire.record_batch import BatchAnswer, Spool, decode_answer

SENDING_LOCK = "sending.lock"
_SPLIT_STATUS = frozenset({400, 413, 422})
"""The collector will never take these bytes; a part of them it may."""
_BYTES_PER_ENTRY = 2_500


class PostAnswer(Struct, frozen=True):
    """What the collector answered."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None


class PostFailedError(PointsmanError):
    """No answer came: the collector is away, or the connection broke."""

    code = "collector_unreachable"


Post = Callable[[bytes], Awaitable[PostAnswer]]
"""Posts one batch. Raises `PostFailedError` when there is no whole answer."""


class SenderSettings(Struct, frozen=True, kw_only=True):
    """How often to look and how long to wait. Seconds."""

    poll_s: float = 0.1
    """Between two looks when everything is delivered: the age a record may reach on its way."""
    first_pause_s: float = 0.2
    """After a failure; doubles up to `longest_pause_s`, with jitter."""
    longest_pause_s: float = 5.0
    others_every_s: float = 5.0
    """Between two looks for folders of dead workers."""


class SenderStats(Struct):
    """What the sender has done since this worker started."""

    sent: int = 0
    """Records that the collector has on disk."""
    resent: int = 0
    """Batches posted again, because no answer or a refusal for now had come."""
    rejected: int = 0
    """Entries that the collector will never take; set aside as files."""
    rejected_discarded: int = 0
    """Of these, how many there was no room for."""
    is_failing: bool = False
    """Whether the last post failed."""
    last_error: str | None = None
    """The newest failure in words; None when there was none."""
    waiting_since_unix_ns: int | None = None
    """When the oldest request that could not be delivered started; None when nothing waits."""


class _Held(Struct):
    """A folder that this sender delivers from, for as long as it holds the lock."""

    feed: FolderFeed
    lock: FolderLock
    rejected: RejectedEntries


class RecordSender:
    """Delivers one worker's journal, and those of the dead.

    Args:
        root: `<data_dir>/journal`.
        worker: Name of this worker's folder.
        post: See `Post`.
        clock: For lag and for the pace of looking around.
        settings: Pace.
        rng: For the jitter of pauses.
    """

    def __init__(
        self,
        root: Path,
        worker: str,
        post: Post,
        clock: Clock,
        settings: SenderSettings | None = None,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._root = root
        self._worker = worker
        self._post = post
        self._clock = clock
        self._settings = settings or SenderSettings()
        self._rng = rng or random.SystemRandom()
        self._held: dict[str, _Held] = {}
        self._others_at_ns = 0
        self._pause_s = 0.0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.stats = SenderStats()

    def start(self) -> None:
        """Begin to deliver, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, grace_s: float) -> None:
        """Deliver what is there for at most `grace_s`, then let go of the folders. Idempotent."""
        self._stopping.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=grace_s)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for held in self._held.values():
            held.lock.close()
        self._held.clear()

    def lag_bytes(self) -> int:
        """Return how many bytes of the journal wait: the spool."""
        return sum(held.feed.lag_bytes() for held in self._held.values())

    def lag_entries(self) -> int:
        """Return about how many entries wait, from the bytes that do."""
        return -(-self.lag_bytes() // _BYTES_PER_ENTRY)

    def lag_s(self) -> float:
        """Return how long the oldest request that could not be delivered has waited; 0 if none."""
        since = self.stats.waiting_since_unix_ns
        return max(0, self._clock.unix_ns() - since) / 1e9 if since is not None else 0.0

    def lost(self) -> int:
        """Return segments and loose contents that can never be delivered."""
        feeds = [held.feed for held in self._held.values()]
        return sum(one.lost_segments + one.orphans + one.unreadable_segments for one in feeds)

    async def deliver_all(self) -> None:
        """Deliver until nothing is left to deliver; waits for the collector while it is away."""
        self._look_around()
        for held in list(self._held.values()):
            while (batch := self._take(held)) is not None:
                if not await self._deliver(held, batch):
                    return

    async def _run(self) -> None:
        while True:
            is_last = self._stopping.is_set()
            await self.deliver_all()
            if is_last:
                return
            await self._pause(self._settings.poll_s)

    def _look_around(self) -> None:
        """Take the own folder, and every few seconds those of workers that are not alive."""
        self._hold(self._root / self._worker)
        if self._clock.monotonic_ns() < self._others_at_ns:
            return
        pause_ns = round(self._settings.others_every_s * 1e9)
        self._others_at_ns = self._clock.monotonic_ns() + pause_ns
        for folder in worker_folders(self._root):
            if folder.name == self._worker:
                continue
            if not is_alive(folder):
                self._hold(folder)
            elif folder.name in self._held:
                self._held.pop(folder.name).lock.close()

    def _hold(self, folder: Path) -> None:
        if folder.name in self._held:
            return
        try:
            lock = FolderLock(folder, patient=False, name=SENDING_LOCK)
        except (JournalLockedError, OSError):
            return  # another sender delivers from it
        self._held[folder.name] = _Held(FolderFeed(folder), lock, RejectedEntries(folder))

    def _take(self, held: _Held) -> Batch | None:
        try:
            return held.feed.take()
        except OSError as error:
            self.stats.last_error = f"{held.feed.folder.name}: {error}"
            return None

    async def _deliver(self, held: _Held, batch: Batch) -> bool:
        """Post until the batch is on the collector's disk, in parts if need be.

        Returns:
            False when it was given up because the sender is to stop and the collector is away.
        """
        spool = Spool(
            waiting_bytes=held.feed.lag_bytes(), rejected=self.stats.rejected, lost=self.lost()
        )
        body = batch.body(spool)
        is_again = False
        while True:
            self.stats.resent += is_again
            answer = await self._try(body, batch)
            if answer is not None and answer.status in _SPLIT_STATUS:
                return await self._split(held, batch, answer)
            kept = None
            if answer is not None and answer.status == 200:
                kept = decode_answer(answer.body)
            if kept is not None:
                self._note_kept(held, batch, kept)
                held.feed.commit(batch.end)
                return True
            if self._stopping.is_set():
                return False
            await self._back_off(answer)
            is_again = True

    async def _try(self, body: bytes, batch: Batch) -> PostAnswer | None:
        stats = self.stats
        answer: PostAnswer | None = None
        try:
            answer = await self._post(body)
        except PostFailedError as error:
            stats.last_error = error.message
        if answer is not None and answer.status == 200:
            stats.is_failing = False
            return answer
        if answer is not None:
            text = answer.body[:200].decode("utf-8", "replace")
            stats.last_error = f"the collector answered {answer.status}: {text}"
        stats.is_failing = True
        if stats.waiting_since_unix_ns is None:
            stats.waiting_since_unix_ns = _started_unix_ns(batch)
        return answer

    async def _split(self, held: _Held, batch: Batch, answer: PostAnswer) -> bool:
        parts = batch.halves()
        if len(parts) > 1:
            for part in parts:
                if not await self._deliver(held, part):
                    return False
            return True
        why = answer.body.decode("utf-8", "replace")
        self._set_aside(held, batch.entries, f"HTTP {answer.status}: {why}")
        self._note_progress()
        held.feed.commit(batch.end)
        return True

    def _note_kept(self, held: _Held, batch: Batch, kept: BatchAnswer) -> None:
        calls, contents = batch.calls, batch.contents
        refused = 0
        for refusal in kept.rejected:
            entries = calls if refusal.part == "calls" else contents
            if 0 <= refusal.index < len(entries):
                refused += refusal.part == "calls"
                self._set_aside(held, [entries[refusal.index]], refusal.why)
        self.stats.sent += len(calls) - refused
        self._note_progress()

    def _note_progress(self) -> None:
        self.stats.is_failing = False
        self.stats.waiting_since_unix_ns = None
        self._pause_s = 0.0

    def _set_aside(self, held: _Held, entries: list[Entry], why: str) -> None:
        before = held.rejected.discarded
        for entry in entries:
            held.rejected.add(entry, why)
        self.stats.rejected += len(entries)
        self.stats.rejected_discarded += held.rejected.discarded - before

    async def _back_off(self, answer: PostAnswer | None) -> None:
        settings = self._settings
        self._pause_s = min(self._pause_s * 2 or settings.first_pause_s, settings.longest_pause_s)
        asked_s = answer.retry_after_s if answer is not None else None
        if asked_s is not None:
            await self._pause(min(asked_s, settings.longest_pause_s))
        else:
            await self._pause(self._pause_s * self._rng.uniform(0.5, 1.0))

    async def _pause(self, seconds: float) -> None:
        """Wait; a stop ends it, so that the last look comes at once."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _started_unix_ns(batch: Batch) -> int | None:
    ending = decode_ending(batch.calls[0].payload) if batch.calls else None
    return ending.started_unix_ns if ending is not None else None
