"""The sender: what it does when the collector is away, slow, full, or will not take something."""

import asyncio
import random
from collections.abc import Callable

import msgspec
import pytest

from journal_entries import make_content, make_record, open_writer, request_id
from pointsman.core.clock import ManualClock
from pointsman.journal.cursor import load_cursor
from pointsman.journal.lock import FolderLock
from pointsman.journal.sender import (
    SENDING_LOCK,
    PostAnswer,
    PostFailedError,
    RecordSender,
    SenderSettings,
)
from pointsman.wire.record_batch import BatchAnswer, Refusal, decode_batch, encode_answer

FAST = SenderSettings(poll_s=0.001, first_pause_s=0.001, longest_pause_s=0.002, others_every_s=0)


class StandInCollector:
    """Takes batches as told; remembers what it took."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.batch_ids: list[str] = []
        self.failures: list[PostAnswer | None] = []
        """Answers to give first; None gives none."""
        self.judge: Callable[[list[str]], PostAnswer | None] = lambda _: None

    async def __call__(self, body: bytes) -> PostAnswer:
        received = decode_batch(body)
        ids = [msgspec.json.decode(line)["request_id"] for line in received.calls]
        self.batch_ids.append(received.head.batch_id)
        if self.failures:
            answer = self.failures.pop(0)
            if answer is None:
                raise PostFailedError("refused")
            return answer
        verdict = self.judge(ids)
        if verdict is not None:
            return verdict
        self.taken += ids
        return PostAnswer(200, encode_answer(BatchAnswer(stored=len(ids))))


@pytest.fixture
def post():
    return StandInCollector()


@pytest.fixture
def write(tmp_path):
    """Write records to the journal of a worker that is alive."""
    writers = {}

    def write(*numbers: int, worker: str = "w", content: bytes | None = None) -> None:
        if worker not in writers:
            writers[worker] = open_writer(tmp_path / worker)
        for number in numbers:
            parts = [make_content(number, "request", content)] if content is not None else []
            writers[worker].end(make_record(number), parts)
        writers[worker].flush()

    yield write
    for writer in writers.values():
        writer.close()


def make_sender(tmp_path, post) -> RecordSender:
    return RecordSender(tmp_path, "w", post, ManualClock(), FAST, rng=random.Random(1))


async def stopped(sender: RecordSender) -> RecordSender:
    await sender.stop(1.0)
    return sender


async def test_records_are_delivered_and_the_cursor_moves(tmp_path, post, write):
    """Once the collector says they are on disk."""
    write(1, 2)
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    await stopped(sender)

    assert post.taken == [request_id(1), request_id(2)]
    assert sender.stats.sent == 2
    assert load_cursor(tmp_path / "w").segment == 1


@pytest.mark.parametrize(
    "failure",
    [None, PostAnswer(503), PostAnswer(429, retry_after_s=0.001), PostAnswer(401), PostAnswer(409),
     PostAnswer(500), PostAnswer(200, b"not an answer")],
)  # fmt: skip
async def test_what_may_pass_is_tried_again_unchanged(tmp_path, post, write, failure):
    """The same bytes under the same id, until they are taken."""
    write(1)
    post.failures = [failure, failure]
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    await stopped(sender)

    assert post.taken == [request_id(1)]
    assert len(set(post.batch_ids)) == 1
    assert (sender.stats.resent, sender.stats.sent) == (2, 1)
    assert not sender.stats.is_failing


async def test_the_cursor_stays_while_the_collector_is_away(tmp_path, post, write):
    """The next process sends it again."""
    write(1)
    post.judge = lambda _: PostAnswer(503)
    sender = make_sender(tmp_path, post)
    sender.start()
    while len(post.batch_ids) < 3:
        await asyncio.sleep(0)
    assert sender.stats.is_failing
    assert sender.lag_bytes() > 0
    assert sender.stats.waiting_since_unix_ns is not None
    await sender.stop(1.0)

    post.judge = lambda _: None
    after = make_sender(tmp_path, post)
    await after.deliver_all()
    await stopped(after)

    assert post.taken == [request_id(1)]
    assert len(set(post.batch_ids)) == 1


async def test_a_stop_delivers_what_is_there(tmp_path, post, write):
    """A gateway that stops leaves nothing behind when the collector answers."""
    sender = make_sender(tmp_path, post)
    sender.start()
    write(1)

    await sender.stop(5.0)

    assert post.taken == [request_id(1)]


async def test_a_stop_does_not_wait_for_a_dead_collector(tmp_path, post, write):
    """The journal keeps it for the next start."""
    write(1)
    post.judge = lambda _: PostAnswer(503)
    sender = make_sender(tmp_path, post)
    sender.start()

    async with asyncio.timeout(5.0):
        await sender.stop(60.0)

    assert post.taken == []


@pytest.mark.parametrize("status", [400, 413])
async def test_one_bad_record_does_not_hold_up_the_others(tmp_path, post, write, status):
    """The batch is halved until the bad one stands alone; that one is set aside."""
    write(*range(8))
    bad = request_id(5)
    post.judge = lambda ids: PostAnswer(status, b"no") if bad in ids else None
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    await stopped(sender)

    assert post.taken == [request_id(number) for number in range(8) if number != 5]
    (file,) = (tmp_path / "w" / "rejected").iterdir()
    why, payload = file.read_bytes().split(b"\n", 1)
    assert str(status) in msgspec.json.decode(why)["rejected_because"]
    assert msgspec.json.decode(payload)["request_id"] == bad
    assert (sender.stats.rejected, sender.stats.sent) == (1, 7)


async def test_what_the_collector_refuses_by_name_is_set_aside(tmp_path, post, write):
    """The others of the batch are on its disk."""
    write(1, 2, content=b"prompt")
    refusals = [Refusal("calls", 1, "no"), Refusal("contents", 0, "no"), Refusal("calls", 99, "?")]
    post.judge = lambda _: PostAnswer(200, encode_answer(BatchAnswer(stored=1, rejected=refusals)))
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    await stopped(sender)

    assert sender.stats.rejected == 2
    assert len(list((tmp_path / "w" / "rejected").iterdir())) == 2
    assert sender.stats.sent == 1


async def test_the_records_of_a_dead_worker_are_delivered(tmp_path, post, write):
    """Nobody else would."""
    writer = open_writer(tmp_path / "dead")
    writer.end(make_record(1))
    writer.close()
    write(2, worker="alive")
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    await stopped(sender)

    assert post.taken == [request_id(1)]


async def test_two_senders_do_not_share_a_folder(tmp_path, post, write):
    """Whoever locks it first delivers from it."""
    write(1)
    lock = FolderLock(tmp_path / "w", patient=False, name=SENDING_LOCK)
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    assert post.taken == []
    lock.close()
    await sender.deliver_all()
    await stopped(sender)

    assert post.taken == [request_id(1)]


async def test_a_full_rejected_folder_only_counts(tmp_path, post, write, monkeypatch):
    """A bound that nothing can grow over."""
    monkeypatch.setattr("pointsman.journal.rejected.MAX_FILES", 1)
    write(1, 2, 3)
    post.judge = lambda _: PostAnswer(400, b"no")
    sender = make_sender(tmp_path, post)

    await sender.deliver_all()
    await stopped(sender)

    assert len(list((tmp_path / "w" / "rejected").iterdir())) == 1
    assert (sender.stats.rejected, sender.stats.rejected_discarded) == (3, 2)
