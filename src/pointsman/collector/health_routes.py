"""Whether the collector lives and can take records; figures for those who have the admin token."""

from litestar import Response, get
from msgspec.structs import asdict

from pointsman import __version__
from pointsman.collector.desk import WebRequest, desk_of
from pointsman.collector.read_messages import CollectorHealth


@get("/health", include_in_schema=False)
async def health() -> dict[str, object]:
    """Answer that the process lives. Needs no token."""
    return {"ok": True, "version": __version__}


@get("/ready", include_in_schema=False)
async def ready(request: WebRequest) -> Response[dict[str, object]]:
    """Answer whether the store can be asked. Needs no token, and says no more than that."""
    await desk_of(request).store.config_version("")
    return Response({"ready": True})


@get("/api/v1/health", tags=["overview"])
async def figures(request: WebRequest) -> CollectorHealth:
    """Return what is kept and what was taken. Needs the admin token."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    stats = await desk.store.stats()
    return CollectorHealth(
        ok=True,
        version=__version__,
        engine=stats.engine,
        schema=stats.schema,
        rows=stats.rows,
        bytes_on_disk=stats.bytes_on_disk,
        taken=asdict(desk.pipeline.stats),
        workers=list(desk.pipeline.workers.values()),
        in_hand_bytes=desk.intake.in_hand_bytes,
        refused_busy=desk.intake.refused,
    )


HEALTH_ROUTES = [health, ready, figures]
