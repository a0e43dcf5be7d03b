"""Reading a request for embeddings: decode the body once, collect what decisions may use."""

from pointsman.core.dialect import Asked
from pointsman.core.errors import InvalidRequestError
from pointsman.core.facts import Facts
from pointsman.dialects.reading import AUTO, read_body
from pointsman.wire.openai.embeddings import EmbeddingsRequest, decode_request


def read_embeddings(body: bytes, *, path: str, dialect: str) -> Asked:
    """Read the body of a request for embeddings.

    Args:
        body: As it came.
        path: Of the route it came by.
        dialect: Name of the dialect of that route.

    Raises:
        InvalidRequestError: Not JSON, not the shape of a request, or nothing to embed.
    """
    request = read_body(decode_request, body, "an embeddings request")
    texts, tokens = inputs_of(request)
    characters = sum(map(len, texts))
    counted = sum(map(len, tokens))
    return Asked(
        facts=Facts(
            endpoint=path,
            dialect=dialect,
            operation="embeddings",
            model=request.model if request.model is not None else AUTO,
            characters=characters,
            estimated_input_tokens=counted + (characters + 3) // 4,
            message_count=len(texts) or len(tokens),
        ),
        model=request.model,
        wants_usage=True,
        user=request.user,
        tenant_id=request.tenant_id,
        metadata=request.metadata,
    )


def inputs_of(request: EmbeddingsRequest) -> tuple[list[str], list[list[int]]]:
    """Return the inputs as texts or as token ids; one of the two is empty.

    Raises:
        InvalidRequestError: There is none, or they are mixed.
    """
    given = request.input
    if isinstance(given, str):
        return [given], []
    texts = [each for each in given if isinstance(each, str)]
    ids = [each for each in given if isinstance(each, int)]
    lists = [each for each in given if isinstance(each, list)]
    if not given or len(given) not in (len(texts), len(ids), len(lists)):
        raise InvalidRequestError(
            "input must be a text, texts, token ids or lists of token ids, and not be empty",
            param="input",
        )
    return texts, [ids] if ids else lists
