"""The body that is sent: the client's own bytes, but for what must change."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.openai.encode import EncodeSettings, encode_body
from provider_scenarios import call

NEVER = EncodeSettings()


def test_a_body_that_needs_no_change_is_forwarded_as_it_is():
    """GW-02, GW-15: not a byte is touched, odd spacing and unknown parameters included."""
    body = b'{ "model" : "meta/llama-3.3-70b-instruct","messages":[],  "top_k": 1.0e2 }'

    sent, changes = encode_body(call(body, model="meta/llama-3.3-70b-instruct"), NEVER)

    assert sent is body
    assert changes == []


def test_only_the_model_changes_and_every_other_value_keeps_its_bytes():
    """GW-15: numbers, escapes and unknown parameters stay as the client wrote them."""
    body = rb'{"model":"auto","x":1.50,"messages":[{"role":"user","content":"\u00e9\/"}],"z":1e400}'

    sent, changes = encode_body(call(body), NEVER)

    assert sent == body.replace(b'"auto"', b'"gpt-4o-mini"')
    assert changes == ["model: auto -> gpt-4o-mini"]


def test_a_body_without_a_model_gets_one():
    """`auto` may be left out by the client; a provider wants a name."""
    sent, changes = encode_body(call(b'{"messages":[]}'), NEVER)

    assert json.loads(sent) == {"messages": [], "model": "gpt-4o-mini"}
    assert changes == ["model: absent -> gpt-4o-mini"]


def test_keys_for_the_gateway_are_dropped():
    """CP-13, CP-20: the tenant never reaches a provider."""
    request = call(extra={"tenant_id": "acme", "user": "u"}, drop_keys=("tenant_id",))

    sent, changes = encode_body(request, NEVER)

    assert "tenant_id" not in json.loads(sent)
    assert json.loads(sent)["user"] == "u"
    assert "tenant_id: dropped" in changes


@pytest.mark.parametrize(
    ("policy", "extra", "stays"),
    [
        ("never", {}, False),
        ("always", {}, True),
        ("with_store", {}, False),
        ("with_store", {"store": False}, False),
        ("with_store", {"store": True}, True),
    ],
)
@pytest.mark.parametrize("drop_keys", [(), ("tenant_id", "metadata")])
def test_metadata_goes_only_where_it_is_taken(
    policy: str, extra: dict[str, Any], stays: bool, drop_keys: tuple[str, ...]
):
    """CP-20: OpenAI answers 400 to metadata without `store: true`."""
    request = call(extra={"metadata": {"a": "b"}, **extra}, model="auto", drop_keys=drop_keys)

    sent, changes = encode_body(request, EncodeSettings(metadata=policy))

    assert ("metadata" in json.loads(sent)) is stays
    assert changes == ([] if stays else ["metadata: dropped"])


@pytest.mark.parametrize(
    ("options", "expected", "change"),
    [
        (..., {"include_usage": True}, "absent"),
        (None, {"include_usage": True}, "absent"),
        ({"include_usage": False}, {"include_usage": True}, "false"),
        ({"x": 1}, {"x": 1, "include_usage": True}, "absent"),
    ],
)
def test_streams_always_ask_for_their_usage(options: Any, expected: Any, change: str):
    """AP-14: what else the client set in `stream_options` is kept."""
    extra = {} if options is ... else {"stream_options": options}
    request = call(extra=extra, stream=True, model="auto")

    sent, changes = encode_body(request, NEVER)

    assert json.loads(sent)["stream_options"] == expected
    assert changes == [f"stream_options.include_usage: {change} -> true"]


def test_a_client_that_asks_for_usage_itself_keeps_its_bytes():
    """Nothing must change, so nothing does."""
    request = call(stream=True, wants_usage=True, model="auto")

    assert encode_body(request, NEVER) == (request.body, [])


def test_a_provider_that_refuses_stream_options_is_not_asked():
    """Mistral answers 422 to `include_usage` and sends usage unasked."""
    request = call(stream=True, model="auto")

    assert encode_body(request, EncodeSettings(takes_stream_options=False)) == (request.body, [])


def test_stream_options_that_are_no_object_are_left_to_the_provider():
    """The mistake is the client's; the provider's answer tells it so."""
    request = call(stream=True, model="auto", extra={"stream_options": 7})

    assert encode_body(request, NEVER) == (request.body, [])


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b'{"a":'])
def test_a_body_that_is_no_object_is_refused(body: bytes):
    """The gateway has decoded it before; here it is only not forwarded."""
    request = call()
    request.body = body

    with pytest.raises(ValueError):
        encode_body(request, NEVER)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
keys = st.text(max_size=8).filter(lambda key: key not in ("model", "metadata", "tenant_id"))


@given(
    st.dictionaries(keys, json_values, max_size=6),
    st.booleans(),
    st.text(min_size=1, max_size=10).filter(lambda name: name.isprintable()),
    st.booleans(),
)
def test_what_is_not_meant_to_change_never_does(fields, ascii_only: bool, model: str, tenant: bool):
    """GW-15: for any body, the values of all other keys have the very same bytes."""
    whole = {**fields, "model": "auto", **({"tenant_id": "t"} if tenant else {})}
    body = json.dumps(whole, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    request = call(body, model=model, drop_keys=("tenant_id",) if tenant else ())

    try:
        before = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    sent, _ = encode_body(request, NEVER)
    after = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])

    assert json.loads(sent)["model"] == model
    assert {key: bytes(after[key]) for key in fields} == {key: bytes(before[key]) for key in fields}
    assert "tenant_id" not in after
