"""Bodies and headers of any form: never a 500, always an answer, and a record that holds together.

The requests are drawn from a seed, so that a failure can be made again.
"""

import http.client
import random
import time
from collections.abc import Iterator

import msgspec
import pytest

from pointsman.core import explain
from pointsman.core.reasons import ROUTE_REASONS
from pointsman.core.records import MAX_RECORD_BYTES, Attempt, CallRecord
from pointsman.journal.reader import JournalReader

from running_gateway import RunningGateway, get, running_gateway

REQUESTS = 1200
TEXTS = ["", "auto", "small", "broken", "a/b/c", "x" * 3000, "\x00\r\nx: y", "\u202e", "é😀", "%0d"]
RAW = [
    *b"NaN 1e999 -0 -1 1.5 0 true null [] {} 1e30 -9223372036854775809 18446744073709551616"
    b" 99999999999999999999999999999999 [[[[]]]] ".split(),
    rb'"\ud800"',
    rb'"\ud83d\ude00"',
    b"[" * 600 + b"]" * 600,
    b'{"a":' * 2000,
]
FIELDS = [
    "messages",
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "tools",
    "response_format",
    "user",
    "tenant_id",
    "metadata",
    "temperature",
    "store",
    "role",
    "content",
    "type",
    "text",
    "function",
    "name",
    "include_usage",
    "tier",
    "plan",
    "tags",
    "user_id",
]
HEADERS = [
    f"x-pointsman-{name}"
    for name in [
        "run-id",
        "conversation-id",
        "workload",
        "tenant",
        "user",
        "feature",
        "environment",
        "tags",
        "target",
        "explain",
    ]
] + ["traceparent", "authorization", "x-api-key"]
VALUES = [
    "",
    "a",
    "team=search,beta",
    "a=%ED%A0%80,b=%00",
    "x" * 5000,
    "k=v," * 100,
    "café",
    "true",
]
CONFIG = """
providers:
  mock: {kind: mock, default: true}
  flaky: {kind: mock, script: script.yaml}
targets:
  small: {provider: mock, model: gpt-4o-mini}
  broken: {provider: flaky, model: gpt-4o}
routes:
  auto: {targets: [broken, small]}
"""
SCRIPT = "rules: [{repeat: true, steps: [{status: 500}, {}, {cut_after_chunks: 1}, {status: 400}]}]"


class Drawing:
    """Draws requests."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def value(self, depth: int = 0) -> bytes:
        """Return a JSON value, or what only looks like one."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.4 or depth > 3:
            return rng.choice(RAW)
        if kind < 0.65:
            return msgspec.json.encode(rng.choice(TEXTS))
        if kind < 0.8:
            return b"[" + b",".join(self.value(depth + 1) for _ in range(rng.randrange(4))) + b"]"
        members = (self.member(depth) for _ in range(rng.randrange(5)))
        return b"{" + b",".join(members) + b"}"

    def member(self, depth: int) -> bytes:
        """Return a member of an object, mostly one that means something."""
        name = self._rng.choice(FIELDS + TEXTS)
        return msgspec.json.encode(name) + b":" + self.value(depth + 1)

    def body(self) -> bytes:
        """Return a good body with up to three wrong members, some of them twice."""
        rng = self._rng
        parts = [b'"messages":[{"role":"user","content":"hi"}]']
        parts.append(b'"model":' + msgspec.json.encode(rng.choice([*TEXTS, "gpt-4o"])))
        if rng.random() < 0.4:
            parts.append(b'"stream":true')
        parts += [self.member(0) for _ in range(rng.randrange(4))]
        rng.shuffle(parts)
        body = b"{" + b",".join(parts) + b"}"
        return body[: rng.randrange(len(body))] if rng.random() < 0.03 else body

    def headers(self) -> dict[str, bytes]:
        """Return headers, some with surprising values."""
        chosen = [name for name in HEADERS if self._rng.random() < 0.1]
        drawn = {name: self._rng.choice(VALUES).encode() for name in chosen}
        return {"content-type": b"application/json", **drawn}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Two providers, one of which mostly fails."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "script.yaml").write_text(SCRIPT)
    with running_gateway(folder, config=CONFIG) as running:
        yield running


def test_any_request_gets_an_answer_that_clients_can_read(gateway: RunningGateway):
    """GW-15: the OpenAI error object, or what the provider said; never a fault of the gateway."""
    drawing = Drawing(11)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    count = 0
    try:
        for _ in range(REQUESTS):
            body, headers = drawing.body(), drawing.headers()
            connection.request("POST", "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            count += 1
            assert answer.status != 500, (body, headers, said)
            if answer.status != 200:
                error = msgspec.json.decode(said)["error"]
                assert set(error) >= {"message", "type", "param", "code"}
            elif "event-stream" in answer.headers["content-type"]:
                assert said.endswith(b"data: [DONE]\n\n") or b'{"error":' in said
            else:
                assert msgspec.json.decode(said)["object"] == "chat.completion"
    finally:
        connection.close()

    records = _records(gateway, count)
    assert len({record.request_id for record in records}) == count
    for record in records:
        _check(record)
    text = get(f"{gateway.url}/metrics")[2].decode().splitlines()
    assert "pointsman_reservations 0.0" in text
    assert "pointsman_requests_in_flight 0.0" in text


def _records(gateway: RunningGateway, count: int) -> list[CallRecord]:
    reader = JournalReader(gateway.data_dir / "journal")
    deadline = time.monotonic() + 10
    while len(records := reader.newest(2 * count)) < count:
        assert time.monotonic() < deadline, f"{count - len(records)} requests have no record"
        time.sleep(0.02)
    return records


def _check(record: CallRecord) -> None:
    """Hold a record to what every record promises."""
    encoded = msgspec.json.encode(record)
    assert len(encoded) <= MAX_RECORD_BYTES
    assert msgspec.json.decode(encoded, type=CallRecord) == record
    assert record.reason in ROUTE_REASONS
    assert record.duration_ns is not None
    starts = [stage.start_ns for stage in record.stages]
    assert starts == sorted(starts)
    eligible = [each.target for each in record.candidates if each.eligible]
    for attempt in record.attempts:
        assert attempt.target in eligible
        _check_attempt(attempt, record.duration_ns)
    if record.served_target is not None:
        assert record.served_target == record.attempts[-1].target
    assert (record.outcome in {"success", "truncated", "blocked"}) == (record.error is None)
    told = explain.paragraph(record) + explain.tree(record)
    assert not any(character < " " and character != "\n" for character in told)
    assert "\u202e" not in told
    assert explain.flat(record)


def _check_attempt(attempt: Attempt, duration_ns: int) -> None:
    assert attempt.end_ns is not None
    assert attempt.start_ns <= attempt.end_ns <= duration_ns
    if attempt.first_byte_ns is not None:
        assert attempt.start_ns <= attempt.first_byte_ns <= attempt.end_ns
    if attempt.reservation is not None:
        assert attempt.reservation.settled_nano_usd is not None
    cost, usage = attempt.cost, attempt.usage
    if cost is not None and cost.total_nano_usd is not None:
        assert cost.total_nano_usd == sum(line.nano_usd for line in cost.lines) >= 0
    if usage is not None:
        assert (usage.input_tokens or 0) >= 0
        assert (usage.output_tokens or 0) >= 0
