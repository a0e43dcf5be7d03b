"""What all connections of one listener share: limits, ids, clock and counts."""

from asyncio import Event

from uvicorn.server import ServerState

from pointsman.core.clock import Clock
from pointsman.core.ids import IdSource
from pointsman.server.limits import ServerLimits
from pointsman.server.rejections import RejectionCounts


class SharedState(ServerState):
    """uvicorn's shared state (open connections, running tasks, default headers) and ours."""

    def __init__(
        self, limits: ServerLimits, *, ids: IdSource, clock: Clock, header_prefix: str
    ) -> None:
        super().__init__()
        self.limits = limits
        self.ids = ids
        self.clock = clock
        self.header_prefix = header_prefix
        self.rejections = RejectionCounts()
        self.is_stopping = False
        self.all_closed = Event()
        """Set when the last connection is lost while the listener stops."""
