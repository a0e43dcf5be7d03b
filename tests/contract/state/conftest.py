"""Every database answers the same: each test here runs once for each of them.

SQLite is always there. PostgreSQL joins when POINTSMAN_TEST_POSTGRESQL holds the URL of a database
that may be emptied.
"""

import os

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from pointsman.core.clock import ManualClock
from pointsman.state.audit import AuditLog
from pointsman.state.database import StateDatabase, state_url
from pointsman.state.keys import KeyStore

POSTGRESQL = os.environ.get("POINTSMAN_TEST_POSTGRESQL")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRESQL else [])])
async def address(request, tmp_path):
    """The URL of an empty database."""
    if request.param == "sqlite":
        return state_url(tmp_path)
    engine = create_async_engine(POSTGRESQL.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
    return POSTGRESQL


class PassingClock(ManualClock):
    """Stands still, or moves on by a second whenever it is read."""

    is_passing = False

    def unix_ns(self) -> int:
        if self.is_passing:
            self.advance_s(1)
        return super().unix_ns()


@pytest.fixture
def clock():
    return PassingClock()


@pytest.fixture
async def database(address, clock):
    opened = await StateDatabase.open(address, clock)
    yield opened
    await opened.close()


@pytest.fixture
def keys(database):
    return KeyStore(database)


@pytest.fixture
def audit(database):
    return AuditLog(database)
