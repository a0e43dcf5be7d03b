"""What redaction costs, on clean, on busy and on hostile text, in CPU time.

.venv/bin/python bench/redaction.py
"""

import time
import timeit

from pointsman.core.redaction.engine import Redactor
from pointsman.core.redaction.hashing import ContentHasher, derive_tenant_key
from pointsman.core.redaction.secrets import SecretMask

ROUNDS = 7
PROSE = (
    "The quick brown fox jumps over the lazy dog while nobody is watching, and then it rests; "
    "summarise this well-known story in two short sentences: what happened, who saw it? "
    "Be brief - thanks. Yes....."
)[:200]
NUMBERS = PROSE.replace("two", "2").replace("brown", "1,200")
BUSY = (
    PROSE + " On 2024-01-15 at 10:30:00 we shipped 1234567 items, see https://example.com/a?b=c "
    "and std::vector @mention\n"
)
HITS = (
    "Mail bob@example.com or call +1 415 555 0100, card 4111 1111 1111 1111, ip 192.168.1.77, "
    "key sk-proj-abcDEF1234567890abcd ok"
)
BODY = (
    b'{"model":"auto","messages":[{"role":"system","content":"You are a helpful assistant."},'
    b'{"role":"user","content":"' + PROSE.encode() + b'"}],"temperature":0.2,"stream":true}'
)
# The dearest unit among those of tests/unit/core/redaction/test_engine.py.
HOSTILE = "4111 " * 20_000


def report(name: str, call, calls: int) -> None:
    best = min(timeit.repeat(call, number=calls, repeat=ROUNDS, timer=time.process_time)) / calls
    print(f"{name:<46}{best * 1e6:12.2f} µs")


def main() -> None:
    redactor = Redactor()
    long_prose, long_busy = (PROSE + "\n") * 500, BUSY * 330
    report("clean prose, 200 B", lambda: redactor.redact(PROSE), 20_000)
    report("clean prose with digits, 200 B", lambda: redactor.redact(NUMBERS), 20_000)
    report("a role or model name", lambda: redactor.redact("gpt-4o-mini"), 20_000)
    report("five hits in 120 B", lambda: redactor.redact(HITS), 2_000)
    report(f"clean prose, {len(long_prose)} B", lambda: redactor.redact(long_prose), 20)
    report(f"dates, links, code, {len(long_busy)} B", lambda: redactor.redact(long_busy), 5)
    report(f"hostile, {len(HOSTILE)} B", lambda: redactor.redact(HOSTILE), 1)
    report(f"redact_json, chat body of {len(BODY)} B", lambda: redactor.redact_json(BODY), 20_000)
    hasher = ContentHasher(derive_tenant_key(bytes(32), "acme"))
    report(f"hash of a body, {len(BODY)} B", lambda: hasher.of(BODY), 20_000)
    mask = SecretMask([f"sk-secret-number-{n}" for n in range(20)])
    report("mask 20 secrets, 200 B", lambda: mask.mask(PROSE), 20_000)


if __name__ == "__main__":
    main()
