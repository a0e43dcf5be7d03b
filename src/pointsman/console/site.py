"""The door of the console: its route handlers, made from its settings."""

import logging
from typing import Any

from litestar import Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from pointsman.console import (
    access,
    alerts_page,
    answers,
    audit_page,
    costs_page,
    live,
    overview_page,
    request_list,
    request_page,
    trace_list,
    trace_page,
)
from pointsman.console.guard import check_host
from pointsman.console.markup import Listeners, Site, make_environment
from pointsman.console.settings import ConsoleSettings
from pointsman.console.static_files import StaticFiles
from pointsman.console.viewer import Viewer, viewer_of
from pointsman.core.errors import PointsmanError

_log = logging.getLogger(__name__)
_HANDLERS: tuple[ControllerRouterHandler, ...] = (
    access.static_file,
    access.login_page,
    access.log_in,
    access.log_out,
    request_list.front,
    request_list.request_list,
    request_page.request_page,
    request_page.request_content,
    live.live_requests,
    trace_list.trace_list,
    trace_page.trace_page,
    overview_page.overview_page,
    audit_page.audit_page,
    costs_page.costs_page,
    alerts_page.alerts_page,
)
_MAX_FORM_BYTES = 16_384


def handlers(settings: ConsoleSettings) -> list[ControllerRouterHandler]:
    """Return what a Litestar application serves as its console.

    The paths are `/`, `/login`, `/logout`, `/requests…`, `/traces…`, `/overview`, `/costs`,
    `/alerts`, `/live/…` and `/static/…`. Errors are pages, not JSON.

    Args:
        settings: The parts to read from. They must outlive the application.
    """
    site = Site(
        settings=settings,
        templates=make_environment(),
        files=StaticFiles(),
        listeners=Listeners(),
    )

    def the_site() -> Site:
        return site

    def the_viewer(request: Request[Any, Any, Any]) -> Viewer:
        return viewer_of(request.cookies, settings.clock.unix_ns())

    def own_host(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        check_host(connection.headers, settings.allowed_hosts)

    def failed(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return error_page(site, the_viewer(request), request, error)

    router = Router(
        path="/",
        route_handlers=list(_HANDLERS),
        dependencies={
            "site": Provide(the_site, sync_to_thread=False),
            "viewer": Provide(the_viewer, sync_to_thread=False),
            "session": Provide(access.current_session),
        },
        guards=[own_host],
        # All three, because an application around us may answer the narrower ones in JSON.
        exception_handlers={Exception: failed, HTTPException: failed, PointsmanError: failed},
        request_max_body_size=_MAX_FORM_BYTES,
        include_in_schema=False,
    )
    return [router]


def error_page(
    site: Site, viewer: Viewer, request: Request[Any, Any, Any], error: Exception
) -> Response[bytes]:
    """Return the page for an error, or the way to the login when that is what lacks."""
    if isinstance(error, access.LoginNeededError):
        if request.url.path.startswith("/live/"):
            return answers.plain("log in first\n", 401)
        if request.method == "GET":
            return answers.moved(access.login_place(request.url.path, request.url.query))
        return answers.moved("/login")
    status, told = _told(error)
    return answers.page(site.render("error.html", viewer, status=status, told=told), status)


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, PointsmanError):
        return error.http_status, str(error)
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    _log.error("a page of the console failed", exc_info=error)
    return 500, "This page failed for a reason that is ours. The log of the collector says which."


__all__ = ["ConsoleSettings", "error_page", "handlers"]
