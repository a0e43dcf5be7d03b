"""Logging in by a one-time link, staying logged in, logging out.

The link is opened with GET, which changes nothing: programs that look at links in messages would
otherwise use it up. Its page sends the token by POST.
"""

from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.guard import check_origin
from pointsman.console.markup import Site
from pointsman.core.errors import AuthenticationError, PermissionDeniedError
from pointsman.state.errors import LoginRefusedError
from pointsman.state.sessions import SESSION_LIFETIME_S, ConsoleSession

SESSION_COOKIE = "pointsman_session"
MAX_SECRET = 256
"""Longest text that is looked at as a token."""
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class LoginNeededError(AuthenticationError):
    """Nobody is logged in, or not any more."""

    code = "login_needed"


async def current_session(request: Request[Any, Any, Any], site: TheSite) -> ConsoleSession:
    """Return the session of a request.

    Raises:
        LoginNeededError: It has none that is still good.
    """
    secret = request.cookies.get(SESSION_COOKIE, "")
    session = None
    if 0 < len(secret) <= MAX_SECRET:
        session = await site.settings.sessions.find(secret)
    if session is None:
        raise LoginNeededError("Open the console with a login link first.")
    return session


def check_form(request: Request[Any, Any, Any], session: ConsoleSession, form: Form) -> None:
    """Refuse a form that another page made.

    Raises:
        PermissionDeniedError: Its origin or its token are not those of this session's pages.
    """
    check_origin(request.headers)
    if not session.accepts_csrf(form.get("csrf", "")):
        raise PermissionDeniedError(
            "This form is of another session; load the page again.", code="csrf_token_wrong"
        )


@get("/static/{version:str}/{name:str}")
async def static_file(
    site: TheSite, version: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """Serve a script, style or image: what the page of the login needs, nobody's secret."""
    found = site.files.find(version, name)
    if found is None:
        return answers.plain("no such file\n", 404)
    return answers.asset(*found)


@get("/login")
async def login_page(
    site: TheSite, viewer: TheViewer, token: FromQuery[str] = "", after: FromQuery[str] = "/"
) -> Response[bytes]:
    """Show the page that a login link opens; it sends the token on by POST."""
    shown = token if len(token) <= MAX_SECRET else ""
    return answers.page(
        site.render("login.html", viewer, token=shown, after=own_path(after), refused="")
    )


@post("/login")
async def log_in(
    request: Request[Any, Any, Any], site: TheSite, viewer: TheViewer, data: Form
) -> Response[bytes]:
    """Exchange the token of a login link for a session."""
    check_origin(request.headers)
    token, after = data.get("token", "").strip()[:MAX_SECRET], own_path(data.get("after", "/"))
    try:
        secret = await site.settings.sessions.redeem(token)
    except LoginRefusedError as error:
        markup = site.render("login.html", viewer, token="", after=after, refused=str(error))
        return answers.page(markup, 401)
    return answers.moved(after, {"set-cookie": _cookie(site, secret, SESSION_LIFETIME_S)})


@post("/logout")
async def log_out(
    request: Request[Any, Any, Any], site: TheSite, session: TheSession, data: Form
) -> Response[bytes]:
    """End the session."""
    check_form(request, session, data)
    await site.settings.sessions.end(request.cookies.get(SESSION_COOKIE, ""))
    return answers.moved("/login", {"set-cookie": _cookie(site, "", 0)})


def login_place(path: str, query: str) -> str:
    """Return where to log in, and go on from there to the page that was asked for."""
    wanted = f"{path}?{query}" if query else path
    return "/login" if wanted == "/" else f"/login?after={quote(wanted, safe='')}"


def own_path(place: str) -> str:
    """Return a path of this site; anything that a browser could take for another site is `/`."""
    if len(place) > 2_000 or not place.startswith("/") or not place.isprintable():
        return "/"
    if place.startswith("//") or "\\" in place:
        return "/"
    parts = urlsplit(place)
    return "/" if parts.scheme or parts.netloc or parts.path == "/login" else place


def _cookie(site: Site, secret: str, lifetime_s: int) -> str:
    secure = "; Secure" if site.settings.secure_cookies else ""
    return (
        f"{SESSION_COOKIE}={secret}; Path=/; Max-Age={lifetime_s}; HttpOnly; SameSite=Strict"
        f"{secure}"
    )
