"""Opening: from nothing, from every older revision, and not from a newer one."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import make_url

from pointsman.config.policy import PlanConfig
from pointsman.core.clock import ManualClock
from pointsman.state import database as database_module
from pointsman.state.audit import AuditLog
from pointsman.state.database import StateDatabase, state_url
from pointsman.state.errors import StateSchemaError, StateUnavailableError
from pointsman.state.key_messages import IssueKey
from pointsman.state.keys import KeyStore
from pointsman.state.migrate import current_revisions, migrate, revisions
from pointsman.state.models import Base
from pointsman.state.sessions import SessionStore
from pointsman.state.tenants import TenantStore

OLD_ROWS = (
    "INSERT INTO tenants (id, plan, created_unix_ns) VALUES ('acme', 'pro', 1)",
    """INSERT INTO keys (id, name, sha256, tenant, models, scopes, may_set_tenant, created_unix_ns,
    last_four) VALUES ('key_1', 'ci', 'ab', 'acme', '["gpt-*"]', '["call"]', false, 1, 'abcd')""",
    """INSERT INTO audit (at_unix_ns, actor, action, subject, details)
    VALUES (1, 'cli', 'key.issued', 'key_1', '{}')""",
)
"""What the first release wrote; later columns must fill themselves."""


async def run(database, work):
    """Run `work(connection)` in one transaction of an opened database."""
    async with database.transaction() as session:
        return await (await session.connection()).run_sync(work)


async def open_at(address, revision, monkeypatch) -> StateDatabase:
    """Open a database as the release of `revision` did."""
    with monkeypatch.context() as patched:
        patched.setattr(database_module, "migrate", lambda link: migrate(link, revision))
        return await StateDatabase.open(address, ManualClock())


async def test_an_empty_database_comes_to_the_newest_revision(database):
    """And has exactly the tables that the code knows."""

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    assert await run(database, current_revisions) == (revisions()[-1],)
    assert await run(database, differences) == []


@pytest.mark.parametrize("revision", revisions())
async def test_every_older_revision_opens_with_what_it_held(address, revision, monkeypatch):
    """Invariant 15: the data folder of the previous release opens in this one."""
    old = await open_at(address, revision, monkeypatch)
    async with old.transaction() as session:
        for statement in OLD_ROWS:
            await session.execute(text(statement))
    identity = await old.current()
    await old.close()

    opened = await StateDatabase.open(address, ManualClock())

    assert await opened.current() == identity
    (key,) = await KeyStore(opened).list_keys()
    assert (key.name, key.tenant, key.models, key.routes) == ("ci", "acme", ("gpt-*",), ())
    (tenant,) = await TenantStore(opened).list_tenants()
    assert (tenant.id, tenant.plan, tenant.terms) == ("acme", "pro", PlanConfig())
    assert [entry.subject for entry in await AuditLog(opened).page()] == ["key_1"]
    await SessionStore(opened).make_login(actor="start")
    assert await run(opened, current_revisions) == (revisions()[-1],)
    await opened.close()


async def test_a_newer_revision_is_refused_and_left_alone(address):
    """Invariant 15: a downgrade is refused clearly."""
    opened = await StateDatabase.open(address, ManualClock())
    async with opened.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await opened.close()

    with pytest.raises(StateSchemaError, match=r"newer release \(revision 9999"):
        await StateDatabase.open(address, ManualClock())


async def test_a_migration_that_fails_half_way_leaves_the_old_revision(address, monkeypatch):
    """All steps are one transaction, with the schema changes in it."""
    old = await open_at(address, "0001", monkeypatch)
    await old.close()

    def break_after(connection):
        migrate(connection)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(database_module, "migrate", break_after)
        with pytest.raises(StateUnavailableError, match="No space left"):
            await StateDatabase.open(address, ManualClock())

    again = await open_at(address, "0001", monkeypatch)
    assert await run(again, current_revisions) == ("0001",)
    await again.close()


async def test_opening_again_keeps_the_identity(address):
    """Gateways must not take a restart for another database."""
    identities = []
    for _ in range(2):
        opened = await StateDatabase.open(address, ManualClock())
        identities.append(await opened.current())
        await opened.close()

    assert identities[0] == identities[1]


async def test_the_file_is_private_and_stays_so(tmp_path):
    """Mode 0600, also of the write-ahead log, and whatever it was before."""
    file = tmp_path / "state.sqlite3"
    file.touch(mode=0o644)

    opened = await StateDatabase.open(state_url(tmp_path), ManualClock())
    issued = await KeyStore(opened).issue(IssueKey(name="ci"), actor="admin")

    files = sorted(tmp_path.iterdir())
    assert [one.name for one in files] == [
        "state.sqlite3",
        "state.sqlite3-shm",
        "state.sqlite3-wal",
    ]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert not any(issued.secret.encode() in one.read_bytes() for one in files)
    assert any(issued.key.id.encode() in one.read_bytes() for one in files)
    await opened.close()


async def issue_many(keys):
    for number in range(200):
        await keys.issue(IssueKey(name=f"key-{number}"), actor="admin")


async def test_a_full_disk_is_said_so_and_keeps_what_was_there(tmp_path):
    """Nothing of the failed change is kept, readers go on, and room makes it work again."""
    opened = await StateDatabase.open(state_url(tmp_path), ManualClock())
    keys = KeyStore(opened)
    async with opened.transaction() as session:
        await session.execute(text("PRAGMA max_page_count = 1"))

    with pytest.raises(StateUnavailableError, match="disk is full") as raised:
        await issue_many(keys)

    assert raised.value.http_status == 503
    assert (await opened.current())[1] == 1 + len(await keys.list_keys())
    async with opened.transaction() as session:
        await session.execute(text("PRAGMA max_page_count = 100000"))
    await keys.issue(IssueKey(name="after"), actor="admin")
    await opened.close()


async def test_keys_of_a_tenant_need_the_tenant(tmp_path):
    """Foreign keys are on in SQLite too."""
    opened = await StateDatabase.open(state_url(tmp_path), ManualClock())
    async with opened.transaction() as session:
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1
        assert await session.scalar(text("PRAGMA journal_mode")) == "wal"
    await opened.close()


async def test_a_file_that_is_no_database_is_said_so(tmp_path):
    """One line with the path, no traceback of a driver."""
    (tmp_path / "state.sqlite3").write_bytes(b"not a database " * 1000)

    with pytest.raises(StateUnavailableError, match=r"state\.sqlite3 cannot be opened"):
        await StateDatabase.open(state_url(tmp_path), ManualClock())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://localhost/x", "sqlite:// or postgresql://"),
        ("nonsense", "not a database URL"),
        ("sqlite:////nonexistent-folder/state.sqlite3", "cannot be opened"),
    ],
)
async def test_an_address_that_cannot_be_used_is_said_so(url, reason):
    """Before anything is opened."""
    with pytest.raises(StateUnavailableError, match=reason):
        await StateDatabase.open(url, ManualClock())


def test_the_folder_may_have_any_name(tmp_path):
    """Spaces, percent signs and question marks are characters like others."""
    folder = tmp_path / "a b%20?c#d"

    url = state_url(folder)

    assert Path(make_url(url).database) == folder / "state.sqlite3"
    assert state_url(folder, "postgresql://host/db") == "postgresql://host/db"
