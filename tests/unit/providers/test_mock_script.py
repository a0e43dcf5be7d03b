"""Scripts of the mock: typed, told what is wrong, dealt out by rule and call number."""

import json

import msgspec
import pytest

from pointsman.core.clock import ManualClock
from pointsman.core.errors import ConfigError
from pointsman.providers.mock.performance import Send, Stop, perform
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import Script, load_script, parse_script

BODY = json.dumps(
    {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "metadata": {"mock": "m"}}
).encode()


def write(tmp_path, text: str) -> str:
    path = tmp_path / "script.yaml"
    path.write_text(text)
    return str(path)


def test_a_script_is_read_from_yaml_with_durations(tmp_path):
    """Delays are written as everywhere else in the configuration."""
    path = write(
        tmp_path,
        "rules:\n- match: {model: 'gpt-*'}\n  repeat: true\n  steps:\n"
        "  - {status: 429, headers: {retry-after: '1'}, times: 2}\n"
        "  - {first_chunk_delay: 50ms, chunk_delay: 0.5}\n",
    )

    rule = load_script(path).rules[0]

    assert rule.steps[0].headers == {"retry-after": "1"}
    assert rule.steps[1].first_chunk_delay == 0.05
    assert rule.steps[1].chunk_delay == 0.5


def test_an_empty_file_is_an_empty_script(tmp_path):
    """Nothing is scripted, so every answer is plain."""
    assert load_script(write(tmp_path, "")) == Script()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [{steps: [{statsu: 429}]}]", "statsu"),
        ("rules: [{steps: [{head_delay: soon}]}]", "soon"),
        ("rules: [{steps: []}]", "steps"),
        ("rules: [{steps: [{times: 0}]}]", "times"),
        ("rules: {", "not YAML"),
        ("[1]", "array"),
    ],
)
def test_a_wrong_script_is_told_where(tmp_path, text: str, said: str):
    """One clear line with the place, no traceback."""
    with pytest.raises(ConfigError) as caught:
        load_script(write(tmp_path, text))

    assert said in str(caught.value)


def test_a_script_that_is_not_there_is_told(tmp_path):
    """The path is in the message."""
    with pytest.raises(ConfigError) as caught:
        load_script(str(tmp_path / "none.yaml"))

    assert "none.yaml" in str(caught.value)


def statuses(rule: dict, calls: int) -> list[int]:
    player = ScriptPlayer(parse_script({"rules": [rule]}))
    return [player.next_step("m", None, stream=False).status for _ in range(calls)]


def test_steps_play_by_call_number_and_the_last_one_stays():
    """An outage that begins and does not end."""
    steps = [{"times": 2}, {"status": 500}]

    assert statuses({"steps": steps}, 5) == [200, 200, 500, 500, 500]


def test_repeated_steps_flap():
    """Up and down in a fixed pattern."""
    steps = [{"times": 2}, {"status": 500}]

    assert statuses({"steps": steps, "repeat": True}, 6) == [200, 200, 500] * 2


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, 500),
        ({"model": "gpt-*"}, 500),
        ({"model": "claude-*"}, 200),
        ({"label": "m"}, 500),
        ({"label": "other"}, 200),
        ({"stream": False}, 500),
        ({"stream": True}, 200),
        ({"model": "gpt-4o", "label": "m", "stream": False}, 500),
    ],
)
def test_a_rule_is_for_the_calls_that_match_all_of_it(match, expected: int):
    """By model, by label in metadata, by stream."""
    player = ScriptPlayer(parse_script({"rules": [{"match": match, "steps": [{"status": 500}]}]}))

    assert perform(BODY, None, player, ManualClock()).status == expected


def test_the_header_label_outranks_the_metadata():
    """`x-mock` says it for one connection of many."""
    script = {"rules": [{"match": {"label": "h"}, "steps": [{"status": 500}]}]}
    player = ScriptPlayer(parse_script(script))

    assert perform(BODY, "h", player, ManualClock()).status == 500


def test_each_rule_counts_its_own_calls():
    """A rule for one model is not moved on by calls to another."""
    flaky = {"match": {"model": "a"}, "steps": [{"status": 500}, {}]}
    player = ScriptPlayer(parse_script({"rules": [flaky]}))

    seen = [player.next_step(model, None, stream=False).status for model in ("b", "b", "a", "a")]

    assert seen == [200, 200, 500, 200]


def test_a_body_that_is_no_request_gets_the_error_of_the_api():
    """GW-15: a mock is as strict as the real one about messages."""
    player = ScriptPlayer(Script())

    for body in (b"", b"{}", b"[1]", b"[" * 100_000):
        performance = perform(body, None, player, ManualClock())
        assert performance.status == 400
        assert isinstance(performance.actions[0], Send)
        assert b"invalid_request_error" in performance.actions[0].data


def test_the_same_call_gives_the_same_bytes():
    """Deterministic: two mocks with one history answer alike."""
    one, other = (perform(BODY, None, ScriptPlayer(Script()), ManualClock()) for _ in range(2))

    assert msgspec.json.encode(one.headers) == msgspec.json.encode(other.headers)
    assert one.actions == other.actions


def test_the_echo_is_bounded():
    """GW-10: prefix and the last user text, of which two hundred characters."""
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 9999}]}).encode()

    performance = perform(body, None, ScriptPlayer(Script()), ManualClock())

    assert isinstance(performance.actions[0], Send)
    answer = json.loads(performance.actions[0].data)
    assert answer["choices"][0]["message"]["content"] == (
        "Mock gateway response from mock: " + "x" * 200
    )
    assert answer["usage"]["prompt_tokens"] == 2500
    assert answer["created"] == 1_790_000_000


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_a_cut_by_bytes_leaves_exactly_that_many(cut: int):
    """The same bytes in process and over a socket."""
    body = BODY[:-1] + b',"stream":true}'
    player = ScriptPlayer(parse_script({"rules": [{"steps": [{"cut_after_bytes": cut}]}]}))

    actions = perform(body, None, player, ManualClock()).actions

    assert sum(len(action.data) for action in actions if isinstance(action, Send)) == cut
    assert actions[-1] == Stop("close")
