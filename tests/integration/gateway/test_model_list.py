"""The list of models as the official clients of both vendors read it."""

from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from running_gateway import running_gateway

CONFIG = """
providers: {m: {kind: mock}}
targets: {small: {provider: m, model: org/gpt-4o-mini}}
routes: {auto: {rules: [{use: small}]}}
"""
NAMES = ["auto", "small", "org/gpt-4o-mini"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with one target."""
    folder: Path = tmp_path_factory.mktemp("models")
    with running_gateway(folder, config=CONFIG) as gateway:
        yield gateway.url


def test_openai_lists_and_retrieves_by_name(url: str):
    """AP-22: names may hold slashes; one that nobody declared is a 404."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == NAMES
        assert client.models.retrieve("org/gpt-4o-mini").owned_by == "m"
        with pytest.raises(openai.NotFoundError) as raised:
            client.models.retrieve("nobody")

    assert raised.value.code == "model_not_found"


def test_anthropic_lists_and_retrieves_by_name(url: str):
    """The official client says which API it speaks, and reads its own shape."""
    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == NAMES
        assert client.models.retrieve("small").type == "model"
