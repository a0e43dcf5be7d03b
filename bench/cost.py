"""What pricing one call costs: `cost_of`, first use of a model, memory of the price data.

    .venv/bin/python bench/cost.py

Prints nanoseconds per call (best of 7 rounds) and the growth of the resident set.
"""

import asyncio  # noqa: F401 - every gateway has it loaded; it must not count as price data
import os
import time
import timeit
from pathlib import Path

from pointsman.config.price import PricesConfig
from pointsman.core.usage import Usage
from pointsman.cost.prices import PriceBook
from pointsman.cost.usage import estimate, from_openai_chat
from pointsman.wire.openai.chat import (
    ChatUsage,
    CompletionTokensDetails,
    PromptTokensDetails,
)

AT = 1_790_000_000_000_000_000
ROUNDS = 7
CALLS = 50_000


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def report(name: str, call) -> None:
    best = min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS
    print(f"{name:<46}{best * 1e9:8.0f} ns")


def first_use_us(book: PriceBook, pairs: list[tuple[str, str]]) -> float:
    started = time.perf_counter()
    book.warm(pairs)
    return (time.perf_counter() - started) * 1e6 / len(pairs)


def main() -> None:
    before = resident_mib()
    book = PriceBook(PricesConfig(), "bench")
    started = time.perf_counter()
    book.warm()
    loaded = resident_mib()
    print(f"{'read the price data':<46}{(time.perf_counter() - started) * 1e3:8.0f} ms")
    print(f"{'resident before / after reading':<46}{before:8.1f} / {loaded:.1f} MiB")

    pairs = [("openai", f"gpt-4o-mini-{n}") for n in range(1000)]
    print(f"{'first use of a model':<46}{first_use_us(book, pairs):8.0f} µs")
    unknown = [("openai", f"nobody-knows-{n}") for n in range(1000)]
    print(f"{'first use of an unknown model':<46}{first_use_us(book, unknown):8.0f} µs")
    print(f"{'resident with 2,000 models compiled':<46}{resident_mib():8.1f} MiB")

    plain = Usage(1200, 340)
    cached = Usage(1200, 340, cache_read_tokens=1024, reasoning_tokens=120)
    wire = ChatUsage(1200, 340, 1540, PromptTokensDetails(1024), CompletionTokensDetails(120))
    report(
        "cost_of gpt-4o-mini, two lines", lambda: book.cost_of("openai", "gpt-4o-mini", plain, AT)
    )
    report(
        "cost_of gpt-4o-mini, three lines",
        lambda: book.cost_of("openai", "gpt-4o-mini", cached, AT),
    )
    report(
        "cost_of deepseek-chat (dated, hours)",
        lambda: book.cost_of("deepseek", "deepseek-chat", cached, AT),
    )
    report("cost_of unknown model", lambda: book.cost_of("openai", "nobody", plain, AT))
    report(
        "upper_bound gpt-4o-mini", lambda: book.upper_bound("openai", "gpt-4o-mini", 1200, 500, AT)
    )
    report("from_openai_chat", lambda: from_openai_chat(wire))
    report("estimate", lambda: estimate(1200, 1360))


if __name__ == "__main__":
    main()
