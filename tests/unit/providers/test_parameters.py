"""What a provider cannot be told is refused, mapped or dropped, and never silently."""

import json

import pytest

from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.parameters import Parameters


def test_drop_maps_and_drops_and_says_so():
    """GB-01, field notes 8.14: each change is a line of the record."""
    changed: list[str] = []
    parameters = Parameters("drop", "claude", changed)

    parameters.map("temperature", "1.4 -> 1")
    parameters.drop("logit_bias")
    parameters.note("max_tokens", "absent -> 4096")

    assert changed == ["temperature: 1.4 -> 1", "logit_bias: dropped", "max_tokens: absent -> 4096"]


def test_map_refuses_what_has_no_equivalent():
    """The nearest equivalent is as far as `map` goes."""
    changed: list[str] = []
    parameters = Parameters("map", "claude", changed)

    parameters.map("temperature", "1.4 -> 1")
    with pytest.raises(UpstreamError) as caught:
        parameters.drop("logit_bias")

    assert changed == ["temperature: 1.4 -> 1"]
    assert "logit_bias" in str(caught.value)


def test_strict_refuses_every_change_that_loses_something():
    """A refusal is the caller's to mend: 400, the parameter, the provider, a code."""
    parameters = Parameters("strict", "claude", [])

    parameters.note("model", "auto -> m")
    with pytest.raises(UpstreamError) as caught:
        parameters.map("temperature", "1.4 -> 1")

    error = caught.value
    assert error.failure_class is FailureClass.CALLER_FAULT
    assert (error.upstream_status, error.upstream_code) == (400, "unsupported_parameter")
    assert json.loads(error.upstream_body)["error"] == {
        "message": "temperature cannot be carried exactly by provider claude",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": "unsupported_parameter",
    }
