"""The mock's embeddings, in process and over its socket."""

import json

import pytest

from pointsman.config.provider import ProviderConfig
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer
from pointsman.providers.openai.embeddings import decode_embedding
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify
from provider_requests import request_in
from provider_scenarios import CLOCK


@pytest.fixture(params=["in process", "over a socket"])
async def stage(request: pytest.FixtureRequest, tmp_path):
    """Build a provider that plays the steps given."""
    closing = []

    async def put(*steps):
        script = {"rules": [{"steps": list(steps)}]} if steps else {}
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))
        config = ProviderConfig(kind="mock", script=str(path))
        if request.param == "over a socket":
            server = MockServer(ScriptPlayer(parse_script(script)), CLOCK)
            await server.start()
            closing.append(server)
            config = ProviderConfig(kind="openai", base_url=f"http://127.0.0.1:{server.port}/v1")
        closing.insert(0, build("p", config, CLOCK, classify))
        return closing[0]

    yield put
    for part in closing:
        await part.close()


def asking(**fields):
    body = json.dumps({"model": "m", "input": ["hello", "there"], **fields}).encode()
    return request_in("openai.embeddings", body, model="m")


async def test_the_same_text_has_the_same_vector_in_both_forms(stage):
    """Deterministic, of length one, as many numbers as asked for; base64 says the same."""
    provider = await stage()

    numbers = await provider.complete(asking(dimensions=16))
    packed = await provider.complete(asking(dimensions=16, encoding_format="base64"))

    found = decode_embedding(numbers.body, 200, None)
    assert found.vectors == decode_embedding(packed.body, 200, None).vectors
    assert [len(vector) for vector in found.vectors] == [16, 16]
    assert sum(number**2 for number in found.vectors[0]) == pytest.approx(1.0, abs=1e-5)
    assert found.vectors[0] != found.vectors[1]
    assert numbers.usage is not None
    assert numbers.usage.input_tokens == 4


async def test_a_script_can_fail_embeddings(stage):
    """As any other call."""
    provider = await stage({"status": 429, "headers": {"Retry-After": "3"}}, {})

    with pytest.raises(UpstreamError) as caught:
        await provider.complete(asking())

    assert caught.value.failure_class is FailureClass.RATE_LIMITED
    assert (await provider.complete(asking())).usage is not None
