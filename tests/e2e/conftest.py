"""A gateway with the mock provider, and one with a live OpenAI-compatible server behind it."""

import subprocess
from collections.abc import Iterator

import pytest

from running_gateway import RunningGateway, clean_environment, command, running_gateway


@pytest.fixture(scope="module")
def mock_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """What a newcomer gets: no file, no keys, the mock provider."""
    with running_gateway(tmp_path_factory.mktemp("mock")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scripted provider on a socket; yields its base URL."""
    script = tmp_path_factory.mktemp("upstream") / "script.yaml"
    script.write_text(
        """
rules:
  - match: {label: tools}
    repeat: true
    steps:
      - tool_call: {name: get_weather, arguments: '{"city":"Oslo"}'}
        finish_reason: tool_calls
  - match: {model: broken}
    repeat: true
    steps: [{status: 500}]
  - match: {model: picky}
    repeat: true
    steps:
      - status: 400
        body:
          error:
            message: temperature is too high
            type: invalid_request_error
            param: temperature
            code: bad_value
"""
    )
    process = subprocess.Popen(
        command("mock", "--script", script), stdout=subprocess.PIPE, env=clean_environment()
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    yield line.split(" on ")[1].split(" ")[0]
    process.terminate()
    process.wait(10)
    process.stdout.close()


LIVE = """
server: {{strict: false}}
providers:
  live:
    kind: openai
    base_url: "{base_url}"
    api_key: "planted-upstream-credential"
    default: true
    forwards_metadata: true
targets:
  small: {{provider: live, model: gpt-4o-mini}}
  large: {{provider: live, model: gpt-4o}}
  broken: {{provider: live, model: broken}}
routes:
  auto:
    rules:
      - {{when: {{chars: "<= 1000"}}, use: small, reason: short_prompt_default}}
      - {{use: large, reason: long_prompt_upgrade}}
  resilient: {{targets: [broken, large]}}
"""


@pytest.fixture(scope="module")
def live_gateway(
    upstream: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway with a real OpenAI-compatible server behind a socket."""
    folder = tmp_path_factory.mktemp("live")
    with running_gateway(folder, config=LIVE.format(base_url=upstream)) as gateway:
        yield gateway
