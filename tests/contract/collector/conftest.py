"""One collector for each test, on a real socket with a real store."""

import pytest

from serving_collector import serving_collector


@pytest.fixture
async def collector(tmp_path):
    async with serving_collector(tmp_path) as serving:
        yield serving
