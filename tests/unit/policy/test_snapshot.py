"""Who is calling, when keys come from the file and from the collector."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.config.key import KeyConfig
from pointsman.config.section import Secret
from pointsman.core.clock import ManualClock
from pointsman.core.errors import AuthenticationError
from pointsman.core.identity import ANONYMOUS
from pointsman.policy.authenticate import Authenticator
from pointsman.policy.snapshot import KeyDirectory
from pointsman.state.snapshot import Snapshot, SnapshotKey, SnapshotTenant

S = 1_000_000_000
START_NS = ManualClock().unix_ns()


def key(secret: str, **fields) -> SnapshotKey:
    fields.setdefault("name", secret)
    return SnapshotKey(id=f"key_{secret}", sha256=sha256(secret.encode()).hexdigest(), **fields)


def snapshot(*keys: SnapshotKey, version=1, required=None, **fields) -> Snapshot:
    return Snapshot(
        state_id="s",
        version=version,
        made_unix_ns=START_NS,
        keys_required=bool(keys) if required is None else required,
        keys=keys,
        **fields,
    )


def configured(*secrets: str) -> Authenticator:
    return Authenticator({one: KeyConfig(key=Secret(one, "VAR")) for one in secrets})


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def directory(clock):
    return KeyDirectory(clock, configured())


def name_of(directory: KeyDirectory, secret: str) -> str | None:
    """Return the name of the key that is accepted, or None when it is refused."""
    try:
        return directory.authenticate(f"Bearer {secret}").key_name
    except AuthenticationError:
        return None


def test_without_any_key_everybody_is_the_operator(directory):
    """As an `Authenticator` without keys answers; an empty snapshot changes nothing."""
    assert directory.authenticate(None) is ANONYMOUS

    directory.replace(snapshot())

    assert not directory.has_keys
    assert directory.authenticate("Bearer anything") is ANONYMOUS


def test_the_first_issued_key_closes_the_gateway(directory):
    """From then on, who shows none is refused."""
    directory.replace(snapshot(key("a")))

    assert directory.has_keys
    assert name_of(directory, "a") == "a"
    assert directory.authenticate(None, "a").key_name == "a"
    with pytest.raises(AuthenticationError, match="no API key was given"):
        directory.authenticate(None)
    with pytest.raises(AuthenticationError, match="not one of"):
        directory.authenticate("Bearer b")


def test_keys_of_the_file_and_issued_keys_are_both_accepted(clock):
    """Keys in the file need no collector; on one secret, the file says who calls."""
    directory = KeyDirectory(clock, configured("file", "both"))
    directory.replace(snapshot(key("issued"), key("both", name="issued-both")))

    assert [name_of(directory, one) for one in ("file", "issued", "both", "none")] == [
        "file",
        "issued",
        "both",
        None,
    ]


def test_everything_a_key_is_bound_to_reaches_the_principal(directory):
    """The tenant's plan is not the key's: `Tenancy` knows it, for keys of the file too."""
    bound = key(
        "a",
        tenant="acme",
        user="bob",
        team="search",
        models=("gpt-*",),
        routes=("cheap",),
        dialects=("openai.*",),
        aliases={"auto": "cheap"},
        scopes=("call", "explain"),
        may_set_tenant=True,
    )
    own_plan = key("b", tenant="acme", plan="free")
    tenants = (SnapshotTenant(id="acme", plan="pro"),)
    directory.replace(snapshot(bound, own_plan, key("c", tenant="lost"), tenants=tenants))

    principal = directory.authenticate("Bearer a")

    assert (principal.tenant, principal.plan, principal.user) == ("acme", None, "bob")
    assert (principal.routes, principal.dialects) == (("cheap",), ("openai.*",))
    assert principal.aliases["auto"].means == "cheap"
    assert (principal.team, principal.models) == ("search", ("gpt-*",))
    assert principal.scopes == {"call", "explain"}
    assert principal.may_set_tenant
    assert directory.authenticate("Bearer b").plan == "free"
    assert directory.authenticate("Bearer c").plan is None


def test_a_refusal_says_what_became_of_the_key(directory, clock):
    """To who shows the right one; to others it is just unknown."""
    directory.replace(
        snapshot(
            key("gone", revoked_unix_ns=START_NS + 60 * S),
            key("old", expires_unix_ns=START_NS + 60 * S),
        )
    )

    # A revocation counts at once, also when the collector's clock is ahead of this one.
    with pytest.raises(AuthenticationError, match="`gone` was revoked"):
        directory.authenticate("Bearer gone")
    assert name_of(directory, "old") == "old"
    clock.advance_s(60)
    with pytest.raises(AuthenticationError, match="`old` has expired"):
        directory.authenticate("Bearer old")


def test_revoking_the_last_key_does_not_open_the_gateway(directory):
    """Not by its absence, not by a snapshot of an emptied database."""
    directory.replace(snapshot(key("a")))

    directory.replace(snapshot(version=2, required=True))
    assert directory.has_keys
    directory.replace(snapshot(version=1, required=False))

    assert directory.has_keys
    assert directory.snapshot.keys_required
    assert name_of(directory, "a") is None


def test_a_reload_that_removes_the_last_key_does_not_open_the_gateway(clock):
    """Until it is started again: an open gateway should be nobody's surprise."""
    directory = KeyDirectory(clock, configured("file"))

    directory.configure(configured())
    directory.replace(snapshot())

    assert directory.has_keys
    assert name_of(directory, "file") is None
    directory.configure(configured("other"))
    assert name_of(directory, "other") == "other"


def test_lost_keys_close_the_gateway_until_the_collector_answers(directory):
    """A damaged file may have held keys."""
    directory.require_keys()
    assert name_of(directory, "anything") is None

    directory.replace(snapshot())

    assert directory.authenticate(None) is ANONYMOUS


def test_the_age_counts_from_the_collectors_last_word(directory, clock):
    """For the record: how old is what the gateway knows."""
    assert directory.age_ms is None

    directory.restore(snapshot(key("a")))
    clock.advance_s(3)
    assert directory.age_ms == 3_000
    directory.confirm()
    clock.advance_s(1.5)
    assert directory.age_ms == 1_500
    directory.replace(snapshot(key("a"), version=2))
    assert directory.age_ms == 0
    clock.step_wall_s(-3_600)
    assert directory.age_ms == 0


def test_a_saved_snapshot_is_as_old_as_it_was_made(directory, clock):
    """Also after a week without a collector; a clock set back makes it new, not negative."""
    clock.advance_s(7 * 86_400)
    directory.restore(snapshot(key("a")))
    assert directory.age_ms == 7 * 86_400_000

    clock.step_wall_s(-30 * 86_400)
    directory.restore(snapshot(key("a")))
    assert directory.age_ms == 0


_MOMENTS = st.one_of(st.none(), st.integers(START_NS - 5 * S, START_NS + 5 * S))
_KEYS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), _MOMENTS, _MOMENTS),
    max_size=8,
    unique_by=lambda one: one[0],
)


@given(
    snapshots=st.lists(_KEYS, min_size=1, max_size=4),
    in_file=st.sets(st.sampled_from("xyz")),
    passed_s=st.integers(0, 10),
)
def test_no_revoked_or_expired_key_is_ever_accepted(snapshots, in_file, passed_s):
    """PO-03: whatever came before, the last snapshot and the clock decide."""
    clock = ManualClock()
    directory = KeyDirectory(clock, configured(*sorted(in_file)))
    for number, held in enumerate(snapshots):
        directory.replace(
            snapshot(
                *(key(s, expires_unix_ns=e, revoked_unix_ns=r) for s, e, r in held),
                version=number,
            )
        )
    clock.advance_s(passed_s)

    alive = {
        secret
        for secret, expires, revoked in snapshots[-1]
        if revoked is None and (expires is None or expires > clock.unix_ns())
    }
    ever_had_keys = bool(in_file) or any(snapshots)
    assert directory.has_keys == ever_had_keys
    if ever_had_keys:
        accepted = {one for one in "abcdefghxyz" if name_of(directory, one) == one}
        assert accepted == alive | in_file
        assert name_of(directory, "") is None


@given(shown=st.text(max_size=80), by_header=st.booleans())
def test_both_kinds_of_directory_refuse_the_same_way(shown, by_header):
    """Same interface, same sentence: what is refused does not tell where keys come from."""
    by_file = Authenticator({"k": KeyConfig(key=Secret("the-key", "VAR"))})
    directory = KeyDirectory(ManualClock(), configured())
    directory.replace(snapshot(key("the-key", name="k", scopes=("call",))))
    headers = (f"Bearer {shown}", None) if by_header else (None, shown)

    answers = []
    for one in (by_file, directory):
        try:
            answers.append(one.authenticate(*headers))
        except AuthenticationError as error:
            answers.append(error.message)

    assert answers[0] == answers[1]
