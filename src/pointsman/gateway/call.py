"""One request on its way through the gateway, and the two forms of an answer.

The server makes a `Call` and sends a `Reply` or a `StreamReply`; neither knows the other's world
(ASGI, sockets) or this one's (routes, targets).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import SystemClock
from pointsman.core.deadline import Deadline
from pointsman.core.detour import Detour
from pointsman.core.dialect import Asked, Dialect
from pointsman.core.facts import Facts
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.ids import TraceContext
from pointsman.core.records import CallRecord, Stage
from pointsman.core.target import Target
from pointsman.core.terms import NO_TERMS, Terms
from pointsman.policy.admission import Admission

Write: TypeAlias = Callable[[bytes], Awaitable[None]]


class Call:
    """Everything the stages know about one request; filled in place, in their order."""

    __slots__ = (
        "abort",
        "admission",
        "asked",
        "body",
        "deadline",
        "detour",
        "dialect",
        "drop_keys",
        "facts",
        "flag",
        "headers",
        "principal",
        "record",
        "retry_first",
        "started_ns",
        "targets",
        "terms",
        "trace",
        "wants_record",
    )

    def __init__(
        self,
        *,
        record: CallRecord,
        dialect: Dialect,
        trace: TraceContext,
        headers: Mapping[str, str],
        body: bytes,
        abort: AbortSignal,
        started_ns: int,
    ) -> None:
        self.record = record
        self.dialect = dialect
        """What the client speaks."""
        self.trace = trace
        self.headers = headers
        """Lower-case names."""
        self.body = body
        self.abort = abort
        self.started_ns = started_ns
        """Monotonic; every time in the record counts from here."""
        self.principal: Principal = ANONYMOUS
        self.asked: Asked = _NOTHING_ASKED
        self.facts: Facts = _NO_FACTS
        self.targets: list[Target] = []
        self.retry_first = False
        self.deadline: Deadline = _NO_DEADLINE
        self.drop_keys: tuple[str, ...] = ()
        self.admission: Admission | None = None
        """What the request has counted and may hold; None when no rule is configured."""
        self.terms: Terms = NO_TERMS
        """What its tenant and plan say about names."""
        self.detour: Detour | None = None
        """Where a prompt rule sends the request; None leaves it to its model name."""
        self.flag: str | None = None
        """What is wrong with the tool calls of the answer, for the client; None is nothing."""
        self.wants_record = False
        """Whether the caller asked for the whole record in the answer and may see it."""

    def stage(self, name: str, began_ns: int, ended_ns: int) -> None:
        """Put a finished step into the record."""
        self.record.stages.append(Stage(name, began_ns - self.started_ns, ended_ns - began_ns))


class Reply:
    """A whole answer, ready to send."""

    __slots__ = ("body", "headers", "record", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        record: CallRecord,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.record = record
        self.headers = headers
        """Headers that belong to this answer alone, such as `retry-after`."""


class StreamReply:
    """A streamed answer. `pump` writes it, then settles and records, whatever happens."""

    __slots__ = ("headers", "pump", "record")

    def __init__(
        self,
        record: CallRecord,
        pump: Callable[[Write], Awaitable[None]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.record = record
        self.pump = pump
        self.headers = headers
        """As of a `Reply`."""


_NO_DEADLINE = Deadline(SystemClock(), 0)
_NO_FACTS = Facts()
_NOTHING_ASKED = Asked(facts=_NO_FACTS, model=None)
