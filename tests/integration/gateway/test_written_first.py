"""The journal has a call before its provider hears of it, and a record before its answer leaves.

Whoever was answered then finds a success in the records, and whoever was asked has an attempt
there, however soon after that the gateway is killed.
"""

import socket
from pathlib import Path

from pointsman.config.data_folder import DataFolder
from pointsman.config.loader import load_text
from pointsman.journal.reader import JournalReader
from watched_gateway import WatchedGateway, client_of, plain, upstreams

CONFIG = """
providers: {{live: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: any-key}}}}
targets: {{small: {{provider: live, model: gpt-4o-mini}}}}
"""


class ReadAtOnce(WatchedGateway):
    """Reads the journal as another process would, within the step that wrote to it."""

    def __init__(self, *args, folder: Path, **kwargs) -> None:
        self._journal_folder = folder / "journal"
        self.begun: list[bool] = []
        self.ended: list[bool] = []
        super().__init__(*args, **kwargs)

    def _journal_begin(self, record, attempt) -> None:
        super()._journal_begin(record, attempt)
        reader = JournalReader(self._journal_folder)
        self.begun.append(bool(reader.under_way(record.request_id)))

    def _journal_end(self, record, captured) -> None:
        super()._journal_end(record, captured)
        reader = JournalReader(self._journal_folder)
        self.ended.append(reader.find(record.request_id) is not None)


async def test_nobody_outside_knows_of_a_request_before_the_journal(tmp_path: Path):
    """Invariant 8: what a kill cuts off is what nobody has seen yet."""
    async with upstreams("live") as providers:
        config = CONFIG.format(port=providers["live"].server.port)
        loaded = load_text(config, file="pointsman.yaml", environment={})
        opened = DataFolder.open(tmp_path)
        gateway = ReadAtOnce(loaded, opened, folder=tmp_path)
        bound = socket.create_server(("127.0.0.1", 0))
        await gateway.start(bound)
        async with client_of(gateway, max_retries=0) as client:
            answer = await plain(client, "small")
        await gateway.stop(2.0)
        bound.close()
        opened.close()

    assert answer.startswith("answer of")
    assert (gateway.begun, gateway.ended) == ([True], [True])
