"""Joins a gateway worker's journal with the collector: the sender, and how it posts."""

from pointsman.app.collector_link import CollectorAddress
from pointsman.config.data_folder import DataFolder
from pointsman.core.abort import AbortSignal
from pointsman.core.clock import Clock
from pointsman.core.deadline import Deadline
from pointsman.core.target import Timeouts
from pointsman.gateway.gauges import Figure
from pointsman.journal.sender import PostAnswer, PostFailedError, RecordSender
from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import HttpRequest, TransportError
from pointsman.transport.settings import TransportSettings, parse_base_url
from pointsman.wire.record_batch import RECORDS_PATH, RECORDS_TYPE

STOP_GRACE_S = 3.0
"""How long a worker that stops still delivers; the rest waits for the next start."""
_MAX_ANSWER_BYTES = 4_194_304
_TIMEOUTS = Timeouts(connect_s=2.0, first_token_s=30.0, idle_s=10.0, total_s=60.0)


class CollectorPost:
    """Posts batches to one collector.

    Args:
        url: Its address, with a path prefix if it has one.
        token: The ingest token.
        clock: For deadlines.

    Raises:
        ValueError: The address cannot be used.
    """

    def __init__(self, url: str, token: str, clock: Clock) -> None:
        origin, prefix = parse_base_url(url)
        self._client = HttpClient(origin, TransportSettings(max_connections=2), clock)
        self._path = prefix + RECORDS_PATH
        self._headers = {"content-type": RECORDS_TYPE, "authorization": f"Bearer {token}"}
        self._clock = clock

    async def __call__(self, body: bytes) -> PostAnswer:
        """Post one batch; see `journal.sender.Post`."""
        request = HttpRequest(
            path=self._path,
            headers=self._headers,
            body=body,
            is_repeatable=True,  # the collector knows a batch by its id
            timeouts=_TIMEOUTS,
            deadline=Deadline.after(self._clock, _TIMEOUTS.total_s),
            abort=AbortSignal(),
        )
        try:
            response = await self._client.send(request)
            try:
                answer = await response.read(_MAX_ANSWER_BYTES)
            finally:
                response.close()
        except TransportError as error:
            raise PostFailedError(f"the collector does not answer: {error}") from None
        asked = response.headers.get("retry-after", "")
        retry_after_s = float(asked) if asked.isdecimal() else None
        return PostAnswer(response.status, answer, retry_after_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class Delivery:
    """The sender of one worker with its connection.

    Args:
        folder: Has the journal.
        worker: Name of the worker's folder in the journal.
        address: Where records go.
        clock: For everything.

    Raises:
        ValueError: The address cannot be used.
    """

    def __init__(
        self, folder: DataFolder, worker: str, address: CollectorAddress, clock: Clock
    ) -> None:
        self._post = CollectorPost(address.url, address.token, clock)
        self.sender = RecordSender(folder.journal, worker, self._post, clock)

    def start(self) -> None:
        """Begin to deliver."""
        self.sender.start()

    async def stop(self) -> None:
        """Deliver what can be delivered in a moment, then stop."""
        await self.sender.stop(STOP_GRACE_S)
        await self._post.close()

    def state(self) -> dict[str, object]:
        """Return how delivery goes, for `/ready`."""
        stats = self.sender.stats
        return {
            "failing": stats.is_failing,
            "lag_s": round(self.sender.lag_s(), 3),
            "waiting_bytes": self.sender.lag_bytes(),
            "rejected": stats.rejected,
            "lost": self.sender.lost(),
            "last_error": stats.last_error if stats.is_failing else None,
        }

    def figures(self) -> list[Figure]:
        """Return the metrics of delivery."""
        sender, stats = self.sender, self.sender.stats
        return [
            Figure("pointsman_delivery_sent", "Records delivered.", lambda: stats.sent, True),
            Figure("pointsman_delivery_resent", "Batches sent again.", lambda: stats.resent, True),
            Figure(
                "pointsman_delivery_rejected",
                "Entries that the collector will never take, set aside as files.",
                lambda: stats.rejected,
                True,
            ),
            Figure(
                "pointsman_delivery_dropped",
                "Journal segments and loose contents lost before delivery, and rejected entries "
                "there was no room for.",
                lambda: sender.lost() + stats.rejected_discarded,
                True,
            ),
            Figure(
                "pointsman_delivery_spool_bytes",
                "Bytes of the journal that wait for the collector.",
                sender.lag_bytes,
            ),
            Figure(
                "pointsman_delivery_lag_entries",
                "Entries that wait for the collector, estimated from their bytes.",
                sender.lag_entries,
            ),
            Figure(
                "pointsman_delivery_lag_seconds",
                "Age of the oldest request that could not be delivered; 0 when none waits.",
                sender.lag_s,
            ),
        ]
