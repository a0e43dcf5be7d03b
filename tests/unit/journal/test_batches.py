"""Cutting a journal into batches: nothing twice, nothing left out, whatever the writer does."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from journal_entries import make_begin, make_content, make_record, open_writer, request_id
from pointsman.journal import batches
from pointsman.journal.batches import FolderFeed
from pointsman.journal.cursor import CURSOR_NAME, Position, load_cursor
from pointsman.journal.segments import segment_paths
from pointsman.wire.record_batch import decode_batch


def ids(batch) -> list[str]:
    """Return the request ids of a batch's records."""
    return [msgspec.json.decode(entry.payload)["request_id"] for entry in batch.calls]


def drain(feed: FolderFeed) -> list[str]:
    """Deliver everything there is; return the request ids."""
    found: list[str] = []
    while (batch := feed.take()) is not None:
        found += ids(batch)
        feed.commit(batch.end)
    return found


def test_records_come_in_order_and_once(tmp_path):
    """A committed batch does not come again, also not to a feed of the next process."""
    folder = tmp_path / "w"
    writer = open_writer(folder)
    for number in range(3):
        writer.begin(make_begin(number))
        writer.end(make_record(number))
    writer.flush()
    feed = FolderFeed(folder)

    first = feed.take()
    again = feed.take()
    feed.commit(first.end)

    assert ids(first) == [request_id(number) for number in range(3)]
    assert again.body() == first.body()
    assert feed.take() is None
    writer.end(make_record(3))
    writer.flush()
    assert drain(FolderFeed(folder)) == [request_id(3)]
    writer.close()


def test_a_feed_that_is_behind_takes_more_at_once_until_it_has_caught_up(tmp_path):
    """Each batch costs the collector a transaction: many small ones would never catch up."""
    folder = tmp_path / "w"
    writer = open_writer(folder)
    feed = FolderFeed(folder)

    def sizes(records: int) -> list[int]:
        for number in range(records):
            writer.end(make_record(number), [make_content(number, "request", b"y" * 4_000)])
        writer.flush()
        found = []
        while (batch := feed.take()) is not None:
            found.append(sum(len(entry.payload) for entry in batch.entries))
            feed.commit(batch.end)
        return found

    behind, again = sizes(1_000), sizes(1_000)
    writer.close()

    assert behind[0] <= batches.WINDOW_BYTES < behind[1]
    assert batches.BEHIND_WINDOW_BYTES * 0.9 < max(behind) <= batches.BEHIND_WINDOW_BYTES
    assert again[0] <= batches.WINDOW_BYTES


def test_begins_alone_are_nothing_to_send(tmp_path):
    """A request that is under way is not told."""
    writer = open_writer(tmp_path / "w")
    writer.begin(make_begin(1))
    writer.flush()

    assert FolderFeed(tmp_path / "w").take() is None
    writer.close()


def test_content_travels_with_its_record(tmp_path):
    """Prompt and answer are in the batch of their record, in the form they have on disk."""
    writer = open_writer(tmp_path / "w")
    writer.end(
        make_record(1), [make_content(1, "request", b"a\nb"), make_content(1, "response", b"c")]
    )
    writer.flush()

    received = decode_batch(FolderFeed(tmp_path / "w").take().body())

    assert (received.head.calls, received.head.contents) == (1, 2)
    assert msgspec.json.decode(received.contents[0])["kind"] == "request"
    writer.close()


def test_content_in_one_segment_waits_for_its_record_in_the_next(tmp_path):
    """A segment may be closed between the two."""
    folder = tmp_path / "w"
    writer = open_writer(folder)
    writer._queue_content(make_content(1, "request", b"prompt"))
    writer.flush()
    writer.close()
    assert FolderFeed(folder).take() is None

    writer = open_writer(folder)
    writer.end(make_record(1))
    writer.flush()
    batch = FolderFeed(folder).take()

    assert (len(batch.calls), len(batch.contents)) == (1, 1)
    assert batch.end.segment == 2
    writer.close()


def test_a_long_prompt_fits(tmp_path):
    """Half a megabyte of prompt and of answer, in base64, are more than one window."""
    writer = open_writer(tmp_path / "w", segment_bytes=10_000_000)
    long = b"x" * 500_000
    writer.end(
        make_record(1), [make_content(1, "request", long), make_content(1, "response", long)]
    )
    writer.end(make_record(2))
    writer.flush()

    assert drain(FolderFeed(tmp_path / "w")) == [request_id(1), request_id(2)]
    writer.close()


def test_a_torn_frame_of_a_dead_writer_is_left_behind(tmp_path):
    """What was written after it, in the next segment, comes all the same."""
    folder = tmp_path / "w"
    writer = open_writer(folder)
    writer.end(make_record(1))
    writer.end(make_record(2))
    writer.close()
    (path,) = segment_paths(folder)
    path.write_bytes(path.read_bytes()[:-20])
    writer = open_writer(folder)
    writer.end(make_record(3))
    writer.close()

    assert drain(FolderFeed(folder)) == [request_id(1), request_id(3)]


def test_segments_deleted_before_delivery_are_counted(tmp_path):
    """The bound of the journal is kept while the collector is away; what went is told."""
    folder = tmp_path / "w"
    for number in range(4):
        writer = open_writer(folder)
        writer.end(make_record(number))
        writer.close()
    feed = FolderFeed(folder)
    feed.commit(feed.take().end)
    for path in segment_paths(folder)[:3]:
        path.unlink()

    assert drain(feed) == [request_id(3)]
    assert feed.lost_segments == 3


def test_an_emptied_folder_is_read_from_its_start(tmp_path):
    """Numbers start again; the digest keeps the ids of batches apart."""
    folder = tmp_path / "w"
    writer = open_writer(folder)
    writer.end(make_record(1))
    writer.close()
    feed = FolderFeed(folder)
    first = feed.take()
    feed.commit(Position(7, 100))
    for path in segment_paths(folder):
        path.unlink()
    writer = open_writer(folder)
    writer.end(make_record(2))
    writer.close()

    second = feed.take()

    assert ids(second) == [request_id(2)]
    assert decode_batch(first.body()).head.batch_id != decode_batch(second.body()).head.batch_id


def test_a_damaged_cursor_starts_from_the_beginning(tmp_path):
    """Everything is sent again, and known by its ids."""
    (tmp_path / CURSOR_NAME).write_text("[1")

    assert load_cursor(tmp_path) == Position(0, 0)


def test_the_lag_is_what_was_not_delivered(tmp_path):
    """In bytes of the segments."""
    folder = tmp_path / "w"
    writer = open_writer(folder)
    writer.end(make_record(1))
    writer.close()
    feed = FolderFeed(folder)
    before = feed.lag_bytes()

    drain(feed)

    assert before == segment_paths(folder)[0].stat().st_size
    assert feed.lag_bytes() == 0


def test_halves_of_a_batch_keep_contents_with_their_records(tmp_path):
    """So that each half can be taken on its own."""
    writer = open_writer(tmp_path / "w")
    for number in range(3):
        writer.end(make_record(number), [make_content(number, "request", b"x")])
    writer.flush()

    first, second = FolderFeed(tmp_path / "w").take().halves()

    assert [len(first.calls), len(first.contents)] == [2, 2]
    assert [len(second.calls), len(second.contents)] == [1, 1]
    assert first.halves()[0].halves() == [first.halves()[0]]
    writer.close()


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["end", "content", "begin", "close", "deliver", "restart"]), max_size=40
    ),
    window=st.sampled_from([600, 4_000, 262_144]),
)
def test_every_record_is_delivered_once_in_order(tmp_path_factory, steps, window):
    """However writing, closing, delivering and restarting alternate."""
    folder = tmp_path_factory.mktemp("journal") / "w"
    before, batches.WINDOW_BYTES = batches.WINDOW_BYTES, window
    try:
        writer = open_writer(folder)
        feed = FolderFeed(folder)
        written, delivered = 0, []
        for step in [*steps, "deliver"]:
            if step == "end":
                writer.end(make_record(written))
                written += 1
            elif step == "content":
                writer.end(make_record(written), [make_content(written, "request", b"y" * 900)])
                written += 1
            elif step == "begin":
                writer.begin(make_begin(written))
            elif step == "close":
                writer.close()
                writer = open_writer(folder)
            elif step == "restart":
                feed = FolderFeed(folder)
            else:
                writer.flush()
                delivered += drain(feed)
        writer.close()
    finally:
        batches.WINDOW_BYTES = before

    assert delivered == [request_id(number) for number in range(written)]
