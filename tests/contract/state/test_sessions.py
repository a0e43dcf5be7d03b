"""Who is logged in to the console."""

import asyncio

import pytest

from pointsman.state.config_versions import ConfigVersionStore
from pointsman.state.errors import LoginRefusedError
from pointsman.state.models import LoginTokenRow, SessionRow
from pointsman.state.sessions import SessionStore


@pytest.fixture
def sessions(database):
    return SessionStore(database)


async def test_a_login_link_works_once(sessions, audit):
    """The second browser with the same link stays outside."""
    login = await sessions.make_login(actor="start")
    cookie = await sessions.redeem(login)

    session = await sessions.find(cookie)
    with pytest.raises(LoginRefusedError):
        await sessions.redeem(login)

    assert session.admin == "admin"
    assert [one.action for one in await audit.page()] == ["session.opened", "login.made"]


async def test_of_two_browsers_with_one_link_at_once_one_gets_in(sessions):
    """The link is used up by the transaction that opens the session."""
    login = await sessions.make_login(actor="start")

    results = await asyncio.gather(
        *(sessions.redeem(login) for _ in range(6)), return_exceptions=True
    )

    assert sum(isinstance(one, str) for one in results) == 1


async def test_links_and_sessions_end_by_the_clock(sessions, clock):
    """An old link in a terminal's history lets nobody in."""
    login = await sessions.make_login(actor="start", lifetime_s=60)
    cookie = await sessions.redeem(await sessions.make_login(actor="start"), lifetime_s=60)
    clock.advance_s(60)

    assert await sessions.find(cookie) is None
    with pytest.raises(LoginRefusedError):
        await sessions.redeem(login)


async def test_logging_out_ends_the_session(sessions, audit):
    """At once, and again without effect."""
    cookie = await sessions.redeem(await sessions.make_login(actor="start"))

    await sessions.end(cookie)
    await sessions.end(cookie)

    assert await sessions.find(cookie) is None
    assert (await audit.page())[0].action == "session.ended"
    assert await sessions.find("never") is None


async def test_forms_are_accepted_from_pages_of_their_own_session_only(sessions):
    """The token of one session is worth nothing in another."""
    first, second = [
        await sessions.find(await sessions.redeem(await sessions.make_login(actor="start")))
        for _ in range(2)
    ]

    assert first.accepts_csrf(first.csrf_token)
    assert not second.accepts_csrf(first.csrf_token)
    assert not first.accepts_csrf("")
    assert not first.accepts_csrf("\ud800")
    assert first.csrf_token not in repr(first)


async def test_links_and_cookies_are_kept_as_hashes(sessions, database):
    """A copy of the database lets nobody in."""
    login = await sessions.make_login(actor="start")
    cookie = await sessions.redeem(await sessions.make_login(actor="start"))

    async with database.transaction() as session:
        assert await session.get(LoginTokenRow, login) is None
        assert await session.get(SessionRow, cookie) is None


async def test_what_is_too_old_is_forgotten(sessions, clock, database):
    """The tables do not grow with every login."""
    for _ in range(3):
        await sessions.make_login(actor="start", lifetime_s=60)
        clock.advance_s(61)

    async with database.transaction() as session:
        kept = (await session.scalars(LoginTokenRow.__table__.select())).all()
    assert len(kept) == 1


async def test_configuration_versions_are_noted_once(database, audit):
    """A version seen again changes nothing."""
    versions = ConfigVersionStore(database)

    assert await versions.note("abc123", "pointsman.yaml", actor="gateway-0")
    assert not await versions.note("abc123", "pointsman.yaml", actor="gateway-1")

    assert [one.version for one in await versions.list_versions()] == ["abc123"]
    assert len(await audit.page()) == 1
