"""Masking known secrets and naming text without telling it."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.redaction.hashing import ContentHasher, derive_tenant_key
from pointsman.core.redaction.secrets import MASK, SHORTEST_SECRET, SecretMask

MASTER = bytes(range(32))


def test_a_known_secret_is_masked_wherever_it_stands():
    """Invariant 13: a secret is never printed or logged."""
    mask = SecretMask(["hunter2-long", "other secret"])

    assert mask.mask("key=hunter2-long; hunter2-long!") == f"key={MASK}; {MASK}!"
    assert mask.mask("nothing here") == "nothing here"


def test_encoded_forms_are_masked_too():
    """Secrets turn up in URLs and in JSON."""
    mask = SecretMask(['p@ss/w"rd x', "a\\backslash"])

    for form in ("p%40ss%2Fw%22rd%20x", "p%40ss/w%22rd%20x", 'p@ss/w\\"rd x', "p%40ss%2Fw%22rd+x"):
        assert mask.mask(f"<{form}>") == f"<{MASK}>"
    assert mask.mask("a\\\\backslash") == MASK


def test_a_secret_within_a_longer_secret_leaves_no_rest():
    """The longest is masked first."""
    assert SecretMask(["abcdef", "abcdef-123456"]).mask("abcdef-123456 abcdef") == f"{MASK} {MASK}"


def test_values_too_short_to_be_secrets_are_left_alone():
    """Masking `abc` everywhere would destroy the logs and protect nothing."""
    assert SecretMask(["", "abc"]).mask("abc abcdef") == "abc abcdef"


def test_the_mask_does_not_show_its_values():
    """It may stand in a traceback."""
    assert "hunter2-long" not in repr(SecretMask(["hunter2-long"]))


@given(st.lists(st.text(min_size=SHORTEST_SECRET, max_size=12), max_size=4), st.text(max_size=20))
def test_no_secret_survives_masking(values, text):
    """Also when secrets overlap each other in the text."""
    masked = SecretMask(values).mask(text + "".join(values) + text)

    for value in values:
        assert value in MASK or value not in masked.replace(MASK, "\x00")


def test_equal_text_has_equal_hashes_within_a_tenant_only():
    """OBS-08: `sha256:…`, keyed per tenant."""
    acme, globex = (ContentHasher(derive_tenant_key(MASTER, name)) for name in ("acme", "globex"))

    assert acme.of("hello") == acme.of(b"hello")
    assert acme.of("hello") != globex.of("hello")
    assert acme.of("hello") != acme.of("hello ")


def test_the_hash_is_hmac_sha256_in_hex():
    """Anyone with the key can verify it with any library."""
    key = derive_tenant_key(MASTER, "acme")

    assert (
        ContentHasher(key).of("é") == "sha256:" + hmac.new(key, "é".encode(), "sha256").hexdigest()
    )
    assert len(key) == 32


def test_a_short_master_key_is_refused():
    """A guessable key would make the hashes guessable."""
    with pytest.raises(ValueError, match="at least 16 bytes"):
        derive_tenant_key(b"short", "acme")
