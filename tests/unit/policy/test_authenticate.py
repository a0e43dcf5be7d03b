"""Who is calling."""

import gc
from hashlib import sha256

import pytest

from pointsman.config.key import KeyConfig
from pointsman.config.section import Secret
from pointsman.core.errors import AuthenticationError, ConfigError
from pointsman.core.identity import ANONYMOUS
from pointsman.policy.authenticate import Authenticator

CI_KEY = "pm-ci-5d1f8c0e"
APP_KEY = "pm-app-77aa90b2"
PLANTED = "pm-planted-91c3"


def key(secret: str, **config) -> KeyConfig:
    return KeyConfig(key=Secret(secret, "VAR"), **config)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(
        {
            "ci": key(CI_KEY, tenant="acme", plan="enterprise", scopes=["call", "explain"]),
            "app": KeyConfig(sha256=sha256(APP_KEY.encode()).hexdigest().upper(), user="bob"),
        }
    )


def test_a_gateway_without_keys_knows_only_the_anonymous_caller():
    """The operator's own machine needs no key, and a key shown there is not looked at."""
    authenticator = Authenticator({})

    assert not authenticator.has_keys
    assert authenticator.authenticate(None) is ANONYMOUS
    assert authenticator.authenticate("Bearer anything") is ANONYMOUS


def test_a_key_stands_for_its_caller_with_everything_it_is_bound_to(authenticator):
    """PO-03: keys are scoped and bound to tenant and user."""
    principal = authenticator.authenticate(f"Bearer {CI_KEY}")

    assert authenticator.has_keys
    assert (principal.key_name, principal.tenant, principal.plan) == ("ci", "acme", "enterprise")
    assert principal.allows("explain")
    assert not principal.allows("override")
    assert not principal.may_set_tenant


def test_a_key_may_be_configured_by_its_hash_alone(authenticator):
    """PO-03: hashed at rest; upper-case hex is the same hash."""
    assert authenticator.authenticate(f"bearer  {APP_KEY} ").user == "bob"


def test_the_key_may_come_as_x_api_key(authenticator):
    """Anthropic's clients send it so; an Authorization header wins over it."""
    assert authenticator.authenticate(None, CI_KEY).key_name == "ci"
    assert authenticator.authenticate(f"Bearer {APP_KEY}", CI_KEY).key_name == "app"
    with pytest.raises(AuthenticationError):
        authenticator.authenticate("Bearer wrong", CI_KEY)


@pytest.mark.parametrize(
    ("authorization", "x_api_key"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        (None, " "),
        ("Basic " + CI_KEY, None),
        (CI_KEY, None),
        ("Bearer " + CI_KEY + "x", None),
        ("Bearer " + CI_KEY[:-1], None),
        ("Bearer " + CI_KEY.upper(), None),
        ("Bearer k\u00e9y", None),
        (None, "\ud800"),
        ("Bearer " + "k" * 60_000, None),
    ],
)
def test_anything_else_is_refused_without_repeating_it(authenticator, authorization, x_api_key):
    """GB-02: no or an unknown key is a 401 whose message holds nothing of what was sent."""
    with pytest.raises(AuthenticationError) as raised:
        authenticator.authenticate(authorization, x_api_key)

    assert raised.value.http_status == 401
    assert CI_KEY[:-1] not in raised.value.message
    assert "kkk" not in raised.value.message


@pytest.mark.parametrize(
    "config",
    [
        KeyConfig(),
        KeyConfig(key=Secret(PLANTED, "VAR"), sha256="0" * 64),
        KeyConfig(sha256="abc"),
        key(""),
        key(PLANTED + " with space"),
        key(PLANTED + "\u00e9"),
    ],
)
def test_a_key_that_cannot_be_used_is_a_configuration_error(config):
    """The problem names the key's path and never its value."""
    with pytest.raises(ConfigError) as raised:
        Authenticator({"broken": config})

    assert [problem.path for problem in raised.value.problems] == ["keys.broken"]
    assert PLANTED not in str(raised.value)


def test_two_names_for_one_key_are_a_configuration_error():
    """Which of the two called could not be told."""
    with pytest.raises(ConfigError, match="same key as `a`"):
        Authenticator({"a": key("k1"), "b": KeyConfig(sha256=sha256(b"k1").hexdigest())})


def test_the_secret_is_not_kept(authenticator):
    """Invariant 13: only digests are reachable from the table."""
    seen, queue = set(), [authenticator]
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, type):
            continue
        seen.add(id(item))
        if isinstance(item, str | bytes):
            assert CI_KEY not in str(item)
        queue.extend(gc.get_referents(item))
