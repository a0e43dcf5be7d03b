"""What prompt rules cost: per request, per chunk of a stream, and the event loop's longest wait.

python -m bench.prompt_rules
"""

import asyncio
import time
from collections.abc import Callable

import msgspec

from pointsman.core.facts import Facts
from pointsman.core.provider import StreamChunk
from pointsman.core.records import SCHEMA, CallRecord, Rule
from pointsman.core.redaction.detectors import select
from pointsman.core.redaction.engine import Redactor
from pointsman.gateway.guard import _read, _read_now
from pointsman.gateway.guard_stream import StreamGuard
from pointsman.gateway.guard_texts import BodyTexts
from pointsman.policy.prompt.examination import Examination
from pointsman.policy.prompt.rule import ANSWER, PROMPT, PromptRule

PROSE = "The train to Oslo leaves at nine, and the buffet car is closed on Sundays. "
LINKS = "2026-11-21 04:00 see https://example.org/a/b-c_d?x=1&y=2 for f(x): [1, 2]. "
HITS = "Write to jane.doe@mail.example.org or call +1 212 555 0187 about 4111 1111 1111 1111. "


def rules(count: int) -> tuple[PromptRule, ...]:
    """Return rules that look for everything and redact it."""
    redactor = Redactor(select(["secrets", "personal"]), {"order_id": r"ORD-\d{6}"})
    return tuple(
        PromptRule(rule=Rule(f"policy.rules.r{number}"), action="redact", redactor=redactor)
        for number in range(count)
    )


def body(text: str, size: int) -> bytes:
    """Return a chat body with so many characters."""
    content = (text * (size // len(text) + 1))[:size]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    return msgspec.json.encode({"model": "auto", "temperature": 0.7, "messages": messages})


def check(raw: bytes, applied: tuple[PromptRule, ...]) -> None:
    """Do what a request costs."""
    examination = Examination(applied, PROMPT, Facts())
    texts = BodyTexts.of_request(raw)
    _read_now(texts, examination)
    texts.body()


def microseconds(work: Callable[[], object], seconds: float = 0.5) -> float:
    """Return the CPU time of one call."""
    work()
    count, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        work()
        count += 1
    return (time.process_time() - began) / count * 1e6


def per_chunk(text: str) -> float:
    """Return the CPU time of one chunk of 20 characters."""
    pieces = [text[start : start + 20] for start in range(0, 4000, 20)]
    choices = [[{"index": 0, "delta": {"content": piece}}] for piece in pieces]
    payloads = [msgspec.json.encode({"id": "x", "choices": choice}) for choice in choices]
    record = CallRecord(schema=SCHEMA, request_id="r", trace_id="t", span_id="s", started_unix_ns=1)

    def stream() -> None:
        guard = StreamGuard(record, Examination(rules(1), ANSWER, Facts()), 256)
        for payload in payloads:
            guard.pass_on([StreamChunk(payload)])
        guard.rest()

    return microseconds(stream) / len(payloads)


async def longest_wait_ms(raw: bytes) -> tuple[float, float]:
    """Return how long the loop did not turn while a body was read, and how long that took."""
    longest, running = 0.0, True

    async def turn() -> None:
        nonlocal longest
        last = time.perf_counter()
        while running:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    async with asyncio.TaskGroup() as group:
        group.create_task(turn())
        await asyncio.sleep(0.02)
        texts = BodyTexts.of_request(raw)
        longest, began = 0.0, time.perf_counter()
        await _read(texts, Examination(rules(1), PROMPT, Facts()))
        took = time.perf_counter() - began
        running = False
    return longest * 1e3, took * 1e3


def main() -> None:
    """Print the figures."""
    for count in (1, 5, 20):
        for name, text in (("prose", PROSE), ("links", LINKS), ("hits", HITS)):
            small = microseconds(lambda t=text, n=count: check(body(t, 350), rules_of[n]))
            print(f"{count:3} rules, 350 characters of {name:6} {small:9.1f} µs")
    for name, text in (("prose", PROSE), ("links", LINKS), ("hits", HITS)):
        large = body(text, 100_000)
        cost = microseconds(lambda b=large: check(b, rules_of[1]))
        print(f"  1 rule, 100 kB of {name:6} {cost:9.0f} µs")
        wait, took = asyncio.run(longest_wait_ms(body(text, 1_000_000)))
        print(
            f"1 rule, 1 MB of {name:6} read in {took:.0f} ms, the loop waited {wait:.1f} ms at most"
        )
        print(f"1 rule, one chunk of 20 characters of {name:6} {per_chunk(text * 60):6.1f} µs")


rules_of = {count: rules(count) for count in (1, 5, 20)}

if __name__ == "__main__":
    main()
