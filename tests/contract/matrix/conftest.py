"""What all cells of the matrix share."""

from collections.abc import Iterator

import pytest

from matrix_field import Field, matrix_field
from sdk_clients import Ask
from vercel_sdk import vercel_client


@pytest.fixture(scope="session")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """The gateway and its vendors."""
    with matrix_field(tmp_path_factory.mktemp("matrix")) as made:
        yield made


@pytest.fixture(scope="session")
def vercel() -> Iterator[Ask]:
    """The Vercel AI SDK, in one process for all cells."""
    with vercel_client() as ask:
        yield ask
