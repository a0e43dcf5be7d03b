"""Keys are issued, listed and revoked, each change with its trace."""

import asyncio
import re
from hashlib import sha256

import msgspec
import pytest

from pointsman.state.errors import NameTakenError, UnknownKeyError
from pointsman.state.key_messages import IssueKey
from pointsman.state.keys import KeyStore
from pointsman.state.models import AuditRow, KeyRow
from pointsman.state.secret_text import digest_of
from pointsman.state.tenant_messages import ChangeTenant
from pointsman.state.tenants import TenantStore


async def test_a_key_is_shown_once_and_kept_as_a_hash(keys, database):
    """PO-03: hashed at rest."""
    issued = await keys.issue(IssueKey(name="ci", tenant="acme"), actor="admin")

    assert re.fullmatch(r"pm_[A-Za-z0-9_-]{43}", issued.secret)
    async with database.transaction() as session:
        row = await session.get_one(KeyRow, issued.key.id)
    assert row.sha256 == sha256(issued.secret.encode()).hexdigest() == digest_of(issued.secret)
    assert issued.secret not in repr(issued)


async def test_everything_a_key_is_bound_to_is_listed(keys):
    """What was asked for is what is shown, and nothing by which anybody could call."""
    wish = IssueKey(
        name="app",
        tenant="acme",
        plan="enterprise",
        user="bob",
        team="search",
        models=("gpt-4*", "claude-*"),
        scopes=("explain", "call"),
        may_set_tenant=True,
        expires_in_s=60,
    )
    issued = await keys.issue(wish, actor="admin")

    [shown] = await keys.list_keys()

    assert shown == issued.key
    assert (shown.tenant, shown.plan, shown.user, shown.team) == (
        "acme",
        "enterprise",
        "bob",
        "search",
    )
    assert (shown.models, shown.scopes) == (("gpt-4*", "claude-*"), ("call", "explain"))
    assert shown.may_set_tenant
    assert shown.expires_unix_ns == shown.created_unix_ns + 60_000_000_000
    assert shown.last_four == issued.secret[-4:]
    assert issued.secret not in msgspec.json.encode(shown).decode()


async def test_a_name_belongs_to_one_live_key_at_a_time(keys, clock):
    """Free again after revocation and after expiry."""
    first = await keys.issue(IssueKey(name="ci"), actor="admin")
    with pytest.raises(NameTakenError):
        await keys.issue(IssueKey(name="ci"), actor="admin")

    await keys.revoke("ci", actor="admin")
    second = await keys.issue(IssueKey(name="ci", expires_in_s=60), actor="admin")
    clock.advance_s(60)
    third = await keys.issue(IssueKey(name="ci"), actor="admin")

    statuses = {key.id: key.status for key in await keys.list_keys()}
    assert statuses == {first.key.id: "revoked", second.key.id: "expired", third.key.id: "live"}


async def test_a_key_is_revoked_by_name_or_by_id_for_good(keys, clock):
    """Revoking again does not move the time of the first."""
    by_name = await keys.issue(IssueKey(name="a"), actor="admin")
    by_id = await keys.issue(IssueKey(name="b"), actor="admin")

    revoked = await keys.revoke("a", actor="admin")
    clock.advance_s(5)
    again = await keys.revoke(by_name.key.id, actor="admin")
    other = await keys.revoke(by_id.key.id, actor="admin")

    assert (revoked.status, other.status) == ("revoked", "revoked")
    assert again.revoked_unix_ns == revoked.revoked_unix_ns == by_name.key.created_unix_ns


async def test_an_id_wins_over_a_name_that_looks_like_it(keys, clock):
    """Nobody can hide a key from its revocation behind another key's name."""
    wanted = await keys.issue(IssueKey(name="a"), actor="admin")
    clock.advance_s(1)
    await keys.issue(IssueKey(name=wanted.key.id), actor="admin")

    assert (await keys.revoke(wanted.key.id, actor="admin")).name == "a"


async def test_an_unknown_key_cannot_be_revoked(keys, audit, database):
    """And the attempt leaves the state as it was."""
    before = await database.current()

    with pytest.raises(UnknownKeyError):
        await keys.revoke("nobody", actor="admin")

    assert await database.current() == before
    assert await audit.page() == []


async def test_every_change_has_its_audit_row_and_its_version(keys, audit, database):
    """Who, what, which key; versions go up by one."""
    _, version = await database.current()
    issued = await keys.issue(IssueKey(name="ci", tenant="acme"), actor="admin")
    await keys.revoke("ci", actor="bob")

    newest, oldest, first = await audit.page()
    assert (first.actor, first.action, first.subject) == ("admin", "tenant.created", "acme")
    assert (newest.actor, newest.action, newest.subject) == ("bob", "key.revoked", issued.key.id)
    assert (oldest.actor, oldest.action, oldest.subject) == ("admin", "key.issued", issued.key.id)
    assert oldest.details["tenant"] == "acme"
    assert newest.sequence > oldest.sequence
    assert (await database.current())[1] == version + 2


async def test_a_change_that_fails_leaves_neither_audit_row_nor_version(keys, audit, database):
    """Both are in the transaction of the change."""
    await keys.issue(IssueKey(name="ci"), actor="admin")
    before = (await database.current(), len(await audit.page()))

    with pytest.raises(NameTakenError):
        await keys.issue(IssueKey(name="ci", tenant="never"), actor="admin")
    with pytest.raises(ZeroDivisionError):
        await _fail_late(database)

    assert (await database.current(), len(await audit.page())) == before
    assert await TenantStore(database).list_tenants() == []


async def _fail_late(database):
    async with database.change("admin") as change:
        change.audit("tenant.put", "never")
        await change.session.flush()
        _ = 1 / 0


async def test_a_change_without_an_audit_row_is_not_committed(database):
    """It would be a change that nobody can account for."""
    before = await database.current()

    with pytest.raises(RuntimeError, match="audit"):
        async with database.change("admin"):
            pass

    assert await database.current() == before


async def test_of_many_who_ask_for_one_name_at_once_one_gets_it(keys):
    """Changes run one after the other."""
    results = await asyncio.gather(
        *(keys.issue(IssueKey(name="ci", tenant="acme"), actor=str(n)) for n in range(12)),
        return_exceptions=True,
    )

    refused = [one for one in results if isinstance(one, NameTakenError)]
    assert len(refused) == 11
    assert len(await keys.list_keys()) == 1


async def test_issuing_and_revoking_at_once_loses_nothing(keys, audit, database):
    """Each of the changes is there, with its own version."""
    _, version = await database.current()

    async def live_and_die(number: int) -> None:
        await keys.issue(IssueKey(name=f"k{number}"), actor="admin")
        await asyncio.gather(*(keys.revoke(f"k{number}", actor="admin") for _ in range(2)))

    await asyncio.gather(*(live_and_die(number) for number in range(10)))

    assert {key.status for key in await keys.list_keys()} == {"revoked"}
    rows = await audit.page()
    assert (await database.current())[1] == version + len(rows)
    assert len(rows) >= 20


async def test_of_two_revocations_at_once_the_first_counts(keys, clock):
    """Both are told the same time."""
    await keys.issue(IssueKey(name="ci"), actor="admin")
    clock.is_passing = True
    first, second = await asyncio.gather(*(keys.revoke("ci", actor="admin") for _ in range(2)))

    assert first.revoked_unix_ns == second.revoked_unix_ns


async def test_a_change_cancelled_half_way_leaves_the_database_usable(database, audit):
    """A client of the admin API that leaves takes its own request only."""
    entered = asyncio.Event()

    async def change_slowly():
        async with database.change("admin") as change:
            change.audit("key.issued", "key_x")
            entered.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(change_slowly())
        await entered.wait()
        task.cancel()

    assert await audit.page() == []
    await KeyStore(database).issue(IssueKey(name="after"), actor="admin")


async def test_tenants_carry_the_plan_of_their_keys(keys, database, audit):
    """Issuing for an unknown tenant makes it; its plan may be set and changed."""
    tenants = TenantStore(database)
    await keys.issue(IssueKey(name="ci", tenant="acme"), actor="admin")

    changed = await tenants.change("acme", ChangeTenant(plan="pro"), actor="admin")

    assert (changed.plan, changed.live_keys) == ("pro", 1)
    assert [(one.id, one.plan) for one in await tenants.list_tenants()] == [("acme", "pro")]
    assert (await audit.page())[0].action == "tenant.changed"


async def test_the_audit_trail_is_read_page_by_page(audit, database):
    """Newest first; what only was looked at is noted without waking a gateway."""
    before = await database.current()
    for number in range(5):
        await audit.note("bob", "content.read", f"req_{number}", {"reason": "support"})

    first = await audit.page(2)
    second = await audit.page(2, before=first[-1].sequence)

    assert [one.subject for one in first + second] == ["req_4", "req_3", "req_2", "req_1"]
    assert [one.subject for one in await audit.page(subject="req_0")] == ["req_0"]
    assert await database.current() == before


async def test_a_secret_is_nowhere_in_the_database(keys, database, caplog):
    """Invariant 13."""
    issued = await keys.issue(IssueKey(name="ci"), actor="admin")
    await keys.revoke("ci", actor="admin")

    async with database.transaction() as session:
        rows = [await session.get_one(KeyRow, issued.key.id)]
        rows += [await session.get_one(AuditRow, one) for one in (1, 2)]
    kept = " ".join(str(vars(row)) for row in rows)
    assert issued.key.id in kept
    assert issued.secret not in kept
    assert issued.secret not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"name": ""}',
        b'{"name": "two words"}',
        b'{"name": "../x"}',
        b'{"name": "a", "scopes": []}',
        b'{"name": "a", "scopes": ["admin"]}',
        b'{"name": "a", "tenant": "a\\nb"}',
        b'{"name": "a", "expires_in_s": 0}',
        b'{"name": "a", "expires_in_s": 315360001}',
        b'{"name": "a", "secret": "chosen"}',
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_when_decoded(body):
    """Bounds are those of the message, the same for the command line and the collector."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=IssueKey)
