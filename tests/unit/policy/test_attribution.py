"""Which claims about a request are believed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.facts import Facts
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.records import SCHEMA, CallRecord, PolicyOutcome
from pointsman.policy.attribution import (
    MAX_TAG_NAME_BYTES,
    MAX_TAGS,
    MAX_VALUE_BYTES,
    Attribution,
    AttributionSettings,
    Claims,
    apply,
    attribute,
)

SETTINGS = AttributionSettings()
BOUND = Principal(key_name="ci", tenant="acme", plan="pro", may_set_tenant=True)
UNBOUND = Principal(key_name="app", may_set_tenant=False)
TRUSTED = Principal(key_name="edge", may_set_tenant=True)

text = st.text(max_size=400)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


def made_of(principal=ANONYMOUS, settings=SETTINGS, headers=None, **claims) -> Attribution:
    return attribute(Claims(headers=headers or {}, **claims), principal, settings)


def test_a_request_that_says_nothing_gets_the_gateways_defaults():
    """GW-19: tenant and environment are on every event."""
    made = made_of(settings=AttributionSettings(environment="staging", tenant="home"))

    assert made == Attribution(environment="staging", tenant="home")


def test_every_header_fills_its_field():
    """GW-26: the request-side surface in one place."""
    names = ("run-id", "conversation-id", "workload", "tenant", "user", "feature", "environment")
    headers = {f"x-pointsman-{name}": f"the {name}" for name in names}

    made = made_of(headers=headers)

    assert made == Attribution(
        run_id="the run-id",
        conversation_id="the conversation-id",
        workload="the workload",
        tenant="the tenant",
        user="the user",
        feature="the feature",
        environment="the environment",
    )


def test_metadata_fills_what_no_header_said_and_becomes_tags():
    """GB-03, OBS-26: metadata fields are readable by rules, other types as compact JSON."""
    metadata = {
        "team_id": "search",
        "customer_id": 42,
        "feature": "chat",
        "environment": "dev",
        "complexity": "high",
        "beta": True,
        "sizes": [1, 2],
    }

    made = made_of(headers={"x-pointsman-feature": "ask"}, metadata=metadata)

    assert (made.team, made.customer, made.feature) == ("search", "42", "ask")
    assert (made.environment, made.complexity) == ("dev", "high")
    assert made.tags["sizes"] == "[1,2]"
    assert made.tags["beta"] == "true"
    assert made.tags["feature"] == "chat"


def test_the_header_prefix_follows_the_metadata_key():
    """A drop-in replacement keeps its own names."""
    settings = AttributionSettings(metadata_key="Router")
    headers = {"x-router-user": "ann", "x-pointsman-user": "bob"}

    assert made_of(settings=settings, headers=headers).user == "ann"


@pytest.mark.parametrize(
    ("headers", "claims", "user"),
    [
        ({"x-pointsman-user": "h"}, {"user": "b", "metadata": {"user_id": "m"}}, "h"),
        ({}, {"user": "b", "metadata": {"user_id": "m"}}, "b"),
        ({}, {"metadata": {"user_id": "m", "user": "n"}}, "m"),
        ({"x-pointsman-user": " \t"}, {"user": "b"}, "b"),
    ],
)
def test_a_header_wins_over_the_body_and_the_body_over_metadata(headers, claims, user):
    """Infrastructure knows better than the application's body."""
    assert made_of(headers=headers, **claims).user == user


def test_a_key_bound_to_a_user_wins_over_the_request():
    """PO-03: keys are bound to tenant and user."""
    principal = Principal(key_name="k", user="ann", team="core")

    made = made_of(principal, headers={"x-pointsman-user": "bob"}, metadata={"team": "x"})

    assert (made.user, made.team) == ("ann", "core")


def test_a_key_bound_to_a_tenant_wins_and_the_claim_is_counted():
    """GW-26: spoofing another tenant does nothing and is visible."""
    made = made_of(
        BOUND,
        headers={"x-pointsman-tenant": "victim"},
        tenant_id="victim",
        metadata={"tier": "enterprise"},
    )

    assert (made.tenant, made.plan) == ("acme", "pro")
    assert made.ignored == {"tenant": 1, "plan": 1}


def test_naming_the_own_tenant_is_not_spoofing():
    """A claim that agrees with the key is nothing to count."""
    made = made_of(BOUND, headers={"x-pointsman-tenant": "acme"}, metadata={"plan": "pro"})

    assert made.ignored == {}


def test_an_unbound_key_is_believed_only_when_it_may_set_the_tenant():
    """GW-26: otherwise its requests belong to the gateway's own tenant."""
    settings = AttributionSettings(tenant="home")
    headers = {"x-pointsman-tenant": "acme"}

    refused = made_of(UNBOUND, settings, headers, metadata={"tier": "enterprise"})
    believed = made_of(TRUSTED, settings, headers, metadata={"tier": "enterprise"})

    assert (refused.tenant, refused.plan) == ("home", None)
    assert refused.ignored == {"tenant": 1, "plan": 1}
    assert (believed.tenant, believed.plan, believed.ignored) == ("acme", "enterprise", {})


def test_the_body_may_name_the_tenant():
    """GW-19: `GATEWAY_TENANT_ID` or per request."""
    assert made_of(tenant_id="acme", settings=AttributionSettings(tenant="home")).tenant == "acme"


def test_tags_of_the_header_are_names_with_values():
    """A bare name is `true`; values are percent-decoded; the header wins over metadata."""
    headers = {"x-pointsman-tags": "team=search, beta ,note=a%2Cb%3Dc,=x,,empty="}

    made = made_of(headers=headers, metadata={"team": "other", "more": "1"})

    assert made.tags == {
        "team": "search",
        "beta": "true",
        "note": "a,b=c",
        "empty": "",
        "more": "1",
    }


def test_a_utf8_header_is_read_as_utf8():
    """HTTP hands Latin-1; clients send UTF-8."""
    sent = "Zoë".encode().decode("latin-1")

    assert made_of(headers={"x-pointsman-user": sent}).user == "Zoë"
    assert made_of(headers={"x-pointsman-user": "Zo\xeb"}).user == "Zoë"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\r\nx: y", "ax: y"),
        ("\x1b[31mred\x07", "[31mred"),
        ("abc\u202e\u2066def\u2028", "abcdef"),
        ("\x00", None),
        ("é" * 200, "é" * 128),
        ("x" * 5000, "x" * 256),
    ],
)
def test_values_lose_what_could_forge_a_line_and_what_is_too_long(sent, kept):
    """Control characters are stripped, values cut at 256 bytes and never within a character."""
    assert made_of(user=sent).user == kept


def test_at_most_32_tags_are_kept_and_the_rest_is_counted():
    """Bounds of the record: 32 tags, names of 64 bytes."""
    headers = {"x-pointsman-tags": ",".join(f"h{n}=1" for n in range(30))}
    metadata = {f"m{n}": "1" for n in range(10)}

    made = made_of(headers=headers, metadata=metadata)
    flooded = made_of(headers={"x-pointsman-tags": "a," * 50_000})
    long_name = made_of(metadata={"n" * (MAX_TAG_NAME_BYTES + 1): "1"})

    assert len(made.tags) == MAX_TAGS
    assert made.ignored == {"tags": 8}
    assert flooded.tags == {"a": "true"}
    assert long_name.tags == {}
    assert long_name.ignored == {"tags": 1}


def test_metadata_nested_beyond_measure_is_an_empty_tag():
    """A body may nest as deeply as the decoder allows; attribution never raises."""
    nested: list = []
    for _ in range(100_000):
        nested = [nested]

    made = made_of(metadata={"deep": nested, "ok": "1"})

    assert made.tags == {"deep": "", "ok": "1"}
    while nested:
        nested = nested.pop()


def test_a_number_too_long_for_the_standard_library_is_no_reason_to_fail():
    """Integers of JSON have no bound; those of `str` do."""
    assert made_of(metadata={"user_id": 10**200}).user == "1" + "0" * 200


@given(
    st.dictionaries(
        st.sampled_from([f"x-pointsman-{n}" for n in ("tags", "user", "tenant", "run-id")]),
        st.text(st.characters(max_codepoint=255), max_size=400),
    ),
    st.none() | text,
    st.none() | text,
    st.none() | st.dictionaries(text, json_value, max_size=40),
    st.sampled_from([ANONYMOUS, BOUND, UNBOUND, TRUSTED]),
)
def test_whatever_is_claimed_the_result_is_bounded_and_the_tenant_is_not_spoofed(
    headers, user, tenant_id, metadata, principal
):
    """GW-26: no claim raises, escapes its bound, or moves a bound or untrusted key."""
    claims = Claims(headers, user, tenant_id, metadata)

    made = attribute(claims, principal, SETTINGS)

    if principal.tenant is not None:
        assert made.tenant == principal.tenant
    elif not principal.may_set_tenant:
        assert made.tenant is None
    assert len(made.tags) <= MAX_TAGS
    for value in [made.user, made.tenant, made.run_id, made.feature, *made.tags.values()]:
        assert value is None or len(value.encode()) <= MAX_VALUE_BYTES
        assert value is None or not any(ord(c) < 32 or ord(c) == 127 for c in value)
    msgspec.json.encode(made)


def test_applying_fills_record_and_facts_alike():
    """Conditions read what the record shows."""
    record = CallRecord(schema=SCHEMA, request_id="r", trace_id="t", span_id="s", started_unix_ns=0)
    facts = Facts()
    made = made_of(
        BOUND,
        headers={"x-pointsman-tenant": "victim", "x-pointsman-tags": "a=b"},
        metadata={"complexity": "low", "customer": "c"},
    )

    apply(made, record, facts)

    assert (record.key, record.tenant, record.plan) == ("ci", "acme", "pro")
    assert (facts.key, facts.tenant, facts.tier) == ("ci", "acme", "pro")
    assert (record.customer, facts.customer, facts.complexity) == ("c", "c", "low")
    assert record.tags == facts.tags == {"a": "b", "complexity": "low", "customer": "c"}
    assert record.policy == [PolicyOutcome("attribution", "claims_ignored", {"tenant": 1})]
