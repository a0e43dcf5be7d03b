"""Embeddings as clients speak them."""

import base64
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from pointsman.core.canonical.embedding import EmbeddingAnswer
from pointsman.core.errors import InvalidRequestError
from pointsman.core.usage import Usage
from pointsman.dialects.openai_embeddings.dialect import OpenAiEmbeddings

DIALECT = OpenAiEmbeddings()
FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1)


def body(given: object, **fields: object) -> bytes:
    return msgspec.json.encode({"model": "m", "input": given, **fields})


@pytest.mark.parametrize(
    ("given", "texts", "tokens", "estimated"),
    [
        ("ωέλς!", ["ωέλς!"], [], 2),
        (["a", "bcde"], ["a", "bcde"], [], 2),
        ([1, 2, 3], [], [[1, 2, 3]], 3),
        ([[1, 2], [3]], [], [[1, 2], [3]], 3),
    ],
)
def test_inputs_are_texts_or_token_ids(
    given: object, texts: list[str], tokens: list[list[int]], estimated: int
):
    """All four forms of the API; token ids count as what they are."""
    decoded = DIALECT.decode_embedding(body(given))
    facts = DIALECT.read(body(given)).facts

    assert (decoded.texts, decoded.tokens) == (texts, tokens)
    assert (facts.estimated_input_tokens, facts.operation) == (estimated, "embeddings")


@pytest.mark.parametrize("given", [[], ["a", 1], [[1], "a"]])
def test_nothing_or_a_mixture_is_refused(given: object):
    """The error names the parameter."""
    with pytest.raises(InvalidRequestError) as raised:
        DIALECT.read(body(given))

    assert raised.value.param == "input"


def test_further_parameters_are_kept_by_name():
    """A provider that does not know them says so; they are not dropped here."""
    decoded = DIALECT.decode_embedding(body("a", dimensions=8, input_type="query", tenant_id="x"))

    assert decoded.dimensions == 8
    assert list(decoded.extras) == ["input_type"]


@given(st.lists(FLOATS, min_size=1, max_size=4))
def test_vectors_come_back_as_numbers_or_in_base64(vectors: list[list[float]]):
    """Both forms hold the same 32-bit floats, in the order of the inputs."""
    answer = EmbeddingAnswer(model="m", vectors=vectors, usage=Usage(input_tokens=3))
    plain = DIALECT.encode_embedding(answer, body("a"))
    packed = msgspec.json.decode(
        DIALECT.encode_embedding(answer, body("a", encoding_format="base64"))
    )

    told = CreateEmbeddingResponse.model_validate_json(plain, strict=True)
    assert [each.embedding for each in told.data] == vectors
    assert (told.usage.prompt_tokens, told.usage.total_tokens) == (3, 3)
    for position, each in enumerate(packed["data"]):
        raw = base64.b64decode(each["embedding"])
        assert list(struct.unpack(f"<{len(raw) // 4}f", raw)) == vectors[position]
        assert each["index"] == position


def test_numbers_beyond_32_bits_become_the_largest_that_fit():
    """A provider's number must not break an answer in base64."""
    answer = EmbeddingAnswer(model="m", vectors=[[1e308, -1e308]])
    body = b'{"input":"x","encoding_format":"base64"}'

    (vector,) = msgspec.json.decode(OpenAiEmbeddings().encode_embedding(answer, body))["data"]

    assert struct.unpack("<2f", base64.b64decode(vector["embedding"])) == pytest.approx(
        (3.4028234663852886e38, -3.4028234663852886e38)
    )
