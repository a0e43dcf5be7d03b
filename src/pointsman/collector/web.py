"""The web application of the collector: routes, the guard in front of them, errors, OpenAPI."""

from collections.abc import Sequence

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins import InitPlugin
from litestar.types import ControllerRouterHandler

from pointsman import __version__
from pointsman.collector.alert_routes import ALERT_ROUTES
from pointsman.collector.cost_routes import COST_ROUTES
from pointsman.collector.desk import Desk, WebRequest, desk_of
from pointsman.collector.error_answers import by_accident, by_framework, on_purpose
from pointsman.collector.health_routes import HEALTH_ROUTES
from pointsman.collector.internal_routes import INTERNAL_ROUTES
from pointsman.collector.metrics_routes import METRICS_ROUTES
from pointsman.collector.otlp_routes import OTLP_ROUTES
from pointsman.collector.read_routes import READ_ROUTES
from pointsman.collector.recost_routes import RECOST_ROUTES
from pointsman.collector.tenant_routes import TENANT_ROUTES
from pointsman.collector.usage_routes import USAGE_ROUTES
from pointsman.core.errors import PointsmanError


async def _guard(request: WebRequest) -> None:
    desk_of(request).access.guard(request.headers)


def make_app(
    desk: Desk,
    pages: Sequence[ControllerRouterHandler] = (),
    plugins: Sequence[InitPlugin] = (),
) -> Litestar:
    """Return the application.

    Args:
        desk: What the routes work with.
        pages: Route handlers to be served beside ours: the console's.
        plugins: More settings of the framework that the pages need: templates, static files.
    """
    return Litestar(
        route_handlers=[
            *INTERNAL_ROUTES,
            *TENANT_ROUTES,
            *OTLP_ROUTES,
            *READ_ROUTES,
            *COST_ROUTES,
            *ALERT_ROUTES,
            *RECOST_ROUTES,
            *USAGE_ROUTES,
            *METRICS_ROUTES,
            *HEALTH_ROUTES,
            *pages,
        ],
        state=State({"desk": desk}),
        before_request=_guard,
        exception_handlers={
            PointsmanError: on_purpose,
            HTTPException: by_framework,
            Exception: by_accident,
        },
        openapi_config=OpenAPIConfig(
            title="Pointsman collector",
            version=__version__,
            description="Requests, traces and figures that gateways and applications have sent.",
            path="/api",
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
        request_max_body_size=None,
        plugins=list(plugins),
    )
